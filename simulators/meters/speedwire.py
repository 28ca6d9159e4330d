"""An SMA energy meter: a datagram each second to its group, or to an address it was told."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from simulators.measuring import Measuring
from simulators.modbus.maps import MeterSample
from simulators.tcp import LOOPBACK

LEAST_PAUSE_S = 0.05
USUAL_PORT = 9522
PROTOCOL, SUSY_ID = 0x6069, 0x015D
NOW, TOTAL = 4, 8
FREQUENCY = 14
VERSION = bytes.fromhex("9000 0000 0203 0452")
END = bytes(4)
SOMEBODY_ELSE = b"SMA\0" + bytes.fromhex("0004 02a0 0000 0001 0002 0000 0001")
WATT_SECONDS = 3600.0


@dataclass(slots=True, kw_only=True)
class SpeedwireMeter:
    """Only sends; `port` is where to."""

    measuring: Measuring
    _socket: socket.socket | None = field(default=None, init=False)

    @property
    def port(self) -> int:
        """Where it sends."""
        return self.measuring.table.port or USUAL_PORT

    async def start(self) -> None:
        """Take a socket that does not leave this machine."""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        own = socket.inet_aton(LOOPBACK)
        self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, own)

    async def stop(self) -> None:
        """Give it back."""
        sender, self._socket = self._socket, None
        if sender is not None:
            sender.close()

    async def run(self) -> None:
        """Send until cancelled."""
        measuring = self.measuring
        try:
            while True:
                every_s = measuring.clock.real_s(measuring.table.refresh_s)
                await asyncio.sleep(max(every_s, LEAST_PAUSE_S) + measuring.pause_s())
                for datagram in self.datagrams():
                    if self._socket is not None:
                        self._socket.sendto(datagram, (measuring.table.send_to, self.port))
        finally:
            await self.stop()

    def datagrams(self) -> Iterator[bytes]:
        """What goes out now, with the faults of the moment."""
        kinds = self.measuring.shown()
        if "silent" in kinds:
            return
        if "noise" in kinds:
            yield SOMEBODY_ELSE
        digits = "".join(one for one in self.measuring.table.serial if one.isdigit())
        serial = (int(digits or "1") + ("wrong_unit" in kinds)) % (1 << 32)
        ticks_ms = round(time.monotonic() * 1000.0) % (1 << 32)
        body = struct.pack(">HHII", PROTOCOL, SUSY_ID, serial, ticks_ms)
        body += b"".join(_records(self.measuring.told())) + VERSION
        head = b"SMA\0" + bytes.fromhex("0004 02a0 0000 0001") + struct.pack(">HH", len(body), 0x10)
        datagram = head + body + END
        yield datagram[: len(datagram) // 2] if "half" in kinds else datagram


def _records(sample: MeterSample | None) -> Iterator[bytes]:
    """Tenths of watts, watt-seconds, milliamperes, millivolts and millihertz by their numbers."""
    if sample is None:
        return
    yield _value(FREQUENCY, sample.frequency_hz * 1000.0)
    for part, power_w in enumerate(sample.power_w):
        base = 20 * part
        for index, flow_w in ((base + 1, power_w), (base + 2, -power_w)):
            yield _value(index, max(flow_w, 0.0) * 10.0)
        yield _counter(base + 1, sample.import_wh[part] * WATT_SECONDS)
        yield _counter(base + 2, sample.export_wh[part] * WATT_SECONDS)
        if part > 0:
            yield _value(base + 11, sample.current_a[part] * 1000.0)
            yield _value(base + 12, sample.voltage_v[part] * 1000.0)


def _value(index: int, value: float) -> bytes:
    return bytes([0, index, NOW, 0]) + round(value).to_bytes(4)


def _counter(index: int, value: float) -> bytes:
    return bytes([0, index, TOTAL, 0]) + round(value).to_bytes(8)
