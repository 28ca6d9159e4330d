"""A Wallbox Quasar 1: remote control, then a setpoint, then a start; SoC only while power flows."""

from __future__ import annotations

from simulators.chargers.device import HOLDING, ChargerDevice, Registers, placed
from simulators.modbus.frames import ILLEGAL_ADDRESS, ILLEGAL_VALUE
from simulators.modbus.server import Refused

CONTROL, AUTOSTART, KIND, TIMEOUT, ACTION, SETPOINT = 81, 82, 83, 88, 257, 260
MOST_W = 7400.0
NO_CAR, CHARGING, WAITING, PAUSED, ERROR, DISCHARGING = 0, 1, 2, 4, 7, 11


class Quasar(ChargerDevice):
    """Its user's until register 81 is 1; then nothing works but what is ordered."""

    ranges = (
        (HOLDING, 1, 3),
        (HOLDING, 81, 3),
        (HOLDING, 88, 1),
        (HOLDING, 256, 2),
        (HOLDING, 260, 1),
        (HOLDING, 514, 1),
        (HOLDING, 526, 17),
    )
    remote = False
    autostart = True
    in_watts = False
    action = 0

    def wanted_w(self) -> float:
        """Its user's autostart charges at full power; under remote control its orders count."""
        if not self.remote:
            return self.table.max_charge_w if self.running else 0.0
        return self.setpoint_w if self.running else 0.0

    def orders(self) -> bool:
        """Idle after the time-out, whatever it does."""
        return self.remote

    def ended(self) -> None:
        """Idle; still under remote control, with the setpoint that it had."""
        self.running = False

    def plugged(self) -> None:
        """With autostart it begins by itself."""
        self.running = self.autostart and self.vehicle is not None

    def rebooted(self) -> None:
        """Its user's again."""
        super().rebooted()
        self._give_back()

    def meddled(self, value_w: float) -> None:
        """Its app takes it back at 0 W; any other power is another master's setpoint."""
        if value_w == 0.0:
            self._give_back()
        else:
            super().meddled(value_w)

    def registers(self, function_code: int) -> Registers:
        """Its whole map."""
        serial = int("".join(one for one in self.table.serial if one.isdigit()) or "1")
        values: dict[int, float] = dict.fromkeys(range(526, 543), 0)
        values |= {
            CONTROL: int(self.remote), AUTOSTART: int(self.autostart), KIND: int(self.in_watts),
            TIMEOUT: self.timeout_s, 256: 0, ACTION: self.action, SETPOINT: self.setpoint_w,
            514: 7400, 526: self.power_w, 537: self._state(), 538: self._soc(),
            539: 1 if self.shows("error_state") else 0,
        }  # fmt: skip
        identity = {1: 3400, 2: serial >> 16, 3: serial & 0xFFFF}
        return identity | placed({at: self.words("i16", value) for at, value in values.items()})

    def order(self, address: int, values: tuple[int, ...]) -> None:
        """Function 6 only; nothing but the control itself while its user has it."""
        (value,) = values
        if address == CONTROL:
            if value == 1:
                self.remote = True
            else:
                self._give_back()
            return
        if address not in (AUTOSTART, KIND, TIMEOUT, ACTION, SETPOINT):
            raise Refused(ILLEGAL_ADDRESS)
        if not self.remote:
            raise Refused(ILLEGAL_VALUE)
        if address == AUTOSTART:
            self.autostart = value == 1
        elif address == KIND:
            self.in_watts = value == 1
        elif address == TIMEOUT:
            self.timeout_s = float(value)
        elif address == ACTION:
            self.action = value
            self.running = value == 1 and self.vehicle is not None
        else:
            power_w = self.number("i16", (value,))
            self.refuse_outside(power_w, -MOST_W, MOST_W)
            self.setpoint_w = power_w

    def _give_back(self) -> None:
        self.remote = self.in_watts = self.running = False
        self.autostart = True
        self.timeout_s = 0.0

    def _state(self) -> int:
        if self.shows("error_state"):
            return ERROR
        if self.vehicle is None:
            return NO_CAR
        if not self.running:
            return PAUSED
        if self.power_w == 0.0:
            return WAITING
        return CHARGING if self.power_w > 0.0 else DISCHARGING

    def _soc(self) -> int:
        return round(self.soc_percent()) if self.power_w != 0.0 else 0
