"""What all EVSEs wish, each beside the others: no load, sun or room counts twice."""

from __future__ import annotations

from v2g_daemon.control.desire import desire
from v2g_daemon.control.dispatch import planned_w
from v2g_daemon.control.grid import GridView
from v2g_daemon.control.hands_off import hands_off
from v2g_daemon.control.situation import Situation
from v2g_daemon.control.wish import Wish
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.power import total_w
from v2g_daemon.domain.quick import replace
from v2g_daemon.domain.setpoint import Authority, Limit, permitted_by
from v2g_daemon.domain.snapshot import Snapshot


def wishes_in_turn(
    situations: tuple[Situation, ...],
    own_limits: tuple[tuple[Limit, ...], ...],
    grid: GridView,
    snapshot: Snapshot,
    policy: Policy,
) -> tuple[Wish, ...]:
    """One after the other: each finds what those before it leave of load, sun and import.

    Who must charge comes first, then who would; alone at first, for nobody knows yet. Under a
    demand charge what those after it plan to charge is left to them.
    """
    alone = tuple(desire(situation, grid, snapshot, policy) for situation in situations)
    if len(alone) == 1:
        return alone
    wishes = dict[int, Wish]()
    order = [(wish.target_w <= 0.0, -wish.reason.authority, at) for at, wish in enumerate(alone)]
    awaited_w = _awaited_w(situations, alone, snapshot)
    for _, _, at in sorted(order):
        awaited_w[at] = 0.0
        beside = replace(grid.beside, awaited_w=total_w(awaited_w))
        grid = replace(grid, beside=beside)
        wishes[at] = wish = desire(situations[at], grid, snapshot, policy)
        if hands_off(situations[at]) is None:
            power_w = permitted_by(own_limits[at]).clamp(wish.target_w)
            seen_w = _seen_w(wish, power_w, grid)
            grid = replace(grid, beside=beside.and_one(seen_w=seen_w, power_w=power_w))
    return tuple(wishes[at] for at in range(len(alone)))


def _awaited_w(
    situations: tuple[Situation, ...], alone: tuple[Wish, ...], snapshot: Snapshot
) -> list[float]:
    """What each plans to charge now, where a cap on the import is shared, and still would."""
    if not any(plan.peak_caps for plan in snapshot.plans):
        return [0.0] * len(alone)
    return [
        0.0
        if situation.plan is None or hands_off(situation) is not None
        else min(max(planned_w(situation.plan, snapshot.now.utc), 0.0), max(wish.target_w, 0.0))
        for situation, wish in zip(situations, alone, strict=True)
    ]


def _seen_w(wish: Wish, power_w: float, grid: GridView) -> float:
    """What others see of a wish: a charge that is needed takes its part of a surplus, but keeps
    nobody from serving the load.
    """
    load_w = grid.served_load_w
    if power_w > 0.0 and load_w is not None and wish.reason.authority > Authority.PLAN:
        return min(power_w, max(-load_w, 0.0))
    return power_w
