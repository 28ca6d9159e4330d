"""P1 over a TCP bridge and over a serial port."""

from __future__ import annotations

import asyncio
import os
import time
import tty
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from tests.adapters.serving import serving
from tests.unit.adapters.p1.test_translate import PUBLISHED, a_telegram
from v2g_daemon.adapters.p1 import meter as p1
from v2g_daemon.adapters.p1.meter import P1Link, P1Meter, parse_link
from v2g_daemon.adapters.system.clock import ScaledClock
from v2g_daemon.domain.errors import ConfigurationError, DeviceProtocolError, DeviceUnreachable

OTHER = a_telegram("1-0:1.7.0(00.250*kW)", "1-0:2.7.0(00.000*kW)")


def clock() -> ScaledClock:
    return ScaledClock(
        start_utc=datetime(2024, 12, 11, 16, 30, tzinfo=UTC),
        speed=1.0,
        anchor_monotonic_s=time.monotonic(),
    )


@asynccontextmanager
async def bridge(*telegrams: bytes, pause_s: float = 0.02) -> AsyncIterator[P1Meter]:
    """A TCP bridge that sends its telegrams to whoever connects, and then closes."""

    async def send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for telegram in telegrams:
            writer.write(telegram)
            await writer.drain()
            await asyncio.sleep(pause_s)

    async with serving(send) as port:
        meter = P1Meter(link=parse_link(f"p1+tcp://127.0.0.1:{port}"), clock=clock())
        yield meter
        await meter.close()


async def test_each_telegram_is_a_reading_even_in_pieces() -> None:
    pieces = [PUBLISHED[500:], PUBLISHED[:100], PUBLISHED[100:], OTHER]
    async with bridge(*pieces, pause_s=0.05) as meter:
        assert (await meter.read()).power_w == 1193.0
        assert (await meter.read()).power_w == 250.0


async def test_a_telegram_with_a_wrong_checksum_is_refused_and_the_next_one_read() -> None:
    broken = PUBLISHED.replace(b"01.193", b"91.193")
    async with bridge(broken, OTHER, pause_s=0.05) as meter:
        with pytest.raises(DeviceProtocolError, match="wrong checksum"):
            await meter.read()
        assert (await meter.read()).power_w == 250.0


async def test_a_bridge_that_closes_is_connected_again() -> None:
    async with bridge(PUBLISHED) as meter:
        assert (await meter.read()).power_w == 1193.0
        with pytest.raises(DeviceUnreachable, match="gives no telegram"):
            await meter.read()
        assert (await meter.read()).power_w == 1193.0


async def test_a_silent_bridge_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(p1, "SILENCE_S", 0.1)
    async with bridge(PUBLISHED[:200], pause_s=5.0) as meter:
        with pytest.raises(DeviceUnreachable, match="gives no telegram"):
            await meter.read()


async def test_a_serial_port_is_read() -> None:
    master, slave = os.openpty()
    tty.setraw(slave)
    meter = P1Meter(link=P1Link(device=os.ttyname(slave)), clock=clock())
    try:
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(meter.read())
            await asyncio.sleep(0.1)
            os.write(master, PUBLISHED)
        assert reading.result().serial == "K8EG004046395507"
    finally:
        await meter.close()
        os.close(master)
        os.close(slave)


async def test_a_port_that_is_not_there_is_unreachable() -> None:
    meter = P1Meter(link=P1Link(device="/dev/no-such-port"), clock=clock())
    with pytest.raises(DeviceUnreachable):
        await meter.read()


@pytest.mark.parametrize("text", ["p1://ttyUSB0", "p1+tcp://", "p1+tcp://h:99999", "p1:"])
def test_a_link_that_is_no_p1_port_is_refused_with_the_fix(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"write|port is not"):
        parse_link(text)
