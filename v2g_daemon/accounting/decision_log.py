"""Decisions of record, and the count of what they told each charger today."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from v2g_daemon.accounting import commands, journal
from v2g_daemon.accounting.commands import CommandCount
from v2g_daemon.accounting.journal import Noted
from v2g_daemon.domain.decision import Decision
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.ledger import DecisionRow
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.quick import quick, replace
from v2g_daemon.domain.snapshot import CommandCounters, Snapshot


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionLog:
    """The last row of each EVSE, its count of today, and the last decision with its moment."""

    noted: tuple[Noted, ...] = ()
    told: tuple[CommandCount, ...] = ()
    decided: tuple[Decision, Instant] | None = None


def resumed(rows: Iterable[DecisionRow], *, now_utc: datetime, zone: ZoneInfo) -> DecisionLog:
    """Go on from the stored rows of today, and of the day before for what came last."""
    stored = tuple(rows)
    return DecisionLog(
        told=tuple(
            commands.begun(evse_id, stored, now_utc=now_utc, zone=zone)
            for evse_id in dict.fromkeys(row.evse_id for row in stored)
        )
    )


def counted(
    log: DecisionLog, snapshot: Snapshot, decision: Decision, policy: Policy
) -> DecisionLog:
    """The counts with this tick's commands, whatever the clock says."""
    known, zone = {one.evse_id: one for one in log.told}, ZoneInfo(policy.timezone)
    now_utc = snapshot.now.utc
    for decided in decision.evses:
        count = known.get(decided.evse_id)
        if count is None:
            count = commands.begun(decided.evse_id, (), now_utc=now_utc, zone=zone)
        known[decided.evse_id] = commands.counted(
            count, decided.command, now_utc=now_utc, trusted=snapshot.clock_trusted, zone=zone
        )
    told = tuple(known.values())
    return log if told == log.told else replace(log, told=told)


def noted(
    log: DecisionLog, snapshot: Snapshot, decision: Decision
) -> tuple[DecisionLog, tuple[DecisionRow, ...]]:
    """The rows of decisions that differ, each with the changes since the row before."""
    last = {one.row.evse_id: one for one in log.noted}
    told = {one.evse_id: one for one in log.told}
    rows: list[DecisionRow] = []
    for decided in decision.evses:
        note = journal.noted(last.get(decided.evse_id), decided, now=snapshot.now)
        if note is not None:
            count = told[decided.evse_id]
            told[decided.evse_id] = replace(count, unwritten_count=0)
            last[decided.evse_id] = note
            rows.append(replace(note.row, changes_count=count.unwritten_count))
    log = DecisionLog(
        noted=tuple(last.values()), told=tuple(told.values()), decided=(decision, snapshot.now)
    )
    return log, tuple(rows)


def closing_rows(log: DecisionLog) -> tuple[DecisionRow, ...]:
    """The last decision of each EVSE whose newest changes no row holds yet."""
    if log.decided is None:
        return ()
    decision, at = log.decided
    counts = {one.evse_id: one.unwritten_count for one in log.told}
    return tuple(
        replace(journal.row_of(decided, at), changes_count=counts[decided.evse_id])
        for decided in decision.evses
        if counts.get(decided.evse_id, 0) > 0
    )


def command_counters(log: DecisionLog) -> tuple[CommandCounters, ...]:
    """What each EVSE was told today, as the next snapshot carries it."""
    return tuple(commands.shown(count) for count in log.told)
