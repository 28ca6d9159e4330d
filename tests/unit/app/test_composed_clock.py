"""A composed daemon on a machine without time service: who makes it believe its clock."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from tests.unit.settings.files import SMALLEST, written
from v2g_daemon.adapters.database.writer import DatabaseLedger
from v2g_daemon.adapters.system.clock import RealClock
from v2g_daemon.app.composition import Parts, compose
from v2g_daemon.domain.ledger import TelemetryRow
from v2g_daemon.settings import load_settings

DOUBTED = "the clock is not trusted: it is not synchronised"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where it listens, and whether it has answered."""

    url: str
    answered: asyncio.Event


@asynccontextmanager
async def price_server(*, ahead: timedelta = timedelta(0)) -> AsyncIterator[Server]:
    """Two days of hourly prices, whatever is asked, from a server whose clock is ahead of ours."""
    answered = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        now = datetime.now(UTC)
        first = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=24)
        stamps = [int(first.timestamp()) + 3600 * hour for hour in range(48)]
        body = {"unix_seconds": stamps, "price": [50] * 48, "unit": "EUR / MWh"}
        payload = json.dumps(body).encode()
        date = format_datetime(now + ahead, usegmt=True)
        head = f"HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Length: {len(payload)}\r\n\r\n"
        writer.write(head.encode() + payload)
        await writer.drain()
        writer.close()
        answered.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        port = server.sockets[0].getsockname()[1]
        yield Server(url=f"http://127.0.0.1:{port}/price", answered=answered)
    finally:
        server.close()


@asynccontextmanager
async def composed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, url: str, stored_s_ago: float
) -> AsyncIterator[Parts]:
    """A daemon that metered its last minute so long ago; its prices are being fetched."""
    monkeypatch.setenv("V2G_PASSWORD_GARAGE", "correct horse battery")
    settings = load_settings(
        written(folder, SMALLEST),
        overrides={
            "prices": {
                "directory": str(folder / "prices"),
                "source": [{"name": "energy-charts:NL", "url": url}],
            },
            "database": {"url": f"sqlite:///{folder / 'ledger.sqlite3'}"},
            "trace": {"directory": str(folder / "trace")},
        },
    )
    clock = RealClock(synchronised=lambda: False)
    minute_utc = clock.now().utc - timedelta(seconds=stored_s_ago)
    ledger = DatabaseLedger(settings.database.url, now_utc=clock.now().utc)
    row = TelemetryRow(
        minute_utc=minute_utc, pcc_power_w=1.0, evse_power_w=None, soc=None, target_w=None
    )
    ledger.commit([row]).result(20.0)
    parts = compose(settings, clock=clock, ledger=ledger)
    fetching = asyncio.ensure_future(parts.edges["prices"]())
    try:
        yield parts
    finally:
        fetching.cancel()
        await asyncio.wait([fetching])
        await asyncio.to_thread(ledger.close)
        parts.trace.close()


async def believed(parts: Parts, *, within_s: float) -> bool:
    """Whether the clock becomes trusted in that time."""
    for _ in range(round(within_s / 0.02)):
        if parts.clock.trusted():
            return True
        await asyncio.sleep(0.02)
    return False


async def test_after_a_restart_the_price_servers_date_and_the_ledger_are_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="v2g_daemon.runtime.witnessed_clock")
    async with (
        price_server() as server,
        composed(tmp_path, monkeypatch, url=server.url, stored_s_ago=5.0) as parts,
    ):
        assert not parts.clock.trusted()  # nothing was fetched yet: the ledger stands alone
        assert await believed(parts, within_s=8.0)
    assert [record.getMessage() for record in caplog.records] == [
        f"{DOUBTED}; only the ledger agrees",
        "the clock is trusted: the ledger and the price server agree",
    ]


@pytest.mark.parametrize(
    ("ahead_s", "stored_s_ago"),
    [(120.0, 5.0), (0.0, -3600.0)],
    ids=["the price server disagrees", "the ledger lies ahead of us"],
)
async def test_a_witness_that_disagrees_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ahead_s: float, stored_s_ago: float
) -> None:
    async with (
        price_server(ahead=timedelta(seconds=ahead_s)) as server,
        composed(tmp_path, monkeypatch, url=server.url, stored_s_ago=stored_s_ago) as parts,
    ):
        async with asyncio.timeout(8.0):
            await server.answered.wait()
        assert not await believed(parts, within_s=0.5)
