"""A calendar over HTTP on loopback and from a file: read, kept through an outage, never leaked."""

from __future__ import annotations

import asyncio
import base64
import logging
import re
import time as wall
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time
from pathlib import Path

import pytest

from tests.adapters.serving import serving
from tests.adapters.waiting import until
from tests.builders import a_vehicle
from tests.unit.adapters.calendars.test_translate import FRIDAY, calendar, multistatus
from v2g_daemon.adapters.calendars.feed import CalendarFeed, CalendarSource
from v2g_daemon.adapters.calendars.translate import CalendarRules
from v2g_daemon.adapters.system.clock import ScaledClock
from v2g_daemon.domain.faults import Fault
from v2g_daemon.domain.goals import CalendarDepartures
from v2g_daemon.domain.needs import Share
from v2g_daemon.runtime.supervisor import supervise

SPEED = 2000.0
# 60 kWh above a floor of 30 %; 250 Wh/km are kept for a distance.
CAR = a_vehicle(consumption_wh_per_km=200.0, consumption_margin_fraction=0.25)
TRIP = f"UID:1\nSUMMARY:EV 72 km\n{FRIDAY}"


@dataclass(slots=True)
class Server:
    """What it answers, and what it was asked."""

    status: str = "200 OK"
    body: bytes = calendar(TRIP)
    headers: str = ""
    silent: bool = False
    asked: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := (await reader.readuntil(b"\r\n\r\n")).decode():
            length = head.lower().partition("content-length: ")[2].partition("\r\n")[0]
            body = await reader.readexactly(int(length or 0))
            self.asked.append(head + body.decode())
            if self.silent:
                await reader.read()
            size = f"Content-Length: {len(self.body)}\r\n"
            writer.write(f"HTTP/1.1 {self.status}\r\n{size}{self.headers}\r\n".encode() + self.body)
            await writer.drain()


@dataclass(slots=True)
class Seen:
    """A CalendarSink."""

    read: list[CalendarDepartures] = field(default_factory=list)
    faults: list[tuple[Fault, ...]] = field(default_factory=list)

    def put_calendar(self, departures: CalendarDepartures) -> None:
        self.read.append(departures)

    def put_faults(self, source: str, faults: tuple[Fault, ...]) -> None:
        assert source == "calendar family"
        self.faults.append(faults)

    @property
    def trouble(self) -> str:
        return "".join(fault.detail for fault in self.faults[-1])


def source(**changes: object) -> CalendarSource:
    rules = CalendarRules(words=("EV",), timezone="Europe/Amsterdam", all_day_from=time(7, 0))
    plain = CalendarSource(
        calendar_id="family",
        vehicle=CAR,
        rules=rules,
        need=None,
        period_s=900.0,
        timeout_s=10.0,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


@asynccontextmanager
async def running(of: CalendarSource) -> AsyncIterator[Seen]:
    clock = ScaledClock(
        start_utc=datetime(2026, 3, 26, 12, 0, tzinfo=UTC),
        speed=SPEED,
        anchor_monotonic_s=wall.monotonic(),
    )
    seen = Seen()
    feed = CalendarFeed(source=of, clock=clock, sink=seen, jitter=lambda: 1.0)
    task = asyncio.create_task(supervise("calendar family", feed.run))
    try:
        yield seen
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def served(server: Server, **changes: object) -> AsyncIterator[Seen]:
    async with serving(server.serve) as port:
        address = f"http://127.0.0.1:{port}/private-7f3a/basic.ics"
        async with running(source(address=address, **changes)) as seen:
            yield seen


async def test_an_address_is_read_again_and_again_and_its_trips_are_goals() -> None:
    server = Server()
    async with served(server) as seen:
        await until(lambda: len(seen.read) == 2)
        assert (seen.read[0].calendar_id, seen.read[0].vehicle_id) == ("family", "car")
        (goal,) = seen.read[0].goals
        assert goal.ready_by_utc == datetime(2026, 3, 27, 7, 0, tzinfo=UTC)
        assert goal.returns_at_utc == datetime(2026, 3, 27, 16, 0, tzinfo=UTC)
        # 18 kWh above the floor; the trip itself is expected to take 14.4 kWh.
        assert goal.soc == pytest.approx(0.6)
        assert goal.trip_wh == pytest.approx(14_400.0)
        assert seen.trouble == ""
        assert server.asked[0].startswith("GET /private-7f3a/basic.ics HTTP/1.1")


async def test_an_outage_takes_nothing_away_and_says_how_old_it_is(
    caplog: pytest.LogCaptureFixture,
) -> None:
    server = Server()
    with caplog.at_level(logging.INFO, logger="v2g_daemon"):
        async with served(server) as seen:
            await until(lambda: len(seen.read) == 1)
            server.status, server.body = "503 Service Unavailable", b""
            await until(lambda: len(seen.faults[-1]) == 1)
            age = r"what it said \d+\.\d h ago still counts"
            assert re.fullmatch(rf"calendar family: answers HTTP 503; {age}", seen.trouble)
            known = len(seen.read)
            server.status, server.body = "200 OK", calendar()
            await until(lambda: len(seen.read) > known)
            assert seen.read[-1].goals == ()
            assert seen.trouble == ""
    assert "private-7f3a" not in caplog.text
    assert "calendar family is read again" in caplog.text


@pytest.mark.parametrize(
    ("server", "said"),
    [
        (Server(status="401 Unauthorized"), "HTTP 401: user, password or secret address are not"),
        (
            Server(status="302 Found", headers="Location: http://127.0.0.1:1/x\r\n"),
            "HTTP 302: it has moved; write its new address",
        ),
        (Server(body=b"<html>log in</html>"), "is no calendar (RFC 5545)"),
        (Server(body=b""), "is no calendar"),
        (Server(body=b" " * (5 << 20)), "is larger than 4 MiB"),
        (Server(silent=True), "cannot be read (TimeoutError)"),
    ],
)
async def test_trouble_is_a_fault_without_the_address(server: Server, said: str) -> None:
    async with served(server, timeout_s=0.4 if server.silent else 10.0) as seen:
        await until(lambda: bool(seen.faults))
        assert said in seen.trouble
        assert seen.trouble.endswith("nothing of it is known yet")
        assert "private-7f3a" not in seen.trouble
        assert seen.read == []


async def test_nobody_there_is_a_fault() -> None:
    async with running(source(address="http://127.0.0.1:1/x.ics")) as seen:
        await until(lambda: bool(seen.faults))
        assert "cannot be read (ConnectError)" in seen.trouble


async def test_a_collection_is_asked_by_report_with_user_and_password() -> None:
    body = multistatus(calendar(TRIP).decode())
    server = Server(status="207 Multi-Status", body=body)
    async with served(server, caldav=True, user="me", password="pässword") as seen:
        await until(lambda: len(seen.read) == 1)
        assert len(seen.read[0].goals) == 1
        asked = server.asked[0]
        assert asked.startswith("REPORT /private-7f3a/basic.ics HTTP/1.1")
        assert "depth: 1" in asked.lower()
        token = base64.b64encode("me:pässword".encode()).decode()
        assert f"Basic {token}" in asked
        assert "<C:calendar-query" in asked


async def test_a_file_is_read_and_its_absence_said(tmp_path: Path) -> None:
    file = tmp_path / "family.ics"
    async with running(source(file=file, need=Share(soc=0.9))) as seen:
        await until(lambda: bool(seen.faults))
        assert "cannot be read (FileNotFoundError)" in seen.trouble
        file.write_bytes(calendar(f"UID:1\nSUMMARY:EV\n{FRIDAY}"))
        await until(lambda: bool(seen.read))
        assert [goal.soc for goal in seen.read[-1].goals] == [0.9]


async def test_a_distance_of_unknown_consumption_is_said_and_the_departure_kept() -> None:
    async with served(Server(), vehicle=a_vehicle()) as seen:
        await until(lambda: bool(seen.read))
        assert "consumption_wh_per_km" in seen.trouble
        # What nobody said is the ceiling.
        assert [goal.soc for goal in seen.read[0].goals] == [0.8]


async def test_a_distance_of_two_readings_is_said_and_the_car_leaves_as_if_nothing_was() -> None:
    body = calendar(f"UID:1\nSUMMARY:EV 1.200 km\n{FRIDAY}")
    async with served(Server(body=body)) as seen:
        await until(lambda: bool(seen.read))
        assert '"1.200 km" can be read in two ways' in seen.trouble
        assert [goal.soc for goal in seen.read[0].goals] == [0.8]


async def test_a_share_below_the_floor_is_said_and_no_need() -> None:
    body = calendar(
        f"UID:1\nSUMMARY:EV tyres 20% off\n{FRIDAY}", f"UID:2\nSUMMARY:EV 30 %\n{FRIDAY}"
    )
    async with served(Server(body=body)) as seen:
        await until(lambda: bool(seen.read))
        assert seen.trouble == (
            "calendar family: 20 % is below the floor of 30 % of car 'car' and not taken for a need"
        )
        assert [goal.soc for goal in seen.read[0].goals] == [0.8, 0.3]


async def test_beside_a_share_below_the_floor_a_distance_counts() -> None:
    body = calendar(f"UID:1\nSUMMARY:EV tyres 20% off\\, 72 km\n{FRIDAY}")
    async with served(Server(body=body)) as seen:
        await until(lambda: bool(seen.read))
        assert "20 % is below the floor" in seen.trouble
        assert [goal.soc for goal in seen.read[0].goals] == [pytest.approx(0.6)]
