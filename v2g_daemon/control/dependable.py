"""The charging power that can be counted on: what a trip's latest safe start is reckoned with."""

from __future__ import annotations

from v2g_daemon.domain.policy import EvsePolicy, GridConnection, Policy

LEAST_DIMMED_W = 4200.0


def static_safe_w(evse: EvsePolicy, grid: GridConnection) -> float:
    """The charging power at the EVSE's static safe current."""
    return evse.static_safe_current_a * grid.nominal_voltage_v * evse.phases


def dependable_charge_w(max_charge_w: float, evse: EvsePolicy, policy: Policy) -> float:
    """The part of `max_charge_w` that connection and operator leave for good to each EVSE."""
    grid, evses = policy.grid, max(len(policy.evses), 1)
    if not grid.has_meter:
        return min(max_charge_w, static_safe_w(evse, grid))
    fuse_w = grid.main_fuse_a * grid.nominal_voltage_v
    bounds_w = [max_charge_w, (fuse_w - grid.margin_to_w(fuse_w)) * evse.phases]
    if grid.import_limit_w is not None:
        bounds_w.append((grid.import_limit_w - grid.margin_to_w(grid.import_limit_w)) / evses)
    if grid.grid_operator_import_w is not None:
        bounds_w.append(max(grid.grid_operator_import_w / evses, LEAST_DIMMED_W))
    return max(min(bounds_w), 0.0)
