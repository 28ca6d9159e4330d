"""The API as it is served: on a Unix socket, in the test's own loop."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from v2g_daemon.adapters.web.server import serve

Serving = Callable[[FastAPI], AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
def socket_path() -> Iterator[Path]:
    """A path short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="v2g-api-") as folder:
        yield Path(folder) / "run" / "api.sock"


@pytest.fixture
def serving(socket_path: Path) -> Serving:
    """`async with serving(app) as client`: a client of the app on its socket."""

    @asynccontextmanager
    async def served(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
        task = asyncio.create_task(serve(app, socket_path))
        transport = httpx.AsyncHTTPTransport(uds=str(socket_path), retries=20)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://v2g-daemon", timeout=10.0
        ) as client:
            yield client
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    return served


async def until_served(client: httpx.AsyncClient) -> None:
    """Return once the socket answers."""
    async with asyncio.timeout(20.0):
        while True:
            try:
                await client.get("/")
            except httpx.TransportError:
                await asyncio.sleep(0.02)
            else:
                return
