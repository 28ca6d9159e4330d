"""One configured station: what outlives its connections, and the one connection it may have."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from websockets.asyncio.server import ServerConnection

from v2g_daemon.adapters.ocpp.conductor import Conductor
from v2g_daemon.adapters.ocpp.config import OcppVersion, StationConfig
from v2g_daemon.adapters.ocpp.driver import EvseDriver
from v2g_daemon.adapters.ocpp.frames import FrameLog, FrameWatcher, WatchedLink
from v2g_daemon.adapters.ocpp.relay import Relay
from v2g_daemon.adapters.ocpp.security_log import SecurityLog
from v2g_daemon.adapters.ocpp.session import Link, StationConversation
from v2g_daemon.adapters.ocpp.station import StationState
from v2g_daemon.adapters.ocpp.v16.memory import V16Memory
from v2g_daemon.domain.instant import Instant
from v2g_daemon.ports import Clock, ObservationSink, StationJournal


@dataclass(slots=True, kw_only=True, eq=False)
class Live:
    """The one connection of a station; `calls` asks it in the words of 2.0.1 and 2.1."""

    connection: ServerConnection
    version: OcppVersion
    address: str
    since: Instant
    calls: StationConversation
    conductor: Conductor
    ended: asyncio.Event
    unanswered: bool = False


class Desk:
    """The state, drivers and frame log of one station."""

    def __init__(
        self,
        *,
        config: StationConfig,
        clock: Clock,
        sink: ObservationSink,
        journal: StationJournal,
        security: SecurityLog,
    ) -> None:
        self.config = config
        self.awake = asyncio.Event()
        self.state = StationState(config=config, sink=sink, journal=journal)
        self.security = security
        self.frames = FrameLog(clock=clock)
        self.relay = None
        if config.relay is not None:
            self.relay = Relay(station=config, config=config.relay, clock=clock, journal=journal)
        self.drivers = tuple(
            EvseDriver(evse=evse, clock=clock, wake=self.awake.set) for evse in self.state.evses
        )
        self.v16 = V16Memory(
            station_id=config.station_id,
            connectors=tuple(evse.number for evse in config.evses),
            journal=journal,
        )
        self.live: Live | None = None

    def watched(self, link: Link) -> WatchedLink:
        """The link as log and relay see it."""
        watchers: list[FrameWatcher] = [self.frames]
        return WatchedLink(link, watchers if self.relay is None else [*watchers, self.relay.ear])

    def opened(self, live: Live) -> None:
        """A new connection knows nothing of the one before it."""
        self.live = live
        self.frames.link(f"connected from {live.address}, {live.version.value}")
        if self.relay is not None:
            self.relay.opened(live.version)
        for driver in self.drivers:
            driver.forget()
        self.state.link_opened()

    def closed(self, live: Live) -> None:
        """The connection is gone."""
        self.live = None
        self.state.link_lost()
        if self.relay is not None:
            self.relay.closed()
        live.ended.set()
        self.frames.link("the connection ended")
