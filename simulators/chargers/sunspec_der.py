"""A SunSpec DER that charges cars (Fermate FE20): models 701, 702, 704, 713; out is positive."""

from __future__ import annotations

from simulators.chargers.device import HOLDING, ChargerDevice, Registers, placed
from simulators.modbus.frames import ILLEGAL_ADDRESS, ILLEGAL_VALUE
from simulators.modbus.server import Refused
from simulators.sunspec import BASE_ADDRESS, END, identity_registers

AC_MEASUREMENT, CAPACITY, CONTROLS, STORAGE = 701, 702, 704, 713
LENGTHS = {AC_MEASUREMENT: 153, CAPACITY: 50, CONTROLS: 65, STORAGE: 7}
SOC = 41104
ENABLED, KIND, SETPOINT, REVERTS_TO, REVERTS_ENABLED, TIMEOUT, REMAINING = (
    22,
    23,
    24,
    26,
    30,
    31,
    33,
)
OFF, RUNNING, FAULT, STANDBY = 0, 3, 6, 7
NONE_16, NONE_U16 = 0x8000, 0xFFFF
MOST_W = 20_000.0


class SunSpecDer(ChargerDevice):
    """A setpoint that reverts when its timer has run out; only enabling starts that."""

    reads_feed = False
    enabled = False
    in_watts = False
    reverts_to_w = 0.0
    reverts_enabled = False

    @property
    def ranges(self) -> tuple[tuple[int, int, int], ...]:  # type: ignore[override]
        """The chain of models, and the SoC where no model is."""
        return (HOLDING, BASE_ADDRESS, len(self._chain())), (HOLDING, SOC, 1)

    def wanted_w(self) -> float:
        """The setpoint, once enabled."""
        return self.setpoint_w if self.enabled else 0.0

    def orders(self) -> bool:
        """An enabled setpoint."""
        return self.enabled

    def without_us_w(self) -> float:
        """What it reverts to."""
        return self.reverts_to_w if self.reverts_enabled else 0.0

    def ended(self) -> None:
        """It has reverted."""
        self.setpoint_w, self.enabled = self.reverts_to_w, self.reverts_enabled
        self.heard_s = self.clock.now_s()

    def rebooted(self) -> None:
        """Nothing is enabled."""
        super().rebooted()
        self.enabled = False

    def meddled(self, value_w: float) -> None:
        """Another master's setpoint."""
        self.setpoint_w = value_w
        self.enabled = True

    def hear(self, *, feeds: bool) -> None:
        """Only enabling feeds the timer, not just any write."""
        super().hear(feeds=False)

    def registers(self, function_code: int) -> Registers:
        """The chain, and the SoC."""
        chain = {BASE_ADDRESS + offset: word for offset, word in enumerate(self._chain())}
        return chain | placed({SOC: self.words("i16", self.soc_percent())})

    def order(self, address: int, values: tuple[int, ...]) -> None:
        """The points of model 704 that can be written."""
        at = address - self._controls_at()
        if at == ENABLED and len(values) == 1:
            self.enabled = values[0] == 1
            self.heard_s = self.clock.now_s()
        elif at == KIND and len(values) == 1:
            self.in_watts = values[0] == 1
        elif at == SETPOINT and len(values) == 2:
            power_w = -self.number("i32", values)
            self.refuse_outside(power_w, -MOST_W, MOST_W)
            self.setpoint_w = power_w
        elif at == REVERTS_TO and len(values) == 2:
            self.reverts_to_w = -self.number("i32", values)
        elif at == REVERTS_ENABLED and len(values) == 1:
            self.reverts_enabled = values[0] == 1
        elif at == TIMEOUT and len(values) == 2:
            self.timeout_s = self.number("u32", values)
        else:
            raise Refused(ILLEGAL_VALUE if 0 <= at < 67 else ILLEGAL_ADDRESS)

    def _controls_at(self) -> int:
        """Where model 704 begins: after marker, common model, 701 and 702."""
        return BASE_ADDRESS + 2 + 68 + sum(2 + LENGTHS[one] for one in (AC_MEASUREMENT, CAPACITY))

    def _chain(self) -> list[int]:
        chain = identity_registers(
            model="FE20", serial=self.table.serial, unit_id=self.table.unit_id
        )
        for model_id, points in (
            (AC_MEASUREMENT, self._measured()),
            (CAPACITY, self._capacity()),
            (CONTROLS, self._controls()),
            (STORAGE, self._stored()),
        ):
            model = [NONE_16] * (2 + LENGTHS[model_id])
            model[:2] = [model_id, LENGTHS[model_id]]
            for offset, word in points.items():
                model[offset] = word
            chain += model
        return [*chain, *END]

    def _measured(self) -> Registers:
        out_wh, in_wh = self.outlet.discharge_wh, self.outlet.charge_wh
        return placed(
            {
                2: (1,), 3: (1,), 4: (self._state(),), 5: (1,),
                10: self.words("i16", -self.power_w),
                19: self.words("u64", out_wh), 23: self.words("u64", in_wh),
                116: (0,), 120: (0,),
            }
        )  # fmt: skip

    def _capacity(self) -> Registers:
        most = self.words("u16", self.table.max_charge_w)
        least = self.words("u16", self.table.max_discharge_w)
        return placed({2: most, 10: most, 11: least, 26: most, 34: most, 35: least, 45: (0,)})

    def _controls(self) -> Registers:
        end_s = self.end_s()
        left_s = 0.0 if end_s is None else max(end_s - self.clock.now_s(), 0.0)
        return placed(
            {
                ENABLED: (int(self.enabled),), KIND: (int(self.in_watts),),
                SETPOINT: self.words("i32", -self.setpoint_w),
                REVERTS_TO: self.words("i32", -self.reverts_to_w),
                28: (NONE_16,), REVERTS_ENABLED: (int(self.reverts_enabled),),
                TIMEOUT: self.words("u32", self.timeout_s), REMAINING: self.words("u32", left_s),
                54: (0,), 55: (0,), 56: (0,),
            }
        )  # fmt: skip

    def _stored(self) -> Registers:
        soc = self.words("u16", self.soc_percent())
        return placed({2: (NONE_U16, NONE_U16), 4: soc, 6: (0,), 7: (NONE_16,), 8: (0,)})

    def _state(self) -> int:
        if self.shows("error_state"):
            return FAULT
        if self.vehicle is None:
            return OFF
        return RUNNING if self.power_w != 0.0 else STANDBY
