"""What a schedule period asks for, in W at the EVSE, by its operation mode."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from simulators.station.wire import JsonDict

NOMINAL_VOLTAGE_V = 230.0
PHASES_WHEN_ABSENT = 3  # K01.FR.49
NOMINAL_FREQUENCY_HZ = 50.0


class NegativeLimit(StrEnum):
    """What a station makes of a negative limit."""

    FULL_POWER = "full power"  # the period is dropped, and the station's maximum applies
    ZERO = "0 W"
    ABSOLUTE = "its magnitude"
    DISCHARGE = "discharge"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadBand:
    """V2XChargingCtrlr LocalLoadBalancing: thresholds and offsets of the upstream power."""

    upper_w: float
    upper_offset_w: float
    lower_w: float
    lower_offset_w: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a station measures around it, and the liberties it takes."""

    frequency_hz: float = NOMINAL_FREQUENCY_HZ
    others_w: float = 0.0  # the upstream power without this EVSE
    own_w: float = 0.0
    band: LoadBand | None = None
    negative_limit: NegativeLimit = NegativeLimit.FULL_POWER


ORDINARY = Surroundings()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """What a rate is converted with."""

    phases: int
    max_charge_w: float

    def watts(self, value: float, schedule: JsonDict, period: JsonDict) -> float:
        """Convert a rate to W of this station; absent numberPhases means three."""
        phases = int(period.get("numberPhases", PHASES_WHEN_ABSENT))
        if phases == 0:
            return 0.0
        if schedule["chargingRateUnit"] == "A":
            return value * NOMINAL_VOLTAGE_V * min(phases, self.phases)
        return value / phases * min(phases, self.phases)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A period in force, with all that its target follows from."""

    schedule: JsonDict
    period: JsonDict
    hardware: Hardware
    around: Surroundings

    def rate_w(self, name: str) -> float:
        """Return a rate of the period in W."""
        return self.hardware.watts(float(self.period[name]), self.schedule, self.period)


def target_w(asked: Asked) -> float:
    """Return the power that a period asks for."""
    return _TARGETS[str(asked.period.get("operationMode", "ChargingOnly"))](asked)


def _charging_only(asked: Asked) -> float:
    limit_w = asked.rate_w("limit")
    if limit_w >= 0.0:
        return limit_w
    return {
        NegativeLimit.FULL_POWER: asked.hardware.max_charge_w,
        NegativeLimit.ZERO: 0.0,
        NegativeLimit.ABSOLUTE: -limit_w,
        NegativeLimit.DISCHARGE: limit_w,
    }[asked.around.negative_limit]


def _setpoint(asked: Asked) -> float:
    return asked.rate_w("setpoint")


def _idle(asked: Asked) -> float:
    return asked.hardware.watts(0.0, asked.schedule, asked.period)


def _local_frequency(asked: Asked) -> float:
    """Q08.FR.06: the baseline plus the curve, interpolated, and flat beyond its ends."""
    points = sorted(
        (float(point["frequency"]), float(point["power"]))
        for point in asked.period["v2xFreqWattCurve"]
    )
    return float(asked.period["v2xBaseline"]) + _along(points, asked.around.frequency_hz)


def _along(points: list[tuple[float, float]], at: float) -> float:
    before = [point for point in points if point[0] <= at]
    after = [point for point in points if point[0] > at]
    if not before or not after:
        return (points[0] if not before else points[-1])[1]
    (x0, y0), (x1, y1) = before[-1], after[0]
    return y0 + (y1 - y0) * (at - x0) / (x1 - x0)


def _local_load_balancing(asked: Asked) -> float:
    """Q09.FR.04 and .05: keep the upstream power in its band, capped where the period says so."""
    around, band = asked.around, asked.around.band
    if band is None:
        return 0.0
    load_w, target_w = around.others_w + around.own_w, around.own_w
    if load_w > band.upper_w:
        target_w = band.upper_w + band.upper_offset_w - around.others_w
    elif load_w < band.lower_w:
        target_w = band.lower_w + band.lower_offset_w - around.others_w
    if "limit" in asked.period:
        target_w = min(target_w, asked.rate_w("limit"))
    if "dischargeLimit" in asked.period:
        target_w = max(target_w, asked.rate_w("dischargeLimit"))
    return target_w


_TARGETS: dict[str, Callable[[Asked], float]] = {
    "CentralFrequency": _setpoint,
    "CentralSetpoint": _setpoint,
    "ChargingOnly": _charging_only,
    "ExternalLimits": _charging_only,
    "Idle": _idle,
    "LocalFrequency": _local_frequency,
    "LocalLoadBalancing": _local_load_balancing,
}
