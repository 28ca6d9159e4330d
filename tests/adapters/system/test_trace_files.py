"""Trace files: durable within a minute, readable after a kill, and never too many."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from v2g_daemon.adapters.system.trace_files import TraceFiles, read_trace, trace_paths
from v2g_daemon.domain.instant import Instant

HEADER = b'{"trace":1,"versions":{}}'
START_UTC = datetime(2024, 12, 11, 16, 30, tzinfo=UTC)


class HandClock:
    """A clock that moves when told to."""

    def __init__(self) -> None:
        self.passed_s = 0.0

    def now(self) -> Instant:
        return Instant(
            utc=START_UTC + timedelta(seconds=self.passed_s), monotonic_s=1000.0 + self.passed_s
        )

    async def sleep(self, seconds_s: float) -> None:
        self.passed_s += seconds_s

    def trusted(self) -> bool:
        return True


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def files(tmp_path: Path, clock: HandClock) -> Iterator[TraceFiles]:
    with TraceFiles(tmp_path / "trace", clock=clock) as opened:
        yield opened


def settled(files: TraceFiles) -> Instant | None:
    """The last flush, once the disk has answered."""
    files.flush()
    files._disk.submit(int).result(timeout=10.0)
    return files.last_flushed_at


def test_a_closed_file_is_a_plain_gzip_file(files: TraceFiles) -> None:
    files.append(HEADER)
    files.append(b'{"x":1}')
    path = files.path
    assert path is not None
    files.close()
    assert gzip.decompress(path.read_bytes()) == HEADER + b'\n{"x":1}\n'
    assert path.name == "trace-20241211T163000Z.jsonl.gz"
    assert list(read_trace(path)) == [HEADER, b'{"x":1}']


def test_nothing_counts_as_flushed_before_the_first_flush(files: TraceFiles) -> None:
    assert files.last_flushed_at is None
    files.append(HEADER)
    assert files.last_flushed_at is None


def test_after_a_minute_all_lines_are_durable(files: TraceFiles, clock: HandClock) -> None:
    files.append(HEADER)
    clock.passed_s = 59.0
    files.append(b'{"x":1}')
    assert files.path is not None
    assert list(read_trace(files.path)) == []
    clock.passed_s = 60.0
    files.append(b'{"x":2}')
    assert list(read_trace(files.path)) == [HEADER, b'{"x":1}', b'{"x":2}']
    last = settled(files)
    assert last is not None
    assert last.monotonic_s == 1060.0


def test_a_torn_tail_leaves_the_lines_before_it(files: TraceFiles, tmp_path: Path) -> None:
    files.append(HEADER)
    files.append(b'{"x":1}')
    files.flush()
    assert files.path is not None
    flushed_bytes = files.written_bytes
    files.append(b'{"y":"' + os.urandom(200).hex().encode() + b'"}')
    files.close()
    (whole,) = trace_paths(tmp_path / "trace")
    torn = tmp_path / "torn.jsonl.gz"
    for cut_bytes in range(flushed_bytes, flushed_bytes + 150, 7):
        torn.write_bytes(whole.read_bytes()[:cut_bytes])
        assert list(read_trace(torn)) == [HEADER, b'{"x":1}']


def test_a_damaged_tail_leaves_the_lines_before_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "trace.jsonl.gz"
    path.write_bytes(gzip.compress(b"one\n" * 100_000)[:-8] + b"damaged!")
    with caplog.at_level("WARNING"):
        list(read_trace(path))
    assert "ends in damage" in caplog.text


def test_an_uncompressed_trace_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "report.jsonl"
    path.write_bytes(HEADER + b'\n{"x":1}\n{"torn')
    assert list(read_trace(path)) == [HEADER, b'{"x":1}']


def test_a_header_starts_a_new_file_and_ends_the_old_one(
    files: TraceFiles, clock: HandClock, tmp_path: Path
) -> None:
    files.append(HEADER)
    files.append(b'{"x":1}')
    clock.passed_s = 7.5 * 3600.0
    files.append(HEADER)
    files.close()
    first, second = trace_paths(tmp_path / "trace")
    assert list(read_trace(first)) == [HEADER, b'{"x":1}']
    assert second.name == "trace-20241212T000000Z.jsonl.gz"
    assert list(read_trace(second)) == [HEADER]


def test_several_starts_in_one_second_get_files_of_their_own(
    files: TraceFiles, tmp_path: Path
) -> None:
    for _ in range(3):
        files.append(HEADER)
    files.close()
    assert [path.name for path in trace_paths(tmp_path / "trace")] == [
        "trace-20241211T163000Z.jsonl.gz",
        "trace-20241211T163000Z-2.jsonl.gz",
        "trace-20241211T163000Z-3.jsonl.gz",
    ]


def test_a_line_before_any_header_is_refused(files: TraceFiles) -> None:
    with pytest.raises(ValueError, match="starts with its header"):
        files.append(b'{"x":1}')


def old_file(folder: Path, name: str, *, size_bytes: int) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_bytes(b"\0" * size_bytes)
    return path


def test_files_older_than_thirty_days_are_dropped(
    files: TraceFiles, clock: HandClock, tmp_path: Path
) -> None:
    folder = tmp_path / "trace"
    old = old_file(folder, "trace-20241111T000000Z.jsonl.gz", size_bytes=10)
    kept = old_file(folder, "trace-20241112T000000Z.jsonl.gz", size_bytes=10)
    foreign = old_file(folder, "trace-of-mine.jsonl.gz", size_bytes=10)
    files.append(HEADER)
    assert (old.exists(), kept.exists(), foreign.exists()) == (False, True, True)


def test_the_oldest_are_dropped_above_the_size_kept(tmp_path: Path, clock: HandClock) -> None:
    folder = tmp_path / "trace"
    paths = [
        old_file(folder, f"trace-2024121{day}T000000Z.jsonl.gz", size_bytes=400) for day in range(3)
    ]
    with TraceFiles(folder, clock=clock, keep_bytes=900) as files:
        files.append(HEADER)
    assert [path.exists() for path in paths] == [False, True, True]


def test_a_disk_that_refuses_stops_the_flush_from_counting(
    files: TraceFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    files.append(HEADER)
    monkeypatch.setattr(os, "fsync", refuses)
    assert settled(files) is None
    with pytest.raises(OSError, match="No space left"):
        files.flush()
    assert files.last_flushed_at is None
    monkeypatch.undo()
    files.append(HEADER)
    assert settled(files) is not None


WRITER = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from v2g_daemon.adapters.system.clock import RealClock
from v2g_daemon.adapters.system.trace_files import TraceFiles
files = TraceFiles(Path(sys.argv[1]), clock=RealClock(synchronised=lambda: True))
files.append(b'{"trace":1,"versions":{}}')
for number in range(1000):
    files.append(b'{"tick":%d}' % number)
files.flush()
for number in range(1000, 1500):
    files.append(b'{"tick":%d}' % number)
print("written", flush=True)
time.sleep(60)
"""


def test_a_kill_loses_only_what_was_not_flushed(tmp_path: Path) -> None:
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    assert writer.stdout.readline() == "written\n"
    writer.send_signal(signal.SIGKILL)
    writer.wait(timeout=10.0)
    writer.stdout.close()
    (path,) = trace_paths(tmp_path)
    lines = list(read_trace(path))
    assert lines[0] == HEADER
    assert lines[1:1001] == [b'{"tick":%d}' % number for number in range(1000)]
