"""What a station keeps of its transaction, its messages and its link."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from simulators.station.wire import JsonDict

MOST_PROTOCOL_ERRORS = 100
REMEMBERED_EVENTS = 5


@dataclass(slots=True, kw_only=True)
class Transaction:
    """A running OCPP transaction."""

    id: str
    started_s: float
    plug_count: int
    id_token: JsonDict
    seq_no: int = 0
    charging_state: str = "EVConnected"
    operation_mode: str | None = None
    remote_start_id: int | None = None
    priority: bool = False
    charge_wh: float = 0.0  # the registers at its start
    discharge_wh: float = 0.0

    def next_seq_no(self) -> int:
        """Return the number of the next event of this transaction."""
        self.seq_no += 1
        return self.seq_no - 1


@dataclass(slots=True, kw_only=True, eq=False)
class Message:
    """Something to send; the payload is made at sending time, None = no longer needed."""

    action: str
    payload: Callable[[], JsonDict | None]
    on_answer: Callable[[JsonDict | None], None] | None = None
    survives_link: bool = False
    periodic: bool = False
    connection: int = 0


@dataclass(slots=True, kw_only=True)
class Counts:
    """What a test may ask about the link."""

    connections: int = 0
    boots: int = 0
    calls_received: Counter[str] = field(default_factory=Counter)
    protocol_errors: list[str] = field(default_factory=list)

    def note_error(self, text: str) -> None:
        """Remember a mistake of the central system."""
        if len(self.protocol_errors) < MOST_PROTOCOL_ERRORS:
            self.protocol_errors.append(text)


@dataclass(slots=True)
class Remembered:
    """What a station, and its faults, go back to."""

    written_s: dict[str, float] = field(default_factory=dict)  # a profile, by purpose
    latched_plug_count: int | None = None  # a plug-in whose EV takes nothing more
    told_events: deque[JsonDict] = field(default_factory=lambda: deque(maxlen=REMEMBERED_EVENTS))
    soc_told_percent: float | None = None
    closed_by_server: bool = False
    requested_bidirectional: bool = False  # with the needs that were told last
    finished_plug_count: int = 0  # the plug-in whose transaction is over
    schedule_due_s: float | None = None  # an EV in ScheduledControl owes its schedule
