"""Ledger rows to table rows and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, assert_never

from sqlalchemy import Table

from v2g_daemon.adapters.database import tables
from v2g_daemon.domain.goals import DepartureGoal, OverrideKind, ToldDeparture, UserOverride
from v2g_daemon.domain.interval import Interval
from v2g_daemon.domain.ledger import (
    DecisionRow,
    DepartureEvent,
    EvseInterval,
    ForetoldRow,
    LatchEvent,
    LedgerRow,
    OverrideEvent,
    PccInterval,
    SessionRow,
    SocDay,
    StationEvent,
    StationEventKind,
    TelemetryRow,
)
from v2g_daemon.domain.memory import DischargeLatch
from v2g_daemon.domain.setpoint import Authority
from v2g_daemon.domain.snapshot import CommissioningRecord, CommissioningStep
from v2g_daemon.domain.vehicle import CarAnswer

# The value of `kind` by which an override event says "back to automatic".
AUTOMATIC = "auto"

# A session stands before the intervals that refer to it.
ORDER = (
    tables.session,
    tables.pcc_interval,
    tables.evse_interval,
    tables.decision,
    tables.soc_day,
    tables.telemetry,
    tables.foretold,
    tables.latch_event,
    tables.override_event,
    tables.told_departure,
    tables.station_event,
    tables.commissioning_record,
    tables.car_answer,
)

# Rows whose fields are their columns.
PLAIN: dict[type, Table] = {
    SessionRow: tables.session,
    SocDay: tables.soc_day,
    TelemetryRow: tables.telemetry,
    ForetoldRow: tables.foretold,
    OverrideEvent: tables.override_event,
    CarAnswer: tables.car_answer,
}


def to_table(row: LedgerRow) -> tuple[Table, dict[str, Any]]:
    """Where a row goes, and its columns."""
    match row:
        case PccInterval():
            return tables.pcc_interval, _with_interval(row, tables.pcc_interval)
        case EvseInterval():
            return tables.evse_interval, _with_interval(row, tables.evse_interval)
        case (
            SessionRow() | SocDay() | TelemetryRow() | OverrideEvent() | CarAnswer() | ForetoldRow()
        ):
            table = PLAIN[type(row)]
            return table, _plain(row, table)
        case DecisionRow():
            columns = _plain(row, tables.decision)
            return tables.decision, columns | {"authority": int(row.authority)}
        case LatchEvent():
            return tables.latch_event, {
                "at_utc": row.at_utc,
                "evse_id": row.latch.evse_id,
                "rule": row.latch.rule,
                "detail": _storable(row.latch.detail),
                "since_utc": row.latch.since_utc,
                "cleared": row.cleared,
            }
        case DepartureEvent():
            return tables.told_departure, _told_departure(row)
        case StationEvent():
            columns = _plain(row, tables.station_event)
            return tables.station_event, columns | {"kind": row.kind.value}
        case CommissioningRecord():
            columns = _plain(row, tables.commissioning_record)
            return tables.commissioning_record, columns | {"step": row.step.value}
        case _ as unreachable:
            assert_never(unreachable)


def pcc_interval(columns: Mapping[str, Any]) -> PccInterval:
    """A stored quarter hour at the PCC."""
    return PccInterval(**_without_bounds(columns))


def evse_interval(columns: Mapping[str, Any]) -> EvseInterval:
    """A stored quarter hour at an EVSE."""
    return EvseInterval(**_without_bounds(columns))


def decision(columns: Mapping[str, Any]) -> DecisionRow:
    """A stored decision."""
    return DecisionRow(**{**columns, "authority": Authority(columns["authority"])})


def latch(columns: Mapping[str, Any]) -> DischargeLatch:
    """The latch of a stored event."""
    names = ("evse_id", "rule", "detail", "since_utc")
    return DischargeLatch(**{name: columns[name] for name in names})


def override(columns: Mapping[str, Any]) -> UserOverride | None:
    """The override of a stored event; None for one that went back to automatic."""
    if columns["kind"] == AUTOMATIC:
        return None
    return UserOverride(
        evse_id=columns["evse_id"],
        kind=OverrideKind(columns["kind"]),
        set_at_utc=columns["at_utc"],
        until_utc=columns["until_utc"],
        confirmed=columns["confirmed"],
    )


_GOAL = ("ready_by_utc", "soc", "energy_wh", "returns_at_utc", "trip_wh")


def told_departure(columns: Mapping[str, Any]) -> ToldDeparture | None:
    """The departure of a stored event; None for one that was taken back."""
    if columns["taken_back_utc"] is not None:
        return None
    return ToldDeparture(
        vehicle_id=columns["vehicle_id"],
        told_at_utc=columns["told_at_utc"],
        goal=DepartureGoal(**{name: columns[name] for name in _GOAL}),
    )


def _told_departure(row: DepartureEvent) -> dict[str, Any]:
    return {
        "told_at_utc": row.told.told_at_utc,
        "vehicle_id": row.told.vehicle_id,
        "taken_back_utc": row.taken_back_utc,
        **{name: getattr(row.told.goal, name) for name in _GOAL},
    }


def commissioning(columns: Mapping[str, Any]) -> CommissioningRecord:
    """A stored record."""
    return CommissioningRecord(**{**columns, "step": CommissioningStep(columns["step"])})


def station_event(columns: Mapping[str, Any]) -> StationEvent:
    """A stored entry of the station journal."""
    return StationEvent(**{**columns, "kind": StationEventKind(columns["kind"])})


def _plain(row: LedgerRow, table: Table) -> dict[str, Any]:
    return {column.name: _storable(getattr(row, column.name)) for column in table.columns}


def _with_interval(row: PccInterval | EvseInterval, table: Table) -> dict[str, Any]:
    bounds = {"start_utc": row.interval.start_utc, "end_utc": row.interval.end_utc}
    rest = [column.name for column in table.columns if column.name not in bounds]
    return bounds | {name: _storable(getattr(row, name)) for name in rest}


def _without_bounds(columns: Mapping[str, Any]) -> dict[str, Any]:
    rest = {name: value for name, value in columns.items() if name not in ("start_utc", "end_utc")}
    interval = Interval(start_utc=columns["start_utc"], end_utc=columns["end_utc"])
    return rest | {"interval": interval}


def _storable(value: Any) -> Any:
    """Texts may come from a station: what no database takes becomes a question mark."""
    if not isinstance(value, str):
        return value
    return value.encode("utf-8", "replace").decode("utf-8").replace("\x00", "?")
