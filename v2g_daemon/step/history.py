"""The quarter hours of the past, a UTC day at a time: what the house drew without its EVSEs.

A day is made anew as its quarter hours are closed or corrected, and stays as it is from then on.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from itertools import groupby

from v2g_daemon.domain.interval import QUARTER_HOUR
from v2g_daemon.domain.ledger import EvseInterval, PccInterval
from v2g_daemon.domain.plan import HistoryDay, HistoryRow
from v2g_daemon.domain.quick import replace

KEPT = timedelta(days=28)
# A quarter hour of which less is known says too little about its mean.
SHORTEST_KNOWN_S = 300.0

EnergyRow = PccInterval | EvseInterval


def by_days(rows: Iterable[HistoryRow]) -> tuple[HistoryDay, ...]:
    """Quarter hours in order of time, parted by day."""
    return tuple(tuple(day) for _, day in groupby(rows, key=_date))


def with_quarter(
    history: tuple[HistoryDay, ...], start_utc: datetime, rows: Sequence[EnergyRow]
) -> tuple[HistoryDay, ...]:
    """The history with the quarter hour that these rows make, in its place: mostly the last."""
    place = bisect_left(history, start_utc.date(), key=_date_of)
    known = place < len(history) and _date_of(history[place]) == start_utc.date()
    before = history[place] if known else ()
    after = _with_row(before, start_utc, rows)
    if after is before:
        return history
    return (*history[:place], after, *history[place + known :])


def without_old(history: tuple[HistoryDay, ...], now_utc: datetime) -> tuple[HistoryDay, ...]:
    """The days of which anything is within the last `KEPT`."""
    since_utc = now_utc - KEPT
    if not history or history[0][-1].start_utc >= since_utc:
        return history
    return tuple(day for day in history if day[-1].start_utc >= since_utc)


def _date(row: HistoryRow) -> date:
    return row.start_utc.date()


def _date_of(day: HistoryDay) -> date:
    return _date(day[0])


def _start_utc(row: HistoryRow) -> datetime:
    return row.start_utc


def _with_row(day: HistoryDay, start_utc: datetime, rows: Sequence[EnergyRow]) -> HistoryDay:
    place = bisect_left(day, start_utc, key=_start_utc)
    known = place < len(day) and day[place].start_utc == start_utc
    row = _closed(start_utc, rows, day[place] if known else None)
    return day if row is None else (*day[:place], row, *day[place + known :])


def _closed(
    start_utc: datetime, rows: Sequence[EnergyRow], known: HistoryRow | None
) -> HistoryRow | None:
    """The quarter hour from its rows: partial ones of a restart, several of a change of car."""
    metered = [row for row in rows if isinstance(row, PccInterval)]
    moved_milliwh = sum(
        row.charge_milliwh - row.discharge_milliwh for row in rows if isinstance(row, EvseInterval)
    )
    if not metered:
        if known is None:
            return None
        late_w = moved_milliwh / 1000.0 / (QUARTER_HOUR / timedelta(hours=1))
        return replace(known, net_load_w=known.net_load_w - late_w)
    known_s = 0.0
    for row in metered:
        known_s += row.interval.seconds_s
    if known_s < SHORTEST_KNOWN_S:
        return None
    hours = known_s / 3600.0
    net_milliwh = sum(row.import_milliwh - row.export_milliwh for row in metered) - moved_milliwh
    pv_milliwh = [row.pv_milliwh for row in metered if row.pv_milliwh is not None]
    return HistoryRow(
        start_utc=start_utc,
        net_load_w=net_milliwh / 1000.0 / hours,
        pv_w=sum(pv_milliwh) / 1000.0 / hours if len(pv_milliwh) == len(metered) else None,
    )
