"""Reads what was committed, on connections that cannot write, in the caller's thread."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Executable, Select, Table, case, func, select
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError

from v2g_daemon.accounting.counters import local_month
from v2g_daemon.adapters.database import engine as engines
from v2g_daemon.adapters.database import tables, translate
from v2g_daemon.domain.errors import LedgerError
from v2g_daemon.domain.goals import ToldDeparture, UserOverride
from v2g_daemon.domain.interval import Interval, noon_day, quarter_hour_start
from v2g_daemon.domain.ledger import (
    DecisionRow,
    EvseInterval,
    ForetoldRow,
    PccInterval,
    SessionRow,
    SocDay,
    StationEvent,
)
from v2g_daemon.domain.memory import DischargeLatch
from v2g_daemon.domain.plan import HistoryRow
from v2g_daemon.domain.snapshot import CommissioningRecord, DischargeCounters
from v2g_daemon.domain.vehicle import CarAnswer

# A quarter hour of which less is recorded says too little about its mean.
SHORTEST_KNOWN_S = 300.0


class DatabaseReader:
    """The ledger as its readers see it; every method raises LedgerError if it cannot be read."""

    def __init__(self, url: URL) -> None:
        self._engine = engines.reader_engine(url)

    @classmethod
    def at(cls, database_url: str) -> DatabaseReader:
        """A reader of an existing ledger; LedgerError if there is none."""
        url = engines.parsed(database_url)
        file = engines.sqlite_file(url)
        if file is not None and not file.exists():
            raise LedgerError(f"there is no ledger at {file}; has the daemon run?")
        return cls(url)

    def pcc_intervals(self, interval: Interval) -> tuple[PccInterval, ...]:
        """Rows that start in the interval, in time order; seeded ones are marked."""
        found = self._within(tables.pcc_interval, interval)
        return tuple(translate.pcc_interval(row) for row in found)

    def evse_intervals(self, interval: Interval) -> tuple[EvseInterval, ...]:
        """Rows that start in the interval, in time order; seeded ones are marked."""
        found = self._within(tables.evse_interval, interval)
        return tuple(translate.evse_interval(row) for row in found)

    def sessions(self, interval: Interval) -> tuple[SessionRow, ...]:
        """Sessions that touch the interval, in time order."""
        table = tables.session
        ended = table.c.plugged_out_utc
        statement = (
            select(table)
            .where(table.c.plugged_in_utc < interval.end_utc)
            .where(ended.is_(None) | (ended > interval.start_utc))
            .order_by(table.c.plugged_in_utc)
        )
        return tuple(SessionRow(**row) for row in self._read(statement))

    def decisions(self, interval: Interval) -> tuple[DecisionRow, ...]:
        """Decisions of the interval, in time order."""
        table = tables.decision
        statement = (
            select(table)
            .where(table.c.at_utc >= interval.start_utc)
            .where(table.c.at_utc < interval.end_utc)
            .order_by(table.c.at_utc)
        )
        return tuple(translate.decision(row) for row in self._read(statement))

    def open_sessions(self) -> tuple[SessionRow, ...]:
        """Sessions without an end, with the energy of their stored rows."""
        table, rows = tables.session, tables.evse_interval
        statement = select(table).where(table.c.plugged_out_utc.is_(None))
        sessions = [SessionRow(**row) for row in self._read(statement)]
        summed = (
            select(
                rows.c.session_id,
                func.sum(rows.c.charge_milliwh).label("charge"),
                func.sum(rows.c.discharge_milliwh).label("discharge"),
            )
            .where(rows.c.session_id.in_([session.session_id for session in sessions]))
            .group_by(rows.c.session_id)
        )
        sums = {row["session_id"]: row for row in self._read(summed)}
        return tuple(
            replace(
                session,
                charge_milliwh=int(sums[session.session_id]["charge"]),
                discharge_milliwh=int(sums[session.session_id]["discharge"]),
            )
            if session.session_id in sums
            else session
            for session in sessions
        )

    def last_pcc(self) -> PccInterval | None:
        """The latest metered row: where a restarted meter goes on."""
        table = tables.pcc_interval
        statement = select(table).where(~table.c.simulated).order_by(table.c.start_utc.desc())
        found = self._read(statement.limit(1))
        return translate.pcc_interval(found[0]) if found else None

    def last_evses(self) -> tuple[EvseInterval, ...]:
        """The latest metered row of each EVSE."""
        table = tables.evse_interval
        latest = (
            select(table.c.evse_id, func.max(table.c.start_utc).label("start_utc"))
            .where(~table.c.simulated)
            .group_by(table.c.evse_id)
            .subquery()
        )
        same = (table.c.evse_id == latest.c.evse_id) & (table.c.start_utc == latest.c.start_utc)
        found = self._read(select(table).join(latest, same).order_by(table.c.evse_id))
        return tuple(translate.evse_interval(row) for row in found)

    def last_stored_utc(self) -> datetime | None:
        """The newest metered moment; all of these are written under a trusted clock only."""
        pcc, telemetry, decision = tables.pcc_interval, tables.telemetry, tables.decision
        statement = select(
            select(func.max(pcc.c.end_utc)).where(~pcc.c.simulated).scalar_subquery().label("pcc"),
            select(func.max(telemetry.c.minute_utc)).scalar_subquery().label("telemetry"),
            select(func.max(decision.c.at_utc)).scalar_subquery().label("decision"),
        )
        found = self._read(statement)[0].values()
        return max((moment for moment in found if moment is not None), default=None)

    def soc_days(self, vehicle_id: str) -> tuple[SocDay, ...]:
        """The daily SoC log of one car, in time order."""
        table = tables.soc_day
        statement = select(table).where(table.c.vehicle_id == vehicle_id).order_by(table.c.day)
        return tuple(SocDay(**row) for row in self._read(statement))

    def history(self, *, since_utc: datetime) -> tuple[HistoryRow, ...]:
        """Mean net load (without the EVSEs) and PV per quarter hour, seeded history included."""
        pcc, evse = tables.pcc_interval, tables.evse_interval
        metered = self._read(
            select(
                pcc.c.start_utc,
                pcc.c.end_utc,
                (pcc.c.import_milliwh - pcc.c.export_milliwh).label("net_milliwh"),
                pcc.c.pv_milliwh,
            )
            .where(pcc.c.start_utc >= since_utc)
            .order_by(pcc.c.start_utc)
        )
        moved = self._read(
            select(
                evse.c.start_utc,
                (evse.c.charge_milliwh - evse.c.discharge_milliwh).label("net_milliwh"),
            ).where(evse.c.start_utc >= since_utc)
        )
        return _history(metered, moved)

    def foretold(self, *, since_utc: datetime) -> tuple[ForetoldRow, ...]:
        """What was foretold of quarter hours from a moment on."""
        table = tables.foretold
        statement = select(table).where(table.c.start_utc >= since_utc)
        rows = self._read(statement.order_by(table.c.start_utc, table.c.lead_h))
        return tuple(ForetoldRow(**row) for row in rows)

    def counters(self, vehicle_id: str, *, now_utc: datetime, timezone: str) -> DischargeCounters:
        """Sums over the stored rows of one car; the running row is not among them."""
        zone = ZoneInfo(timezone)
        table = tables.evse_interval
        discharged = table.c.discharge_milliwh
        statement = (
            select(
                _sum_within(table.c.exported_milliwh, noon_day(now_utc, zone)).label("today"),
                _sum_within(discharged, local_month(now_utc, zone)).label("month"),
                func.coalesce(func.sum(discharged), 0).label("life"),
                func.coalesce(func.sum(table.c.discharging_s), 0.0).label("seconds"),
            )
            .where(table.c.vehicle_id == vehicle_id)
            .where(~table.c.simulated)
        )
        sums = self._read(statement)[0]
        return DischargeCounters(
            vehicle_id=vehicle_id,
            exported_today_wh=int(sums["today"]) / 1000.0,
            discharged_month_wh=int(sums["month"]) / 1000.0,
            discharged_life_wh=int(sums["life"]) / 1000.0,
            discharging_life_s=float(sums["seconds"]),
        )

    def latches(self) -> tuple[DischargeLatch, ...]:
        """The latches whose last event did not clear them."""
        last = self._last(tables.latch_event, "evse_id", "rule")
        return tuple(translate.latch(row) for row in last if not row["cleared"])

    def overrides(self, *, now_utc: datetime) -> tuple[UserOverride, ...]:
        """The overrides in force: the last word on each EVSE, if its time is not up."""
        last = (translate.override(row) for row in self._last(tables.override_event, "evse_id"))
        return tuple(one for one in last if one is not None and one.until_utc > now_utc)

    def told_departures(self, *, now_utc: datetime) -> tuple[ToldDeparture, ...]:
        """What the owner said of departures and absences that are not over, in the order told."""
        table = tables.told_departure
        ends = func.coalesce(table.c.returns_at_utc, table.c.ready_by_utc)
        statement = select(table).where(ends > now_utc).order_by(table.c.told_at_utc)
        found = (translate.told_departure(row) for row in self._read(statement))
        return tuple(one for one in found if one is not None)

    def commissioning(self) -> tuple[CommissioningRecord, ...]:
        """All records, in time order."""
        table = tables.commissioning_record
        found = self._read(select(table).order_by(table.c.recorded_at_utc))
        return tuple(translate.commissioning(row) for row in found)

    def car_answers(self) -> tuple[CarAnswer, ...]:
        """The owner's last word at each EVSE; which plug-in it is of stands in it."""
        table = tables.car_answer
        events = self._read(select(table).order_by(table.c.answered_at_utc))
        return tuple({row["evse_id"]: CarAnswer(**row) for row in events}.values())

    def newest_station_events(self) -> tuple[StationEvent, ...]:
        """The newest of each station, kind and name."""
        last = self._last(tables.station_event, "station_id", "kind", "name")
        return tuple(translate.station_event(row) for row in last)

    def _within(self, table: Table, interval: Interval) -> list[Mapping[str, Any]]:
        start = table.c.start_utc
        statement: Select[Any] = select(table).where(start >= interval.start_utc)
        return self._read(statement.where(start < interval.end_utc).order_by(start))

    def _last(self, table: Table, *keys: str) -> list[Mapping[str, Any]]:
        """The latest event for each key."""
        events = self._read(select(table).order_by(table.c.at_utc))
        return list({tuple(row[key] for key in keys): row for row in events}.values())

    def _read(self, statement: Executable) -> list[Mapping[str, Any]]:
        try:
            with self._engine.connect() as connection:
                return [dict(row) for row in connection.execute(statement).mappings()]
        except SQLAlchemyError as error:
            raise LedgerError(f"the ledger could not be read: {error}") from error


def _sum_within(column: ColumnElement[Any], interval: Interval) -> ColumnElement[Any]:
    start = tables.evse_interval.c.start_utc
    inside = (start >= interval.start_utc) & (start < interval.end_utc)
    return func.coalesce(func.sum(case((inside, column), else_=0)), 0)


def _history(
    metered: Iterable[Mapping[str, Any]], moved: Iterable[Mapping[str, Any]]
) -> tuple[HistoryRow, ...]:
    """Rows of the same quarter hour joined; EVSE energy is taken out of what the meter saw."""
    net: dict[datetime, int] = {}
    pv: dict[datetime, int | None] = {}
    known_s: dict[datetime, float] = {}
    for row in metered:
        start_utc = quarter_hour_start(row["start_utc"])
        net[start_utc] = net.get(start_utc, 0) + int(row["net_milliwh"])
        known_s[start_utc] = (
            known_s.get(start_utc, 0.0) + (row["end_utc"] - row["start_utc"]).total_seconds()
        )
        before = pv.get(start_utc, 0)
        pv_milliwh = row["pv_milliwh"]
        pv[start_utc] = None if before is None or pv_milliwh is None else before + int(pv_milliwh)
    for row in moved:
        start_utc = quarter_hour_start(row["start_utc"])
        if start_utc in net:
            net[start_utc] -= int(row["net_milliwh"])
    return tuple(
        HistoryRow(
            start_utc=start_utc,
            net_load_w=net[start_utc] * 3.6 / known_s[start_utc],
            pv_w=None if (made := pv[start_utc]) is None else made * 3.6 / known_s[start_utc],
        )
        for start_utc in sorted(net)
        if known_s[start_utc] >= SHORTEST_KNOWN_S
    )
