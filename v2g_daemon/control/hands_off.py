"""Hands off: when an EVSE is not commanded, and is then part of the house like any other load."""

from __future__ import annotations

from v2g_daemon.control.budgets import closings_left, writes_left
from v2g_daemon.control.dependable import static_safe_w
from v2g_daemon.control.situation import Situation
from v2g_daemon.control.wish import Wish
from v2g_daemon.domain.policy import FailState, Policy, Stage
from v2g_daemon.domain.power import ONLY_ZERO, PowerRange
from v2g_daemon.domain.readings import PowerControl
from v2g_daemon.domain.setpoint import Authority, Limit, Reason, permitted_by


def hands_off(situation: Situation) -> Reason | None:
    """Why nothing is commanded; the station then stands on its persistent default profile."""
    status = situation.status
    if situation.stage is Stage.WATCH:
        return Reason(authority=Authority.USER, rule="watch", detail="stage watch: nothing is sent")
    if not status.connected:
        return Reason(
            authority=Authority.FALLBACK,
            rule="no_station",
            detail="the charging station is away; it stands on its default profile",
        )
    if not status.plugged_in:
        return Reason(authority=Authority.FALLBACK, rule="no_car", detail="no car is plugged in")
    if status.capability is not None and status.capability.control is PowerControl.NONE:
        return Reason(
            authority=Authority.FALLBACK,
            rule="no_control",
            detail="this charging station cannot be told a power",
        )
    return None


def may_lapse(situation: Situation, wish: Wish, permitted: PowerRange, policy: Policy) -> bool:
    """Whether a car that a used-up budget keeps from charging is left to the station's default.

    That needs no write and no start of ours: the lease ends, and the station charges by itself.
    """
    left = (
        writes_left(situation.use, Authority.SAFETY),
        closings_left(situation.use, Authority.SAFETY),
    )
    safe_w = static_safe_w(situation.evse, policy.grid)
    return (
        0 in left
        and wish.target_w > 0.0
        and situation.evse.fail_state is FailState.CHARGES
        and safe_w >= situation.min_charge_w
        and permitted.contains(safe_w)
    )


def uncommanded_bound(
    situation: Situation, limits: tuple[Limit, ...], policy: Policy
) -> PowerRange:
    """What may flow while nothing is commanded; more is a fault.

    Away, a station stands on its default profile; an empty outlet draws nothing.
    """
    status = situation.status
    if not status.connected:
        return PowerRange(lowest_w=0.0, highest_w=static_safe_w(situation.evse, policy.grid))
    if not status.plugged_in:
        return ONLY_ZERO
    return permitted_by(limits)
