"""What people put on record of a charger: permits, compensation, consent. Tests prove the rest."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from v2g_daemon.control.identity import SIMULATED_SERIAL_PREFIX
from v2g_daemon.domain.errors import LedgerError
from v2g_daemon.domain.snapshot import CommissioningRecord, CommissioningStep
from v2g_daemon.step.house import Outcome

TESTED = frozenset({CommissioningStep.SIGN_TEST})  # by `v2g commission meter`, on nobody's word


class CommissioningSink(Protocol):
    """Where a new record becomes part of the next snapshot."""

    def put_commissioning(self, record: CommissioningRecord) -> None: ...


class RecordDesk:
    """The desk of one running daemon where records are made; `see` keeps it up to date."""

    def __init__(
        self, *, sink: CommissioningSink, store: Callable[[CommissioningRecord], Awaitable[None]]
    ) -> None:
        self._sink = sink
        self._store = store
        self._outcome: Outcome | None = None

    def see(self, outcome: Outcome) -> None:
        """The newest tick."""
        self._outcome = outcome

    async def record(self, *, evse_id: str, step: str, by: str, evidence: str) -> dict[str, Any]:
        """Answers once it is durable; raises ValueError with a text for the user."""
        outcome, what = self._now(), CommissioningStep(step)
        if what in TESTED:
            raise ValueError("a sign test is not recorded by word: v2g commission meter makes it")
        made = CommissioningRecord(
            step=what,
            evse_serial=(serial := _serial(outcome, evse_id)),
            recorded_at_utc=outcome.snapshot.now.utc,
            recorded_by=by,
            evidence=evidence,
            simulated=serial.startswith(SIMULATED_SERIAL_PREFIX),
        )
        try:
            await self._store(made)
        except LedgerError as error:
            raise ValueError(f"the ledger did not take it: {error}") from error
        self._sink.put_commissioning(made)
        return _told(made)

    def records(self) -> list[dict[str, Any]]:
        """All of them, oldest first."""
        records = sorted(self._now().snapshot.commissioning, key=lambda one: one.recorded_at_utc)
        return [_told(one) for one in records]

    def _now(self) -> Outcome:
        if self._outcome is None:
            raise ValueError("the daemon has not decided anything yet")
        return self._outcome


def _serial(outcome: Outcome, evse_id: str) -> str:
    """Of the device itself: a record is worth nothing for another one in its place."""
    known = {status.evse_id: status for status in outcome.snapshot.evses}
    if evse_id not in known:
        raise ValueError(f"there is no EVSE {evse_id!r}; name one of: {', '.join(known)}")
    serial = known[evse_id].serial
    if serial is None:
        raise ValueError(f"{evse_id}: its serial number is not known; it must be connected first")
    return serial


def _told(record: CommissioningRecord) -> dict[str, Any]:
    return {
        "step": record.step.value,
        "evse_serial": record.evse_serial,
        "recorded_at": record.recorded_at_utc.isoformat(),
        "recorded_by": record.recorded_by,
        "evidence": record.evidence,
        "simulated": record.simulated,
    }
