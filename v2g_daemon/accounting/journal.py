"""What was decided, written on change, and the house's mean powers, minute by minute."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from v2g_daemon.domain.decision import Decision, EvseDecision
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.ledger import DecisionRow, TelemetryRow
from v2g_daemon.domain.quick import quick
from v2g_daemon.domain.setpoint import Setpoint
from v2g_daemon.domain.snapshot import Snapshot

SMALLEST_CHANGE_W = 50.0
# A target that follows the load moves every second: the trace keeps each, the ledger few, because
# each row of record is a write to the card.
BETWEEN_TARGETS_S = 300.0
BETWEEN_RULES_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """The last decision written for one EVSE, and when."""

    row: DecisionRow
    at: Instant


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class MinuteMean:
    """Sums of one minute; a mean over nothing is None."""

    minute_utc: datetime
    pcc_sum_w: float = 0.0
    pcc_count: int = 0
    evse_sum_w: float = 0.0
    evse_count: int = 0
    soc: float | None = None
    target_w: float | None = None


def noted(last: Noted | None, decision: EvseDecision, *, now: Instant) -> Noted | None:
    """The decision as a row if it differs enough from the last one written; else None."""
    row = row_of(decision, now)
    if last is None or (last.row.target_w is None) != (row.target_w is None):
        return Noted(row=row, at=now)
    if _direction(last.row.target_w) != _direction(row.target_w):
        return Noted(row=row, at=now)
    age_s = now.seconds_since(last.at)
    if (last.row.authority, last.row.rule) != (row.authority, row.rule):
        return Noted(row=row, at=now) if age_s >= BETWEEN_RULES_S else None
    if last.row.target_w is None or row.target_w is None:
        return None
    moved_w = abs(row.target_w - last.row.target_w)
    if moved_w > SMALLEST_CHANGE_W and age_s >= BETWEEN_TARGETS_S:
        return Noted(row=row, at=now)
    return None


def minute(
    running: MinuteMean | None, snapshot: Snapshot, decision: Decision
) -> tuple[MinuteMean, TelemetryRow | None]:
    """Add this tick to its minute; the row of the minute before, once it is over."""
    start_utc = snapshot.now.utc.replace(second=0, microsecond=0)
    finished = None
    if running is not None and start_utc >= running.minute_utc + timedelta(minutes=1):
        finished = as_row(running)
        running = None
    if running is None:
        running = MinuteMean(minute_utc=start_utc)
    meter, evse_sum_w = snapshot.meter, running.evse_sum_w
    powers_w = [evse.power_w for evse in snapshot.evses if evse.power_w is not None]
    for power_w in powers_w:
        evse_sum_w += power_w
    target_w, soc = _commanded(decision)
    running = MinuteMean(
        minute_utc=running.minute_utc,
        pcc_sum_w=running.pcc_sum_w + (0.0 if meter is None else meter.power_w),
        pcc_count=running.pcc_count + (meter is not None),
        evse_sum_w=evse_sum_w,
        evse_count=running.evse_count + bool(powers_w),
        soc=soc,
        target_w=target_w,
    )
    return running, finished


def as_row(running: MinuteMean) -> TelemetryRow:
    """The minute as a row; powers are means over its ticks, all EVSEs together."""
    return TelemetryRow(
        minute_utc=running.minute_utc,
        pcc_power_w=_mean(running.pcc_sum_w, running.pcc_count),
        evse_power_w=_mean(running.evse_sum_w, running.evse_count),
        soc=running.soc,
        target_w=running.target_w,
    )


def _commanded(decision: Decision) -> tuple[float | None, float | None]:
    """The last target (all EVSEs together) and the SoC of the first car that has one."""
    targets_w = [
        one.command.target_w for one in decision.evses if isinstance(one.command, Setpoint)
    ]
    total_w = None
    for target_w in targets_w:
        total_w = target_w if total_w is None else total_w + target_w
    socs = [one.soc for one in decision.evses if one.soc is not None]
    return total_w, socs[0] if socs else None


def row_of(decision: EvseDecision, now: Instant) -> DecisionRow:
    """The decision as a row, whether or not it differs."""
    command = decision.command
    return DecisionRow(
        at_utc=now.utc,
        evse_id=decision.evse_id,
        target_w=command.target_w if isinstance(command, Setpoint) else None,
        authority=command.reason.authority,
        rule=command.reason.rule,
        detail=command.reason.detail,
    )


def _direction(target_w: float | None) -> int:
    if target_w is None or target_w == 0.0:
        return 0
    return 1 if target_w > 0.0 else -1


def _mean(sum_w: float, count: int) -> float | None:
    return None if count == 0 else sum_w / count
