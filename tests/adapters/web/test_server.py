"""`/api/v1` over its Unix socket: who may open it, what it answers, what it refuses."""

from __future__ import annotations

import asyncio
import signal
import socket
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from tests.adapters.web.conftest import Serving, until_served
from v2g_daemon.adapters.web.cars import add_cars
from v2g_daemon.adapters.web.probe_routes import add_probe_routes
from v2g_daemon.adapters.web.routes import build_api
from v2g_daemon.adapters.web.server import private_socket, serve


class Desk:
    """Notes what is wished; refuses an EVSE that it does not know."""

    def __init__(self) -> None:
        self.wished: list[tuple[str, str | None, datetime | None, bool]] = []

    def __call__(
        self, *, kind: str, evse_id: str | None, until: datetime | None, confirmed: bool
    ) -> dict[str, Any]:
        if evse_id == "yard":
            raise ValueError("name one of the EVSEs: carport")
        self.wished.append((kind, evse_id, until, confirmed))
        return {"evse_id": "carport", "detail": "stopped"}


def cleared(*, evse_id: str, because: str) -> dict[str, Any]:
    """Clears the latch of the carport and no other."""
    if evse_id != "carport":
        raise ValueError(f"no latch is set at {evse_id!r}")
    return {"evse_id": evse_id, "detail": because}


def named(*, evse_id: str, vehicle_id: str) -> dict[str, Any]:
    """Knows a leaf at the carport."""
    if vehicle_id not in ("leaf", "guest"):
        raise ValueError(f"there is no vehicle {vehicle_id!r}")
    return {"evse_id": evse_id, "vehicle_id": vehicle_id, "detail": "until unplugged"}


class Bench:
    """One test at the carport, over once it is cancelled."""

    def __init__(self) -> None:
        self.cancelled = False

    def start(self, *, name: str) -> dict[str, Any]:
        if name != "carport":
            raise ValueError(f"no EVSE is named {name!r}")
        return {"evse_id": name, "phase": "asked"}

    def progress(self, *, evse_id: str) -> dict[str, Any]:
        return {"evse_id": evse_id, "phase": "over" if self.cancelled else "resting"}

    def cancel(self, *, evse_id: str) -> dict[str, Any]:
        self.cancelled = True
        return {"evse_id": evse_id, "detail": "cancelled"}


def an_app(desk: Desk | None = None, status: dict[str, Any] | None = None) -> FastAPI:
    app = build_api(
        status=lambda: status,
        override=Desk() if desk is None else desk,
        clear_latch=cleared,
        version="1.2.3",
    )
    add_cars(app, named)
    add_probe_routes(app, Bench())
    return app


async def test_the_socket_is_its_owners_alone(serving: Serving, socket_path: Path) -> None:
    async with serving(an_app()) as client:
        await until_served(client)
        mode = socket_path.stat().st_mode  # noqa: ASYNC240 - a socket's file
        assert stat.S_ISSOCK(mode)
        assert stat.S_IMODE(mode) == 0o600
    assert not socket_path.exists()  # noqa: ASYNC240


async def test_the_status_is_what_the_daemon_says(serving: Serving) -> None:
    async with serving(an_app(status={"at_utc": "2024-12-11T18:00:00Z"})) as client:
        await until_served(client)
        answer = await client.get("/api/v1/status")
        assert (answer.status_code, answer.json()) == (200, {"at_utc": "2024-12-11T18:00:00Z"})


async def test_before_the_first_tick_there_is_no_status(serving: Serving) -> None:
    async with serving(an_app()) as client:
        await until_served(client)
        answer = await client.get("/api/v1/status")
        assert answer.status_code == 503
        assert answer.json()["detail"] == "the daemon has not decided anything yet"


async def test_a_wish_reaches_the_desk_as_it_was_said(serving: Serving) -> None:
    desk = Desk()
    async with serving(an_app(desk)) as client:
        await until_served(client)
        wish = {"kind": "stop", "until": "2024-12-12T07:00:00+01:00", "confirmed": True}
        answer = await client.post("/api/v1/overrides", json=wish)
        assert answer.json() == {"evse_id": "carport", "detail": "stopped"}
        await client.post("/api/v1/overrides", json={"kind": "auto", "evse_id": "carport"})
    until = datetime(2024, 12, 12, 6, 0, tzinfo=UTC)
    assert desk.wished == [("stop", None, until, True), ("auto", "carport", None, False)]


async def test_a_wish_that_cannot_be_is_refused_with_the_reason(serving: Serving) -> None:
    async with serving(an_app()) as client:
        await until_served(client)
        answer = await client.post("/api/v1/overrides", json={"kind": "charge", "evse_id": "yard"})
        assert answer.status_code == 409
        assert answer.json()["detail"] == "name one of the EVSEs: carport"


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "stop", "power_w": 7000},
        {"kind": "discharge"},
        {},
        {"kind": "stop", "until": "2024-12-12T07:00:00"},
        {"kind": "stop", "until": "soon"},
        {"kind": "stop", "confirmed": "perhaps"},
        ["stop"],
    ],
    ids=[
        "unknown key",
        "unknown kind",
        "no kind",
        "time without zone",
        "no time",
        "no yes",
        "list",
    ],
)
async def test_a_body_that_is_not_understood_whole_changes_nothing(
    serving: Serving, body: object
) -> None:
    desk = Desk()
    async with serving(an_app(desk)) as client:
        await until_served(client)
        assert (await client.post("/api/v1/overrides", json=body)).status_code == 422
    assert desk.wished == []


async def test_nothing_else_is_served(serving: Serving) -> None:
    async with serving(an_app(status={})) as client:
        await until_served(client)
        for path in ("/docs", "/redoc", "/", "/api/v2/status"):
            assert (await client.get(path)).status_code == 404
        assert (await client.delete("/api/v1/overrides")).status_code == 405


async def test_the_daemons_signal_handlers_stay_its_own(serving: Serving) -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    async with serving(an_app()) as client:
        await until_served(client)
        assert {number: signal.getsignal(number) for number in before} == before


async def test_a_client_that_hangs_does_not_hold_up_the_end(
    serving: Serving, socket_path: Path
) -> None:
    async with serving(an_app()) as client:
        await until_served(client)
        hanging = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        hanging.connect(str(socket_path))
        hanging.send(b"GET /api/v1/status HTTP/1.1\r\nHost: ")
        await asyncio.sleep(0.05)
        started_s = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - started_s < 5.0
    hanging.close()


async def test_a_restarted_api_answers_on_the_same_socket(
    serving: Serving, socket_path: Path
) -> None:
    for number in (1, 2):
        async with serving(an_app(status={"number": number})) as client:
            await until_served(client)
            assert (await client.get("/api/v1/status")).json() == {"number": number}


def test_a_file_left_by_a_killed_daemon_is_replaced(socket_path: Path) -> None:
    socket_path.parent.mkdir(parents=True)
    left = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    left.bind(str(socket_path))
    left.close()
    with private_socket(socket_path) as listening:
        listening.listen()
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
            caller.connect(str(socket_path))
    assert not socket_path.exists()


async def test_a_socket_that_cannot_be_made_is_an_os_error(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("not a folder")
    with pytest.raises(OSError, match="file"):
        await serve(an_app(), file / "api.sock")


async def test_a_cancelled_server_leaves_no_dead_listener_in_the_loop(serving: Serving) -> None:
    async with serving(an_app()) as client:
        await until_served(client)
    # The next sockets get the file descriptors that the server's had.
    async with await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1") as other:
        port = other.sockets[0].getsockname()[1]
        links = [await asyncio.open_connection("127.0.0.1", port) for _ in range(5)]
        for reader, writer in links:
            assert await reader.read() == b""
            writer.close()
            await writer.wait_closed()


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ({"evse_id": "carport", "because": "rewired"}, 200, "rewired"),
        ({"evse_id": "yard", "because": "rewired"}, 409, "no latch is set"),
        ({"evse_id": "carport", "because": ""}, 422, "because"),
        ({"evse_id": "carport"}, 422, "because"),
    ],
)
async def test_a_latch_is_cleared_only_with_a_reason(
    serving: Serving, body: dict[str, str], status: int, told: str
) -> None:
    async with serving(an_app()) as client:
        await until_served(client)
        answer = await client.post("/api/v1/latches/clear", json=body)
        assert answer.status_code == status
        assert told in answer.text


async def test_which_car_it_is_is_told_by_post_and_refused_where_it_cannot_be(
    serving: Serving,
) -> None:
    async with serving(an_app()) as client:
        await until_served(client)
        told = {"evse_id": "carport", "vehicle_id": "leaf"}
        answer = await client.post("/api/v1/cars", json=told)
        assert answer.json() == {**told, "detail": "until unplugged"}
        refused = await client.post("/api/v1/cars", json={**told, "vehicle_id": "bus"})
        assert (refused.status_code, refused.json()["detail"]) == (409, "there is no vehicle 'bus'")
        assert (await client.post("/api/v1/cars", json={"evse_id": "carport"})).status_code == 422


async def test_a_probe_is_begun_watched_and_ended_by_its_client(serving: Serving) -> None:
    async with serving(an_app()) as client:
        await until_served(client)
        begun = await client.post("/api/v1/probes", json={"name": "carport"})
        assert (begun.status_code, begun.json()["phase"]) == (200, "asked")
        assert (await client.get("/api/v1/probes/carport")).json()["phase"] == "resting"
        assert (await client.delete("/api/v1/probes/carport")).json()["detail"] == "cancelled"
        assert (await client.get("/api/v1/probes/carport")).json()["phase"] == "over"


async def test_a_probe_that_cannot_be_is_refused_with_the_reason(serving: Serving) -> None:
    async with serving(an_app()) as client:
        await until_served(client)
        refused = await client.post("/api/v1/probes", json={"name": "yard"})
        assert (refused.status_code, refused.json()["detail"]) == (409, "no EVSE is named 'yard'")
        assert (await client.post("/api/v1/probes", json={})).status_code == 422
