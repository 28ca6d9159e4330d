"""A meter over HTTP on loopback, and its ways of saying no."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from tests.adapters.modbus.meters import free_port
from tests.adapters.serving import serving
from v2g_daemon.adapters.http_meter.meter import HttpMeter, HttpSource
from v2g_daemon.adapters.http_meter.translate import Pointers
from v2g_daemon.adapters.system.clock import ScaledClock
from v2g_daemon.domain.errors import (
    DeviceError,
    DeviceProtocolError,
    DeviceRejectedCommand,
    DeviceUnreachable,
)


@dataclass(slots=True)
class Answer:
    status: str = "200 OK"
    body: bytes = b'{"power": 640}'
    delay_s: float = 0.0


def a_meter(port: int) -> HttpMeter:
    clock = ScaledClock(
        start_utc=datetime(2024, 12, 11, 16, 30, tzinfo=UTC),
        speed=1.0,
        anchor_monotonic_s=time.monotonic(),
    )
    source = HttpSource(
        url=f"http://127.0.0.1:{port}/status", pointers=Pointers(power_w="/power", sign=1)
    )
    return HttpMeter(source=source, clock=clock)


@asynccontextmanager
async def served(answer: Answer) -> AsyncIterator[HttpMeter]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            await asyncio.sleep(answer.delay_s)
            head = f"HTTP/1.1 {answer.status}\r\nContent-Length: {len(answer.body)}\r\n\r\n"
            writer.write(head.encode() + answer.body)
            await writer.drain()

    async with serving(serve) as port:
        meter = a_meter(port)
        yield meter
        await meter.close()


async def test_a_meter_is_asked_again_and_again_on_one_connection() -> None:
    answer = Answer()
    async with served(answer) as meter:
        assert (await meter.read()).power_w == 640.0
        answer.body = b'{"power": -12.5}'
        assert (await meter.read()).power_w == -12.5


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        (Answer(status="401 Unauthorized"), DeviceRejectedCommand, "answers HTTP 401"),
        (Answer(status="302 Found"), DeviceRejectedCommand, "answers HTTP 302"),
        (Answer(body=b"<html>"), DeviceProtocolError, "/status: the answer is no JSON"),
        (Answer(body=b"{}"), DeviceProtocolError, "no number at /power"),
        (Answer(body=b" " * (1 << 20) + b"{}"), DeviceProtocolError, "more than a meter"),
        (Answer(delay_s=5.0), DeviceUnreachable, "does not answer"),
    ],
    ids=["password", "elsewhere", "html", "no power", "endless", "slow"],
)
async def test_what_is_no_reading_is_told(
    answer: Answer, error: type[DeviceError], said: str
) -> None:
    async with served(answer) as meter:
        with pytest.raises(error, match=said):
            await meter.read()


async def test_a_meter_that_is_not_there_is_unreachable() -> None:
    meter = a_meter(free_port())
    with pytest.raises(DeviceUnreachable):
        await meter.read()
    await meter.close()
