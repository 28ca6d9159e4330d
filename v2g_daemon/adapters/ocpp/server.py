"""The central system: admits stations, keeps one live connection each, and leaves them safe."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode
from websockets.typing import Subprotocol

from v2g_daemon.adapters.ocpp.conductor import Conductor
from v2g_daemon.adapters.ocpp.config import (
    CentralSystemConfig,
    OcppVersion,
    SecurityProfile,
    TlsConfig,
)
from v2g_daemon.adapters.ocpp.desks import Desk, Live
from v2g_daemon.adapters.ocpp.dialects.quirks import NO_DIALECTS, Dialects
from v2g_daemon.adapters.ocpp.handlers import StationHandlers
from v2g_daemon.adapters.ocpp.security.admission import chosen_version, spoken_version
from v2g_daemon.adapters.ocpp.security.certificate_calls import CertificateCalls
from v2g_daemon.adapters.ocpp.security.connection import BoundedLink, StationConnection
from v2g_daemon.adapters.ocpp.security.crowd import listeners
from v2g_daemon.adapters.ocpp.security.gatekeeper import Gatekeeper
from v2g_daemon.adapters.ocpp.security.security_log import SecurityLog
from v2g_daemon.adapters.ocpp.security.tls import server_context
from v2g_daemon.adapters.ocpp.smart_charging.probes import StationProbes
from v2g_daemon.adapters.ocpp.tools.installer import InstallerDesk
from v2g_daemon.adapters.ocpp.v16.handlers import V16Handlers
from v2g_daemon.adapters.ocpp.v16.session import V16Conversation
from v2g_daemon.adapters.ocpp.wire.session import (
    StationConversation,
    StationHandler,
    StationSession,
)
from v2g_daemon.ports import (
    CertificateRegister,
    Clock,
    EvsePort,
    ObservationSink,
    StationCa,
    StationDesk,
    StationJournal,
)

LOG = logging.getLogger(__name__)

HEARTBEATS_OF_SILENCE = 3
SILENCE_GRACE_S = 30.0
TAKEOVER_TIMEOUT_S = 5.0
LOOKS_AGAIN_S = 60.0  # whether the make of a station wants pings
CLOSE_TIMEOUT_S = 2.0
MOST_QUEUED_FRAMES = 16  # of one station; what it sends beyond waits in its own TCP


class CentralSystem:
    """Serves the configured stations; `run` ends only by cancellation, after a safe farewell."""

    def __init__(
        self,
        config: CentralSystemConfig,
        clock: Clock,
        sink: ObservationSink,
        journal: StationJournal,
        *,
        ca: StationCa | None = None,
        register: CertificateRegister | None = None,
        dialects: Dialects = NO_DIALECTS,
    ) -> None:
        self._config = config
        self._clock = clock
        security = SecurityLog(clock=clock, journal=journal)
        self._desks = {
            station.station_id: Desk(
                config=station,
                clock=clock,
                sink=sink,
                journal=journal,
                security=security,
                ca=ca,
                register=register,
                dialects=dialects,
            )
            for station in config.stations
        }
        self._gate = Gatekeeper(
            config=config, desks=self._desks, security=security, register=register
        )
        self.certificates = CertificateCalls(desks=self._desks, ca=ca)
        self._context = None if config.tls is None else _context(config, config.tls)
        self._listening = asyncio.Event()
        self._bound_port: int | None = None
        self._bound_tls_port: int | None = None

    @property
    def bound_port(self) -> int | None:
        """The plain TCP port, once listening; None where nothing plain is open."""
        return self._bound_port

    @property
    def bound_tls_port(self) -> int | None:
        """The TCP port of TLS, once listening."""
        return self._bound_tls_port

    def ports(self) -> tuple[EvsePort, ...]:
        """The command port of every configured EVSE, connected or not."""
        return tuple(driver for desk in self._desks.values() for driver in desk.drivers)

    def probes(self) -> StationProbes:
        """The stations as far as a guided test concerns them."""
        return StationProbes({name: desk.drivers for name, desk in self._desks.items()})

    def relays(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """A task for each station that is relayed; to be supervised one by one."""
        relayed = {name: desk.relay for name, desk in self._desks.items()}
        return {name: relay.run for name, relay in relayed.items() if relay is not None}

    def installer_desk(self) -> StationDesk:
        """Through which an installer sees the stations and asks them."""
        return InstallerDesk(
            self._desks, clock=self._clock, report_patience_s=self._config.report_patience_s
        )

    async def listening(self) -> None:
        """Wait until stations can connect."""
        await self._listening.wait()

    async def run(self) -> None:
        """Serve until cancelled."""
        for desk in self._desks.values():
            desk.state.recall(self._clock.now())
        async with AsyncExitStack() as opened:
            servers = await self._open(opened)
            self._listening.set()
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                await self._leave(servers)

    async def _open(self, opened: AsyncExitStack) -> list[Server]:
        """Listen plainly, by TLS, or both."""
        servers: list[Server] = []
        if self._config.least_profile <= SecurityProfile.PASSWORD:
            plain = await self._serve_at(opened, self._config.port, tls={})
            self._bound_port = _port_of(plain)
            servers += plain
            LOG.info("OCPP: listening on %s port %s", self._config.host, self._bound_port)
        if self._config.tls is not None:
            bounds = {"ssl": self._context, "ssl_handshake_timeout": self._config.open_timeout_s}
            encrypted = await self._serve_at(opened, self._config.tls.port, tls=bounds)
            self._bound_tls_port = _port_of(encrypted)
            servers += encrypted
            LOG.info("OCPP: TLS on %s port %s", self._config.host, self._bound_tls_port)
        return servers

    async def _serve_at(
        self, opened: AsyncExitStack, port: int, *, tls: dict[str, Any]
    ) -> list[Server]:
        """A server for every address of the host."""
        sockets = await listeners(self._config.host, port, self._gate.crowd)
        for listener in sockets:
            opened.callback(listener.close)
        return [
            await opened.enter_async_context(
                serve(
                    self._serve,
                    sock=listener,
                    create_connection=StationConnection,
                    process_request=self._gate.admit,
                    select_subprotocol=self._choose,
                    compression=None,
                    open_timeout=self._config.open_timeout_s,
                    max_size=self._config.max_frame_bytes,
                    max_queue=MOST_QUEUED_FRAMES,
                    ping_interval=None,  # ours know that any frame is a sign of life
                    close_timeout=CLOSE_TIMEOUT_S,
                    server_header=None,  # a stranger need not know what to look up
                    logger=_websocket_log(),
                    **tls,
                )
            )
            for listener in sockets
        ]

    async def _leave(self, servers: list[Server]) -> None:
        """Safe profiles first, for a bounded time; then close with 1001 (going away)."""
        live = [desk.live for desk in self._desks.values() if desk.live is not None]
        try:
            async with (
                asyncio.timeout(self._config.farewell_timeout_s),
                asyncio.TaskGroup() as group,
            ):
                for one in live:
                    group.create_task(one.conductor.farewell())
        except TimeoutError:
            LOG.warning("OCPP: not every station took the farewell; its lease ends by itself")
        finally:
            self._listening.clear()
            for desk in self._desks.values():
                if desk.live is not None and desk.config.drops_link:
                    desk.live.connection.transport.abort()
            for server in servers:
                server.close(code=CloseCode.GOING_AWAY)
            for desk in self._desks.values():
                desk.frames.close()

    def _choose(
        self, connection: ServerConnection, offered: Sequence[Subprotocol]
    ) -> Subprotocol | None:
        """Part 4, 3.3: no version in common: the handshake completes, then the socket closes."""
        desk = self._gate.desk_of(connection.request)
        version = None if desk is None else chosen_version(desk.config, offered)
        return None if version is None else Subprotocol(version.value)

    async def _serve(self, connection: ServerConnection) -> None:
        """One admitted connection, from the upgrade to its end."""
        desk = self._gate.desk_of(connection.request)
        if desk is None:
            return
        request = connection.request
        named = request is not None and "Sec-WebSocket-Protocol" in request.headers
        version = spoken_version(desk.config, connection.subprotocol, named=named)
        if version is None:
            LOG.warning("OCPP: %s offers no version of ours", desk.config.station_id)
            await connection.close(CloseCode.PROTOCOL_ERROR, "no common OCPP version")
            return
        if not await self._take_over(desk):
            await connection.close(CloseCode.POLICY_VIOLATION, "already connected")
            return
        await self._converse(desk, connection, version)

    async def _take_over(self, desk: Desk) -> bool:
        """End a connection that did not answer its ping; never two live ones."""
        old = desk.live
        if old is None:
            return True
        if not old.unanswered:
            return False
        old.connection.transport.abort()
        try:
            async with asyncio.timeout(TAKEOVER_TIMEOUT_S):
                await old.ended.wait()
        except TimeoutError:
            return False
        return desk.live is None

    def _handler(self, desk: Desk, version: OcppVersion) -> StationHandler:
        """Who answers in that version; a 1.6 station is answered in translation."""
        old = version is OcppVersion.V1_6
        handlers = StationHandlers(
            station=desk.state,
            version=OcppVersion.V2_0_1 if old else version,
            clock=self._clock,
            security=desk.security,
            wake=desk.awake.set,
            certificates=desk.certificates,
        )
        return V16Handlers(inner=handlers, memory=desk.v16) if old else handlers

    async def _converse(
        self, desk: Desk, connection: ServerConnection, version: OcppVersion
    ) -> None:
        station = desk.config
        session = StationSession(
            link=desk.watched(BoundedLink(connection)),
            version=version,
            handler=self._handler(desk, version),
            call_timeout_s=self._config.call_timeout_s,
            idle_timeout_s=HEARTBEATS_OF_SILENCE * station.heartbeat_interval_s + SILENCE_GRACE_S,
            unknown_fields_tolerated=lambda: desk.config.unknown_fields == "tolerate",
        )
        calls = _conversation(desk, session)
        conductor = self._conductor(desk, calls)
        _drop_when_unacknowledged(connection, after_s=self._config.call_timeout_s)
        live = Live(
            connection=connection,
            session=session,
            version=version,
            address=str(connection.remote_address[0]),
            since=self._clock.now(),
            calls=calls,
            conductor=conductor,
            ended=asyncio.Event(),
        )
        desk.opened(live)
        LOG.info("OCPP: %s connected, %s", station.station_id, version.value)
        try:
            async with asyncio.TaskGroup() as group:
                company = [
                    group.create_task(conductor.run()),
                    group.create_task(_keep_alive(live, desk)),
                ]
                await session.run()
                for task in company:
                    task.cancel()
        finally:
            desk.closed(live)
            LOG.info("OCPP: %s disconnected", station.station_id)

    def _conductor(self, desk: Desk, calls: StationConversation) -> Conductor:
        return Conductor(
            station=desk.state,
            drivers=desk.drivers,
            session=calls,
            config=self._config,
            clock=self._clock,
            awake=desk.awake,
            certificates=desk.certificates,
        )


def _conversation(desk: Desk, session: StationSession) -> StationConversation:
    """How the station is asked; in 1.6 through the translation."""
    if session.version is not OcppVersion.V1_6:
        return session
    return V16Conversation(session=session, memory=desk.v16, spelling=desk.spelling)


def _context(config: CentralSystemConfig, tls: TlsConfig) -> ssl.SSLContext:
    required = config.least_profile is SecurityProfile.CERTIFICATE
    return server_context(tls, client_certificate_required=required)


def _port_of(servers: list[Server]) -> int:
    port: int = next(iter(servers[0].sockets)).getsockname()[1]
    return port


async def _keep_alive(live: Live, desk: Desk) -> None:
    """Ping a silent station; what its make needs is known once it has told it."""
    while True:
        interval_s, heard = desk.config.ping_interval_s, live.session.frames_heard
        await asyncio.sleep(interval_s if interval_s > 0.0 else LOOKS_AGAIN_S)
        if desk.config.ping_interval_s <= 0.0 or live.session.frames_heard != heard:
            continue
        try:
            alive = await live.answers(within_s=desk.config.ping_timeout_s)
        except ConnectionClosed:
            return
        if not alive:
            LOG.warning("OCPP: %s answers no ping; dropping the link", desk.config.station_id)
            live.connection.transport.abort()
            return


def _drop_when_unacknowledged(connection: ServerConnection, *, after_s: float) -> None:
    """A command whose call has timed out must not be delivered later from the kernel's buffer.

    A dynamic lease counts from its arrival. RFC 5482; Linux only, elsewhere the ping closes.
    """
    link = connection.transport.get_extra_info("socket")
    option = getattr(socket, "TCP_USER_TIMEOUT", None)
    if link is not None and option is not None:
        link.setsockopt(socket.IPPROTO_TCP, option, round(after_s * 1000.0))


def _websocket_log() -> logging.Logger:
    """The library's log: no debug lines (they show passwords), no error for every port scan."""
    log = logging.getLogger(f"{__name__}.websockets")
    log.setLevel(logging.ERROR)
    log.addFilter(_not_a_failed_handshake)
    return log


def _not_a_failed_handshake(record: logging.LogRecord) -> bool:
    return record.msg != "opening handshake failed"
