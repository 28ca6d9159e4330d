"""One configured station: what outlives its connections, and the one connection it has."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from websockets.asyncio.server import ServerConnection

from v2g_daemon.adapters.ocpp.conductor import Conductor
from v2g_daemon.adapters.ocpp.config import OcppVersion, SecurityProfile, StationConfig
from v2g_daemon.adapters.ocpp.dialects.quirks import Dialects
from v2g_daemon.adapters.ocpp.relay import Relay
from v2g_daemon.adapters.ocpp.security.admission import least_profile
from v2g_daemon.adapters.ocpp.security.certificate_requests import CertificateRequests
from v2g_daemon.adapters.ocpp.security.security_log import SecurityLog
from v2g_daemon.adapters.ocpp.smart_charging.driver import EvseDriver
from v2g_daemon.adapters.ocpp.station import StationState
from v2g_daemon.adapters.ocpp.v16.memory import V16Memory
from v2g_daemon.adapters.ocpp.v16.spelling import Spelling
from v2g_daemon.adapters.ocpp.wire.frames import FrameLog, FrameWatcher, WatchedLink
from v2g_daemon.adapters.ocpp.wire.session import Link, StationConversation, StationSession
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.ledger import StationEvent, StationEventKind
from v2g_daemon.ports import CertificateRegister, Clock, ObservationSink, StationCa, StationJournal

SEEN_PROFILE = "security profile"


@dataclass(slots=True, kw_only=True, eq=False)
class Live:
    """The one connection of a station; `calls` asks it in the words of 2.0.1 and 2.1."""

    connection: ServerConnection
    session: StationSession
    version: OcppVersion
    address: str
    since: Instant
    calls: StationConversation
    conductor: Conductor
    ended: asyncio.Event
    unanswered: bool = False

    async def answers(self, *, within_s: float) -> bool:
        """Ping it; any frame is an answer, for some never send a pong. Raises ConnectionClosed."""
        heard = self.session.frames_heard
        try:
            async with asyncio.timeout(within_s):
                await (await self.connection.ping())
        except TimeoutError:
            return self.session.frames_heard != heard
        return True


class Desk:
    """The parts of one station; `live` is None while it is away."""

    def __init__(
        self,
        *,
        config: StationConfig,
        clock: Clock,
        sink: ObservationSink,
        journal: StationJournal,
        security: SecurityLog,
        ca: StationCa | None,
        register: CertificateRegister | None,
        dialects: Dialects,
    ) -> None:
        self.awake = asyncio.Event()
        self.state = StationState(config=config, sink=sink, journal=journal, dialects=dialects)
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
        self.spelling = Spelling(lambda: self.config.configuration_keys)
        self.certificates = CertificateRequests(
            station_id=config.station_id,
            ca=ca,
            register=register,
            clock=clock,
            security=security,
        )
        self.live: Live | None = None
        self._clock = clock
        self._journal = journal
        self._highest_profile = _kept_profile(journal, config.station_id)

    @property
    def config(self) -> StationConfig:
        """What the installer wrote, on top of what is known of the station's make."""
        return self.state.config

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

    def least_profile(self, of_all: SecurityProfile) -> SecurityProfile:
        """What the station must come with."""
        return least_profile(self.config, of_all=of_all, seen=self._highest_profile)

    def came_with(self, profile: SecurityProfile) -> None:
        """Remember, over restarts, the highest security profile that it was admitted with."""
        if profile <= self._highest_profile:
            return
        self._highest_profile = profile
        self._journal.note(
            StationEvent(
                at_utc=self._clock.now().utc,
                station_id=self.config.station_id,
                kind=StationEventKind.LEARNED,
                name=SEEN_PROFILE,
                detail=str(int(profile)),
            )
        )


def _kept_profile(journal: StationJournal, station_id: str) -> SecurityProfile:
    kept = journal.newest(station_id, StationEventKind.LEARNED, SEEN_PROFILE)
    return SecurityProfile.PASSWORD if kept is None else SecurityProfile(int(kept.detail))
