"""An Ambibox ambiCHARGE Home: a negative target charges, and asleep it takes none."""

from __future__ import annotations

from simulators.chargers.device import HOLDING, INPUT, ChargerDevice, Registers, placed
from simulators.modbus.frames import ILLEGAL_ADDRESS, ILLEGAL_VALUE
from simulators.modbus.server import Refused

CHARGE_LOOP, PAUSED, ERROR = 5, 7, 9


class Ambibox(ChargerDevice):
    """Its time-out, if it has one, is set in its menu."""

    asleep = True

    @property
    def ranges(self) -> tuple[tuple[int, int, int], ...]:  # type: ignore[override]
        """Values of the connector, and its target."""
        return (INPUT, self._inputs, 104), (HOLDING, self._orders, 2)

    def wanted_w(self) -> float:
        """The target."""
        return 0.0 if self.asleep else self.setpoint_w

    def orders(self) -> bool:
        """A target of its own."""
        return self.setpoint_w != 0.0

    def plugged(self) -> None:
        """It falls asleep between two cars."""
        self.asleep = True

    def registers(self, function_code: int) -> Registers:
        """The values, or the target."""
        if function_code == HOLDING:
            return placed({self._orders: self.words("i32", -self.setpoint_w)})
        car = self.vehicle
        most_w = 0.0 if car is None else car.charge_limit_w(self.table.max_charge_w)
        values = {
            0: self.words("i32", int(self.asleep)),
            18: self.words("i32", self.power_w),
            26: self.words("f32", self.outlet.charge_wh),
            28: self.words("f32", self.outlet.discharge_wh),
            36: self.words("u32", self.table.phases),
            54: self.words("f32", self.soc_percent()),
            64: self.words("u32", most_w),
            82: self.words("u32", self._state()),
            84: self.words("u32", int(car is not None)),
            96: self.words("u32", 1 if self.shows("error_state") else 0),
            102: self.words("u32", 0),
        }
        return placed({self._inputs + at: found for at, found in values.items()})

    def order(self, address: int, values: tuple[int, ...]) -> None:
        """Two registers at once."""
        if len(values) != 2:
            raise Refused(ILLEGAL_VALUE)
        if address == self._orders + 2:
            self.asleep = False
            return
        if address != self._orders:
            raise Refused(ILLEGAL_ADDRESS)
        power_w = -self.number("i32", values)
        self.refuse_outside(power_w, -self.table.max_discharge_w, self.table.max_charge_w)
        if not self.asleep or power_w == 0.0:
            self.setpoint_w = power_w

    @property
    def _inputs(self) -> int:
        return 4000 + 200 * (self.table.connector - 1)

    @property
    def _orders(self) -> int:
        return 3000 + 100 * (self.table.connector - 1)

    def _state(self) -> int:
        if self.shows("error_state"):
            return ERROR
        return CHARGE_LOOP if self.power_w != 0.0 else PAUSED
