"""A Sigenergy EVDC: a limit and a start; a limit of 0 W latches an error in the car."""

from __future__ import annotations

from simulators.chargers.device import HOLDING, INPUT, ChargerDevice, Registers, placed
from simulators.modbus.frames import ILLEGAL_ADDRESS, ILLEGAL_VALUE
from simulators.modbus.server import Refused

STOP, LIMIT, DISCHARGE_LIMIT = 41000, 41002, 41004
IDLE, CHARGING, FAULT, SCHEDULED, ENDED, DISCHARGING, ALARM = 0, 3, 4, 5, 6, 8, 9
LEAST_LIMIT_W = 500.0


class Sigenergy(ChargerDevice):
    """Only its app begins a discharge (`foreign_writer` with a negative value); a stop ends it."""

    ranges = (
        (INPUT, 31500, 21),
        (INPUT, 31521, 2),
        (INPUT, 31523, 4),
        (HOLDING, LIMIT, 4),
    )
    limit_w = 25_000.0
    latched = False

    def wanted_w(self) -> float:
        """What its app discharges, else the limit once it was started."""
        if self.latched or not self.running:
            return 0.0
        return self.setpoint_w if self.setpoint_w < 0.0 else self.limit_w

    def orders(self) -> bool:
        """Nothing of it ends by itself."""
        return False

    def plugged(self) -> None:
        """A new car begins anew, and is charged at once."""
        self.latched = False
        self.setpoint_w = 0.0
        self.running = self.vehicle is not None

    def registers(self, function_code: int) -> Registers:
        """The values, or the limits."""
        if function_code == HOLDING:
            limits = {LIMIT: self.limit_w, DISCHARGE_LIMIT: 0.0}
            return placed({at: self.words("u32", limit_w) for at, limit_w in limits.items()})
        outlet, rated_w = self.outlet, self.table.max_charge_w
        return placed(
            {
                31502: self.words("i32", self.power_w),
                31504: self.words("u16", self.soc_percent() * 10.0),
                31513: self.words("u16", self._state()),
                31519: self.words("u32", outlet.charge_wh / 10.0),
                31521: self.words("u32", outlet.discharge_wh / 10.0),
                31523: self.words("u32", rated_w),
                31525: self.words("u32", self.table.max_discharge_w),
            }
        )

    def order(self, address: int, values: tuple[int, ...]) -> None:
        """A start or stop by one register, a limit by two."""
        if address == STOP and len(values) == 1:
            self.running = values[0] == 0 and self.vehicle is not None
            self.setpoint_w = 0.0
        elif address == LIMIT and len(values) == 2:
            limit_w = self.number("u32", values)
            if limit_w == 0.0:
                self.latched = True
            elif limit_w < LEAST_LIMIT_W:
                raise Refused(ILLEGAL_VALUE)
            self.limit_w = limit_w
        else:
            raise Refused(ILLEGAL_ADDRESS)

    def _state(self) -> int:
        if self.latched or self.shows("error_state"):
            return ALARM
        if self.vehicle is None:
            return IDLE
        if self.power_w != 0.0:
            return CHARGING if self.power_w > 0.0 else DISCHARGING
        return ENDED if self.running else SCHEDULED
