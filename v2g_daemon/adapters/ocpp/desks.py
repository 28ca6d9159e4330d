"""One configured station: what outlives its connections, and the one connection it may have."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from websockets.asyncio.server import ServerConnection

from v2g_daemon.adapters.ocpp.conductor import Conductor
from v2g_daemon.adapters.ocpp.config import OcppVersion, StationConfig
from v2g_daemon.adapters.ocpp.driver import EvseDriver
from v2g_daemon.adapters.ocpp.frames import FrameLog
from v2g_daemon.adapters.ocpp.security_log import SecurityLog
from v2g_daemon.adapters.ocpp.session import StationConversation
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
        self.drivers = tuple(
            EvseDriver(evse=evse, clock=clock, wake=self.awake.set) for evse in self.state.evses
        )
        self.v16 = V16Memory(
            station_id=config.station_id,
            connectors=tuple(evse.number for evse in config.evses),
            journal=journal,
        )
        self.live: Live | None = None
