"""What any trace sink promises: lines in order, and honest words on what is durable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.unit.runtime.surroundings import HandClock, OpenTrace
from v2g_daemon.adapters.system.trace_files import TraceFiles, read_trace, trace_paths
from v2g_daemon.ports import TraceSink

HEADER = b'{"trace":1,"versions":{}}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Sink:
    """A sink and what was written to it, once it is closed."""

    sink: TraceSink
    written: Callable[[], list[bytes]]


@pytest.fixture(params=["files", "kept in memory"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Sink:
    """Each sink after the other."""
    if request.param == "kept in memory":
        kept = OpenTrace()
        return Sink(sink=kept, written=lambda: kept.lines)
    files = TraceFiles(tmp_path, clock=HandClock())

    def written() -> list[bytes]:
        files.close()
        return [line for path in trace_paths(tmp_path) for line in read_trace(path)]

    return Sink(sink=files, written=written)


def test_lines_come_back_whole_and_in_order(opened: Sink) -> None:
    lines = [HEADER, *(b'{"snapshot":%d}' % number for number in range(1000))]
    for line in lines:
        opened.sink.append(line)
    assert opened.written() == lines


def test_a_header_in_the_middle_starts_anew_and_loses_nothing(opened: Sink) -> None:
    lines = [HEADER, b'{"snapshot":1}', HEADER, b'{"snapshot":2}']
    for line in lines:
        opened.sink.append(line)
    assert opened.written() == lines


def test_before_the_first_flush_nothing_is_durable(opened: Sink) -> None:
    assert opened.sink.last_flushed_at is None
    opened.written()
