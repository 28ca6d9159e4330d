"""Recorded plug-in sessions: what can be a stay is kept, what cannot is left out and told (pure).

Header: plug_in_utc, plug_out_utc, energy_kwh; and where there are any, user, trip_before_kwh,
target_at_plug_out_kwh, and a driver's own guesses user_estimated_departure_utc and
user_requested_kwh.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from v2g_daemon.adapters.series.table import Row, Table, fault, moment_of, table_of

LONGEST_USUAL = timedelta(days=7)
LEAST_ENERGY_KWH = 0.05
MOST_ENERGY_KWH = 500.0
GUESSES = ("user_estimated_departure_utc", "user_requested_kwh")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedSession:
    """One stay at a charger; None is not recorded.

    The `guessed_` ones are what the driver said on arrival: never what came true.
    """

    plug_in_utc: datetime
    plug_out_utc: datetime
    energy_kwh: float | None
    user: str | None = None
    trip_before_kwh: float | None = None
    target_at_plug_out_kwh: float | None = None
    guessed_departure_utc: datetime | None = None
    guessed_energy_kwh: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionsFile:
    """The stays in time order; `notes` say what was left out or looks odd."""

    name: str
    sessions: tuple[RecordedSession, ...]
    notes: tuple[str, ...]


def sessions_of(payload: bytes, *, name: str) -> SessionsFile:
    """The sessions of a file; SeriesFileError where it has no such columns or no stay at all."""
    table = table_of(payload, name=name)
    for column in ("plug_in_utc", "plug_out_utc"):
        table.column(column)
    kept: list[RecordedSession] = []
    notes: list[str] = []
    for row in table.rows:
        session, why = _session(table, row)
        if why is not None:
            notes.append(f"{name}: line {row.number}: {why}")
        if session is not None:
            kept.append(session)
    if not kept:
        raise fault(name, 1, "no line is a stay", "write plug_in_utc and plug_out_utc of each")
    if any(column in table.header for column in GUESSES):
        notes.append(
            f"{name}: {' and '.join(GUESSES)} are guesses of the drivers: kept apart, never "
            "taken as departure or need"
        )
    kept.sort(key=lambda one: one.plug_in_utc)
    return SessionsFile(name=name, sessions=tuple(kept), notes=tuple(notes))


def _session(table: Table, row: Row) -> tuple[RecordedSession | None, str | None]:
    """The stay of a line, and what is odd about it; None where it is none."""
    plug_in = _moment(table, row, "plug_in_utc")
    plug_out = _moment(table, row, "plug_out_utc")
    if plug_in is None or plug_out is None:
        return None, "plug-in or plug-out is missing: left out"
    if plug_out <= plug_in:
        return None, f"it ends at {plug_out:%Y-%m-%dT%H:%MZ}, before it begins: left out"
    energy_kwh = _number(table, row, "energy_kwh")
    if energy_kwh is not None and energy_kwh > MOST_ENERGY_KWH:
        return None, f"{energy_kwh:g} kWh are more than any car takes: left out"
    session = RecordedSession(
        plug_in_utc=plug_in,
        plug_out_utc=plug_out,
        energy_kwh=energy_kwh,
        user=_text(table, row, "user"),
        trip_before_kwh=_number(table, row, "trip_before_kwh"),
        target_at_plug_out_kwh=_number(table, row, "target_at_plug_out_kwh"),
        guessed_departure_utc=_moment(table, row, "user_estimated_departure_utc"),
        guessed_energy_kwh=_number(table, row, "user_requested_kwh"),
    )
    stay = plug_out - plug_in
    if energy_kwh is not None and energy_kwh < LEAST_ENERGY_KWH:
        return session, f"{energy_kwh:g} kWh in a stay of {stay}: a stay without charging"
    if stay > LONGEST_USUAL:
        return session, f"a stay of {stay.days} days: kept"
    return session, None


def _text(table: Table, row: Row, column: str) -> str | None:
    if column not in table.header:
        return None
    return row.fields[table.header.index(column)].strip() or None


def _moment(table: Table, row: Row, column: str) -> datetime | None:
    text = _text(table, row, column)
    return None if text is None else moment_of(text, table.name, row.number)


def _number(table: Table, row: Row, column: str) -> float | None:
    text = _text(table, row, column)
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError as error:
        problem = f"{column} = {text!r} is no number"
        raise fault(table.name, row.number, problem, "write digits and a point") from error
    if not 0.0 <= value < 1e6:
        problem = f"{column} = {text} cannot be"
        raise fault(table.name, row.number, problem, "leave what was not measured empty")
    return value
