"""Desire: who may say what is wanted now, in order of authority.

A guided test > overload relief > user override > the trip and the floor > plan and its fallbacks.
"""

from __future__ import annotations

from v2g_daemon.control.fallback import fallback_wish
from v2g_daemon.control.grid import GridView
from v2g_daemon.control.probing import probe_wish
from v2g_daemon.control.situation import Situation
from v2g_daemon.control.wish import Wish
from v2g_daemon.domain.goals import OverrideKind
from v2g_daemon.domain.interval import wall_clock
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.setpoint import Authority, Reason
from v2g_daemon.domain.snapshot import Snapshot


def desire(situation: Situation, grid: GridView, snapshot: Snapshot, policy: Policy) -> Wish:
    """The first wish in order of authority; one that relieves the connection anyway may stand."""
    probe = probe_wish(situation)
    if probe is not None:
        return probe
    relief = _overload_relief(situation, grid, policy)
    wish = (
        _user(situation, policy)
        or _trip_or_floor(situation, policy)
        or fallback_wish(situation, grid, snapshot, policy)
    )
    return wish if relief is None or wish.target_w <= relief.target_w else relief


def _overload_relief(situation: Situation, grid: GridView, policy: Policy) -> Wish | None:
    """Discharge what the house alone draws above its fuse, if the car may."""
    if grid.net_load_w is None or situation.max_discharge_w <= 0.0:
        return None
    bound_w = policy.grid.main_fuse_a * policy.grid.nominal_voltage_v * policy.grid.phases
    if policy.grid.import_limit_w is not None:
        bound_w = min(bound_w, policy.grid.import_limit_w)
    excess_w = grid.net_load_w - bound_w
    if excess_w <= 0.0:
        return None
    return Wish(
        target_w=-max(excess_w, situation.min_discharge_w),
        reason=Reason(
            authority=Authority.SITE,
            rule="overload_relief",
            detail=f"the house draws {excess_w:.0f} W more than its connection permits",
        ),
    )


def _user(situation: Situation, policy: Policy) -> Wish | None:
    """An override; an unconfirmed stop gives way to the trip and to the floor."""
    override = situation.override
    if override is None:
        return None
    until = f"until {wall_clock(override.until_utc, policy.timezone)}"
    if override.kind is OverrideKind.PROBE:
        return None
    if override.kind is OverrideKind.CHARGE_LEAST:
        return _by_user("meter_test", situation.min_charge_w, "a small charge, to test the meters")
    if override.kind is OverrideKind.CHARGE:
        return _by_user("override_charge", situation.max_charge_w, f"charging as asked {until}")
    if not override.confirmed and _trip_or_floor(situation, policy) is not None:
        return None
    commute = situation.commute
    missed = "" if commute is None else _stop_costs(commute.needed_wh)
    return _by_user("override_stop", 0.0, f"stopped as asked {until}{missed}")


def _stop_costs(needed_wh: float) -> str:
    if needed_wh <= 0.0:
        return ""
    return f"; the next trip still lacks {needed_wh / 1000.0:.1f} kWh"


def _by_user(rule: str, target_w: float, detail: str) -> Wish:
    return Wish(
        target_w=target_w, reason=Reason(authority=Authority.USER, rule=rule, detail=detail)
    )


def _trip_or_floor(situation: Situation, policy: Policy) -> Wish | None:
    """Full power below the floor, and from the trip's latest safe start until its goal is met."""
    vehicle, estimate = situation.vehicle, situation.estimate
    if situation.memory.below_floor and vehicle is not None and estimate is not None:
        return _charge(
            situation,
            "below_floor",
            f"{estimate.soc * 100:.0f} % is below the floor of {vehicle.soc_floor * 100:.0f} %",
        )
    commute = situation.commute
    if not situation.memory.must_charge or commute is None:
        return None
    missing = f"{commute.needed_wh / 1000.0:.1f} kWh are missing for"
    detail = f"{missing} the trip at {wall_clock(commute.goal.ready_by_utc, policy.timezone)}"
    if commute.shortfall_wh > 0.0:
        detail += f"; {commute.shortfall_wh / 1000.0:.1f} kWh cannot be reached any more"
    return _charge(situation, "commute_must_charge", detail)


def _charge(situation: Situation, rule: str, detail: str) -> Wish:
    return Wish(
        target_w=situation.max_charge_w,
        reason=Reason(authority=Authority.COMMUTE, rule=rule, detail=detail),
    )
