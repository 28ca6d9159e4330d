"""What people want: departure goals (hard) and overrides (which always expire)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import Enum
from zoneinfo import ZoneInfo

from v2g_daemon.domain.interval import at_local
from v2g_daemon.domain.quick import quick

# The price of missing a trip nobody told of: what six real years were best with (docs/tuning.md).
UNMET_LATER_PER_KWH = 3.5


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class DepartureGoal:
    """The car leaves at `ready_by_utc` with `soc`, or (no SoC) with `energy_wh` charged.

    `returns_at_utc` and `trip_wh` (energy the trip takes from the pack) are expectations.
    """

    ready_by_utc: datetime
    soc: float | None = None
    energy_wh: float | None = None
    returns_at_utc: datetime | None = None
    trip_wh: float = 0.0

    def is_away(self, now_utc: datetime) -> bool:
        """Whether the car is out now, as far as it is told when it returns."""
        return self.returns_at_utc is not None and (
            self.ready_by_utc <= now_utc < self.returns_at_utc
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyDeparture:
    """A recurring departure in local wall time; weekday 0 is Monday.

    It returns so many days later; on the same day a time that is not after `ready_by` is the next
    day's.
    """

    vehicle_id: str
    weekdays: tuple[int, ...]
    ready_by: time
    returns_at: time | None
    soc: float | None
    energy_wh: float | None
    trip_wh: float
    returns_after_days: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklySchedule:
    """All recurring departures of the house and the zone of their wall times."""

    timezone: str
    departures: tuple[WeeklyDeparture, ...] = ()

    def upcoming(
        self, vehicle_id: str, *, after_utc: datetime, horizon: timedelta
    ) -> tuple[DepartureGoal, ...]:
        """The goals of one vehicle in (after, after + horizon], in time order."""
        zone = ZoneInfo(self.timezone)
        first_day = after_utc.astimezone(zone).date()
        goals = [
            goal
            for offset in range(horizon.days + 2)
            for departure in self.departures
            if departure.vehicle_id == vehicle_id
            and (day := first_day + timedelta(days=offset)).weekday() in departure.weekdays
            and after_utc
            < (
                goal := _goal_of(departure, at_local(day, departure.ready_by, zone), zone)
            ).ready_by_utc
            <= after_utc + horizon
        ]
        return tuple(sorted(goals, key=lambda goal: goal.ready_by_utc))


def _goal_of(departure: WeeklyDeparture, ready_by_utc: datetime, zone: ZoneInfo) -> DepartureGoal:
    returns_at_utc = None
    if departure.returns_at is not None:
        day = ready_by_utc.astimezone(zone).date() + timedelta(days=departure.returns_after_days)
        returns_at_utc = at_local(day, departure.returns_at, zone)
        if returns_at_utc <= ready_by_utc:
            returns_at_utc = at_local(day + timedelta(days=1), departure.returns_at, zone)
    return DepartureGoal(
        ready_by_utc=ready_by_utc,
        soc=departure.soc,
        energy_wh=departure.energy_wh,
        returns_at_utc=returns_at_utc,
        trip_wh=departure.trip_wh,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldDeparture:
    """The owner's word that a car leaves, or that it is away already (`told_at_utc`) until then.

    It ends by itself. While the car is plugged in in spite of it, what is measured counts.
    """

    vehicle_id: str
    told_at_utc: datetime
    goal: DepartureGoal

    @property
    def ends_utc(self) -> datetime:
        """When nothing is left of it: the car is back, or has left for who knows how long."""
        return self.goal.returns_at_utc or self.goal.ready_by_utc


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarDepartures:
    """What a calendar says of one car, as it was last read."""

    calendar_id: str
    vehicle_id: str
    goals: tuple[DepartureGoal, ...]


class OverrideKind(Enum):
    """What the user asked for now."""

    STOP = "stop"
    CHARGE = "charge"
    PROBE = "probe"  # a guided test of discharge
    CHARGE_LEAST = "charge_least"  # as little as flows, to see which meter shows it


TESTS = frozenset({OverrideKind.PROBE, OverrideKind.CHARGE_LEAST})  # they outlive no restart


@dataclass(frozen=True, slots=True, kw_only=True)
class UserOverride:
    """A user's wish for one EVSE, in force from `set_at_utc` until `until_utc`.

    `confirmed` lets a stop outrank the trip; the shortfall was shown before.
    """

    evse_id: str
    kind: OverrideKind
    set_at_utc: datetime
    until_utc: datetime
    confirmed: bool = False
