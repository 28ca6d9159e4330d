"""What each EVSE was told in this local day: new setpoints, and powers started from 0 W."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from v2g_daemon.domain.interval import Interval, local_day
from v2g_daemon.domain.ledger import DecisionRow
from v2g_daemon.domain.quick import quick, replace
from v2g_daemon.domain.setpoint import Command, Setpoint
from v2g_daemon.domain.snapshot import CommandCounters


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class CommandCount:
    """The running count; `target_w` None: hands off, or nothing was commanded yet.

    `unwritten_count`: changes that no row of the ledger holds yet.
    """

    evse_id: str
    day: Interval
    changes_count: int = 0
    closings_count: int = 0
    target_w: float | None = None
    unwritten_count: int = 0


def begun(
    evse_id: str, rows: Iterable[DecisionRow], *, now_utc: datetime, zone: ZoneInfo
) -> CommandCount:
    """Go on from the stored rows of this EVSE, in time order; earlier days only tell its state.

    The first command after a restart counts as new: nobody knows what the charger still does.
    """
    day = _day_of(now_utc, zone)
    changes_count = closings_count = 0
    before_w: float | None = None
    for row in rows:
        if row.evse_id != evse_id:
            continue
        if day.contains(row.at_utc):
            changes_count += row.changes_count
            closings_count += 1 if _starts(before_w, row.target_w) else 0
        before_w = row.target_w
    return CommandCount(
        evse_id=evse_id, day=day, changes_count=changes_count, closings_count=closings_count
    )


def counted(
    count: CommandCount, command: Command, *, now_utc: datetime, trusted: bool, zone: ZoneInfo
) -> CommandCount:
    """The count with the command of this tick; only a trusted clock turns the day."""
    if trusted and not count.day.contains(now_utc):
        count = replace(count, day=_day_of(now_utc, zone), changes_count=0, closings_count=0)
    target_w = command.target_w if isinstance(command, Setpoint) else None
    if target_w is None or target_w == count.target_w:
        return count if target_w == count.target_w else replace(count, target_w=None)
    return replace(
        count,
        changes_count=count.changes_count + 1,
        closings_count=count.closings_count + (1 if _starts(count.target_w, target_w) else 0),
        target_w=target_w,
        unwritten_count=count.unwritten_count + 1,
    )


def shown(count: CommandCount) -> CommandCounters:
    """The count as the snapshot carries it."""
    return CommandCounters(
        evse_id=count.evse_id,
        day_ends_utc=count.day.end_utc,
        changes_today=count.changes_count,
        closings_today=count.closings_count,
    )


def _starts(before_w: float | None, after_w: float | None) -> bool:
    """Whether a power begins where none flowed by our command."""
    return before_w in (None, 0.0) and after_w not in (None, 0.0)


def _day_of(now_utc: datetime, zone: ZoneInfo) -> Interval:
    return local_day(now_utc.astimezone(zone).date(), zone)
