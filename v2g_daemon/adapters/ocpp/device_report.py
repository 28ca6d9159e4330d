"""The inventory of a device model: asked for once, told in as many NotifyReport as it takes.

seqNo and tbc are not to be relied on: some stations begin at 1, some leave tbc out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from v2g_daemon.adapters.ocpp.codec import JsonObject

MOST_ENTRIES = 5_000
QUIET_S = 5.0  # no further part for so long: what has come is all that comes


@dataclass(slots=True, kw_only=True, eq=False)
class Collection:
    """The parts of one report as they come in."""

    entries: list[JsonObject] = field(default_factory=list)
    complete: bool = False
    parts: int = 0
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait(self, *, longest_s: float) -> bool:
        """Until the last part is there, or none came for a while; whether it is whole."""
        try:
            async with asyncio.timeout(longest_s):
                while not self.complete:
                    self.news.clear()
                    async with asyncio.timeout(QUIET_S if self.parts > 0 else longest_s):
                        await self.news.wait()
        except TimeoutError:
            return False
        return True


class ReportInbox:
    """Where NotifyReport goes: to whoever asked for that report, else nowhere."""

    def __init__(self) -> None:
        self._open: dict[int, Collection] = {}
        self._last_id = 0

    @contextmanager
    def collecting(self) -> Iterator[tuple[int, Collection]]:
        """A request id of our own and what comes for it."""
        self._last_id += 1
        request_id, collection = self._last_id, Collection()
        self._open[request_id] = collection
        try:
            yield request_id, collection
        finally:
            del self._open[request_id]

    def told(self, payload: JsonObject) -> None:
        """A NotifyReport."""
        collection = self._open.get(payload["requestId"])
        if collection is None:
            return
        room = MOST_ENTRIES - len(collection.entries)
        collection.entries += payload.get("reportData", ())[:room]
        collection.parts += 1
        collection.complete = not payload.get("tbc", False)
        collection.news.set()
