"""Trace lines in gzip files: one a UTC day and start, flushed once a minute, the oldest dropped."""

from __future__ import annotations

import logging
import os
import zlib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from v2g_daemon.domain.instant import Instant
from v2g_daemon.ports import Clock
from v2g_daemon.trace.codec import HEADER_START

SUFFIX = ".jsonl.gz"
_PREFIX = "trace-"
_STAMP = "%Y%m%dT%H%M%SZ"
_GZIP = 31  # zlib's window size 15, with a gzip header and trailer
_READ_AT_ONCE_BYTES = 1 << 16
_LOG = logging.getLogger(__name__)


class TraceFiles:
    """Appends trace lines; a header line starts a new file.

    A line is durable once `last_flushed_at` is not before it: a kill loses `flush_s` at most. The
    disk is waited for in a thread, so that `append` never holds up the loop.
    """

    def __init__(
        self,
        directory: Path,
        *,
        clock: Clock,
        flush_s: float = 60.0,
        keep_days: int = 30,
        keep_bytes: int = 500_000_000,
    ) -> None:
        self._directory = directory
        self._clock = clock
        self._flush_s = flush_s
        self._keep = timedelta(days=keep_days)
        self._keep_bytes = keep_bytes
        self._file: IO[bytes] | None = None
        self._compressor = zlib.compressobj(wbits=_GZIP)
        self._unflushed_since: Instant | None = None
        self._last_flushed_at: Instant | None = None
        self._disk = ThreadPoolExecutor(max_workers=1, thread_name_prefix="trace-sync")
        self._syncing: Future[None] | None = None
        self._synced_then: Instant | None = None
        self.written_bytes = 0

    @property
    def last_flushed_at(self) -> Instant | None:
        """The moment up to which all lines are durable; None before the first flush."""
        syncing = self._syncing
        if syncing is not None and syncing.done() and syncing.exception() is None:
            self._settle()
        return self._last_flushed_at

    @property
    def path(self) -> Path | None:
        """The file being written, or None before the first header."""
        return None if self._file is None else Path(self._file.name)

    def append(self, line: bytes) -> None:
        """Take one line without its end; raises OSError where the disk refuses."""
        now = self._clock.now()
        if line.startswith(HEADER_START):
            self._start(now)
        if self._file is None:
            raise ValueError("a trace starts with its header")
        self._write(self._compressor.compress(line + b"\n"))
        if self._unflushed_since is None:
            self._unflushed_since = now
        if now.seconds_since(self._unflushed_since) >= self._flush_s:
            self.flush()

    def flush(self) -> None:
        """Begin to make all lines so far durable; raises OSError where the disk refuses."""
        self._settle()
        if self._file is None or self._unflushed_since is None or self._syncing is not None:
            return
        # A sync flush ends the block and keeps the window: a reader gets every line up to here,
        # and the lines after it still compress against those before.
        self._write(self._compressor.flush(zlib.Z_SYNC_FLUSH))
        self._file.flush()
        self._unflushed_since = None
        self._synced_then = self._clock.now()
        self._syncing = self._disk.submit(os.fsync, self._file.fileno())

    def _settle(self, *, wait: bool = False) -> None:
        """Note what the disk answered; an OSError of it is raised once."""
        syncing = self._syncing
        if syncing is None or not (wait or syncing.done()):
            return
        self._syncing = None
        syncing.result()
        self._last_flushed_at = self._synced_then

    def close(self) -> None:
        """End the file properly and wait for the disk; raises OSError where it refuses."""
        try:
            self._end_file()
        finally:
            self._disk.shutdown()

    def _end_file(self) -> None:
        file, self._file = self._file, None
        if file is None:
            return
        try:
            self._settle(wait=True)
            file.write(self._compressor.flush(zlib.Z_FINISH))
            file.flush()
            os.fsync(file.fileno())
            self._last_flushed_at = self._clock.now()
        finally:
            self._unflushed_since = None
            file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _write(self, compressed: bytes) -> None:
        if self._file is not None and compressed:
            self._file.write(compressed)
            self.written_bytes += len(compressed)

    def _start(self, now: Instant) -> None:
        try:
            self._end_file()
        except OSError as error:
            _LOG.error("the end of a trace file was lost: %s", error)
        self._directory.mkdir(parents=True, exist_ok=True)
        self._file = self._new_file(now.utc)
        self._compressor = zlib.compressobj(wbits=_GZIP)
        self._drop_old(now.utc)

    def _new_file(self, moment_utc: datetime) -> IO[bytes]:
        """A file that was not there before; several starts in one second are numbered."""
        stamp = f"{_PREFIX}{moment_utc.strftime(_STAMP)}"
        number = 1
        while True:
            name = f"{stamp}{SUFFIX}" if number == 1 else f"{stamp}-{number}{SUFFIX}"
            try:
                return (self._directory / name).open("xb")
            except FileExistsError:
                number += 1

    def _drop_old(self, now_utc: datetime) -> None:
        """Days first, then bytes, oldest first; never the file being written."""
        older = [path for path in trace_paths(self._directory) if path != self.path]
        sizes = {path: path.stat().st_size for path in older}
        kept_bytes = sum(sizes.values())
        for path in older:
            if now_utc - _started(path) <= self._keep and kept_bytes <= self._keep_bytes:
                break
            kept_bytes -= sizes[path]
            path.unlink(missing_ok=True)
            _LOG.info("dropped the trace file %s", path.name)


def trace_paths(directory: Path) -> tuple[Path, ...]:
    """The trace files of a directory, oldest first; other files are not ours."""
    found = [
        (_started(path), _number(path), path) for path in directory.glob(f"{_PREFIX}*{SUFFIX}")
    ]
    return tuple(path for started, _, path in sorted(found) if started > _NEVER)


_NEVER = datetime.min.replace(tzinfo=UTC)


def _started(path: Path) -> datetime:
    stamp = path.name.removeprefix(_PREFIX).removesuffix(SUFFIX).split("-")[0]
    try:
        return datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return _NEVER


def _number(path: Path) -> int:
    number = path.name.removesuffix(SUFFIX).rpartition("-")[2]
    return int(number) if number.isdecimal() else 1


def read_trace(path: Path) -> Iterator[bytes]:
    """The whole lines of a trace file, compressed or plain; a torn tail is left out.

    Raises OSError where the file cannot be read.
    """
    rest = b""
    for piece in _pieces(path):
        *lines, rest = (rest + piece).split(b"\n")
        yield from lines


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        first = file.read(_READ_AT_ONCE_BYTES)
        compressed = first.startswith(b"\x1f\x8b")
        decompressor = zlib.decompressobj(wbits=_GZIP)
        piece = first
        while piece and not decompressor.eof:
            try:
                yield decompressor.decompress(piece) if compressed else piece
            except zlib.error as error:
                _LOG.warning("%s ends in damage: %s", path.name, error)
                return
            piece = file.read(_READ_AT_ONCE_BYTES)
