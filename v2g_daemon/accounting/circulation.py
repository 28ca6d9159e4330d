"""Circulation: what enters on one phase while it leaves on another.

A meter that adds its phases up never sees it; one that counts each phase for itself has it in both
of its registers. So the same registers settle either way, by adding or taking off this one amount.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from v2g_daemon.domain.billing_meter import Netting
from v2g_daemon.domain.interval import quarter_hour_start
from v2g_daemon.domain.ledger import PccInterval
from v2g_daemon.domain.policy import GridConnection
from v2g_daemon.domain.quick import replace


def circulating_w(phases: Sequence[float]) -> float | None:
    """What circulates between the phases' powers in W (>= 0); None where they are not told."""
    if len(phases) == 0:
        return None
    bought_w, total_w = 0.0, 0.0
    for power_w in phases:
        bought_w += max(power_w, 0.0)
        total_w += power_w
    return bought_w - max(total_w, 0.0)


def settled(row: PccInterval, grid: GridConnection) -> PccInterval:
    """The row with the energy that the billing meter counts.

    Where the circulation is not known, it stays as our own meter has it.
    """
    change = settlement_change_milliwh(row, grid)
    if change == 0:
        return row
    return replace(
        row,
        import_milliwh=max(row.import_milliwh + change, 0),
        export_milliwh=max(row.export_milliwh + change, 0),
    )


def settlement_change_milliwh(row: PccInterval, grid: GridConnection) -> int:
    """What the billing meter counts more (or, negative, less) than ours, on both sides alike."""
    if row.circulating_milliwh is None or grid.billing_meter.netting is grid.meter_netting:
        return 0
    if grid.billing_meter.netting is Netting.PER_PHASE:
        return row.circulating_milliwh
    return -min(row.circulating_milliwh, row.import_milliwh, row.export_milliwh)


def between_phases(rows: Iterable[PccInterval], grid: GridConnection) -> dict[datetime, int]:
    """What the billing meter counts on both sides beside the net, by quarter hour."""
    found: dict[datetime, int] = {}
    for row in rows:
        more = max(settlement_change_milliwh(row, grid), 0)
        start_utc = quarter_hour_start(row.interval.start_utc)
        found[start_utc] = found.get(start_utc, 0) + more
    return found


def netting_doubts(rows: Iterable[PccInterval], grid: GridConnection) -> Iterator[str]:
    """Why the billing meter may have counted something else, in words."""
    if grid.billing_meter.netting is grid.meter_netting:
        return
    unknown = {
        quarter_hour_start(row.interval.start_utc)
        for row in rows
        if row.circulating_milliwh is None
    }
    if unknown:
        yield (
            f"{len(unknown)} quarter hours have no power of each phase: they are counted as our "
            f"own meter nets them ({grid.meter_netting.value}), not as the billing meter does"
        )
