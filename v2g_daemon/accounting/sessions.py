"""Sessions, plug-in to plug-out: a row at the start, on a change that matters, and at the end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from v2g_daemon.domain.ledger import SessionRow
from v2g_daemon.domain.quick import quick, replace
from v2g_daemon.domain.readings import EvseStatus


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSession:
    """The session in progress at one EVSE; `written` is its row as last handed out."""

    row: SessionRow
    written: SessionRow | None


def followed(
    session: OpenSession | None,
    status: EvseStatus,
    *,
    vehicle_id: str | None,
    soc: float | None,
    now_utc: datetime,
) -> tuple[OpenSession | None, tuple[SessionRow, ...]]:
    """The session after this tick, and the rows to write."""
    rows: tuple[SessionRow, ...] = ()
    session_id = status.session_id if status.plugged_in else None
    if session is not None and _is_over(session.row, session_id, status):
        began_utc = status.plugged_in_at_utc if session_id is not None else None
        ended = replace(session.row, plugged_out_utc=_end(session.row, began_utc, now_utc))
        rows = (ended,)
        session = None
    if session_id is None:
        return session, rows
    if session is None:
        session = OpenSession(row=_begun(session_id, status, now_utc), written=None)
    row = _updated(session.row, status, vehicle_id=vehicle_id, soc=soc)
    if session.written is None or _differs(row, session.written):
        return OpenSession(row=row, written=row), (*rows, row)
    return OpenSession(row=row, written=session.written), rows


def with_energy(
    session: OpenSession, *, charge_milliwh: int, discharge_milliwh: int
) -> OpenSession:
    """Add what the registers moved since the last tick."""
    if charge_milliwh == 0 == discharge_milliwh:
        return session
    row = replace(
        session.row,
        charge_milliwh=session.row.charge_milliwh + charge_milliwh,
        discharge_milliwh=session.row.discharge_milliwh + discharge_milliwh,
    )
    return OpenSession(row=row, written=session.written)


def _is_over(row: SessionRow, session_id: str | None, status: EvseStatus) -> bool:
    """A silent station proves nothing but what it told before; a connected one without it does."""
    if session_id is not None:
        return session_id != row.session_id
    return status.connected or status.ended_session_id == row.session_id


def _end(row: SessionRow, next_began_utc: datetime | None, now_utc: datetime) -> datetime:
    """When the next one began; a second transaction of the same plug-in tells when that began."""
    if next_began_utc is not None and row.plugged_in_utc < next_began_utc <= now_utc:
        return next_began_utc
    return now_utc


def _begun(session_id: str, status: EvseStatus, now_utc: datetime) -> SessionRow:
    return SessionRow(
        session_id=session_id,
        evse_id=status.evse_id,
        vehicle_id=None,
        transaction_id=status.transaction_id,
        plugged_in_utc=status.plugged_in_at_utc or now_utc,
        plugged_out_utc=None,
        start_soc=None,
        end_soc=None,
        charge_milliwh=0,
        discharge_milliwh=0,
    )


def _updated(
    row: SessionRow, status: EvseStatus, *, vehicle_id: str | None, soc: float | None
) -> SessionRow:
    """What is known stays known; the car is the one decided for, who may have been named late."""
    return replace(
        row,
        vehicle_id=vehicle_id,
        transaction_id=status.transaction_id or row.transaction_id,
        start_soc=soc if row.start_soc is None else row.start_soc,
        end_soc=row.end_soc if soc is None else soc,
    )


def _differs(row: SessionRow, written: SessionRow) -> bool:
    """Whether more changed than energy and the last SoC, which wait for the end."""
    return (row.vehicle_id, row.transaction_id, row.start_soc) != (
        written.vehicle_id,
        written.transaction_id,
        written.start_soc,
    )
