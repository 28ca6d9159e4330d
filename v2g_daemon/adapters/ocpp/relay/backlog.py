"""What waits for the back end: bounded, and what begins or ends a transaction goes last."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import IntEnum

from v2g_daemon.adapters.ocpp.wire.codec import JsonObject

MOST_MESSAGES = 500
MOST_BYTES = 1024 * 1024
MOST_TRANSACTIONS = 200  # begins and ends


class Worth(IntEnum):
    """What is dropped first where there is no room."""

    SAMPLE = 0
    EVENT = 1
    TRANSACTION = 2


_SAMPLES = frozenset({"Heartbeat", "MeterValues"})
_TRANSACTIONS = frozenset({"StartTransaction", "StopTransaction"})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Waiting:
    """One message of the station; `late`: it came while the back end was away."""

    message_id: str
    action: str
    payload: JsonObject
    size_bytes: int
    late: bool = False

    @property
    def worth(self) -> Worth:
        """How much it matters that it arrives."""
        if self.action == "TransactionEvent":
            is_sample = self.payload.get("eventType") == "Updated"
            return Worth.SAMPLE if is_sample else Worth.TRANSACTION
        if self.action in _TRANSACTIONS:
            return Worth.TRANSACTION
        return Worth.SAMPLE if self.action in _SAMPLES else Worth.EVENT


class Backlog:
    """First in, first out, except for what had to be dropped."""

    def __init__(self) -> None:
        self.dropped_count = 0
        self._waiting: deque[Waiting] = deque()
        self._bytes = 0
        self._transactions = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, message: Waiting) -> None:
        """Add one; where there is no room the oldest of the least worth goes."""
        self._waiting.append(message)
        self._count(message, 1)
        if self._transactions > MOST_TRANSACTIONS:
            self._drop(next(one for one in self._waiting if one.worth is Worth.TRANSACTION))
        while len(self._waiting) > MOST_MESSAGES or self._bytes > MOST_BYTES:
            self._drop(min(self._waiting, key=lambda one: one.worth))

    def first(self) -> Waiting | None:
        """The next to be sent; it waits until it is `done`."""
        return self._waiting[0] if self._waiting else None

    def done(self, message: Waiting) -> None:
        """It has arrived, or is given up; it may have been dropped meanwhile."""
        if message in self._waiting:
            self._waiting.remove(message)
            self._count(message, -1)

    def clear(self) -> None:
        """Forget everything: the station speaks another version now."""
        self.dropped_count += len(self._waiting)
        self._waiting.clear()
        self._bytes = self._transactions = 0

    def _count(self, message: Waiting, step: int) -> None:
        self._bytes += step * message.size_bytes
        self._transactions += step if message.worth is Worth.TRANSACTION else 0

    def _drop(self, message: Waiting) -> None:
        self.done(message)
        self.dropped_count += 1
