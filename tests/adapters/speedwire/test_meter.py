"""SMA energy meters over loopback: unicast, and a multicast group joined on this machine alone."""

from __future__ import annotations

import asyncio
import socket
import time
from datetime import UTC, datetime

import pytest

from tests.adapters.modbus.meters import free_port
from tests.unit.adapters.speedwire.test_translate import DATAGRAM, END, SERIAL, TOTAL, head
from v2g_daemon.adapters.speedwire import meter as speedwire
from v2g_daemon.adapters.speedwire.meter import SpeedwireLink, SpeedwireMeter, parse_link
from v2g_daemon.adapters.system.clock import ScaledClock
from v2g_daemon.domain.errors import ConfigurationError, DeviceUnreachable
from v2g_daemon.domain.readings import MeterReading

OTHER = head(serial=3_000_000_001) + TOTAL + END


def a_meter(link: SpeedwireLink) -> SpeedwireMeter:
    clock = ScaledClock(
        start_utc=datetime(2024, 12, 11, 16, 30, tzinfo=UTC),
        speed=1.0,
        anchor_monotonic_s=time.monotonic(),
    )
    return SpeedwireMeter(link=link, clock=clock)


async def heard(meter: SpeedwireMeter, link: SpeedwireLink, *datagrams: bytes) -> MeterReading:
    """The reading that the meter makes of what is sent to its address, again and again."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(meter.read())
            while not reading.done():
                await asyncio.sleep(0.02)
                for datagram in datagrams:
                    sender.sendto(datagram, (link.address, link.port))
    return reading.result()


async def test_a_meter_told_to_send_to_this_machine_is_heard() -> None:
    link = parse_link(f"speedwire://127.0.0.1:{free_port()}")
    meter = a_meter(link)
    reading = await heard(meter, link, DATAGRAM)
    assert (reading.power_w, reading.serial) == (2500.0, "1900123456")
    await meter.close()


async def test_the_multicast_group_is_joined() -> None:
    link = parse_link(f"speedwire://239.12.255.254:{free_port()}?interface=127.0.0.1")
    meter = a_meter(link)
    assert (await heard(meter, link, DATAGRAM)).serial == "1900123456"
    await meter.close()


async def test_of_two_meters_the_named_one_is_heard() -> None:
    link = parse_link(f"speedwire://127.0.0.1:{free_port()}?serial={SERIAL}")
    meter = a_meter(link)
    assert (await heard(meter, link, OTHER, DATAGRAM)).serial == "1900123456"
    await meter.close()


async def test_without_a_name_the_first_one_stays_the_one() -> None:
    link = parse_link(f"speedwire://127.0.0.1:{free_port()}")
    meter = a_meter(link)
    assert (await heard(meter, link, OTHER)).serial == "3000000001"
    assert (await heard(meter, link, DATAGRAM, OTHER)).serial == "3000000001"
    await meter.close()


async def test_what_others_send_is_passed_by() -> None:
    link = parse_link(f"speedwire://127.0.0.1:{free_port()}")
    meter = a_meter(link)
    assert (await heard(meter, link, b"SMA\0 hello", DATAGRAM)).power_w == 2500.0
    await meter.close()


async def test_a_meter_that_falls_silent_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speedwire, "SILENCE_S", 0.1)
    link = parse_link(f"speedwire://127.0.0.1:{free_port()}")
    meter = a_meter(link)
    with pytest.raises(DeviceUnreachable, match="is not heard"):
        await meter.read()
    await meter.close()


def test_the_usual_link_needs_no_address() -> None:
    assert parse_link("speedwire://") == SpeedwireLink(address="239.12.255.254", port=9522)


@pytest.mark.parametrize(
    "text", ["speedwire://meter.local", "speedwire://?serail=1", "speedwire://10.0.0.1/x"]
)
def test_a_link_that_is_not_understood_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="write"):
        parse_link(text)
