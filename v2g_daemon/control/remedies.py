"""What an owner can do for a trip that is in doubt, with the command to type."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from v2g_daemon.control.commute import Commute
from v2g_daemon.control.situation import Situation
from v2g_daemon.control.soc import SocEstimate
from v2g_daemon.domain.goals import OverrideKind
from v2g_daemon.domain.interval import wall_moment
from v2g_daemon.domain.policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """A trip that may not be covered; `left_s` is how long can still be charged for it."""

    situation: Situation
    commute: Commute
    estimate: SocEstimate
    left_s: float


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
        return f"its SoC is uncertain by {points:.0f} points: let the car tell it"
    until_utc = stopped_until(doubt.situation)
    if until_utc is not None:
        until = wall_moment(until_utc, now_utc=now_utc, timezone=policy.timezone)
        return f"it is stopped until {until}; end that: {_auto(doubt.situation, policy)}"
    return f"leave {late_s / 60.0:.0f} min later, or be content with less"


def _auto(situation: Situation, policy: Policy) -> str:
    several = len(policy.evses) > 1
    return f"v2g auto --evse {situation.evse.evse_id}" if several else "v2g auto"
