"""The past that forecasts learn from: what the house drew per quarter hour without its EVSEs, and
when its cars were plugged in.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from v2g_daemon.domain.interval import quarter_hour_start
from v2g_daemon.domain.ledger import EvseInterval, ForetoldRow, LedgerRow, PccInterval, SessionRow
from v2g_daemon.domain.plan import HistoryDay, PastStay
from v2g_daemon.domain.prices import PriceCurve, PriceSlot
from v2g_daemon.domain.quick import quick, replace
from v2g_daemon.domain.same import Same
from v2g_daemon.domain.vehicle import Vehicle
from v2g_daemon.step.history import KEPT, EnergyRow, with_quarter, without_old

SESSIONS_KEPT = timedelta(days=400)
# An EVSE row that still lacks its quarter hour at the PCC after so long will never get one.
AWAITED = timedelta(days=1)
# What a charger loses at least, so that what was counted is surely in the pack.
KEPT_OF_ENERGY = 0.92


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """Finished quarter hours of four weeks (and up to a day more) by their day, the rows of those
    that may still be completed, and the sessions.

    `prices` are those of the finished quarter hours, in a real-time market only; `foretold` is what
    plans said of them, and say of some to come.
    """

    history: tuple[HistoryDay, ...] = ()
    open_rows: tuple[EnergyRow, ...] = ()
    sessions: tuple[SessionRow, ...] = ()
    prices: tuple[PriceSlot, ...] = ()
    foretold: tuple[ForetoldRow, ...] = ()


def remembered(past: Past, rows: tuple[LedgerRow, ...], now_utc: datetime) -> Past:
    """The past with these rows; a quarter hour is closed when the PCC's next one arrives.

    An EVSE row that comes later still (its station was away) corrects the closed quarter hour.
    """
    for row in rows:
        if isinstance(row, SessionRow):
            past = replace(past, sessions=_with_session(past.sessions, row, now_utc))
    arrived = tuple([row for row in rows if isinstance(row, (PccInterval, EvseInterval))])
    if not arrived:
        return past
    open_rows = past.open_rows + arrived
    metered = [row.interval.start_utc for row in open_rows if isinstance(row, PccInterval)]
    if not metered:
        return replace(past, open_rows=_awaited(open_rows, now_utc))
    newest_utc = quarter_hour_start(max(metered))
    still_open = [row for row in open_rows if row.interval.start_utc >= newest_utc]
    quarters: dict[datetime, list[EnergyRow]] = {}
    for row in open_rows:
        if row.interval.start_utc < newest_utc:
            quarters.setdefault(quarter_hour_start(row.interval.start_utc), []).append(row)
    history = past.history
    for start_utc in sorted(quarters):
        history = with_quarter(history, start_utc, quarters[start_utc])
    return Past(
        history=without_old(history, now_utc),
        open_rows=_awaited(still_open, now_utc),
        sessions=past.sessions,
        prices=past.prices,
        foretold=past.foretold,
    )


def with_prices(
    past: Past, rows: Iterable[LedgerRow], curve: PriceCurve | None, now_utc: datetime
) -> Past:
    """The past with what these rows cost, in a real-time market; the clock may have stepped back.

    Where prices are published ahead, the curve itself holds the last days'.
    """
    if curve is None or curve.real_time_s is None:
        return past
    last_utc = past.prices[-1].interval.end_utc if past.prices else now_utc - KEPT
    news = [slot for slot in prices_of(rows) if slot.interval.start_utc >= last_utc]
    if not news:
        return past
    forgotten = bisect_left(past.prices, now_utc - KEPT, key=lambda slot: slot.interval.start_utc)
    return replace(past, prices=(*past.prices[forgotten:], *news))


def prices_of(rows: Iterable[LedgerRow]) -> tuple[PriceSlot, ...]:
    """What was paid and earned in the quarter hours of metered rows, where that is known."""
    return tuple(
        PriceSlot(
            interval=row.interval,
            import_per_kwh=float(row.import_per_kwh),
            export_per_kwh=float(row.export_per_kwh),
        )
        for row in rows
        if isinstance(row, PccInterval)
        and row.import_per_kwh is not None
        and row.export_per_kwh is not None
    )


def stays_of(sessions: tuple[SessionRow, ...], vehicle: Vehicle) -> tuple[PastStay, ...]:
    """When one car was plugged in, and what its trips took as far as its SoC tells."""
    return _stays_of(Same(sessions), Same(vehicle))


@lru_cache(maxsize=1)
def _stays_of(sessions: Same[tuple[SessionRow, ...]], car: Same[Vehicle]) -> tuple[PastStay, ...]:
    vehicle, found = car.value, list[PastStay]()
    left_with_soc: float | None = None
    for row in sessions.value:
        if row.vehicle_id != vehicle.vehicle_id:
            continue
        trip_wh = None
        if left_with_soc is not None and row.start_soc is not None:
            trip_wh = max(left_with_soc - row.start_soc, 0.0) * vehicle.capacity_wh
        found.append(
            PastStay(
                plugged_in_utc=row.plugged_in_utc,
                plugged_out_utc=row.plugged_out_utc,
                trip_wh=trip_wh,
            )
        )
        left_with_soc = _left_with_soc(row, vehicle)
    return tuple(found)


def _left_with_soc(row: SessionRow, vehicle: Vehicle) -> float | None:
    """The SoC at the end; where its last reading came early, what was counted since the start."""
    if row.start_soc is None or row.end_soc is None:
        return row.end_soc
    moved_wh = row.charge_milliwh * KEPT_OF_ENERGY - row.discharge_milliwh / KEPT_OF_ENERGY
    return min(max(row.end_soc, row.start_soc + moved_wh / 1000.0 / vehicle.capacity_wh), 1.0)


def _with_session(
    sessions: tuple[SessionRow, ...], row: SessionRow, now_utc: datetime
) -> tuple[SessionRow, ...]:
    """The newest row of each session, in the order in which they began."""
    kept = [
        one
        for one in sessions
        if one.session_id != row.session_id and one.plugged_in_utc >= now_utc - SESSIONS_KEPT
    ]
    return tuple(sorted((*kept, row), key=lambda one: one.plugged_in_utc))


def _awaited(rows: Iterable[EnergyRow], now_utc: datetime) -> tuple[EnergyRow, ...]:
    return tuple(row for row in rows if row.interval.start_utc >= now_utc - AWAITED)
