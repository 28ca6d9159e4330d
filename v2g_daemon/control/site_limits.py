"""Limits that bind the sum of all EVSEs at the grid connection: fuse, operator, export."""

from __future__ import annotations

from math import floor, inf, isfinite

from v2g_daemon.control.dependable import LEAST_DIMMED_W, static_safe_w
from v2g_daemon.control.grid import GridView
from v2g_daemon.control.situation import Situation
from v2g_daemon.domain.policy import ExportPolicy, Policy, Stage
from v2g_daemon.domain.power import PowerRange, total_w
from v2g_daemon.domain.setpoint import Authority, Limit, Reason
from v2g_daemon.domain.snapshot import Snapshot

DEPTH_LOOKAHEAD_S = 10.0
FLOAT_NOISE_W = 1e-6

Situations = tuple[Situation, ...]


def main_fuse(
    situations: Situations, grid: GridView, snapshot: Snapshot, policy: Policy
) -> Limit | None:
    """Import per phase under the fuse; without a usable meter the static safe currents."""
    if grid.meter is None or not grid.usable:
        return _upper(
            _static_w(situations, grid, policy),
            Authority.SAFETY,
            "main_fuse",
            "no fresh meter value: the static safe current",
        )
    fuse_w = policy.grid.main_fuse_a * policy.grid.nominal_voltage_v
    bound_w = fuse_w - policy.grid.margin_to_w(fuse_w)
    phase_power_w = grid.meter.phase_power_w
    if len(phase_power_w) != policy.grid.phases:
        phases = policy.grid.phases
        room_w = grid.total.room_below(bound_w * phases, grid.meter.power_w)
        return _upper(room_w, Authority.SAFETY, "main_fuse", f"{policy.grid.main_fuse_a:g} A fuse")
    room_w = inf
    for draw, share, pcc_w in zip(
        grid.phases, grid.largest_phase_share, phase_power_w, strict=True
    ):
        if share > 0.0:
            room_w = min(room_w, draw.room_below(bound_w, pcc_w) / share)
    return _upper(
        room_w, Authority.SAFETY, "main_fuse", f"the {policy.grid.main_fuse_a:g} A fuse per phase"
    )


def import_limit(
    situations: Situations, grid: GridView, snapshot: Snapshot, policy: Policy
) -> Limit | None:
    """Total import under the configured bound; without a usable meter at least the EVSEs'."""
    bound_w = policy.grid.import_limit_w
    if bound_w is None:
        return None
    room_w = bound_w - policy.grid.margin_to_w(bound_w)
    if grid.meter is not None and grid.usable:
        room_w = grid.total.room_below(room_w, grid.meter.power_w)
    return _upper(room_w, Authority.SITE, "import_limit", f"the import limit of {bound_w:.0f} W")


def grid_operator(
    situations: Situations, grid: GridView, snapshot: Snapshot, policy: Policy
) -> Limit | None:
    """Dimming by the grid operator, never below 4.2 kW per device (BNetzA BK6-22-300)."""
    bound_w = policy.grid.grid_operator_import_w
    if bound_w is None:
        return None
    dimmed_w = max(bound_w, LEAST_DIMMED_W * len(situations))
    return _upper(dimmed_w, Authority.GRID_OPERATOR, "grid_operator", f"dimmed to {dimmed_w:.0f} W")


def export_limit(
    situations: Situations, grid: GridView, snapshot: Snapshot, policy: Policy
) -> Limit | None:
    """Net export of all sources under the limit, in total and, where agreed, per phase.

    No meter, a stale one or an unknown limit: no discharge past the own load, or none at all.
    """
    if grid.meter is None or not grid.usable:
        return _lower(0.0, Authority.SAFETY, "export_limit", "the grid meter gives no fresh value")
    bound_w, why = permitted_export_w(situations, snapshot, policy)
    lowest_w = max(
        grid.total.room_above(policy.grid.margin_to_w(bound_w) - bound_w, grid.meter.power_w),
        _lowest_per_phase_w(grid, grid.meter.phase_power_w, policy),
    )
    if not grid.may_increase:
        commanded_w = min(grid.total.commanded_w, 0.0)
        if lowest_w < commanded_w:
            return _lower(
                commanded_w,
                Authority.SAFETY,
                "export_limit",
                "the grid meter is late or just back: no more discharge than before",
            )
    return _lower(lowest_w, Authority.SAFETY, "export_limit", why)


def export_depth(
    situations: Situations, grid: GridView, snapshot: Snapshot, policy: Policy
) -> Limit | None:
    """The daily export depth from noon to noon; once spent, the own load may still be served."""
    remaining_wh = inf
    for situation in situations:
        vehicle, counters = situation.vehicle, situation.counters
        if vehicle is None:
            continue
        if counters is None or counters.exported_today_wh is None:
            return _lower(0.0, Authority.SITE, "export_depth", "today's counter cannot be read")
        depth = policy.export_depth
        day_wh = min(depth.energy_wh, depth.share_of_pack * vehicle.capacity_wh)
        remaining_wh = min(remaining_wh, day_wh - counters.exported_today_wh)
    if remaining_wh == inf or grid.net_load_w is None:
        return None
    ahead_s = max(DEPTH_LOOKAHEAD_S, 2.0 * policy.timing.tick_s)
    export_w = max(remaining_wh, 0.0) * 3600.0 / ahead_s
    lowest_w = -(max(grid.net_load_w - policy.grid.margin_to_w(0.0), 0.0) + export_w)
    return _lower(
        lowest_w, Authority.SITE, "export_depth", f"{max(remaining_wh, 0.0):.0f} Wh left today"
    )


def price_known(
    situations: Situations, grid: GridView, snapshot: Snapshot, policy: Policy
) -> Limit | None:
    """In a real-time market nothing is exported before the price of the moment is told.

    The own load may still be served: what that is worth does not hang on the export price.
    """
    prices = snapshot.prices
    if prices is None or prices.real_time_s is None or prices.at(snapshot.now.utc) is not None:
        return None
    net_load_w = 0.0 if grid.net_load_w is None else grid.net_load_w
    return _lower(
        -max(net_load_w - policy.grid.margin_to_w(0.0), 0.0),
        Authority.SITE,
        "price_known",
        "the price of this interval is not told yet: nothing is exported",
    )


def phase_imbalance(
    situations: Situations, grid: GridView, snapshot: Snapshot, policy: Policy
) -> Limit | None:
    """A single-phase EVSE keeps the phases' difference at the PCC under the bound.

    Without fresh values per phase its own power stays under it.
    """
    bound_w = policy.grid.max_phase_imbalance_w
    lopsided = {s.evse.connected_phase for s in situations if s.evse.phases < policy.grid.phases}
    if bound_w is None or not lopsided:
        return None
    lowest_w, highest_w = -bound_w, bound_w
    phases_w = () if grid.meter is None or not grid.usable else grid.meter.phase_power_w
    if len(phases_w) == policy.grid.phases:
        lowest_w, highest_w = -inf, inf
        for number in sorted(lopsided):
            own_w, draw = phases_w[number - 1], grid.phases[number - 1]
            for other_w in phases_w[: number - 1] + phases_w[number:]:
                highest_w = min(highest_w, draw.room_below(other_w + bound_w, own_w))
                lowest_w = max(lowest_w, draw.room_above(other_w - bound_w, own_w))
    return Limit(
        permitted=PowerRange(
            lowest_w=0.0 - _whole_w(max(-lowest_w, 0.0)), highest_w=_whole_w(max(highest_w, 0.0))
        ),
        reason=_because(
            Authority.SITE, "phase_imbalance", f"the phases may differ by {bound_w:.0f} W"
        ),
    )


def exportable_w(situations: Situations, snapshot: Snapshot, policy: Policy) -> float:
    """The permitted export less the margin kept from it; negative keeps some import."""
    bound_w = permitted_export_w(situations, snapshot, policy)[0]
    return bound_w - policy.grid.margin_to_w(bound_w)


def permitted_export_w(
    situations: Situations, snapshot: Snapshot, policy: Policy
) -> tuple[float, str]:
    """The export that stage, policy and connection permit, and which of them says so."""
    export_limit_w = policy.export_limit_at_w(snapshot.now.utc)
    if export_limit_w is None:
        return 0.0, "the export limit is unknown, so nothing is exported"
    if policy.export_policy is not ExportPolicy.ALLOWED:
        return 0.0, "the export policy is never"
    stages = tuple(s.stage for s in situations if s.stage >= Stage.V2H)
    if not stages or min(stages) < Stage.V2G:
        return 0.0, "below stage V2G only the own load is served"
    return export_limit_w, f"the export limit of {export_limit_w:.0f} W"


def _lowest_per_phase_w(grid: GridView, phase_power_w: tuple[float, ...], policy: Policy) -> float:
    """The lowest EVSE power that keeps each phase's export under its limit, where there is one."""
    bound_w = policy.grid.export_limit_per_phase_w
    if bound_w is None:
        return -inf
    if len(phase_power_w) != policy.grid.phases:
        return 0.0
    lowest_w = -inf
    for draw, share, pcc_w in zip(
        grid.phases, grid.largest_phase_share, phase_power_w, strict=True
    ):
        if share > 0.0:
            room_w = draw.room_above(policy.grid.margin_to_w(bound_w) - bound_w, pcc_w)
            lowest_w = max(lowest_w, room_w / share)
    return lowest_w


def _static_w(situations: Situations, grid: GridView, policy: Policy) -> float:
    """Their static safe currents, together no more than the fuse less the largest other load."""
    safe_w = total_w(static_safe_w(situation.evse, policy.grid) for situation in situations)
    spare_a = policy.grid.main_fuse_a - policy.grid.largest_other_load_a
    largest_share = max(grid.largest_phase_share, default=0.0)
    if largest_share <= 0.0:
        return safe_w
    return min(safe_w, spare_a * policy.grid.nominal_voltage_v / largest_share)


def _because(authority: Authority, rule: str, detail: str) -> Reason:
    return Reason(authority=authority, rule=rule, detail=detail)


def _whole_w(magnitude_w: float) -> float:
    """Rounded towards 0 W: no meter is finer, and digits of noise only wear the trace."""
    return float(floor(magnitude_w + FLOAT_NOISE_W)) if isfinite(magnitude_w) else magnitude_w


def _upper(highest_w: float, authority: Authority, rule: str, detail: str) -> Limit:
    return Limit(
        permitted=PowerRange(lowest_w=-inf, highest_w=_whole_w(max(highest_w, 0.0))),
        reason=_because(authority, rule, detail),
    )


def _lower(lowest_w: float, authority: Authority, rule: str, detail: str) -> Limit:
    return Limit(
        permitted=PowerRange(lowest_w=0.0 - _whole_w(max(-lowest_w, 0.0)), highest_w=inf),
        reason=_because(authority, rule, detail),
    )
