"""An EVtec BiDiPro 10: objects of a hundred registers, windows that refuse, SoC per mille."""

from __future__ import annotations

from simulators.chargers.device import HOLDING, ChargerDevice, Registers, placed, text
from simulators.modbus.frames import ILLEGAL_ADDRESS, ILLEGAL_VALUE
from simulators.modbus.server import Refused

FALLBACK, TIMEOUT, LONGEST_TIMEOUT_S = 38, 42, 600.0
READY, CHARGING, FEED_IN, WAIT_FOR_GRID, ENDED, ERROR = 1, 7, 8, 10, 11, 12
CHARGE_ONLY, BIDIRECTIONAL = 1, 5
LEAST_W = 500.0


class Evtec(ChargerDevice):
    """A setpoint is all that counts; its "suspend" does nothing."""

    fallback_w = 0.0

    @property
    def base(self) -> int:
        """Where its connector begins."""
        return 100 * self.table.connector

    @property
    def ranges(self) -> tuple[tuple[int, int, int], ...]:  # type: ignore[override]
        """No read crosses from one hundred into the next."""
        return tuple((HOLDING, 100 * one, 100) for one in range(11))

    def wanted_w(self) -> float:
        """The setpoint, where it may flow."""
        return self.setpoint_w

    def orders(self) -> bool:
        """Always."""
        return True

    def without_us_w(self) -> float:
        """Its fallback power."""
        return self.fallback_w

    def ended(self) -> None:
        """The fallback is its setpoint now."""
        self.setpoint_w = self.fallback_w

    def registers(self, function_code: int) -> Registers:
        """The charge point, and its one connector."""
        car = self.vehicle
        lowest_w, highest_w = self._offered()
        own = {
            0: text("ECP4 2.0", 16),
            16: text(self.table.serial, 10),
            26: text("crema DC10", 10),
            36: self.words("i32", 1),
            FALLBACK: self.words("i32", self.fallback_w),
            40: self.words("i32", 1),
            TIMEOUT: self.words("i32", self.timeout_s),
        }
        connector = {
            0: self.words("i32", self._state()),
            2: self.words("i32", 0 if car is None else 3),
            4: self.words("i32", BIDIRECTIONAL if car is not None and car.v2x else CHARGE_ONLY),
            10: self.words("f32", self.power_w),
            12: self.words("i32", self.soc_percent() * 10.0),
            14: self.words("i32", 1),
            18: self.words("f32", self.outlet.charge_wh),
            20: self.words("f32", self.outlet.discharge_wh),
            22: self.words("f32", lowest_w),
            30: self.words("f32", highest_w),
            38: self.words("f32", LEAST_W),
            54: self.words("u64", 4 if self.shows("error_state") else 0),
            76: text("" if car is None else car.evccid, 10),
            86: self.words("i32", self.setpoint_w),
        }
        return placed({**own, **{self.base + at: found for at, found in connector.items()}})

    def order(self, address: int, values: tuple[int, ...]) -> None:
        """Two registers at once; what lies outside the windows is refused."""
        if len(values) != 2:
            raise Refused(ILLEGAL_VALUE)
        value = self.number("i32", values)
        if address == TIMEOUT:
            if not 0.0 <= value <= LONGEST_TIMEOUT_S:
                raise Refused(ILLEGAL_VALUE)
            self.timeout_s = value
        elif address == FALLBACK:
            if abs(value) > self.table.max_charge_w:
                raise Refused(ILLEGAL_VALUE)
            self.fallback_w = value
        elif address == self.base + 86:
            lowest_w, highest_w = self._offered()
            if 0.0 < value < LEAST_W:
                raise Refused(ILLEGAL_VALUE)
            self.refuse_outside(value, lowest_w, highest_w)
            self.setpoint_w = value
        elif address != self.base + 88:
            raise Refused(ILLEGAL_ADDRESS)

    def _offered(self) -> tuple[float, float]:
        """What the station and the car offer now; nothing without a car."""
        car = self.vehicle
        if car is None:
            return 0.0, 0.0
        discharges = car.v2x and self.table.discharge_permitted and not car.refuses_discharge()
        lowest_w = -self.table.max_discharge_w if discharges else 0.0
        return lowest_w, car.charge_limit_w(self.table.max_charge_w)

    def _state(self) -> int:
        if self.shows("error_state"):
            return ERROR
        if self.vehicle is None:
            return READY
        if self.power_w != 0.0:
            return CHARGING if self.power_w > 0.0 else FEED_IN
        return ENDED if self.setpoint_w > 0.0 else WAIT_FOR_GRID
