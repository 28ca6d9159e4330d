"""The ledger as a fold over ticks: readings and decisions in, rows out.

Quarter-hour rows come from registers (integer milliwatt-hours); a boundary between two readings is
interpolated by the powers they tell. The running rows are part of the state: counters include them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from v2g_daemon.accounting import (
    counters,
    decision_log,
    evse_meter,
    journal,
    pcc_meter,
    sessions,
    soc_log,
)
from v2g_daemon.accounting.counters import CarCounters
from v2g_daemon.accounting.decision_log import DecisionLog
from v2g_daemon.accounting.evse_meter import EvseMeter
from v2g_daemon.accounting.journal import MinuteMean
from v2g_daemon.accounting.pcc_meter import PccMeter
from v2g_daemon.accounting.sessions import OpenSession
from v2g_daemon.accounting.soc_log import SocLog
from v2g_daemon.domain.decision import Decision, EvseDecision
from v2g_daemon.domain.faults import Fault, FaultCode
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.interval import QUARTER_HOUR
from v2g_daemon.domain.ledger import (
    DecisionRow,
    EvseInterval,
    LedgerRow,
    PccInterval,
    SessionRow,
    SocDay,
)
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.prices import PriceSlot
from v2g_daemon.domain.quick import quick, replace
from v2g_daemon.domain.readings import EvseStatus
from v2g_daemon.domain.snapshot import DischargeCounters, Snapshot

LONGEST_EXACT_GAP_S = 60.0
TICKS_PER_EXACT_GAP = 3.0
GAPS_UNREAD = 2.0


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Metering:
    """All running rows. `faults` are those now in force."""

    pcc: PccMeter = field(default_factory=PccMeter)
    price: PriceSlot | None = None
    evses: tuple[EvseMeter, ...] = ()
    sessions: tuple[OpenSession, ...] = ()
    log: DecisionLog = field(default_factory=DecisionLog)
    minute: MinuteMean | None = None
    socs: tuple[SocLog, ...] = ()
    cars: tuple[CarCounters, ...] = ()
    faults: tuple[Fault, ...] = ()


def resume(
    *,
    pcc: PccInterval | None,
    evses: Iterable[EvseInterval],
    sessions: Iterable[SessionRow],
    soc_days: Iterable[SocDay],
    counters_read: Iterable[DischargeCounters],
    decisions: Iterable[DecisionRow],
    now_utc: datetime,
    timezone: str,
) -> Metering:
    """Go on after a restart from the last stored rows; the gap is booked from the registers."""
    zone = ZoneInfo(timezone)
    logs = (soc_log.resumed(row, now_utc=now_utc, zone=zone) for row in soc_days)
    return Metering(
        pcc=pcc_meter.resumed(pcc),
        evses=tuple(evse_meter.resumed(row, pcc) for row in evses),
        sessions=tuple(OpenSession(row=row, written=row) for row in sessions),
        socs=tuple(log for log in logs if log is not None),
        cars=tuple(counters.from_ledger(one, now_utc=now_utc, zone=zone) for one in counters_read),
        log=decision_log.resumed(decisions, now_utc=now_utc, zone=zone),
    )


def advance(
    metering: Metering, snapshot: Snapshot, decision: Decision, policy: Policy
) -> tuple[Metering, tuple[LedgerRow, ...]]:
    """The state after this tick and the rows to commit, sessions first.

    While the clock is untrusted nothing is booked: the registers keep it until time is known.
    """
    log = decision_log.counted(metering.log, snapshot, decision, policy)
    if not snapshot.clock_trusted:
        faults = _faults(metering.pcc.reset_utc, metering.evses, snapshot.now.utc)
        return replace(metering, log=log, faults=faults), ()
    pcc, pcc_rows = pcc_meter.advanced(
        metering.pcc, snapshot, metering.price, gap_limit_s=gap_limit_s(policy), policy=policy
    )
    evses, evse_rows = _advance_evses(metering.evses, snapshot, decision, policy)
    still_open, session_rows = _advance_sessions(metering.sessions, evses, snapshot, decision)
    log, decision_rows = decision_log.noted(log, snapshot, decision)
    socs, soc_rows = _advance_socs(
        metering, snapshot.now, decision, policy, quarter_over=bool(pcc_rows or evse_rows)
    )
    running, telemetry = journal.minute(metering.minute, snapshot, decision)
    price = None if snapshot.prices is None else snapshot.prices.at(snapshot.now.utc)
    metering = Metering(
        pcc=pcc,
        price=metering.price if price is None else price,
        evses=evses,
        sessions=still_open,
        log=log,
        minute=running,
        socs=socs,
        cars=_advance_cars(metering.cars, evse_rows, snapshot.now.utc, policy),
        faults=_faults(pcc.reset_utc, evses, snapshot.now.utc),
    )
    rows: tuple[LedgerRow, ...] = (
        *session_rows, *pcc_rows, *evse_rows, *decision_rows, *soc_rows,
    )  # fmt: skip
    return metering, rows if telemetry is None else (*rows, telemetry)


def close(metering: Metering, policy: Policy) -> tuple[LedgerRow, ...]:
    """The running rows as partial ones, for shutdown; sessions stay open."""
    rows: list[LedgerRow] = [session.row for session in metering.sessions]
    pcc_row = pcc_meter.running_row(metering.pcc, metering.price, policy)
    if pcc_row is not None:
        rows.append(pcc_row)
    rows.extend(running_rows(metering, policy))
    rows.extend(soc_log.as_row(log) for log in metering.socs)
    rows.extend(decision_log.closing_rows(metering.log))
    if metering.minute is not None:
        rows.append(journal.as_row(metering.minute))
    return tuple(rows)


def running_rows(metering: Metering, policy: Policy) -> tuple[EvseInterval, ...]:
    """The EVSE rows in progress, up to their last readings."""
    rows = (evse_meter.running_row(meter, policy) for meter in metering.evses)
    return tuple(row for row in rows if row is not None)


def discharge_counters(
    metering: Metering, statuses: Iterable[EvseStatus], now: Instant, policy: Policy
) -> tuple[DischargeCounters, ...]:
    """The counters of each car, the running rows included, as the next snapshot carries them.

    A car whose EVSE does not tell what it discharges has none: nobody could count it.
    """
    running = running_rows(metering, policy)
    silent = counters.silent_evses(statuses, now, max_age_s=GAPS_UNREAD * gap_limit_s(policy))
    uncounted = {meter.vehicle_id for meter in metering.evses if meter.evse_id in silent}
    return tuple(
        counters.unreadable(car.vehicle_id)
        if car.vehicle_id in uncounted
        else counters.shown(counters.counted(car, running))
        for car in metering.cars
    )


def gap_limit_s(policy: Policy) -> float:
    """Readings further apart than this make a boundary between them an estimate."""
    return max(LONGEST_EXACT_GAP_S, TICKS_PER_EXACT_GAP * policy.timing.tick_s)


def _advance_evses(
    before: tuple[EvseMeter, ...], snapshot: Snapshot, decision: Decision, policy: Policy
) -> tuple[tuple[EvseMeter, ...], tuple[EvseInterval, ...]]:
    meters: list[EvseMeter] = []
    rows: list[EvseInterval] = []
    for status in snapshot.evses:
        decided = _decided(decision, status.evse_id)
        known = next((one for one in before if one.evse_id == status.evse_id), None)
        meter, finished = evse_meter.advanced(
            EvseMeter(evse_id=status.evse_id) if known is None else known,
            status,
            pcc=snapshot.meter,
            vehicle_id=None if decided is None else decided.vehicle_id,
            soc=None if decided is None else decided.soc,
            now=snapshot.now,
            gap_limit_s=gap_limit_s(policy),
            policy=policy,
        )
        meters.append(meter)
        rows.extend(finished)
    seen = {meter.evse_id for meter in meters}
    silent = (one for one in before if one.evse_id not in seen)
    return (*meters, *silent), tuple(rows)


def _advance_sessions(
    before: tuple[OpenSession, ...],
    evses: tuple[EvseMeter, ...],
    snapshot: Snapshot,
    decision: Decision,
) -> tuple[tuple[OpenSession, ...], tuple[SessionRow, ...]]:
    still: list[OpenSession] = []
    rows: list[SessionRow] = []
    statuses: dict[str, EvseStatus] = {one.evse_id: one for one in snapshot.evses}
    for evse_id in dict.fromkeys([*statuses, *(one.row.evse_id for one in before)]):
        session = next((one for one in before if one.row.evse_id == evse_id), None)
        status = statuses.get(evse_id)
        if status is not None:
            session = _with_moved(session, evses, status)
            decided = _decided(decision, evse_id)
            session, changed = sessions.followed(
                session,
                status,
                vehicle_id=None if decided is None else decided.vehicle_id,
                soc=None if decided is None else decided.soc,
                now_utc=snapshot.now.utc,
            )
            rows.extend(changed)
        if session is not None:
            still.append(session)
    return tuple(still), tuple(rows)


def _with_moved(
    session: OpenSession | None, evses: tuple[EvseMeter, ...], status: EvseStatus
) -> OpenSession | None:
    """The energy of this tick belongs to the session that was open before it."""
    if session is None:
        return None
    meter = next(one for one in evses if one.evse_id == status.evse_id)
    charge, discharge = meter.moved_milliwh
    return sessions.with_energy(session, charge_milliwh=charge, discharge_milliwh=discharge)


def _advance_socs(
    metering: Metering, now: Instant, decision: Decision, policy: Policy, *, quarter_over: bool
) -> tuple[tuple[SocLog, ...], tuple[SocDay, ...]]:
    """Days so far are written with each quarter hour, so that a crash loses no more."""
    logs = {log.vehicle_id: log for log in metering.socs}
    rows: list[SocDay] = []
    for decided in decision.evses:
        if decided.vehicle_id is None or decided.soc is None:
            continue
        log, finished = soc_log.observed(
            logs.get(decided.vehicle_id),
            vehicle_id=decided.vehicle_id,
            soc=decided.soc,
            now=now,
            zone=ZoneInfo(policy.timezone),
            longest_hold_s=gap_limit_s(policy),
        )
        logs[decided.vehicle_id] = log
        if finished is not None:
            rows.append(finished)
    if quarter_over:
        rows.extend(soc_log.as_row(log) for log in logs.values())
    return tuple(logs.values()), tuple(rows)


def _advance_cars(
    cars: tuple[CarCounters, ...], rows: Iterable[EvseInterval], now_utc: datetime, policy: Policy
) -> tuple[CarCounters, ...]:
    zone = ZoneInfo(policy.timezone)
    rolled = (counters.rolled(car, now_utc=now_utc, zone=zone) for car in cars)
    return tuple(counters.counted(car, rows) for car in rolled)


def _faults(
    pcc_reset_utc: datetime | None, evses: tuple[EvseMeter, ...], now_utc: datetime
) -> tuple[Fault, ...]:
    """A register reset is shown for a quarter hour."""
    resets: list[tuple[str, str | None, datetime | None]] = [
        ("the meter at the PCC", None, pcc_reset_utc)
    ]
    resets += [(f"EVSE {one.evse_id}", one.evse_id, one.reset_utc) for one in evses]
    return tuple(
        Fault(
            code=FaultCode.REGISTER_RESET,
            detail=f"energy registers of {name} jumped; the difference is not booked",
            evse_id=evse_id,
        )
        for name, evse_id, reset_utc in resets
        if reset_utc is not None and now_utc < reset_utc + QUARTER_HOUR
    )


def _decided(decision: Decision, evse_id: str) -> EvseDecision | None:
    return next((one for one in decision.evses if one.evse_id == evse_id), None)
