"""Attacks on the open port, played over real sockets; beside each the house's station gets in."""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from tests.adapters.ocpp.authorities import made
from tests.adapters.ocpp.conftest import Bench, Benches
from tests.adapters.ocpp.scripted_station import credentials, station, url
from v2g_daemon.adapters.database.writer import DatabaseLedger
from v2g_daemon.runtime.station_journal import LedgerStationJournal

HOST = "127.0.0.1"
STRANGER = "127.0.0.66"  # loopback has more addresses than one
TEXT, CONTINUATION, PING = 0x1, 0x0, 0x9
FINAL, COMPRESSED = 0x80, 0x40

Raw = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def frame(opcode: int, payload: bytes = b"", *, flags: int = FINAL) -> bytes:
    """A masked frame; the mask is zero."""
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else struct.pack(">BH", 0x80 | 126, size)
    return bytes([flags | opcode]) + length + b"\0\0\0\0" + payload


@asynccontextmanager
async def upgraded(bench: Bench, **headers: str) -> AsyncIterator[Raw]:
    """The station's own connection on bare TCP, after the upgrade."""
    reader, writer = await asyncio.open_connection(HOST, bench.central.bound_port)
    sent = {
        "Host": HOST,
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Protocol": "ocpp2.1",
        **credentials(),
        **headers,
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
    writer.write(f"GET /ocpp/S1 HTTP/1.1\r\n{lines}\r\n".encode())
    assert b"101" in await reader.readline()
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def close_code(reader: asyncio.StreamReader) -> int:
    """The code of the close frame that comes, whatever comes before it."""
    heard = b""
    async with asyncio.timeout(10):
        while part := await reader.read(65536):
            heard += part
    at = heard.rindex(b"\x88")
    code: int = struct.unpack(">H", heard[at + 2 : at + 4])[0]
    return code


async def gone(reader: asyncio.StreamReader, *, within_s: float = 10.0) -> None:
    """Wait until the other side has ended the connection."""
    try:
        async with asyncio.timeout(within_s):
            while await reader.read(65536):
                pass
    except ConnectionError:
        return


async def noted(bench: Bench, name: str) -> None:
    async with asyncio.timeout(5):
        while name not in [one.name for one in bench.journal.order]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def the_station_gets_in(bench: Bench) -> None:
    async with asyncio.timeout(10), station(bench.central) as car:
        assert (await car.boot())["status"] == "Accepted"


async def test_a_frame_that_announces_a_gibibyte_closes_before_it_comes(bench: Bench) -> None:
    async with upgraded(bench) as (reader, writer):
        writer.write(bytes([FINAL | TEXT, 0x80 | 127]) + struct.pack(">Q", 2**30) + b"\0\0\0\0")
        assert await close_code(reader) == 1009
    await the_station_gets_in(bench)


@pytest.mark.parametrize("payload", [b"", b"x"])
async def test_ten_thousand_fragments_close_with_1009(bench: Bench, payload: bytes) -> None:
    async with upgraded(bench) as (reader, writer):
        writer.write(frame(TEXT, payload, flags=0))
        writer.write(frame(CONTINUATION, payload, flags=0) * 10_000)
        assert await close_code(reader) == 1009
    await the_station_gets_in(bench)


async def test_a_message_in_a_few_fragments_is_whole(bench: Bench) -> None:
    async with upgraded(bench) as (reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        for flags, opcode, part in (
            (0, TEXT, b'[2,"1","Heart'),
            (0, CONTINUATION, b""),
            (FINAL, CONTINUATION, b'beat",{}]'),
        ):
            writer.write(frame(opcode, part, flags=flags))
        async with asyncio.timeout(5):
            assert b"currentTime" in await reader.readuntil(b"currentTime")


async def test_compression_is_not_spoken_so_no_bomb_can_come(bench: Bench) -> None:
    async with connect(
        url(bench.central),
        subprotocols=[Subprotocol("ocpp2.1")],
        additional_headers=credentials(),
        compression="deflate",
    ) as socket:
        assert socket.protocol.extensions == []
    extension = {"Sec-WebSocket-Extensions": "permessage-deflate"}
    async with upgraded(bench, **extension) as (reader, writer):
        writer.write(frame(TEXT, b"\0" * 100, flags=FINAL | COMPRESSED))
        assert await close_code(reader) == 1002


async def test_text_that_is_no_utf_8_closes_with_1007(bench: Bench) -> None:
    async with upgraded(bench) as (reader, writer):
        writer.write(frame(TEXT, b'[2,"1","\xc3\x28",{}]'))
        assert await close_code(reader) == 1007
    await the_station_gets_in(bench)


async def test_who_makes_us_answer_and_never_reads_is_dropped(bench: Bench) -> None:
    async with upgraded(bench) as (reader, writer):
        await bench.until(lambda status: status.connected)
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        try:
            async with asyncio.timeout(30):
                while True:
                    writer.write(frame(PING, b"x" * 125) * 1000)
                    await writer.drain()
        except ConnectionError:
            pass
        await bench.until(lambda status: not status.connected)


@pytest.mark.parametrize("said", [b"", b"GET /ocpp/S1 HTTP/1.1\r\nHost: x\r\n"])
async def test_half_a_handshake_is_ended_after_the_open_timeout(
    benches: Benches, said: bytes
) -> None:
    async with benches(central_system={"open_timeout_s": 0.3}) as bench:
        reader, writer = await asyncio.open_connection(HOST, bench.central.bound_port)
        writer.write(said)
        await gone(reader)
        await noted(bench, "no_handshake")
        writer.close()
        await the_station_gets_in(bench)


@pytest.mark.parametrize("said", [b"", b"\x16\x03\x01\x02\x00"])
async def test_half_a_tls_handshake_is_ended_after_the_open_timeout(
    benches: Benches, tmp_path: Path, said: bytes
) -> None:
    config = {"tls": made(tmp_path / "ca").tls(), "open_timeout_s": 0.3}
    async with benches(central_system=config) as bench:
        reader, writer = await asyncio.open_connection(HOST, bench.central.bound_tls_port)
        writer.write(said)
        await gone(reader)
        await noted(bench, "no_handshake")
        writer.close()


async def test_a_crowd_that_says_nothing_leaves_room_for_the_station(benches: Benches) -> None:
    async with benches() as bench, AsyncExitStack() as crowd:
        links = []
        for _ in range(80):
            link = await asyncio.open_connection(
                HOST, bench.central.bound_port, local_addr=(STRANGER, 0)
            )
            crowd.callback(link[1].transport.abort)
            links.append(link)
        ended = [asyncio.create_task(gone(reader)) for reader, _ in links]
        await noted(bench, "too_many_connections")
        done, waiting = await asyncio.wait(ended, timeout=1.0)
        for task in waiting:
            task.cancel()
        assert (len(done), len(waiting)) == (30, 50)
        await the_station_gets_in(bench)


async def test_a_hundred_wrong_passwords_from_elsewhere_do_not_keep_the_station_out(
    bench: Bench,
) -> None:
    await the_station_gets_in(bench)
    statuses = []
    for _ in range(100):
        with pytest.raises(InvalidStatus) as caught:
            await connect(
                url(bench.central),
                subprotocols=[Subprotocol("ocpp2.1")],
                additional_headers=credentials(password="guess"),
                local_addr=(STRANGER, 0),
            )
        statuses.append(caught.value.response.status_code)
    assert statuses == [401] * 5 + [429] * 95
    await the_station_gets_in(bench)


async def test_strangers_of_a_thousand_names_leave_nothing_behind(bench: Bench) -> None:
    for number in range(5):
        with pytest.raises(InvalidStatus) as caught:
            await connect(
                url(bench.central, f"stranger-{number}"),
                additional_headers=credentials(user=f"stranger-{number}"),
            )
        assert caught.value.response.status_code == 404
    assert [(one.station_id, one.name) for one in bench.journal.order] == [
        ("unknown", "unknown_station")  # once a minute, whatever the name
    ]
    assert set(bench.central._desks) == {"S1"}


HOSTILE = "<script>\x1b[31m\r\nFAKE 2024 ERROR v2g: all is well\u2028\x00"


async def test_what_a_station_calls_itself_forges_no_line_of_the_log(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0, logger="v2g_daemon")
    async with station(bench.central) as car:
        names = {"model": "M", "vendorName": HOSTILE[:50], "serialNumber": HOSTILE[:25]}
        boot = {"chargingStation": names, "reason": "PowerUp"}
        await car.call("BootNotification", boot)
        told = {"type": HOSTILE[:50], "timestamp": "2024-12-11T17:00:00Z", "techInfo": HOSTILE}
        await car.call("SecurityEventNotification", told)
        await car.raw_call("x", HOSTILE, {})
        await car.raw_call("y", "Heartbeat", {HOSTILE: 1})
        await car.frame(json.dumps([4, "nobody", HOSTILE, HOSTILE, {}]) + "\x1b[0m")
    lines = [record.getMessage() for record in caplog.records]
    assert lines
    assert all(line.isprintable() for line in lines)
    found = bench.journal.order[-1]
    assert (found.name.isprintable(), found.detail.isprintable()) == (True, True)
    assert bench.status.serial is not None
    assert bench.status.serial.isprintable()


async def test_sql_in_every_field_is_text_and_nothing_else(
    benches: Benches, tmp_path: Path
) -> None:
    attack = "'); DROP TABLE station_event; --"
    ledger = DatabaseLedger(
        f"sqlite:///{tmp_path / 'ledger.db'}", now_utc=datetime(2024, 12, 11, tzinfo=UTC)
    )
    journal = LedgerStationJournal(ledger, newest=())
    try:
        async with benches(journal=journal) as bench, station(bench.central) as car:
            await car.boot()
            token = {"idToken": attack, "type": "Central"}
            await car.event("Started", "CablePluggedIn", tx=attack, idToken=token, evse={"id": 1})
            told = {"type": attack, "timestamp": "2024-12-11T17:00:00Z", "techInfo": attack}
            await car.call("SecurityEventNotification", told)
        ledger.commit(()).result(10)
        rows = ledger.reader()._read(text("SELECT name, detail FROM station_event ORDER BY kind"))
    finally:
        ledger.close()
    assert [row["name"] for row in rows if row["detail"] == attack] == [attack]
    started = next(row for row in rows if row["name"] == "evse 1")
    assert json.loads(started["detail"])["idToken"]["idToken"] == attack


async def test_a_connection_is_counted_until_it_is_admitted_or_closed(bench: Bench) -> None:
    crowd = bench.central._gate.crowd
    async with upgraded(bench):
        await bench.until(lambda status: status.connected)
        assert len(crowd) == 0
    with pytest.raises((InvalidStatus, ConnectionClosed)):
        await connect(url(bench.central), additional_headers=credentials(password="guess"))
    async with asyncio.timeout(5):
        while len(crowd) > 0:  # noqa: ASYNC110 - the crowd tells nobody
            await asyncio.sleep(0.01)
