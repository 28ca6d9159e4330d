"""`v2g replay`: recorded ticks decided again, bit for bit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from v2g_daemon.adapters.system.trace_files import read_trace
from v2g_daemon.control.decide import decide
from v2g_daemon.domain.errors import ConfigurationError
from v2g_daemon.trace.codec import decode_trace
from v2g_daemon.trace.replay import replay


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """The verdict over some trace files; `text` is for people."""

    identical: bool
    ticks: int
    text: str


def replay_files(paths: Iterable[Path]) -> Replayed:
    """Re-decide every tick of the files, in the order given; raises TraceError on a broken one."""
    result = replay(decode_trace(_lines(paths)), decide)
    if result.ticks == 0:
        return Replayed(identical=False, ticks=0, text="the trace holds no tick")
    if result.first_difference is None:
        text = f"{result.ticks} ticks decided again, all identical"
    else:
        text = f"differs at tick {result.ticks}: {result.first_difference}"
    return Replayed(identical=result.identical, ticks=result.ticks, text=text)


def _lines(paths: Iterable[Path]) -> Iterator[bytes]:
    for path in paths:
        if not path.is_file():
            raise ConfigurationError(f"{path}: there is no such trace file")
        yield from read_trace(path)
