"""A car's cloud over HTTP on loopback, in time-lapse: how often it is asked, and how it says no."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from tests.adapters.modbus.meters import free_port
from tests.adapters.serving import serving
from tests.adapters.waiting import until
from v2g_daemon.adapters.system.clock import ScaledClock
from v2g_daemon.adapters.vehicles.feed import FeedSource, VehicleFeed
from v2g_daemon.adapters.vehicles.translate import Pointers
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.vehicle import VehicleFeedStatus

SPEED = 1000.0
TICK_S = 2.0 * 0.2 * SPEED  # what one look may come late, in time-lapse
PERIOD_S, QUIET_PERIOD_S = 1500.0, 6000.0


@dataclass(slots=True)
class Cloud:
    """What it answers, and what it was asked and when."""

    status: str = "200 OK"
    body: bytes = b'{"plug": true}'
    headers: str = ""
    silent: bool = False
    heads: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            self.heads.append(head.decode())
            if self.silent:
                await reader.read()
            length = f"Content-Length: {len(self.body)}\r\n"
            writer.write(
                f"HTTP/1.1 {self.status}\r\n{length}{self.headers}\r\n".encode() + self.body
            )
            await writer.drain()


@dataclass(slots=True)
class Statuses:
    """A VehicleFeedSink."""

    clock: ScaledClock
    seen: list[tuple[Instant, VehicleFeedStatus]] = field(default_factory=list)

    def put_vehicle_feed(self, status: VehicleFeedStatus) -> None:
        self.seen.append((self.clock.now(), status))

    @property
    def last(self) -> VehicleFeedStatus:
        return self.seen[-1][1]

    def pauses_s(self) -> list[float]:
        """Between what was put and what was put next."""
        return [later.seconds_since(earlier) for (earlier, _), (later, _) in pairwise(self.seen)]


@dataclass(slots=True)
class Rig:
    cloud: Cloud
    statuses: Statuses
    asked: bool = True


@asynccontextmanager
async def running(cloud: Cloud, *, port: int | None = None) -> AsyncIterator[Rig]:
    clock = ScaledClock(
        start_utc=datetime(2024, 12, 11, 16, 30, tzinfo=UTC),
        speed=SPEED,
        anchor_monotonic_s=time.monotonic(),
    )
    async with serving(cloud.serve) as served:
        rig = Rig(cloud=cloud, statuses=Statuses(clock))
        source = FeedSource(
            vehicle_id="car",
            url=f"http://127.0.0.1:{port or served}/v1/car?key=secret",
            pointers=Pointers(plugged_in="/plug"),
            period_s=PERIOD_S,
            quiet_period_s=QUIET_PERIOD_S,
            timeout_s=0.5 if cloud.silent else 10.0,
            headers={"Authorization": "Bearer t0ken"},
        )
        feed = VehicleFeed(
            source=source,
            clock=clock,
            sink=rig.statuses,
            is_asked=lambda: rig.asked,
            jitter=lambda: 1.0,
        )
        task = asyncio.create_task(feed.run())
        try:
            yield rig
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def test_a_cloud_is_asked_with_its_token_as_often_as_it_is_wanted() -> None:
    async with running(Cloud()) as rig:
        await until(lambda: len(rig.statuses.seen) == 3)
        assert all(pause_s > PERIOD_S - TICK_S for pause_s in rig.statuses.pauses_s())
        assert rig.statuses.last.plugged_in is True
        assert "GET /v1/car?key=secret" in rig.cloud.heads[0]
        assert "authorization: bearer t0ken" in rig.cloud.heads[0].lower()
        rig.asked = False
        await until(lambda: len(rig.statuses.seen) == 4)
        assert rig.statuses.pauses_s()[-1] > QUIET_PERIOD_S - TICK_S


async def test_what_is_wanted_suddenly_is_asked_at_once_where_the_last_time_is_long_ago() -> None:
    async with running(Cloud()) as rig:
        rig.asked = False
        await until(lambda: len(rig.statuses.seen) == 1)
        await rig.statuses.clock.sleep(PERIOD_S + TICK_S)
        assert len(rig.cloud.heads) == 1
        rig.asked = True
        await until(lambda: len(rig.statuses.seen) == 2)
        assert rig.statuses.pauses_s()[-1] < QUIET_PERIOD_S


@pytest.mark.parametrize(
    ("cloud", "said"),
    [
        (Cloud(status="401 Unauthorized"), "answers HTTP 401: its token_file holds no token"),
        (Cloud(status="302 Found", headers="Location: http://127.0.0.1:1/\r\n"), "HTTP 302"),
        (Cloud(status="503 Service Unavailable"), "answers HTTP 503"),
        (Cloud(body=b"<html>"), "/v1/car: the answer is no JSON"),
        (Cloud(body=b'{"plug": "unknown"}'), "'unknown' at /plug is neither"),
        (Cloud(body=b" " * (1 << 20) + b"{}"), "sends more than a car has to say"),
        (Cloud(silent=True), "does not answer"),
    ],
    ids=["key", "elsewhere", "down", "html", "unknown", "endless", "silent"],
)
async def test_what_is_no_answer_is_told_without_its_secrets(cloud: Cloud, said: str) -> None:
    async with running(cloud) as rig:
        await until(lambda: rig.statuses.seen != [])
        trouble = rig.statuses.last.trouble
        assert trouble is not None
        assert said in trouble
        assert "secret" not in trouble
        assert "t0ken" not in trouble
        assert rig.statuses.last.plugged_in is None


async def test_a_cloud_that_is_not_there_is_told() -> None:
    async with running(Cloud(), port=free_port()) as rig:
        await until(lambda: rig.statuses.seen != [])
        assert "does not answer" in (rig.statuses.last.trouble or "")


async def test_after_a_failure_it_is_asked_less_often_and_an_answer_ends_that() -> None:
    cloud = Cloud(status="503 Service Unavailable")
    async with running(cloud) as rig:
        await until(lambda: len(rig.statuses.seen) == 3)
        first_s, second_s = rig.statuses.pauses_s()
        # Twice the period, and an hour at most.
        assert first_s > 2.0 * PERIOD_S - TICK_S
        assert second_s > 3600.0 - TICK_S
        cloud.status = "200 OK"
        await until(lambda: rig.statuses.last.trouble is None)
        known = len(rig.statuses.seen)
        await until(lambda: len(rig.statuses.seen) == known + 1)
        assert rig.statuses.pauses_s()[-1] < 3600.0


async def test_a_cloud_that_asks_to_be_left_alone_is() -> None:
    cloud = Cloud(status="429 Too Many Requests", headers="Retry-After: 9000\r\n")
    async with running(cloud) as rig:
        await until(lambda: len(rig.statuses.seen) == 2)
        assert rig.statuses.pauses_s()[0] > 9000.0 - TICK_S


async def test_a_refused_key_is_not_tried_again_for_an_hour() -> None:
    async with running(Cloud(status="403 Forbidden")) as rig:
        await until(lambda: len(rig.statuses.seen) == 2)
        assert rig.statuses.pauses_s()[0] > 3600.0 - TICK_S


async def test_what_a_cloud_told_outlives_its_silence() -> None:
    cloud = Cloud()
    async with running(cloud) as rig:
        await until(lambda: rig.statuses.seen != [])
        cloud.status = "503 Service Unavailable"
        await until(lambda: rig.statuses.last.trouble is not None)
        assert rig.statuses.last.plugged_in is True
