"""How many may stand at the door, and that a station's own address is never shut out."""

from __future__ import annotations

import asyncio
import socket
from contextlib import AsyncExitStack

from v2g_daemon.adapters.ocpp.security.crowd import (
    MOST_ALTOGETHER,
    MOST_FROM_AN_ADDRESS,
    Crowd,
    listeners,
)

HOST = "127.0.0.1"


class Watched:
    """A crowd and what it told."""

    def __init__(self, *homes: str) -> None:
        self.away: list[str] = []
        self.silent: list[str] = []
        self.crowd = Crowd(
            at_home=lambda address: address in homes,
            turned_away=self.away.append,
            left_in_silence=self.silent.append,
        )

    def fill(self, address: str, count: int) -> int:
        return sum(self.crowd.enters((address, port)) for port in range(count))


def test_an_address_has_fifty_places_and_all_together_two_hundred() -> None:
    assert (MOST_FROM_AN_ADDRESS, MOST_ALTOGETHER) == (50, 200)
    door = Watched()
    assert door.fill("10.0.0.1", 60) == 50
    assert door.away == ["10.0.0.1"] * 10
    assert [door.fill(f"10.0.0.{last}", 50) for last in (2, 3, 4, 5)] == [50, 50, 50, 0]
    assert len(door.crowd) == 200


def test_a_stations_own_address_gets_in_where_strangers_fill_the_door() -> None:
    door = Watched("10.0.0.9")
    for last in (1, 2, 3, 4):
        door.fill(f"10.0.0.{last}", 50)
    assert door.fill("10.0.0.8", 1) == 0
    assert door.fill("10.0.0.9", 60) == 50


def test_who_leaves_makes_room_once() -> None:
    door = Watched()
    door.fill("10.0.0.1", 50)
    door.crowd.leaves(("10.0.0.1", 7))
    door.crowd.leaves(("10.0.0.1", 7))
    assert door.crowd.enters(("10.0.0.1", 100))
    assert not door.crowd.enters(("10.0.0.1", 101))


def test_who_leaves_without_a_request_is_told_of() -> None:
    door = Watched()
    door.fill("10.0.0.1", 2)
    door.crowd.spoke(("10.0.0.1", 0))
    door.crowd.leaves(("10.0.0.1", 0))
    assert door.silent == []
    door.crowd.leaves(("10.0.0.1", 1))
    assert door.silent == ["10.0.0.1"]
    assert len(door.crowd) == 0


async def test_one_port_of_a_peer_at_two_listeners_is_two_and_both_leave() -> None:
    door = Watched()
    async with AsyncExitStack() as opened:
        ports = []
        for _ in range(2):
            (listener,) = await listeners(HOST, 0, door.crowd)
            server = await asyncio.start_server(_let_go_of, sock=listener)
            await opened.enter_async_context(server)
            ports.append(listener.getsockname()[1])
        links = [_from_port(0, ports[0])]
        links.append(_from_port(links[0].getsockname()[1], ports[1]))
        await _until(door, count=2)
        for link in links:
            link.close()
        await _until(door, count=0)


async def _let_go_of(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


def _from_port(source: int, port: int) -> socket.socket:
    link = socket.socket()
    link.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    link.bind((HOST, source))
    link.connect((HOST, port))
    return link


async def _until(door: Watched, *, count: int) -> None:
    for _ in range(500):
        if len(door.crowd) == count:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"{len(door.crowd)} wait, not {count}")
