"""Limits on a charger that has yet to prove itself, or that was caught out."""

from __future__ import annotations

from v2g_daemon.control.budgets import writes_left
from v2g_daemon.control.dependable import static_safe_w
from v2g_daemon.control.evse_limits import because, no_discharge
from v2g_daemon.control.situation import Situation
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.power import ONLY_ZERO, UNBOUNDED, PowerRange
from v2g_daemon.domain.setpoint import Authority, Limit
from v2g_daemon.domain.snapshot import Snapshot

FIRST_DISCHARGE_W = 1000.0  # twice what tells a direction, where a charger has no minimum


def latch(situation: Situation, snapshot: Snapshot, policy: Policy) -> Limit | None:
    """A latched fault keeps discharge off until a person clears it."""
    if situation.latch is None:
        return None
    return no_discharge("latch", f"{situation.latch.rule}: {situation.latch.detail}")


def first_discharge(situation: Situation, snapshot: Snapshot, policy: Policy) -> Limit | None:
    """A session's first discharge starts at the least power, until it was seen to flow."""
    if policy.timing.first_discharge_s <= 0.0:
        return None
    least_w = max(situation.min_discharge_w, FIRST_DISCHARGE_W)
    if situation.memory.discharge_proven or situation.max_discharge_w <= least_w:
        return None
    return Limit(
        permitted=PowerRange(lowest_w=-least_w, highest_w=UNBOUNDED.highest_w),
        reason=because("first_discharge", f"at most {least_w:.0f} W until it was seen to flow"),
    )


def countercheck(situation: Situation, snapshot: Snapshot, policy: Policy) -> Limit | None:
    """While the grid meter is asked about a discharge it grows no more, or rests until answered."""
    check = situation.memory.check
    if check is None:
        return None
    if check.ending:
        why = "the grid meter did not show the discharge, and is watched as it ends"
        return Limit(permitted=ONLY_ZERO, reason=because("countercheck", why))
    return Limit(
        permitted=PowerRange(lowest_w=min(check.target_w, 0.0), highest_w=UNBOUNDED.highest_w),
        reason=because("countercheck", "no more until the grid meter has shown the last step"),
    )


def write_budget(situation: Situation, snapshot: Snapshot, policy: Policy) -> Limit | None:
    """Once today's writes are used up, what is safe without another one."""
    if writes_left(situation.use, Authority.SAFETY) != 0:
        return None
    return Limit(
        permitted=PowerRange(lowest_w=0.0, highest_w=static_safe_w(situation.evse, policy.grid)),
        reason=because(
            "write_budget",
            "today's writes to the charger's memory are used up: charge only, at most"
            f" {situation.evse.static_safe_current_a:g} A",
            Authority.SITE,
        ),
    )


def distrust(situation: Situation, snapshot: Snapshot, policy: Policy) -> Limit | None:
    """A charger that passed a bound for too long gets what is safe without its obedience."""
    if not situation.memory.distrusted:
        return None
    return Limit(
        permitted=PowerRange(lowest_w=0.0, highest_w=static_safe_w(situation.evse, policy.grid)),
        reason=because(
            "distrust",
            "the charger passed its bound for too long: charge only, at most"
            f" {situation.evse.static_safe_current_a:g} A, until the car is unplugged",
        ),
    )
