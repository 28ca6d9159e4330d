"""What went over a station's link: a bounded ring of frames, and readers that follow it.

Watchers stand between link and session and never wait: a reader that does not keep up is let go.
Frames lie in memory as they came; whatever leaves here has gone through `redaction`, which costs
a hundred times what keeping a frame costs and is paid by whoever reads.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from v2g_daemon.adapters.ocpp.wire.codec import FrameType
from v2g_daemon.adapters.ocpp.wire.redaction import shown, shown_text
from v2g_daemon.adapters.ocpp.wire.session import Link
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.stations import FollowEnd, FrameNote, FrameSide
from v2g_daemon.ports import Clock

MOST_FRAMES = 1_000
MOST_BYTES = 512 * 1024
LONGEST_FRAME = 65_536  # of a longer one only the head is kept
HEAD = 200
OVERHEAD_BYTES = 200  # of a kept frame, beside its text
MOST_READERS = 8
MOST_UNREAD = 256
MOST_OPEN_CALLS = 64
LONGEST_NAME = 50  # of an action or a message id
_CALL_HEAD = re.compile(r'\s*\[\s*2\s*,\s*"[^"]{1,50}"\s*,\s*"([A-Za-z0-9]{1,50})"')


class FrameWatcher(Protocol):
    """Sees every frame of a link as it is, broken ones too; must neither wait nor raise."""

    def heard(self, raw: str | bytes) -> None: ...

    def said(self, text: str) -> None: ...


class WatchedLink:
    """A link whose frames are seen in both directions."""

    def __init__(self, link: Link, watchers: Sequence[FrameWatcher]) -> None:
        self._link = link
        self._watchers = tuple(watchers)

    async def recv(self) -> str | bytes:
        """The next frame of the station."""
        raw = await self._link.recv()
        for watcher in self._watchers:
            watcher.heard(raw)
        return raw

    async def send(self, message: str) -> None:
        """Send a frame of ours; one that did not leave is not seen."""
        await self._link.send(message)
        for watcher in self._watchers:
            watcher.said(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFrame:
    """A frame as it came; of one that is too long (`whole` false) its head."""

    number: int
    at: Instant
    side: FrameSide
    size_bytes: int
    raw: str | bytes
    whole: bool


@dataclass(slots=True, kw_only=True, eq=False)
class _Reader:
    """Somebody who follows; what is unread is bounded."""

    unread: deque[KeptFrame] = field(default_factory=deque)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    end: FollowEnd | None = None

    def tell(self, frame: KeptFrame) -> None:
        if self.end is not None:
            return
        if len(self.unread) >= MOST_UNREAD:
            self.finish(f"read too slowly: frame {frame.number} and later ones are left out")
            return
        self.unread.append(frame)
        self.news.set()

    def finish(self, reason: str) -> None:
        if self.end is None:
            self.end = FollowEnd(reason=reason)
        self.news.set()


class FrameLog:
    """The newest frames of one station, over all its connections."""

    def __init__(
        self, *, clock: Clock, most_frames: int = MOST_FRAMES, most_bytes: int = MOST_BYTES
    ) -> None:
        self._clock = clock
        self._most_frames = most_frames
        self._most_bytes = most_bytes
        self._frames: deque[KeptFrame] = deque()
        self._kept_bytes = 0
        self._count = 0
        self._readers: list[_Reader] = []

    def heard(self, raw: str | bytes) -> None:
        """A frame of the station."""
        self._keep(FrameSide.STATION, raw)

    def said(self, text: str) -> None:
        """A frame of ours."""
        self._keep(FrameSide.DAEMON, text)

    def link(self, event: str) -> None:
        """The connection was opened or closed."""
        self._keep(FrameSide.LINK, event)

    async def newest(self, count: int) -> tuple[FrameNote, ...]:
        """The last so many, oldest first; read in a thread, for they may be many."""
        frames = tuple(self._frames)
        return await asyncio.to_thread(_read, frames, count)

    async def follow(self, *, newest: int) -> AsyncGenerator[FrameNote | FollowEnd, None]:
        """The last so many and every one that follows; the end says why it is the end."""
        reader, reading = _Reader(), Reading()
        before = tuple(self._frames)
        if len(self._readers) >= MOST_READERS:
            reader.finish(f"{MOST_READERS} others follow this station already")
        self._readers.append(reader)
        try:
            for note in await asyncio.to_thread(reading.notes, before, newest):
                yield note
            while True:
                while reader.unread:
                    yield reading.note(reader.unread.popleft())
                    await asyncio.sleep(0)  # a reader that catches up must not hold up the loop
                if reader.end is not None:
                    yield reader.end
                    return
                reader.news.clear()
                await reader.news.wait()
        finally:
            self._readers.remove(reader)

    def close(self) -> None:
        """Whoever follows is told that the daemon ends."""
        for reader in self._readers:
            reader.finish("the daemon ends")

    def _keep(self, side: FrameSide, raw: str | bytes) -> None:
        size = len(raw) if isinstance(raw, bytes) else len(raw.encode("utf-8", "replace"))
        self._count += 1
        whole = size <= LONGEST_FRAME
        frame = KeptFrame(
            number=self._count,
            at=self._clock.now(),
            side=side,
            size_bytes=size,
            raw=raw if whole else raw[:HEAD],
            whole=whole,
        )
        self._frames.append(frame)
        self._kept_bytes += _weight(frame)
        while len(self._frames) > self._most_frames or self._kept_bytes > self._most_bytes:
            self._kept_bytes -= _weight(self._frames.popleft())
        for reader in self._readers:
            reader.tell(frame)


class Reading:
    """Turns kept frames into what may be shown; remembers calls, to tell what an answer answers."""

    def __init__(self) -> None:
        self._open: OrderedDict[tuple[FrameSide, str], tuple[str, Instant]] = OrderedDict()

    def notes(self, frames: Iterable[KeptFrame], count: int) -> list[FrameNote]:
        """The last so many of the frames."""
        found = [self.note(frame) for frame in frames]
        return found[max(len(found) - count, 0) :]

    def note(self, frame: KeptFrame) -> FrameNote:
        """One frame; never raises, whatever it holds."""
        kind, action, since, text = self._read(frame)
        return FrameNote(
            number=frame.number,
            at_utc=frame.at.utc,
            side=frame.side,
            kind=kind,
            action=None if action is None else ascii(action)[1:-1],
            size_bytes=frame.size_bytes,
            took_s=None if since is None else frame.at.seconds_since(since),
            text=text,
        )

    def _read(self, frame: KeptFrame) -> tuple[str, str | None, Instant | None, str]:
        if not frame.whole:
            return "long", _first_action(frame.raw), None, "(too long to be shown)"
        if frame.side is FrameSide.LINK:
            self._open.clear()
            return "link", None, None, shown_text(frame.raw)
        try:
            parsed = json.loads(frame.raw)
            text = shown(parsed)
        except (ValueError, RecursionError):
            return "broken", None, None, shown_text(frame.raw)
        return (*self._sorted(frame, parsed), text)

    def _sorted(self, frame: KeptFrame, parsed: Any) -> tuple[str, str | None, Instant | None]:
        """Its kind, its action, and of an answer the moment of its call."""
        match parsed:
            case [FrameType.CALL, str(message_id), str(action), *_]:
                self._open[frame.side, message_id[:LONGEST_NAME]] = (
                    action[:LONGEST_NAME],
                    frame.at,
                )
                if len(self._open) > MOST_OPEN_CALLS:
                    self._open.popitem(last=False)
                return "call", action[:LONGEST_NAME], None
            case [FrameType.CALL_RESULT, str(message_id), *_]:
                return ("result", *self._answered(frame.side, message_id))
            case [FrameType.CALL_ERROR | FrameType.CALL_RESULT_ERROR, str(message_id), *_]:
                return ("error", *self._answered(frame.side, message_id))
            case [FrameType.SEND, str(), str(action), *_]:
                return "send", action[:LONGEST_NAME], None
            case _:
                return "broken", None, None

    def _answered(self, side: FrameSide, message_id: str) -> tuple[str | None, Instant | None]:
        caller = FrameSide.DAEMON if side is FrameSide.STATION else FrameSide.STATION
        return self._open.pop((caller, message_id[:LONGEST_NAME]), (None, None))


def _read(frames: Sequence[KeptFrame], count: int) -> tuple[FrameNote, ...]:
    return tuple(Reading().notes(frames, count))


def _weight(frame: KeptFrame) -> int:
    return OVERHEAD_BYTES + (frame.size_bytes if frame.whole else HEAD)


def _first_action(head: str | bytes) -> str | None:
    """The action of a call too long to be kept, where it begins as calls do."""
    text = head.decode("utf-8", "replace") if isinstance(head, bytes) else head
    found = _CALL_HEAD.match(text)
    return None if found is None else found[1]
