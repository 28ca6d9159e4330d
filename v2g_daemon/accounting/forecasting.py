"""How far what was foretold of the house was from what came."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from v2g_daemon.domain.ledger import ForetoldRow
from v2g_daemon.domain.plan import HistoryRow

SPANS_DAYS = (7, 28)
NET_LOAD, PV = "net_load", "pv"


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastError:
    """Of `what` (net_load or pv), foretold `lead_h` hours ahead, over the last `span_days`.

    `bias_w`: foretold less measured; `usual_w`: the mean magnitude measured; `off_share`: the mean
    absolute error `off_w` of that (None: there was nothing).
    """

    what: str
    lead_h: int
    span_days: int
    quarters_count: int
    bias_w: float
    off_w: float
    usual_w: float
    off_share: float | None


def forecast_errors(
    history: Iterable[HistoryRow], foretold: Iterable[ForetoldRow], now_utc: datetime
) -> tuple[ForecastError, ...]:
    """By span, subject and hours ahead; none where no foretold quarter hour was measured."""
    came = {row.start_utc: row for row in history}
    pairs = [(row, came[row.start_utc]) for row in foretold if row.start_utc in came]
    leads_h = sorted({row.lead_h for row, _ in pairs})
    found = (
        _error(list(_values(pairs, what, lead_h, since_utc)), what, lead_h, days)
        for days in SPANS_DAYS
        for since_utc in (now_utc - timedelta(days=days),)
        for what in (NET_LOAD, PV)
        for lead_h in leads_h
    )
    return tuple(one for one in found if one is not None)


def _values(
    pairs: Iterable[tuple[ForetoldRow, HistoryRow]], what: str, lead_h: int, since_utc: datetime
) -> Iterator[tuple[float, float]]:
    """Foretold and measured powers."""
    for row, came in pairs:
        if row.lead_h != lead_h or row.start_utc < since_utc:
            continue
        if what == NET_LOAD:
            yield row.net_load_w, came.net_load_w
        elif row.pv_w is not None and came.pv_w is not None:
            yield row.pv_w, came.pv_w


def _error(
    values: list[tuple[float, float]], what: str, lead_h: int, span_days: int
) -> ForecastError | None:
    if not values:
        return None
    bias_w = off_w = usual_w = 0.0
    for foretold_w, measured_w in values:
        bias_w += foretold_w - measured_w
        off_w += abs(foretold_w - measured_w)
        usual_w += abs(measured_w)
    count = len(values)
    return ForecastError(
        what=what,
        lead_h=lead_h,
        span_days=span_days,
        quarters_count=count,
        bias_w=bias_w / count,
        off_w=off_w / count,
        usual_w=usual_w / count,
        off_share=off_w / usual_w if usual_w > 0.0 else None,
    )
