"""LIMIT_RULES and SITE_LIMIT_RULES: the two tables where all safety is read.

Every rule returns a bound that contains 0 W, or None where it does not apply; the permitted range
is their intersection, so their order does not matter.
"""

from __future__ import annotations

from collections.abc import Callable

from v2g_daemon.control import evse_limits, grid_quality, site_limits, trust_limits
from v2g_daemon.control.grid import GridView
from v2g_daemon.control.situation import Situation
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.setpoint import Limit
from v2g_daemon.domain.snapshot import Snapshot

EvseRule = Callable[[Situation, Snapshot, Policy], Limit | None]
SiteRule = Callable[[tuple[Situation, ...], GridView, Snapshot, Policy], Limit | None]

LIMIT_RULES: tuple[EvseRule, ...] = (
    evse_limits.device,
    evse_limits.telemetry,
    evse_limits.static_safe,
    evse_limits.permission,
    evse_limits.identity,
    evse_limits.soc_known,
    evse_limits.commute_buffer,
    evse_limits.soc_ceiling,
    evse_limits.warranty,
    evse_limits.monthly_cycles,
    trust_limits.latch,
    trust_limits.first_discharge,
    trust_limits.countercheck,
    trust_limits.distrust,
    trust_limits.write_budget,
    evse_limits.recording,
    evse_limits.clock,
)

SITE_LIMIT_RULES: tuple[SiteRule, ...] = (
    grid_quality.grid_quality,
    site_limits.main_fuse,
    site_limits.import_limit,
    site_limits.grid_operator,
    site_limits.export_limit,
    site_limits.export_depth,
    site_limits.price_known,
    site_limits.phase_imbalance,
)


def limits_of(situation: Situation, snapshot: Snapshot, policy: Policy) -> tuple[Limit, ...]:
    """The limits that bind this EVSE alone."""
    found = [rule(situation, snapshot, policy) for rule in LIMIT_RULES]
    return tuple([limit for limit in found if limit is not None])


def site_limits_of(
    situations: tuple[Situation, ...], grid: GridView, snapshot: Snapshot, policy: Policy
) -> tuple[Limit, ...]:
    """The limits that bind the sum of all EVSEs."""
    found = [rule(situations, grid, snapshot, policy) for rule in SITE_LIMIT_RULES]
    return tuple([limit for limit in found if limit is not None])
