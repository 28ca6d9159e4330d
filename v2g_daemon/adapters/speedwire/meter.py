"""An SMA energy meter in the house's network: waits for each of its datagrams."""

from __future__ import annotations

import asyncio
import socket
import struct
from dataclasses import dataclass
from ipaddress import IPv4Address
from urllib.parse import parse_qsl, urlsplit

from v2g_daemon.adapters.speedwire.translate import meter_reading, serial_of
from v2g_daemon.domain.errors import ConfigurationError, DeviceUnreachable
from v2g_daemon.domain.readings import MeterReading
from v2g_daemon.ports import Clock

GROUP = "239.12.255.254"
PORT = 9522
SILENCE_S = 3.0  # real: it sends once a second
KEPT_DATAGRAMS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedwireLink:
    """The multicast group, or this machine's own address where the meter is told to send there."""

    address: str = GROUP
    port: int = PORT
    interface: str = "0.0.0.0"  # noqa: S104 any: the system picks the interface to join on
    serial: str | None = None

    @property
    def name(self) -> str:
        """For people."""
        return f"SMA energy meter {self.serial or f'at {self.address}:{self.port}'}"


def parse_link(text: str) -> SpeedwireLink:
    """`speedwire://`, with ?serial= where there are several; ConfigurationError says the fix."""
    parts = urlsplit(text)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    try:
        address = str(IPv4Address(parts.hostname or GROUP))
        port = PORT if parts.port is None else parts.port
        interface = str(IPv4Address(options.pop("interface", "0.0.0.0")))  # noqa: S104
    except ValueError as error:
        raise ConfigurationError(f"{text!r}: {error}; write IPv4 addresses") from error
    serial = options.pop("serial", None)
    if options or parts.path not in ("", "/"):
        raise ConfigurationError(
            f'{text!r} is not understood; write "speedwire://" or "speedwire://?serial=1900123456"'
        )
    return SpeedwireLink(address=address, port=port, interface=interface, serial=serial)


class SpeedwireMeter:
    """Hears one energy meter: the one named, else the first that is heard."""

    def __init__(self, *, link: SpeedwireLink, clock: Clock) -> None:
        self._link = link
        self._clock = clock
        self._serial = link.serial
        self._socket: asyncio.DatagramTransport | None = None
        self._heard: asyncio.Queue[bytes] = asyncio.Queue(maxsize=KEPT_DATAGRAMS)

    @property
    def name(self) -> str:
        """For people."""
        return self._link.name

    async def read(self) -> MeterReading:
        """The next datagram of the meter, as old as its arrival; raises a DeviceError."""
        healthy = False
        try:
            async with asyncio.timeout(SILENCE_S):
                datagram = await self._datagram()
            healthy = True
        except (OSError, TimeoutError) as error:
            raise DeviceUnreachable(f"{self.name} is not heard") from error
        finally:
            if not healthy:
                self._drop()
        return meter_reading(datagram, observed_at=self._clock.now())

    async def close(self) -> None:
        """Stop listening; a later read begins anew."""
        self._drop()

    def _drop(self) -> None:
        transport, self._socket = self._socket, None
        if transport is not None:
            transport.close()

    async def _datagram(self) -> bytes:
        if self._socket is None:
            self._heard = asyncio.Queue(maxsize=KEPT_DATAGRAMS)
            self._socket, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                lambda: _Listener(self._heard), sock=_bound_socket(self._link)
            )
        while True:
            datagram = await self._heard.get()
            serial = serial_of(datagram)
            if serial is None or serial != (self._serial or serial):
                continue
            self._serial = serial
            # What waited is older than what came last.
            if self._heard.empty():
                return datagram


class _Listener(asyncio.DatagramProtocol):
    """Keeps the newest datagrams."""

    def __init__(self, heard: asyncio.Queue[bytes]) -> None:
        self._heard = heard

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """One datagram of somebody."""
        if self._heard.full():
            self._heard.get_nowait()
        self._heard.put_nowait(data)


def _bound_socket(link: SpeedwireLink) -> socket.socket:
    """A socket that hears the group, or the address."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setblocking(False)
        bound.bind((link.address, link.port))
        if IPv4Address(link.address).is_multicast:
            member = struct.pack(
                "4s4s", socket.inet_aton(link.address), socket.inet_aton(link.interface)
            )
            bound.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
    except OSError:
        bound.close()
        raise
    return bound
