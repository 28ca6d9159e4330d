"""Before the upgrade: who knocks, may it come in, and is nobody else here under that name?"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Mapping
from http import HTTPStatus

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from v2g_daemon.adapters.ocpp.config import CentralSystemConfig, SecurityProfile
from v2g_daemon.adapters.ocpp.desks import Desk, Live
from v2g_daemon.adapters.ocpp.security.admission import (
    Judgement,
    Knock,
    Verdict,
    is_private,
    judge,
    station_id,
)
from v2g_daemon.adapters.ocpp.security.attempts import Door
from v2g_daemon.adapters.ocpp.security.crowd import Crowd, peer_of
from v2g_daemon.adapters.ocpp.security.security_log import SecurityLog
from v2g_daemon.adapters.ocpp.security.tls import certificate_names, not_after_utc
from v2g_daemon.ports import CertificateRegister

LOG = logging.getLogger(__name__)

RETRY_AFTER_S = 60
# Nobody's fault who knows the password; the others count as attempts to guess one.
NOT_GUESSED = frozenset({Verdict.ADMITTED, Verdict.PROFILE_TOO_LOW, Verdict.PUBLIC_NETWORK})


class Gatekeeper:
    """Lets stations in one by one; every refusal is a security event."""

    def __init__(
        self,
        *,
        config: CentralSystemConfig,
        desks: Mapping[str, Desk],
        security: SecurityLog,
        register: CertificateRegister | None,
    ) -> None:
        self._config = config
        self._desks = desks
        self._security = security
        self._register = register
        self._door = Door(stations=len(desks))
        self.crowd = Crowd(
            at_home=self._door.lives_at,
            turned_away=lambda address: self._note("too_many_connections", None, address),
            left_in_silence=lambda address: self._note("no_handshake", None, address),
        )

    def desk_of(self, request: Request | None) -> Desk | None:
        """The desk that a request's path names."""
        name = None if request is None else station_id(request.path)
        return None if name is None else self._desks.get(name)

    async def admit(self, connection: ServerConnection, request: Request) -> Response | None:
        """None: the connection may be upgraded."""
        peer = peer_of(connection.remote_address, connection.local_address)
        self.crowd.spoke(peer)
        response = await self._admit(connection, request, address=str(peer[0]))
        if response is None:
            self.crowd.leaves(peer)
        return response

    async def _admit(
        self, connection: ServerConnection, request: Request, *, address: str
    ) -> Response | None:
        desk, now_s = self.desk_of(request), asyncio.get_running_loop().time()
        known = None if desk is None else desk.config.station_id
        if self._door.too_many(address=address, station=known, now_s=now_s):
            self._note("too_many_attempts", known, address)
            response = connection.respond(HTTPStatus.TOO_MANY_REQUESTS, "too many attempts\n")
            response.headers["Retry-After"] = str(RETRY_AFTER_S)
            return response
        found = self._judged(connection, request, desk)
        if found.verdict is not Verdict.ADMITTED or desk is None:
            name = station_id(request.path)
            LOG.warning("OCPP: refused %r from %s: %s", name, address, found.verdict.value)
            if found.verdict not in NOT_GUESSED:
                self._door.wrong_password(address=address, station=known, now_s=now_s)
            self._note(found.verdict.value.replace(" ", "_"), known, address)
            return _refusal(connection, found.verdict)
        if desk.live is not None and await self._answers(desk.live):
            LOG.warning("OCPP: refused a second %s from %s", known, address)
            self._note("second_connection", known, address)
            return connection.respond(HTTPStatus.CONFLICT, "already connected\n")
        self._door.admitted(address=address, station=desk.config.station_id)
        self._remember(connection, desk, found.profile)
        return None

    def _judged(
        self, connection: ServerConnection, request: Request, desk: Desk | None
    ) -> Judgement:
        tls = _tls(connection)
        shown = None if tls is None else tls.getpeercert()
        knock = Knock(
            authorization=request.headers.get_all("Authorization"),
            encrypted=tls is not None,
            certificate_names=certificate_names(shown) if shown else None,
            private_network=is_private(
                str(connection.remote_address[0]), str(connection.local_address[0])
            ),
        )
        exposed = not (knock.encrypted or knock.private_network)
        if exposed and not self._config.plain_text_on_public_network:
            return Judgement(verdict=Verdict.PUBLIC_NETWORK)
        if desk is None:
            return judge(None, knock, least=SecurityProfile.CERTIFICATE)
        least = desk.least_profile(self._config.least_profile)
        return judge(desk.config, knock, least=least)

    async def _answers(self, live: Live) -> bool:
        """Whether the connection in place still lives."""
        try:
            alive = await live.answers(within_s=self._config.rival_ping_timeout_s)
        except ConnectionClosed:
            alive = False
        live.unanswered = not alive
        return alive

    def _remember(self, connection: ServerConnection, desk: Desk, profile: SecurityProfile) -> None:
        desk.came_with(profile)
        tls = _tls(connection)
        shown = None if tls is None else tls.getpeercert()
        if shown and self._register is not None:
            self._register.note(desk.config.station_id, not_after_utc(shown))

    def _note(self, event: str, known: str | None, address: str) -> None:
        self._security.note(event, station_id=known, detail=f"from {address}")


def _tls(connection: ServerConnection) -> ssl.SSLObject | None:
    found: ssl.SSLObject | None = connection.transport.get_extra_info("ssl_object")
    return found


def _refusal(connection: ServerConnection, verdict: Verdict) -> Response:
    """What a stranger may know: a low profile looks like a wrong password."""
    if verdict is Verdict.UNKNOWN_STATION:
        return connection.respond(HTTPStatus.NOT_FOUND, "not found\n")
    if verdict is Verdict.PUBLIC_NETWORK:
        return connection.respond(HTTPStatus.FORBIDDEN, "not on a public network\n")
    response = connection.respond(HTTPStatus.UNAUTHORIZED, "unauthorized\n")
    response.headers["WWW-Authenticate"] = 'Basic realm="ocpp"'
    return response
