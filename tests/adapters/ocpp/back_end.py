"""A back end on a real socket that a relay talks to: it answers, commands, hangs or is away."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

Json = dict[str, Any]
ACCEPTED = {"status": "Accepted", "currentTime": "2024-12-11T17:00:00Z", "interval": 60}


class BackEnd:
    """Records what comes; `answers[action]` is a payload, None: it does not answer."""

    def __init__(self, *, password: str | None = None) -> None:
        self.password = password
        self.calls: list[tuple[str, Json]] = []
        self.replies: list[list[Any]] = []
        self.paths: list[str] = []
        self.sockets: list[ServerConnection] = []
        self.answers: dict[str, Json | None] = {
            "BootNotification": ACCEPTED,
            "Heartbeat": {"currentTime": "2024-12-11T17:00:00Z"},
            "StartTransaction": {"transactionId": 9001, "idTagInfo": {"status": "Accepted"}},
            "StopTransaction": {},
        }
        self.news = asyncio.Event()
        self.server: Server | None = None

    @property
    def port(self) -> int:
        assert self.server is not None
        found: int = next(iter(self.server.sockets)).getsockname()[1]
        return found

    def of(self, action: str) -> list[Json]:
        return [payload for name, payload in self.calls if name == action]

    def admit(self, connection: ServerConnection, request: Request) -> Response | None:
        self.paths.append(request.path)
        words = f"S1:{self.password}".encode()
        wanted = f"Basic {base64.b64encode(words).decode()}"
        if self.password is not None and request.headers.get("Authorization") != wanted:
            return connection.respond(HTTPStatus.UNAUTHORIZED, "no\n")
        return None

    async def handle(self, socket: ServerConnection) -> None:
        self.sockets.append(socket)
        self.news.set()
        async for raw in socket:
            frame = json.loads(raw)
            if frame[0] != 2:
                self.replies.append(frame)
                self.news.set()
                continue
            self.calls.append((frame[2], frame[3]))
            answer = self.answers.get(frame[2], {})
            if answer is not None:
                await socket.send(json.dumps([3, frame[1], answer]))
            self.news.set()

    async def command(self, message_id: str, action: str, payload: Json) -> list[Any]:
        """Command the station, and wait for the answer."""
        await self.sockets[-1].send(json.dumps([2, message_id, action, payload]))
        await self.until(lambda: any(reply[1] == message_id for reply in self.replies))
        return next(reply for reply in self.replies if reply[1] == message_id)

    async def until(self, reached: Any) -> None:
        async with asyncio.timeout(8.0):
            while not reached():
                self.news.clear()
                await self.news.wait()

    async def got(self, action: str, *, count: int = 1) -> Json:
        """The payload of the count-th such message."""
        await self.until(lambda: len(self.of(action)) >= count)
        return self.of(action)[count - 1]


@asynccontextmanager
async def serving(
    back_end: BackEnd, *, port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[BackEnd]:
    """Open its port for as long as the block lasts."""
    versions = [Subprotocol(one) for one in ("ocpp2.1", "ocpp2.0.1", "ocpp1.6")]
    async with serve(
        back_end.handle,
        "127.0.0.1",
        port,
        subprotocols=versions,
        process_request=back_end.admit,
        ssl=tls,
    ) as server:
        back_end.server = server
        yield back_end
