"""How many may stand at the door: connections that have not been admitted, counted as accepted.

The count begins before TLS and HTTP do, so that half a handshake costs no more than its place.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import Counter
from collections.abc import Callable
from typing import Any

MOST_FROM_AN_ADDRESS = 50
MOST_ALTOGETHER = 200

Peer = tuple[Any, ...]  # address and port of both ends: one port of a peer may reach two of ours


class Crowd:
    """Counts who waits; an address where a station lives gets in beyond the total."""

    def __init__(
        self,
        *,
        at_home: Callable[[str], bool],
        turned_away: Callable[[str], None],
        left_in_silence: Callable[[str], None],
    ) -> None:
        self._at_home = at_home
        self._turned_away = turned_away
        self._left_in_silence = left_in_silence
        self._waiting: dict[Peer, bool] = {}
        self._from: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._waiting)

    def enters(self, peer: Peer) -> bool:
        """Whether there is room for one more."""
        address = str(peer[0])
        full = len(self._waiting) >= MOST_ALTOGETHER and not self._at_home(address)
        if full or self._from[address] >= MOST_FROM_AN_ADDRESS:
            self._turned_away(address)
            return False
        self._waiting[peer] = False
        self._from[address] += 1
        return True

    def spoke(self, peer: Peer) -> None:
        """Its request has been read; what comes of it is told by others."""
        if peer in self._waiting:
            self._waiting[peer] = True

    def leaves(self, peer: Peer) -> None:
        """It is admitted, or gone; leaving twice is once."""
        spoke = self._waiting.pop(peer, None)
        if spoke is None:
            return
        address = str(peer[0])
        self._from[address] -= 1
        if self._from[address] == 0:
            del self._from[address]
        if not spoke:
            self._left_in_silence(address)


def peer_of(remote: tuple[Any, ...], local: tuple[Any, ...]) -> Peer:
    """Who waits, by the addresses of a socket's ends."""
    return (*remote[:2], *local[:2])


class _Accepted(socket.socket):
    """Says when it is closed, by whomever."""

    on_close: Callable[[], None] | None = None

    def close(self) -> None:
        on_close, self.on_close = self.on_close, None
        super().close()
        if on_close is not None:
            on_close()


class _Listener(socket.socket):
    """Closes at once what there is no room for."""

    crowd: Crowd

    def accept(self) -> tuple[socket.socket, Any]:
        link, address = super().accept()
        accepted = _Accepted(link.family, link.type, link.proto, fileno=link.detach())
        peer = peer_of(address, accepted.getsockname())
        if not self.crowd.enters(peer):
            accepted.close()
            raise ConnectionAbortedError  # as if it had gone by itself; the event loop asks again
        accepted.on_close = lambda: self.crowd.leaves(peer)
        return accepted, address


async def listeners(host: str, port: int, crowd: Crowd) -> list[socket.socket]:
    """A bound socket for every address of the host, counting into the crowd; may raise OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    with contextlib.ExitStack() as opened:
        sockets: list[socket.socket] = []
        for family, kind, protocol, _, address in dict.fromkeys(found):
            listener = opened.enter_context(_Listener(family, kind, protocol))
            listener.crowd = crowd
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.setblocking(False)
            listener.bind(address)
            sockets.append(listener)
        opened.pop_all()
    return sockets
