"""Replay: decide again what was decided, and say where the two first differ."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from typing import assert_never

from v2g_daemon.domain.decision import Decision
from v2g_daemon.domain.memory import Memory
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.snapshot import Snapshot
from v2g_daemon.trace.codec import Header, MemoryBefore, Tick, TraceRecord
from v2g_daemon.trace.json_form import TraceError

Decide = Callable[[Memory, Snapshot, Policy], tuple[Memory, Decision]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The first field in which a decision taken again differs; `path` is empty for the whole."""

    tick_utc: datetime
    path: str
    recorded: str
    decided: str

    def __str__(self) -> str:
        return (
            f"{self.tick_utc.isoformat()} decision.{self.path}: "
            f"recorded {self.recorded}, decided again {self.decided}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayResult:
    """How many ticks were decided again, and the first difference, at which replay stops."""

    ticks: int
    first_difference: Difference | None

    @property
    def identical(self) -> bool:
        """Whether every decision came out as recorded, to the last bit."""
        return self.first_difference is None


def replay(records: Iterable[TraceRecord], decide: Decide) -> ReplayResult:
    """Re-decide every tick from the recorded memory on; raises TraceError on a broken trace."""
    memory: Memory | None = None
    ticks = 0
    for record in records:
        match record:
            case Header():
                memory = None
            case MemoryBefore():
                memory = record.memory
            case Tick():
                if memory is None:
                    raise TraceError(f"tick {record.snapshot.now.utc.isoformat()} has no memory")
                memory, decided = decide(memory, record.snapshot, record.policy)
                ticks += 1
                found = first_difference(record.decision, decided)
                if found is not None:
                    return ReplayResult(ticks=ticks, first_difference=_named(record, found))
            case _:
                assert_never(record)
    return ReplayResult(ticks=ticks, first_difference=None)


def _named(tick: Tick, found: tuple[str, object, object]) -> Difference:
    path, recorded, decided = found
    return Difference(
        tick_utc=tick.snapshot.now.utc, path=path, recorded=repr(recorded), decided=repr(decided)
    )


def first_difference(
    recorded: object, decided: object, path: str = ""
) -> tuple[str, object, object] | None:
    """Path and values of the first difference, fields in order; −0.0 and 0.0 differ."""
    if recorded is decided:
        return None
    if type(recorded) is float and type(decided) is int:
        decided = float(decided)  # the trace writes a whole number in a float's place as a float
    if type(recorded) is not type(decided):
        return path, recorded, decided
    if isinstance(recorded, tuple) and isinstance(decided, tuple):
        return _in_tuples(recorded, decided, path)
    if is_dataclass(recorded):
        for field in fields(recorded):
            below = f"{path}.{field.name}".removeprefix(".")
            found = first_difference(
                getattr(recorded, field.name), getattr(decided, field.name), below
            )
            if found is not None:
                return found
        return None
    same = recorded == decided and repr(recorded) == repr(decided)
    return None if same else (path, recorded, decided)


def _in_tuples(
    recorded: tuple[object, ...], decided: tuple[object, ...], path: str
) -> tuple[str, object, object] | None:
    for number, (one, other) in enumerate(zip(recorded, decided, strict=False)):
        found = first_difference(one, other, f"{path}[{number}]")
        if found is not None:
            return found
    if len(recorded) != len(decided):
        return f"{path}.length", len(recorded), len(decided)
    return None
