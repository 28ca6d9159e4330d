"""The central system: admits stations, keeps one live connection each, and leaves them safe."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from v2g_daemon.adapters.ocpp.admission import (
    Verdict,
    chosen_version,
    judge,
    spoken_version,
    station_id,
)
from v2g_daemon.adapters.ocpp.attempts import Door
from v2g_daemon.adapters.ocpp.conductor import Conductor
from v2g_daemon.adapters.ocpp.config import CentralSystemConfig, OcppVersion, StationConfig
from v2g_daemon.adapters.ocpp.driver import EvseDriver
from v2g_daemon.adapters.ocpp.handlers import StationHandlers
from v2g_daemon.adapters.ocpp.probes import StationProbes
from v2g_daemon.adapters.ocpp.security_log import SecurityLog
from v2g_daemon.adapters.ocpp.session import StationHandler, StationSession
from v2g_daemon.adapters.ocpp.station import StationState
from v2g_daemon.adapters.ocpp.v16.handlers import V16Handlers
from v2g_daemon.adapters.ocpp.v16.memory import V16Memory
from v2g_daemon.adapters.ocpp.v16.session import V16Conversation
from v2g_daemon.ports import Clock, EvsePort, ObservationSink, StationJournal

LOG = logging.getLogger(__name__)

HEARTBEATS_OF_SILENCE = 3
SILENCE_GRACE_S = 30.0
TAKEOVER_TIMEOUT_S = 5.0
CLOSE_TIMEOUT_S = 2.0
RETRY_AFTER_S = 60


@dataclass(slots=True, kw_only=True, eq=False)
class _Live:
    """The one connection of a station."""

    connection: ServerConnection
    conductor: Conductor
    ended: asyncio.Event
    unanswered: bool = False


class _Desk:
    """One configured station: what outlives its connections."""

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
        self.drivers = tuple(
            EvseDriver(evse=evse, clock=clock, wake=self.awake.set) for evse in self.state.evses
        )
        self.v16 = V16Memory(
            station_id=config.station_id,
            connectors=tuple(evse.number for evse in config.evses),
            journal=journal,
        )
        self.live: _Live | None = None


class CentralSystem:
    """Serves the configured stations; `run` ends only by cancellation, after a safe farewell."""

    def __init__(
        self,
        config: CentralSystemConfig,
        clock: Clock,
        sink: ObservationSink,
        journal: StationJournal,
    ) -> None:
        self._config = config
        self._clock = clock
        security = SecurityLog(clock=clock, journal=journal)
        self._desks = {
            station.station_id: _Desk(
                config=station, clock=clock, sink=sink, journal=journal, security=security
            )
            for station in config.stations
        }
        self._door = Door(stations=len(config.stations))
        self._security = security
        self._listening = asyncio.Event()
        self._bound_port: int | None = None

    @property
    def bound_port(self) -> int | None:
        """The TCP port, once listening."""
        return self._bound_port

    def ports(self) -> tuple[EvsePort, ...]:
        """The command port of every configured EVSE, connected or not."""
        return tuple(driver for desk in self._desks.values() for driver in desk.drivers)

    def probes(self) -> StationProbes:
        """The stations as far as a guided test concerns them."""
        return StationProbes({name: desk.drivers for name, desk in self._desks.items()})

    async def listening(self) -> None:
        """Wait until stations can connect."""
        await self._listening.wait()

    async def run(self) -> None:
        """Serve until cancelled."""
        for desk in self._desks.values():
            desk.state.recall(self._clock.now())
        async with serve(
            self._serve,
            self._config.host,
            self._config.port,
            process_request=self._admit,
            select_subprotocol=self._choose,
            compression=None,
            max_size=self._config.max_frame_bytes,
            ping_interval=None,  # ours know that any frame is a sign of life
            close_timeout=CLOSE_TIMEOUT_S,
            logger=_websocket_log(),
        ) as server:
            self._bound_port = next(iter(server.sockets)).getsockname()[1]
            self._listening.set()
            LOG.info("OCPP: listening on %s port %s", self._config.host, self._bound_port)
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                await self._leave(server)

    async def _leave(self, server: Server) -> None:
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
            server.close(code=CloseCode.GOING_AWAY)

    async def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        """Before the upgrade: who is it, and is nobody else connected under that name?"""
        name = station_id(request.path)
        desk = None if name is None else self._desks.get(name)
        address, now_s = _peer(connection), asyncio.get_running_loop().time()
        known = None if desk is None else desk.config.station_id
        if self._door.too_many(address=address, station=known, now_s=now_s):
            self._security.note("too_many_attempts", station_id=known, detail=f"from {address}")
            response = connection.respond(HTTPStatus.TOO_MANY_REQUESTS, "too many attempts\n")
            response.headers["Retry-After"] = str(RETRY_AFTER_S)
            return response
        verdict = judge(
            None if desk is None else desk.config, request.headers.get_all("Authorization")
        )
        if verdict is not Verdict.ADMITTED or desk is None:
            LOG.warning("OCPP: refused %r from %s: %s", name, address, verdict.value)
            self._door.wrong_password(address=address, station=known, now_s=now_s)
            event = verdict.value.replace(" ", "_")
            self._security.note(event, station_id=known, detail=f"from {address}")
            if verdict is Verdict.UNKNOWN_STATION:
                return connection.respond(HTTPStatus.NOT_FOUND, "not found\n")
            response = connection.respond(HTTPStatus.UNAUTHORIZED, "unauthorized\n")
            response.headers["WWW-Authenticate"] = 'Basic realm="ocpp"'
            return response
        if desk.live is not None and await self._answers(desk.live):
            LOG.warning("OCPP: refused a second %r from %s", name, address)
            self._security.note("second_connection", station_id=known, detail=f"from {address}")
            return connection.respond(HTTPStatus.CONFLICT, "already connected\n")
        self._door.admitted(address=address, station=desk.config.station_id)
        return None

    async def _answers(self, live: _Live) -> bool:
        """Whether the connection in place still reacts to a ping."""
        try:
            async with asyncio.timeout(self._config.rival_ping_timeout_s):
                await (await live.connection.ping())
        except (TimeoutError, ConnectionClosed):
            live.unanswered = True
            return False
        return True

    def _choose(
        self, connection: ServerConnection, offered: Sequence[Subprotocol]
    ) -> Subprotocol | None:
        """Part 4, 3.3: no version in common: the handshake completes, then the socket closes."""
        desk = self._desk_of(connection)
        version = None if desk is None else chosen_version(desk.config, offered)
        return None if version is None else Subprotocol(version.value)

    def _desk_of(self, connection: ServerConnection) -> _Desk | None:
        request = connection.request
        name = None if request is None else station_id(request.path)
        return None if name is None else self._desks.get(name)

    async def _serve(self, connection: ServerConnection) -> None:
        """One admitted connection, from the upgrade to its end."""
        desk = self._desk_of(connection)
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

    async def _take_over(self, desk: _Desk) -> bool:
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

    def _handler(self, desk: _Desk, version: OcppVersion) -> StationHandler:
        """Who answers in that version; a 1.6 station is answered in translation."""
        old = version is OcppVersion.V1_6
        handlers = StationHandlers(
            station=desk.state,
            version=OcppVersion.V2_0_1 if old else version,
            clock=self._clock,
            security=desk.security,
            wake=desk.awake.set,
        )
        return V16Handlers(inner=handlers, memory=desk.v16) if old else handlers

    async def _converse(
        self, desk: _Desk, connection: ServerConnection, version: OcppVersion
    ) -> None:
        station = desk.config
        session = StationSession(
            link=connection,
            version=version,
            handler=self._handler(desk, version),
            call_timeout_s=self._config.call_timeout_s,
            idle_timeout_s=HEARTBEATS_OF_SILENCE * station.heartbeat_interval_s + SILENCE_GRACE_S,
            unknown_fields_tolerated=station.unknown_fields_tolerated,
        )
        conductor = self._conductor(desk, session)
        _drop_when_unacknowledged(connection, after_s=self._config.call_timeout_s)
        live = _Live(connection=connection, conductor=conductor, ended=asyncio.Event())
        desk.live = live
        LOG.info("OCPP: %s connected, %s", station.station_id, version.value)
        for driver in desk.drivers:
            driver.forget()
        desk.state.link_opened()
        try:
            async with asyncio.TaskGroup() as group:
                company = [
                    group.create_task(conductor.run()),
                    group.create_task(_keep_alive(connection, session, station)),
                ]
                await session.run()
                for task in company:
                    task.cancel()
        finally:
            desk.live = None
            desk.state.link_lost()
            live.ended.set()
            LOG.info("OCPP: %s disconnected", station.station_id)

    def _conductor(self, desk: _Desk, session: StationSession) -> Conductor:
        """Who asks the station; in 1.6 through the translation."""
        old = session.version is OcppVersion.V1_6
        return Conductor(
            station=desk.state,
            drivers=desk.drivers,
            session=V16Conversation(session=session, memory=desk.v16) if old else session,
            config=self._config,
            clock=self._clock,
            awake=desk.awake,
        )


async def _keep_alive(
    connection: ServerConnection, session: StationSession, station: StationConfig
) -> None:
    """Ping a silent station; any frame of its is an answer, for some never send a pong."""
    while station.ping_interval_s > 0.0:
        heard = session.frames_heard
        await asyncio.sleep(station.ping_interval_s)
        if session.frames_heard != heard:
            continue
        try:
            async with asyncio.timeout(station.ping_timeout_s):
                await (await connection.ping())
        except ConnectionClosed:
            return
        except TimeoutError:
            if session.frames_heard == heard:
                LOG.warning("OCPP: %s answers no ping; dropping the link", station.station_id)
                connection.transport.abort()
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


def _peer(connection: ServerConnection) -> str:
    address = connection.remote_address
    return str(address[0]) if isinstance(address, tuple) and address else "unknown"
