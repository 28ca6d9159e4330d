"""A session with its real handlers over a link in memory."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Sequence

from tests.adapters.ocpp.scripted_station import MemoryJournal, Sink, SteppedClock
from v2g_daemon.adapters.ocpp import EvseConfig, OcppVersion, StationConfig
from v2g_daemon.adapters.ocpp.handlers import StationHandlers
from v2g_daemon.adapters.ocpp.relay.ear import Ear
from v2g_daemon.adapters.ocpp.security.security_log import SecurityLog
from v2g_daemon.adapters.ocpp.station import StationState
from v2g_daemon.adapters.ocpp.v16.handlers import V16Handlers
from v2g_daemon.adapters.ocpp.v16.memory import V16Memory
from v2g_daemon.adapters.ocpp.wire.frames import FrameLog, WatchedLink
from v2g_daemon.adapters.ocpp.wire.session import StationHandler, StationSession
from v2g_daemon.domain.ledger import StationEvent

LONGEST_S = 1.0
LONGEST_ERROR_TEXT = 255
END = "end"


class OpenLink:
    """Hands frames over one by one and keeps what is sent; the end is a beat nobody spoils."""

    def __init__(self, frames: Sequence[str | bytes]) -> None:
        self._frames = iter(frames)
        self._ended = asyncio.Event()
        self.asked_at_s = time.monotonic()
        self.slowest_s = 0.0
        self.sent: list[str] = []

    async def recv(self) -> str | bytes:
        await asyncio.sleep(0)  # the worker answers the frame before
        now_s = time.monotonic()
        self.slowest_s = max(self.slowest_s, now_s - self.asked_at_s)
        self.asked_at_s = now_s
        for frame in self._frames:
            return frame
        await self._ended.wait()
        raise AssertionError("a session reads on after its end")

    async def send(self, message: str) -> None:
        self.sent.append(message)


class ForgetfulJournal(MemoryJournal):
    """Remembers only the newest of each name."""

    async def keep(self, event: StationEvent) -> bool:
        self.note(event)
        return True

    def note(self, event: StationEvent) -> None:
        others = [one for one in self.order if one.name != event.name]
        self.order = [*others[-50:], event]


class Rig:
    """One connection of one version."""

    def __init__(self, version: OcppVersion) -> None:
        evse = EvseConfig(evse_id="garage", static_safe_current_a=10.0, max_charge_w=7400.0)
        config = StationConfig(station_id="S1", password="p" * 16, evses=(evse,))
        clock, journal = SteppedClock(), ForgetfulJournal()
        old = version is OcppVersion.V1_6
        inner = StationHandlers(
            station=StationState(config=config, sink=Sink(), journal=journal),
            version=OcppVersion.V2_0_1 if old else version,
            clock=clock,
            security=SecurityLog(clock=clock, journal=journal),
            wake=lambda: None,
        )
        memory = V16Memory(station_id="S1", connectors=(1,), journal=journal)
        self.log = FrameLog(clock=clock)
        self.ear = Ear(station=config, clock=clock, journal=journal)
        self.ear.opened(version)
        self.handler: StationHandler = V16Handlers(inner=inner, memory=memory) if old else inner
        self._version = version
        self._sent: list[str] = []
        self.handler_failures = 0

    async def swallow(self, frames: Sequence[str | bytes]) -> float:
        """Seconds that the slowest frame took; what escapes the session is raised here."""
        last = json.dumps([2, END, "Heartbeat", {}])
        link = OpenLink([*frames, last])
        session = StationSession(
            link=WatchedLink(link, (self.log, self.ear)),
            version=self._version,
            handler=self.handler,
            call_timeout_s=1.0,
            idle_timeout_s=60.0,
        )
        async with asyncio.TaskGroup() as group:
            running = group.create_task(session.run())
            async with asyncio.timeout(60.0):
                while not any(f'"{END}"' in text for text in link.sent[-1:]):
                    await asyncio.sleep(0)
                    if running.done():
                        raise AssertionError("the session ended by itself")
            running.cancel()
        assert await self.log.newest(len(frames) + 1) != ()
        self._sent = link.sent
        self.handler_failures = session.handler_failures
        return link.slowest_s

    def kinds(self) -> Counter[str]:
        """How it answered; raises where an answer is no frame."""
        found: Counter[str] = Counter()
        for text in self._sent:
            frame = json.loads(text)
            if frame[0] == 4:
                assert len(frame) == 5, text
                assert len(frame[3]) <= LONGEST_ERROR_TEXT
                found[frame[2]] += 1
            else:
                assert (frame[0], len(frame)) == (3, 3), text
                found["answered"] += 1
        return found
