"""What an EVSE can be told: one class per way, each with the powers that may flow under it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from v2g_daemon.adapters.ocpp.config import FrequencyPoint, VendorPower
from v2g_daemon.domain.errors import InvariantViolated
from v2g_daemon.domain.power import ONLY_ZERO, PowerRange


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeLimit:
    """Charging only, at most so much; a negative limit is refused: stations read full power."""

    limit_w: float

    def __post_init__(self) -> None:
        if not self.limit_w >= 0.0:
            raise InvariantViolated(f"a negative limit ({self.limit_w} W) is never sent")

    @property
    def target_w(self) -> float:
        """What a car that takes all it may would draw."""
        return self.limit_w

    @property
    def span(self) -> PowerRange:
        """The powers that may flow."""
        return PowerRange(lowest_w=0.0, highest_w=self.limit_w)


@dataclass(frozen=True, slots=True, kw_only=True)
class CentralSetpoint:
    """A signed power; `bounds` stand beside it only for models that want them."""

    target_w: float
    bounds: PowerRange | None = None

    @property
    def span(self) -> PowerRange:
        """The powers that may flow."""
        return PowerRange(lowest_w=self.target_w, highest_w=self.target_w)


@dataclass(frozen=True, slots=True, kw_only=True)
class Idle:
    """0 W for long: the contactor may open; any other profile wakes it (Q10)."""

    evse_sleep: bool = False
    target_w: float = 0.0

    @property
    def span(self) -> PowerRange:
        """The powers that may flow."""
        return ONLY_ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class FrequencyFollowing:
    """The station adds the power of its curve to the target, by the frequency it measures (Q08)."""

    target_w: float
    points: tuple[FrequencyPoint, ...]

    @property
    def span(self) -> PowerRange:
        """The target with the whole curve on top."""
        added_w = [point.power_w for point in self.points]
        return PowerRange(
            lowest_w=self.target_w + min(added_w), highest_w=self.target_w + max(added_w)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadBalancing:
    """The station keeps its own grid meter between thresholds, with all its power (Q09).

    `bounded`: limit and dischargeLimit say the span, for models that obey them (Q09.FR.05).
    """

    target_w: float
    range_w: PowerRange
    bounded: bool = False

    @property
    def span(self) -> PowerRange:
        """Whatever the EVSE can, or its bounds."""
        return self.range_w


@dataclass(frozen=True, slots=True, kw_only=True)
class NegativeLimit:
    """A discharge before 2.1; only for a model that proved in a test what it makes of one."""

    target_w: float

    def __post_init__(self) -> None:
        if not self.target_w < 0.0:
            raise InvariantViolated(f"{self.target_w} W is no discharge")

    @property
    def span(self) -> PowerRange:
        """The powers that may flow."""
        return PowerRange(lowest_w=self.target_w, highest_w=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorSetpoint:
    """A signed power in a vendor's own words (DataTransfer)."""

    target_w: float
    words: VendorPower

    @property
    def span(self) -> PowerRange:
        """The powers that may flow."""
        return PowerRange(lowest_w=self.target_w, highest_w=self.target_w)


Told = (
    ChargeLimit
    | CentralSetpoint
    | Idle
    | FrequencyFollowing
    | LoadBalancing
    | NegativeLimit
    | VendorSetpoint
)


def is_signed(told: Told) -> bool:
    """Whether more than an upper bound on charging is said."""
    return not isinstance(told, ChargeLimit)


def leaves_choice(told: Told) -> bool:
    """Whether the station itself decides about the power."""
    return isinstance(told, FrequencyFollowing | LoadBalancing)


def extra_of(told: Told) -> str | None:
    """The flag of a rung (see `ladder`) that allowed this, where a setpoint would do as well."""
    match told:
        case Idle():
            return "idle"
        case FrequencyFollowing() | LoadBalancing():
            return "local"
        case ChargeLimit() | CentralSetpoint() | NegativeLimit() | VendorSetpoint():
            return None
        case _:
            assert_never(told)
