"""What an owner can do for a trip that is in doubt, with the command to type."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import floor
from zoneinfo import ZoneInfo

from v2g_daemon.control.commute import Commute
from v2g_daemon.control.situation import Situation
from v2g_daemon.control.soc import SocEstimate
from v2g_daemon.domain.goals import DepartureGoal, OverrideKind
from v2g_daemon.domain.interval import wall_moment
from v2g_daemon.domain.policy import Policy

FLOAT_NOISE = 1e-9
# When summer time begins, the same wall time comes again after 23 hours.
SURELY_NEXT = timedelta(hours=23)


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """A trip that may not be covered; `left_s` is how long can still be charged for it.

    `reached_soc` is what the pack then surely holds.
    """

    situation: Situation
    commute: Commute
    estimate: SocEstimate
    left_s: float
    reached_soc: float


def stopped_until(situation: Situation) -> datetime | None:
    """When a stop ends; one that is not confirmed gives way to a trip that somebody told of."""
    override = situation.override
    if override is None or override.kind is not OverrideKind.STOP:
        return None
    gives_way = situation.commute is not None and not override.confirmed
    return None if gives_way else override.until_utc


def remedy(doubt: Doubt, now_utc: datetime, policy: Policy) -> str:
    """What helps most."""
    if not doubt.situation.status.connected:
        return "the station is away, and what it does by itself is not counted: v2g doctor"
    late_s = doubt.commute.charge_time_s - doubt.left_s
    if late_s <= 0.0:
        points = doubt.estimate.sigma * 100.0
        return f"its SoC is uncertain by {points:.0f} points: look at what the car itself shows"
    until_utc = stopped_until(doubt.situation)
    if until_utc is not None:
        until = wall_moment(until_utc, now_utc=now_utc, timezone=policy.timezone)
        return f"it is stopped until {until}; end that: {_auto(doubt.situation, policy)}"
    return f"leave {late_s / 60.0:.0f} min later{_or_with_less(doubt, now_utc, policy)}"


def _or_with_less(doubt: Doubt, now_utc: datetime, policy: Policy) -> str:
    """The departure told anew with what can be reached; the rest of what is known of it stays."""
    percent = floor(doubt.reached_soc * 100.0 + FLOAT_NOISE)
    if percent <= 0:
        return ""
    goal = doubt.commute.goal
    command = f'v2g leave {_typed(goal.ready_by_utc, now_utc, policy)} --with "{percent} %"'
    return f", or with {percent} %: {command}{_return(goal, now_utc, policy)}{_car(doubt, policy)}"


def _return(goal: DepartureGoal, now_utc: datetime, policy: Policy) -> str:
    back_utc = goal.returns_at_utc
    back = "" if back_utc is None else f" --back {_typed(back_utc, now_utc, policy)}"
    return back if goal.trip_wh <= 0.0 else f'{back} --trip "{goal.trip_wh / 1000.0:.1f} kWh"'


def _typed(moment_utc: datetime, now_utc: datetime, policy: Policy) -> str:
    """The minute as a command takes it: the next such wall time, else with the date."""
    minute_utc = moment_utc.replace(second=0, microsecond=0)
    is_next = now_utc < minute_utc < now_utc + SURELY_NEXT
    form = "%H:%M" if is_next else "%Y-%m-%dT%H:%M"
    return f"{minute_utc.astimezone(ZoneInfo(policy.timezone)):{form}}"


def _car(doubt: Doubt, policy: Policy) -> str:
    vehicle = doubt.situation.vehicle
    return "" if vehicle is None or len(policy.vehicles) == 1 else f" --car {vehicle.vehicle_id}"


def _auto(situation: Situation, policy: Policy) -> str:
    several = len(policy.evses) > 1
    return f"v2g auto --evse {situation.evse.evse_id}" if several else "v2g auto"
