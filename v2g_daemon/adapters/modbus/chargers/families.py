"""The families: how each kind of charger is taken, told, brought to rest and given back."""

from __future__ import annotations

from v2g_daemon.adapters.modbus.chargers.family import ChargerFamily
from v2g_daemon.adapters.modbus.chargers.profile import ChargerProfile, Condition, FamilyName
from v2g_daemon.adapters.modbus.chargers.registers import Registers
from v2g_daemon.adapters.modbus.chargers.sunspec_der import SunSpecDer
from v2g_daemon.adapters.modbus.chargers.translate import Seen
from v2g_daemon.domain.errors import DeviceProtocolError

_STARTED, _STOPPED = 1, 2
_CONNECTOR_HEAD = 6  # state, session state and session type, 32 bits each


class WallboxQuasar(ChargerFamily):
    """Remote control first, without which nothing else is taken; the setpoint before the start."""

    _is_started = False

    @property
    def serial(self) -> str | None:
        """Two registers make one number."""
        high, low = self.registers.number("serial_high"), self.registers.number("serial_low")
        return None if high is None or low is None else str((int(high) << 16) + int(low))

    async def take(self, watchdog_s: int) -> None:
        """No start by itself at a plug-in, powers instead of currents, and idle without us."""
        self._is_started = False
        await self.registers.ensure("control", 1)
        await self.registers.ensure("autostart", 0)
        await self.registers.ensure("setpoint_kind", 1)
        await self.registers.ensure("timeout_s", watchdog_s)

    async def tell(self, power_w: float, seen: Seen) -> None:
        """A start before the setpoint would run the one before for a moment."""
        await self._set_and_confirm(power_w)
        stands = seen.condition in (Condition.READY, Condition.ELSEWHERE)
        if stands or not self._is_started:
            await self.registers.write("action", _STARTED)
            self._is_started = True

    async def rest(self) -> None:
        """Stopped, and without a setpoint that a later start could find."""
        await self.registers.write("action", _STOPPED)
        self._is_started = False
        await self.registers.ensure("setpoint_w", 0)

    async def release(self) -> None:
        """Giving up the remote control sets autostart, kind and time-out back by itself."""
        await self.rest()
        await self.registers.write("control", 0)
        self.registers.forget()


class EvtecBiDiPro(ChargerFamily):
    """A setpoint is all that counts: its "suspend" is documented, and does nothing."""

    _timeout_before_s: float | None = None

    async def _locate(self) -> None:
        """The lowest connector that is configured, where the house names none."""
        if self.registers.connector > 0:
            return
        for connector in range(1, self.profile.connectors + 1):
            if any(await self.registers.raw(100 * connector, _CONNECTOR_HEAD)):
                self.registers.connector = connector
                return
        raise DeviceProtocolError(f"{self.registers.name} has no connector that is configured")

    async def take(self, watchdog_s: int) -> None:
        """What it falls back to without us is 0 W."""
        if self._timeout_before_s is None:
            self._timeout_before_s = self.registers.number("timeout_s")
        await self.registers.ensure("fallback_w", 0)
        await self.registers.ensure("timeout_s", watchdog_s)

    async def tell(self, power_w: float, seen: Seen) -> None:
        """Outside the windows that it shows it refuses; inside them it is kept by our limits."""
        await self._set_and_confirm(power_w)

    async def rest(self) -> None:
        """0 W; the session with the car stays."""
        await self._set_and_confirm(0.0)

    async def release(self) -> None:
        """With the time-out that it had."""
        await self.rest()
        if self._timeout_before_s is not None:
            await self.registers.ensure("timeout_s", self._timeout_before_s)
        self.registers.forget()


class Ambibox(ChargerFamily):
    """One target, which may have to wake it first."""

    def seen(self) -> Seen:
        """Its session state says nothing of an empty outlet."""
        return super().seen()

    def _condition(self) -> tuple[Condition, str]:
        if self.registers.number("connected") == 0:
            return Condition.EMPTY, "no car"
        if (self.registers.number("replug") or 0.0) != 0.0:
            return Condition.FAILED, "the car must be unplugged and plugged in again"
        return super()._condition()

    async def take(self, watchdog_s: int) -> None:
        """There is nothing to take, and nothing to arm."""
        return

    async def tell(self, power_w: float, seen: Seen) -> None:
        """Asleep it takes no target."""
        if (self.registers.number("asleep") or 0.0) != 0.0:
            await self.registers.write("wake", 1)
        await self._set_and_confirm(power_w)

    async def rest(self) -> None:
        """0 W."""
        await self._set_and_confirm(0.0)

    async def release(self) -> None:
        """At rest."""
        await self.rest()
        self.registers.forget()


class SigenergyEvdc(ChargerFamily):
    """Limits only; a limit of 0 W would latch an error in the car, so that 0 W is a stop."""

    _is_started = False

    async def take(self, watchdog_s: int) -> None:
        """There is nothing to take, and nothing to arm."""
        return

    async def tell(self, power_w: float, seen: Seen) -> None:
        """The limit before the start; never below the least that is known to work."""
        if power_w < self.profile.min_charge_w:
            raise self._cannot_discharge()
        await self.registers.ensure("setpoint_w", power_w)
        if not self._is_started or seen.condition is not Condition.RUNNING:
            await self.registers.write("stop", 0)
            self._is_started = True

    async def rest(self) -> None:
        """Stopped; the limit stays what it was."""
        await self.registers.write("stop", 1)
        self._is_started = False

    async def release(self) -> None:
        """Started: without us the car charges at the last limit, which was safe without us."""
        await self.registers.write("stop", 0)
        self.registers.forget()


_FAMILIES: dict[FamilyName, type[ChargerFamily]] = {
    FamilyName.WALLBOX_QUASAR: WallboxQuasar,
    FamilyName.EVTEC: EvtecBiDiPro,
    FamilyName.AMBIBOX: Ambibox,
    FamilyName.SUNSPEC_DER: SunSpecDer,
    FamilyName.SIGENERGY_EVDC: SigenergyEvdc,
}


def family_of(profile: ChargerProfile, registers: Registers) -> ChargerFamily:
    """The sequences for a charger of this profile."""
    return _FAMILIES[profile.family](registers, profile)
