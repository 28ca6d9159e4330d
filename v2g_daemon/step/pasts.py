"""The past that forecasts learn from: what the house drew per quarter hour without its EVSEs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from v2g_daemon.domain.ledger import EvseInterval, LedgerRow, PccInterval
from v2g_daemon.domain.plan import HistoryRow

KEPT = timedelta(days=28)


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """Finished quarter hours, and the rows of the newest, which an EVSE row may still complete."""

    history: tuple[HistoryRow, ...] = ()
    open_rows: tuple[PccInterval | EvseInterval, ...] = ()


def remembered(past: Past, rows: tuple[LedgerRow, ...], now_utc: datetime) -> Past:
    """The past with these rows; a quarter hour is closed when the next one's row arrives."""
    arrived = tuple(row for row in rows if isinstance(row, PccInterval | EvseInterval))
    if not arrived:
        return past
    open_rows = past.open_rows + arrived
    newest_utc = max(row.interval.start_utc for row in open_rows)
    closed = tuple(row for row in open_rows if row.interval.start_utc < newest_utc)
    finished = tuple(_history_row(row, closed) for row in closed if isinstance(row, PccInterval))
    kept = past.history
    if finished:
        kept = tuple(row for row in past.history if row.start_utc >= now_utc - KEPT)
    return Past(
        history=(*kept, *finished),
        open_rows=tuple(row for row in open_rows if row.interval.start_utc >= newest_utc),
    )


def _history_row(pcc: PccInterval, rows: tuple[PccInterval | EvseInterval, ...]) -> HistoryRow:
    """Mean powers of one interval."""
    net_milliwh = pcc.import_milliwh - pcc.export_milliwh
    for row in rows:
        if isinstance(row, EvseInterval) and row.interval == pcc.interval:
            net_milliwh -= row.charge_milliwh - row.discharge_milliwh
    hours = pcc.interval.seconds_s / 3600.0
    return HistoryRow(
        start_utc=pcc.interval.start_utc,
        net_load_w=net_milliwh / 1000.0 / hours,
        pv_w=None if pcc.pv_milliwh is None else pcc.pv_milliwh / 1000.0 / hours,
    )
