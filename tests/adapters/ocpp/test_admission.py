"""Who gets in: id, password, version, and never two of the same name."""

from __future__ import annotations

import asyncio
import gc
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from tests.adapters.ocpp.conftest import Bench, Benches
from tests.adapters.ocpp.scripted_station import credentials, station, url
from v2g_daemon.adapters.ocpp import OcppVersion
from v2g_daemon.adapters.ocpp.security.connection import StationConnection


async def refused(bench: Bench, *, station_id: str = "S1", headers: dict[str, str]) -> int:
    with pytest.raises(InvalidStatus) as caught:
        await connect(
            url(bench.central, station_id),
            subprotocols=[Subprotocol("ocpp2.1")],
            additional_headers=headers,
        )
    return caught.value.response.status_code


@pytest.mark.parametrize(
    ("station_id", "headers", "status"),
    [
        ("S1", {}, 401),
        ("S1", credentials(password="wrong"), 401),
        ("S1", credentials(user="S2"), 401),
        ("S1", {"Authorization": "Bearer x"}, 401),
        ("S1", {"Authorization": "Basic %%%"}, 401),
        ("S2", credentials(user="S2"), 404),
        ("..%2fS1", credentials(), 404),
        ("x" * 300, credentials(), 404),
    ],
)
async def test_a_stranger_is_refused_before_the_upgrade(
    bench: Bench, station_id: str, headers: dict[str, str], status: int
) -> None:
    assert await refused(bench, station_id=station_id, headers=headers) == status
    assert not bench.status.connected


async def test_a_stranger_does_not_learn_what_serves(bench: Bench) -> None:
    with pytest.raises(InvalidStatus) as caught:
        await connect(url(bench.central, "S2"), additional_headers=credentials(user="S2"))
    assert "Server" not in caught.value.response.headers


@pytest.mark.parametrize(
    ("offered", "spoken"),
    [
        (["ocpp2.0.1", "ocpp2.1"], "ocpp2.1"),
        (["ocpp2.0.1"], "ocpp2.0.1"),
        (["ocpp1.6", "ocpp2.0.1"], "ocpp2.0.1"),
    ],
)
async def test_the_server_prefers_the_newest_common_version(
    bench: Bench, offered: list[str], spoken: str
) -> None:
    async with connect(
        url(bench.central),
        subprotocols=[Subprotocol(one) for one in offered] or None,
        additional_headers=credentials(),
    ) as socket:
        assert socket.subprotocol == spoken


async def test_a_pinned_station_gets_its_version_though_it_offers_a_newer_one(
    benches: Benches,
) -> None:
    pinned = benches(versions=(OcppVersion.V2_0_1,))
    async with pinned as bench, station(bench.central, versions=("ocpp2.1", "ocpp2.0.1")) as car:
        assert car.version == "ocpp2.0.1"


async def test_a_pinned_station_may_leave_the_version_out(benches: Benches) -> None:
    pinned = benches(versions=(OcppVersion.V2_0_1,))
    async with pinned as bench, station(bench.central, versions=()) as car:
        assert (await car.boot())["status"] == "Accepted"


@pytest.mark.parametrize("offered", [["ocpp1.6"], []])
async def test_no_common_version_is_closed_after_the_handshake(
    bench: Bench, offered: list[str]
) -> None:
    async with connect(
        url(bench.central),
        subprotocols=[Subprotocol(one) for one in offered] or None,
        additional_headers=credentials(),
    ) as socket:
        assert socket.subprotocol is None
        with pytest.raises(ConnectionClosed):
            async with asyncio.timeout(5):
                await socket.recv()
        assert socket.close_code == 1002


async def test_a_second_connection_is_refused_while_the_first_answers(bench: Bench) -> None:
    async with station(bench.central) as first:
        await first.boot()
        assert await refused(bench, headers=credentials()) == 409
        assert await first.call("Heartbeat", {}) == {"currentTime": "2024-12-11T17:00:00.000Z"}


async def test_a_second_connection_takes_over_from_one_that_is_dead(bench: Bench) -> None:
    async with station(bench.central) as first:
        await first.boot()
        first.socket.transport.pause_reading()  # a black hole: open, and deaf
        async with station(bench.central) as second:
            assert (await second.boot())["status"] == "Accepted"
            assert bench.status.connected
        first.socket.transport.abort()


async def test_a_password_is_in_no_log_and_no_repr(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    await refused(bench, headers=credentials(password="tell-nobody"))
    async with station(bench.central) as car:
        await car.call("Authorize", {"idToken": {"idToken": "SECRET-TOKEN", "type": "eMAID"}})
        await car.raw_call("x", "Authorize", {"idToken": {"idToken": ["SECRET-TOKEN"]}})
    ours = [record for record in caplog.records if record.name.startswith("v2g_daemon")]
    assert ours
    text = " ".join(record.getMessage() for record in ours)
    assert "tell-nobody" not in text
    assert "SECRET-TOKEN" not in text
    assert "correct horse" not in repr(bench.central._config)


async def test_what_a_station_does_not_acknowledge_in_a_calls_time_is_dropped(
    benches: Benches,
) -> None:
    option = getattr(socket, "TCP_USER_TIMEOUT", None)
    async with benches(call_timeout_s=2.0) as bench, station(bench.central) as car:
        await car.boot()
        (serving,) = [
            one
            for one in gc.get_objects()
            if type(one) is StationConnection and one.remote_address == car.socket.local_address
        ]
        link = serving.transport.get_extra_info("socket")
        assert option is None or link.getsockopt(socket.IPPROTO_TCP, option) == 2000


async def test_guessing_passwords_ends_in_429_and_in_the_journal(bench: Bench) -> None:
    wrong = credentials(password="wrong")
    found = [await refused(bench, headers=wrong) for _ in range(6)]
    assert found == [401, 401, 401, 401, 401, 429]
    # Not even the right one is looked at from there, for a while.
    assert await refused(bench, headers=credentials()) == 429
    names = [(one.station_id, one.name) for one in bench.journal.order]
    assert names == [("S1", "wrong_password"), ("S1", "too_many_attempts")]
    assert all("wrong" not in one.detail for one in bench.journal.order)


@asynccontextmanager
async def silent_to_pings(bench: Bench, *, speaks: bool) -> AsyncIterator[None]:
    """A connected station that never sends a pong, but perhaps frames of its own."""
    host, port = "127.0.0.1", bench.central.bound_port
    reader, writer = await asyncio.open_connection(host, port)
    secret = credentials()["Authorization"]
    writer.write(
        f"GET /ocpp/S1 HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: ocpp2.1\r\n"
        f"Authorization: {secret}\r\n\r\n".encode()
    )
    assert b"101" in await reader.readline()
    await bench.until(lambda status: status.connected)
    # [2,"h","Heartbeat",{}] as one masked text frame, the mask being zero.
    text = b'[2,"h","Heartbeat",{}]'
    frame = bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text

    async def speak() -> None:
        while speaks:
            writer.write(frame)
            await asyncio.sleep(0.05)

    speaking = asyncio.create_task(speak())
    try:
        yield
    finally:
        speaking.cancel()
        writer.close()


async def stays_connected(bench: Bench, *, speaks: bool) -> bool:
    """Whether such a station is still connected after three timeouts."""
    async with silent_to_pings(bench, speaks=speaks):
        await asyncio.sleep(0.6)
        return bench.status.connected


@pytest.mark.parametrize("speaks", [True, False])
async def test_any_frame_is_a_sign_of_life_and_silence_is_not(
    benches: Benches, speaks: bool
) -> None:
    async with benches(ping_interval_s=0.15, ping_timeout_s=0.15) as bench:
        assert await stays_connected(bench, speaks=speaks) is speaks


async def test_a_station_that_sends_no_pong_is_not_taken_for_dead_by_a_rivals_knock(
    bench: Bench,
) -> None:
    async with silent_to_pings(bench, speaks=True):
        assert await refused(bench, headers=credentials()) == 409
        assert bench.status.connected


async def test_a_station_that_says_nothing_at_all_makes_way_for_its_rival(bench: Bench) -> None:
    async with silent_to_pings(bench, speaks=False), station(bench.central) as second:
        assert (await second.boot())["status"] == "Accepted"


async def test_a_station_that_must_not_be_pinged_is_not(benches: Benches) -> None:
    async with benches(ping_interval_s=0.0, ping_timeout_s=0.1) as bench:
        assert await stays_connected(bench, speaks=False)
