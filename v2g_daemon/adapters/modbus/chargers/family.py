"""What all chargers over Modbus have in common: meeting one, and looking at it by its profile."""

from __future__ import annotations

from abc import ABC, abstractmethod

from v2g_daemon.adapters.modbus.chargers.profile import ChargerProfile, Condition, IdentityTable
from v2g_daemon.adapters.modbus.chargers.registers import Registers
from v2g_daemon.adapters.modbus.chargers.translate import MOST_PLAUSIBLE_W, Seen
from v2g_daemon.adapters.modbus.profile import Every
from v2g_daemon.domain.errors import DeviceProtocolError, DeviceRejectedCommand

ERRORS = ("error_1", "error_2", "error_3", "error_4")


class ChargerFamily(ABC):
    """One charger; a family adds what must be written in which order. All may raise DeviceError.

    `refreshes`: what was told runs out in the device unless it is told again; others need no more
    than being spoken to.
    """

    refreshes = False

    def __init__(self, registers: Registers, profile: ChargerProfile) -> None:
        self.registers = registers
        self.profile = profile

    async def meet(self) -> None:
        """Look at the device anew; DeviceProtocolError where it is not what the profile says."""
        self.registers.forget()
        await self._locate()
        await self.registers.read(Every.ONCE, Every.SLOW, Every.FAST)
        for wanted in self.profile.identity:
            self._check(wanted)

    @property
    def serial(self) -> str | None:
        """Its serial number, once met."""
        return self.registers.text("serial")

    async def look(self, *, thoroughly: bool) -> Seen:
        """What it does now; `thoroughly` also reads back what we wrote."""
        await self.registers.read(*((Every.FAST, Every.SLOW) if thoroughly else (Every.FAST,)))
        return self.seen()

    def seen(self) -> Seen:
        """What the registers said last."""
        registers = self.registers
        power_w = registers.number("power_w")
        if power_w is None or abs(power_w) > MOST_PLAUSIBLE_W:
            said = "no power" if power_w is None else f"a power of {power_w:g} W"
            raise DeviceProtocolError(f"{registers.name} reads {said}; check profile and unit id")
        condition, said = self._condition()
        return Seen(
            condition=condition,
            said=said,
            power_w=power_w,
            soc=registers.number("soc"),
            lowest_w=self._lowest_w(),
            highest_w=registers.number("highest_w"),
            min_charge_w=registers.number("least_charge_w") or 0.0,
            charge_wh=registers.number("charge_wh"),
            discharge_wh=registers.number("discharge_wh"),
            evccid=registers.text("evccid"),
            trouble=self._trouble(condition, said),
        )

    @abstractmethod
    async def take(self, watchdog_s: int) -> None:
        """Take control, with the device's own end of a command armed; after a thorough look."""

    @abstractmethod
    async def tell(self, power_w: float, seen: Seen) -> None:
        """Have it charge (+) or discharge (−); DeviceRejectedCommand with the device's reason."""

    @abstractmethod
    async def rest(self) -> None:
        """0 W."""

    @abstractmethod
    async def release(self) -> None:
        """Give it back to its own app, or whatever commanded it before us."""

    async def _locate(self) -> None:
        """Find registers that stand elsewhere in each device."""
        return

    def _condition(self) -> tuple[Condition, str]:
        """Its state, and what that is called."""
        state = self.registers.number("state")
        if state is None:
            raise DeviceProtocolError(f"{self.registers.name} does not tell its state")
        number = int(state)
        said = self.profile.states.text.get(number, "not known")
        condition = self.profile.states.of(number)
        if condition is None:
            return Condition.FAILED, f"state {number}, which its profile does not know"
        return condition, f"state {number}, {said}"

    def _trouble(self, condition: Condition, said: str) -> str | None:
        """What it says is wrong with it."""
        errors = [
            f"{name} = {int(value):#x}"
            for name in ERRORS
            if (value := self.registers.number(name)) is not None and value != 0.0
        ]
        if condition is not Condition.FAILED and not errors:
            return None
        return ", ".join([said, *errors])

    def _lowest_w(self) -> float | None:
        """What discharge it offers now; None: it does not tell."""
        types = self.profile.discharge.session_types
        session_type = self.registers.number("session_type")
        if types and (session_type is None or int(session_type) not in types):
            return 0.0
        lowest_w = self.registers.number("lowest_w")
        return None if lowest_w is None else min(lowest_w, 0.0)

    def _check(self, wanted: IdentityTable) -> None:
        name, registers = wanted.point, self.registers
        if wanted.contains is not None:
            said = registers.text(name) or ""
            if wanted.contains.lower() not in said.lower():
                raise DeviceProtocolError(
                    f"{registers.name} says that its {name} is {said!r}: no {self.profile.name}"
                )
            return
        value = registers.number(name)
        lowest, highest = wanted.lowest, wanted.highest
        fits = (
            value is not None
            and (lowest is None or lowest <= value)
            and (highest is None or value <= highest)
        )
        if not fits:
            shown = "nothing" if value is None else f"{value:g}"
            raise DeviceProtocolError(
                f"{registers.name} has {shown} as {name}: no {self.profile.name}"
            )

    async def _set_and_confirm(self, power_w: float) -> None:
        """Write the setpoint and read it back: some devices confirm what they then do not take."""
        await self.registers.write("setpoint_w", power_w)
        await self.registers.confirm("setpoint_w")

    def _cannot_discharge(self) -> DeviceRejectedCommand:
        return DeviceRejectedCommand(
            f"{self.registers.name} cannot be told to discharge: {self.profile.discharge.because}"
        )
