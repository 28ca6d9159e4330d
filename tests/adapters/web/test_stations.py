"""`/api/v1/stations` over its socket: what the desk says, its refusals, and a followed log."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.adapters.waiting import until
from tests.adapters.web.conftest import Serving, until_served
from tests.adapters.web.test_server import an_app
from v2g_daemon.adapters.ocpp.wire.frames import FrameLog
from v2g_daemon.adapters.system.clock import RealClock
from v2g_daemon.adapters.web.stations import add_station_routes
from v2g_daemon.domain.errors import DeviceRejectedCommand, DeviceUnknown, DeviceUnreachable
from v2g_daemon.domain.stations import (
    EvseView,
    FollowEnd,
    FrameNote,
    KeyListView,
    LogRequest,
    LogUpload,
    StationAbout,
    StationDetails,
    StationView,
    VariableReading,
)
from v2g_daemon.ports import StationDesk

STATIONS = "/api/v1/stations"
VIEW = StationView(
    station_id="S1",
    connected=True,
    version="2.1",
    address="192.168.1.7",
    since_utc=datetime(2024, 12, 11, 17, 0, 0, 5000, tzinfo=UTC),
    about=StationAbout(vendor="V", model="M"),
    evses=(
        EvseView(
            evse_id="garage",
            evse_number=1,
            connector_status=None,
            plugged_in=False,
            power_w=None,
            soc=None,
            transaction_id=None,
        ),
    ),
)


class Desk:
    """One station S1 with a real frame log; S2 is away, S3 refuses, S4 is asked nonsense."""

    def __init__(self) -> None:
        self.log = FrameLog(clock=RealClock())
        self.asked: list[tuple[str, Any]] = []

    def _check(self, station_id: str) -> None:
        match station_id:
            case "S1":
                return
            case "S2":
                raise DeviceUnreachable("station S2 is not connected")
            case "S3":
                raise DeviceRejectedCommand("Rejected: NotNow")
            case "S4":
                raise ValueError("that cannot be asked")
            case _:
                raise DeviceUnknown(f"no station {station_id!r} is configured; there are: S1")

    def _said(self, station_id: str, what: str, body: Any) -> str:
        self._check(station_id)
        self.asked.append((what, body))
        return "done"

    def stations(self) -> tuple[StationView, ...]:
        return (VIEW,)

    def station(self, station_id: str) -> StationDetails:
        self._check(station_id)
        return StationDetails(
            station=VIEW,
            dialect=None,
            evses=(),
            settings=(),
            security=(),
            log_upload=None,
            relay=None,
        )

    def log_upload(self, station_id: str) -> LogUpload | None:
        self._check(station_id)
        return None

    async def frames(self, station_id: str, *, newest: int) -> tuple[FrameNote, ...]:
        self._check(station_id)
        return await self.log.newest(newest)

    def follow(
        self, station_id: str, *, newest: int
    ) -> AsyncGenerator[FrameNote | FollowEnd, None]:
        self._check(station_id)
        return self.log.follow(newest=newest)

    async def variables(self, station_id: str, name: str | None) -> tuple[VariableReading, ...]:
        self._check(station_id)
        told = VariableReading(name=str(name), value="1", mutability=None, status="Accepted")
        return (told,)

    async def set_variable(self, station_id: str, name: str, value: str) -> str:
        return self._said(station_id, "set", (name, value))

    async def reset(self, station_id: str, *, immediate: bool) -> str:
        return self._said(station_id, "reset", immediate)

    async def unlock(self, station_id: str, *, evse_number: int, connector: int) -> str:
        return self._said(station_id, "unlock", (evse_number, connector))

    async def trigger(self, station_id: str, message: str, *, evse_number: int | None) -> str:
        return self._said(station_id, "trigger", (message, evse_number))

    async def get_log(self, station_id: str, request: LogRequest) -> str:
        return self._said(station_id, "get_log", request.url)

    async def keys(self, station_id: str) -> KeyListView:
        self._check(station_id)
        return KeyListView(
            held_version=None,
            sent_version=None,
            sent_utc=None,
            in_step=False,
            accept_unknown_keys=True,
            keys=(),
            settings=(),
            unknown_keys=(),
        )


def app_of(desk: StationDesk) -> FastAPI:
    app = an_app()
    add_station_routes(app, desk)
    return app


async def test_the_stations_are_told_in_the_words_of_the_domain(serving: Serving) -> None:
    async with serving(app_of(Desk())) as client:
        await until_served(client)
        (one,) = (await client.get(STATIONS)).json()["stations"]
        assert one["since_utc"] == "2024-12-11T17:00:00.005Z"
        assert one["about"] == {"vendor": "V", "model": "M", "firmware": None, "serial": None}
        assert one["evses"][0]["connector_status"] is None
        assert (await client.get(f"{STATIONS}/S1")).json()["station"] == one


@pytest.mark.parametrize(
    ("station_id", "status", "told"),
    [
        ("S9", 404, "there are: S1"),
        ("S2", 503, "not connected"),
        ("S3", 409, "Rejected: NotNow"),
        ("S4", 409, "that cannot be asked"),
        ("..%2F..%2Fetc", 404, ""),
        ("x" * 49, 422, ""),
    ],
)
async def test_a_refusal_has_its_status_and_its_reason(
    serving: Serving, station_id: str, status: int, told: str
) -> None:
    async with serving(app_of(Desk())) as client:
        await until_served(client)
        for answer in (
            await client.get(f"{STATIONS}/{station_id}"),
            await client.get(f"{STATIONS}/{station_id}/variables"),
            await client.get(f"{STATIONS}/{station_id}/frames/follow"),
            await client.post(f"{STATIONS}/{station_id}/reset", json={}),
        ):
            assert (answer.status_code, told in answer.text) == (status, True)


@pytest.mark.parametrize(
    ("path", "body", "asked"),
    [
        ("reset", {"immediate": True}, ("reset", True)),
        ("reset", {}, ("reset", False)),
        ("unlock", {"evse_number": 2}, ("unlock", (2, 1))),
        ("trigger", {"message": "MeterValues"}, ("trigger", ("MeterValues", None))),
        ("variables", {"name": "A.B", "value": ""}, ("set", ("A.B", ""))),
        ("log-upload", {"url": "ftp://192.168.1.9/x"}, ("get_log", "ftp://192.168.1.9/x")),
    ],
)
async def test_what_is_asked_reaches_the_desk_as_it_was_said(
    serving: Serving, path: str, body: dict[str, Any], asked: tuple[str, Any]
) -> None:
    desk = Desk()
    async with serving(app_of(desk)) as client:
        await until_served(client)
        answer = await client.post(f"{STATIONS}/S1/{path}", json=body)
        assert answer.json() == {"detail": "done"}
    assert desk.asked == [asked]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("reset", {"imediate": True}),
        ("unlock", {"evse_number": -1}),
        ("trigger", {"message": "../x"}),
        ("trigger", {}),
        ("variables", {"name": "", "value": "x"}),
        ("variables", {"name": "A.B", "value": "x" * 501}),
        ("log-upload", {"url": "file:///etc/passwd"}),
        ("log-upload", {"url": "http://x/\x1b"}),
        ("log-upload", {"url": "http://x/", "since": "2024-12-11T00:00:00"}),
    ],
)
async def test_a_request_that_is_not_understood_whole_asks_nothing(
    serving: Serving, path: str, body: dict[str, Any]
) -> None:
    desk = Desk()
    async with serving(app_of(desk)) as client:
        await until_served(client)
        assert (await client.post(f"{STATIONS}/S1/{path}", json=body)).status_code == 422
    assert desk.asked == []


async def lines_of(answer: httpx.Response, count: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(8.0):
        async for line in answer.aiter_lines():
            found.append(json.loads(line))
            if len(found) == count:
                return found
    return found


async def test_a_followed_log_comes_line_by_line_and_ends_with_the_reason(
    serving: Serving,
) -> None:
    desk = Desk()
    desk.log.heard('[2,"1","Heartbeat",{}]')
    async with serving(app_of(desk)) as client:
        await until_served(client)
        async with client.stream("GET", f"{STATIONS}/S1/frames/follow?newest=10") as answer:
            assert answer.headers["content-type"].startswith("application/x-ndjson")
            reading = answer.aiter_lines()
            async with asyncio.timeout(8.0):
                first = json.loads(await anext(reading))
                desk.log.said('[3,"1",{}]')
                second = json.loads(await anext(reading))
                desk.log.close()
                last = json.loads(await anext(reading))
                with pytest.raises(StopAsyncIteration):
                    await anext(reading)
        assert (first["side"], first["action"]) == ("station", "Heartbeat")
        assert (second["side"], second["kind"], second["action"]) == (
            "daemon",
            "result",
            "Heartbeat",
        )
        assert last == {"reason": "the daemon ends"}


async def test_a_follower_that_leaves_is_forgotten(serving: Serving) -> None:
    desk = Desk()
    desk.log.heard('[2,"1","Heartbeat",{}]')
    async with serving(app_of(desk)) as client:
        await until_served(client)
        async with client.stream("GET", f"{STATIONS}/S1/frames/follow?newest=1") as answer:
            await lines_of(answer, 1)
            assert len(desk.log._readers) == 1
        await until(lambda: not desk.log._readers)


async def test_a_follower_that_stops_reading_costs_no_more_than_its_bound(
    serving: Serving,
) -> None:
    desk = Desk()
    async with serving(app_of(desk)) as client:
        await until_served(client)
        async with client.stream("GET", f"{STATIONS}/S1/frames/follow?newest=0") as answer:
            await until(lambda: len(desk.log._readers) == 1)
            (reader,) = desk.log._readers
            text = json.dumps([2, "1", "DataTransfer", {"data": "x" * 3000}])
            for _ in range(3000):  # nobody reads: the socket fills, then the bound is reached
                desk.log.heard(text)
                if reader.end is not None:
                    break
                await asyncio.sleep(0)
            assert reader.end is not None
            assert len(reader.unread) <= 256
            last = (await lines_of(answer, 10_000))[-1]
        assert last["reason"].startswith("read too slowly: ")


async def test_the_end_of_the_api_ends_a_followed_log(serving: Serving) -> None:
    desk = Desk()
    desk.log.heard('[2,"1","Heartbeat",{}]')
    async with asyncio.timeout(8.0):  # nobody closes the log: the server cuts the line, and soon
        async with serving(app_of(desk)) as client:
            await until_served(client)
            request = client.build_request("GET", f"{STATIONS}/S1/frames/follow?newest=1")
            answer = await client.send(request, stream=True)
            await lines_of(answer, 1)
    assert desk.log._readers == []
