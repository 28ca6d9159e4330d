"""The simulated cars' clouds over loopback, and which car an evening's plug-ins are."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from socket import socket

import pytest
import uvicorn

from simulators.__main__ import HttpServer
from simulators.assembly import assemble
from simulators.control import Control, FaultOrder, VehicleOrder, build_app
from simulators.scenario import Scenario
from tests.adapters.waiting import until
from tests.builders import a_policy, a_vehicle, an_evse_status
from v2g_daemon.adapters.system.clock import ScaledClock
from v2g_daemon.adapters.vehicles.feed import FeedSource, VehicleFeed
from v2g_daemon.adapters.vehicles.translate import Pointers
from v2g_daemon.control.identity import candidates, vehicle_of
from v2g_daemon.control.vehicle_feed import Witnesses
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.readings import EvseStatus, VehicleIdentity
from v2g_daemon.domain.vehicle import VehicleFeedStatus

# A cloud that is not heard for half an hour saw no plug-in begin: that is twelve real seconds.
SPEED = 150.0
START = "2024-12-11T17:30:00+01:00"
BADGE = "family badge"
POLICY = a_policy(
    vehicles=tuple(
        a_vehicle(vehicle_id=name, evccid=None, id_token=BADGE) for name in ("leaf", "van")
    )
)


@dataclass(slots=True)
class Evening:
    """An outlet, two cars with a cloud each, and what the feeds have told."""

    control: Control
    clock: ScaledClock
    told: dict[str, VehicleFeedStatus] = field(default_factory=dict)
    left_at: Instant | None = None
    status: EvseStatus = field(default_factory=lambda: an_evse_status(plugged_in=False))

    def put_vehicle_feed(self, status: VehicleFeedStatus) -> None:
        self.told[status.vehicle_id] = status

    async def plugged_in(self, session_id: str, car: str | None) -> None:
        """A plug-in on the family's badge; None is a car that has no cloud here."""
        if self.status.plugged_in:
            await self.left()
        if car is not None:
            self.control.move_vehicle(VehicleOrder(action="plug", name=car))
        self.status = an_evse_status(
            session_id=session_id,
            plugged_in_at_utc=self.clock.now().utc,
            identity=VehicleIdentity(id_token=BADGE),
        )

    async def left(self) -> None:
        """The outlet is free, and no question of before is still on its way."""
        left_at = self.left_at = self.clock.now()
        for name in ("leaf", "van"):
            self.control.move_vehicle(VehicleOrder(action="unplug", name=name))
        self.status = an_evse_status(plugged_in=False)
        await until(
            lambda: all(
                one.asked_at is not None and one.asked_at.seconds_since(left_at) > 0.0
                for one in self.told.values()
            )
        )

    def fault(self, device: str, kind: str) -> None:
        self.control.set_fault(FaultOrder(device=device, kind=kind))

    @property
    def witnesses(self) -> Witnesses:
        return Witnesses(
            now=self.clock.now(), feeds=tuple(self.told.values()), left_at=self.left_at
        )

    @property
    def car(self) -> str | None:
        found = vehicle_of(self.status, self.witnesses, POLICY)
        return None if found is None else found.vehicle_id

    @property
    def candidates(self) -> tuple[str, ...]:
        return candidates(self.status, self.witnesses, POLICY)

    def says(self, *, leaf: bool, van: bool) -> bool:
        known = {name: status.plugged_in for name, status in self.told.items()}
        return known == {"leaf": leaf, "van": van}


@pytest.fixture
def listener() -> Iterator[socket]:
    with socket() as found:
        found.bind(("127.0.0.1", 0))
        found.listen()
        yield found


@asynccontextmanager
async def an_evening(listener: socket) -> AsyncIterator[Evening]:
    anchor_s = time.monotonic()
    scenario = Scenario.model_validate(
        {
            "clock": {"start": START, "speed": SPEED, "anchor_monotonic_s": anchor_s},
            "station": [{"id": "S1", "url": "ws://127.0.0.1:1/ocpp"}],
            "vehicle": [{"name": name, "plugged_in": False} for name in ("leaf", "van")],
        }
    )
    control = assemble(scenario, Path()).control
    clock = ScaledClock(
        start_utc=datetime.fromisoformat(START).astimezone(UTC),
        speed=SPEED,
        anchor_monotonic_s=anchor_s,
    )
    evening = Evening(control=control, clock=clock)
    server = HttpServer(uvicorn.Config(build_app(control), log_level="warning", lifespan="off"))
    feeds = [
        VehicleFeed(
            source=FeedSource(
                vehicle_id=name,
                url=f"http://127.0.0.1:{listener.getsockname()[1]}/cars/{name}",
                pointers=Pointers(plugged_in="/charge/plugged_in", observed_at="/reported_at"),
                period_s=60.0,
                quiet_period_s=60.0,
                timeout_s=5.0,
            ),
            clock=clock,
            sink=evening,
            is_asked=lambda: True,
        )
        for name in ("leaf", "van")
    ]
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    asking = [asyncio.create_task(feed.run()) for feed in feeds]
    try:
        yield evening
    finally:
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        server.should_exit = True
        await serving


async def test_the_clouds_tell_one_car_from_the_other_and_a_guest_from_both(
    listener: socket,
) -> None:
    async with an_evening(listener) as evening:
        await until(lambda: evening.says(leaf=False, van=False))
        await evening.plugged_in("s1", "leaf")
        await until(lambda: evening.car == "leaf")
        await evening.plugged_in("s2", "van")
        assert evening.car is None
        await until(lambda: evening.car == "van")
        assert evening.says(leaf=False, van=True)
        await evening.plugged_in("s3", None)
        await until(lambda: evening.says(leaf=False, van=False))
        assert evening.car is None
        await until(lambda: evening.candidates == ())


async def test_a_cloud_that_lies_is_contradicted_by_the_other_and_names_nobody(
    listener: socket,
) -> None:
    async with an_evening(listener) as evening:
        await until(lambda: evening.says(leaf=False, van=False))
        await evening.plugged_in("s1", "leaf")
        evening.fault("cars/van", "lying")
        await until(lambda: evening.says(leaf=True, van=True))
        await evening.clock.sleep(600.0)
        assert evening.says(leaf=True, van=True)
        assert evening.car is None
        assert evening.candidates == ("leaf", "van")


async def test_a_cloud_that_goes_stale_names_no_car_of_a_later_plug_in(listener: socket) -> None:
    async with an_evening(listener) as evening:
        await until(lambda: evening.says(leaf=False, van=False))
        await evening.plugged_in("s1", "leaf")
        await until(lambda: evening.car == "leaf")
        evening.fault("cars", "stale")
        await evening.plugged_in("s2", "van")
        await evening.clock.sleep(600.0)
        assert evening.told["leaf"].trouble is None
        assert evening.says(leaf=True, van=False)
        assert evening.car is None


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("outage", "answers HTTP 503"),
        ("throttled", "answers HTTP 429"),
        ("key_refused", "answers HTTP 401"),
        ("garbage", "the answer is no JSON"),
    ],
)
async def test_a_cloud_in_trouble_is_told_with_what_it_knew(
    listener: socket, kind: str, said: str
) -> None:
    async with an_evening(listener) as evening:
        await until(lambda: evening.says(leaf=False, van=False))
        evening.fault("cars/leaf", kind)
        await until(lambda: evening.told["leaf"].trouble is not None)
        assert said in (evening.told["leaf"].trouble or "")
        assert evening.told["leaf"].plugged_in is False
        assert evening.told["van"].trouble is None
