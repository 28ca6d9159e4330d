"""Answers that come later and in parts, under the number of a request of ours."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from v2g_daemon.adapters.ocpp.wire.codec import JsonObject

MOST_PARTS = 200
LINGER_S = 1.0  # a part that does not say whether more come is the last if nothing follows it


class Expected:
    """The parts of one report, as they come."""

    def __init__(self, request_id: int) -> None:
        self.request_id = request_id
        self._parts: list[JsonObject] = []
        self._come = asyncio.Event()

    def told(self, payload: JsonObject) -> None:
        """One more part."""
        if len(self._parts) < MOST_PARTS:
            self._parts.append(payload)
        self._come.set()

    async def parts(self, *, patience_s: float) -> tuple[list[JsonObject], bool]:
        """All parts, and whether they are complete; waits so long for each next one."""
        while not self._ended():
            self._come.clear()
            waiting_s = LINGER_S if self._may_have_ended() else patience_s
            try:
                async with asyncio.timeout(waiting_s):
                    await self._come.wait()
            except TimeoutError:
                break
        numbers = {int(part["seqNo"]) for part in self._parts if "seqNo" in part}
        gapless = not numbers or max(numbers) - min(numbers) + 1 == len(numbers)
        return self._parts, self._may_have_ended() and (gapless or len(numbers) == 1)

    def _ended(self) -> bool:
        return bool(self._parts) and self._parts[-1].get("tbc") is False

    def _may_have_ended(self) -> bool:
        return bool(self._parts) and self._parts[-1].get("tbc", False) is False


class Reports:
    """Hands each part to whoever asked for it; what nobody asked for is dropped."""

    def __init__(self) -> None:
        self._last_id = 0
        self._expected: dict[tuple[str, int], Expected] = {}

    @contextmanager
    def expecting(self, action: str) -> Iterator[Expected]:
        """Listen for the parts of one report within the block."""
        self._last_id += 1
        expected = Expected(self._last_id)
        self._expected[action, self._last_id] = expected
        try:
            yield expected
        finally:
            del self._expected[action, expected.request_id]

    def told(self, action: str, payload: JsonObject) -> None:
        """A part of some report."""
        expected = self._expected.get((action, payload["requestId"]))
        if expected is not None:
            expected.told(payload)
