"""A P1 port: a telegram each second to whoever listens, over TCP or a serial line (DSMR 5.0.2)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tty
from collections.abc import Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from simulators.clock import utc_from_s
from simulators.measuring import Measuring
from simulators.modbus.frames import crc16
from simulators.modbus.maps import MeterSample
from simulators.modbus.mischief import NOISE
from simulators.tcp import TcpPort, keep_open

LEAST_PAUSE_S = 0.05
SILENCE = frozenset({"silent", "refuses", "half_open"})
LOCAL = ZoneInfo("Europe/Amsterdam")


@dataclass(slots=True, kw_only=True)
class Telegrams:
    """What the meter says next, and when, in real seconds."""

    measuring: Measuring

    def pause_s(self) -> float:
        """How long it says nothing."""
        measuring = self.measuring
        every_s = measuring.clock.real_s(measuring.table.refresh_s)
        return max(every_s, LEAST_PAUSE_S) + measuring.pause_s()

    def next(self) -> bytes:
        """The telegram of this moment, with its faults."""
        kinds = self.measuring.shown()
        lines = ["/SIM5\\2SIMULATED", "", *self._lines(self.measuring.told()), "!"]
        body = "\r\n".join(lines).encode("ascii")
        checksum = crc16(body, begin=0) ^ (0xFFFF if "bad_checksum" in kinds else 0)
        telegram = body + f"{checksum:04X}\r\n".encode("ascii")
        if "half" in kinds:
            telegram = telegram[: len(telegram) // 2]
        return NOISE + telegram if "noise" in kinds else telegram

    def _lines(self, sample: MeterSample | None) -> Iterator[str]:
        local = utc_from_s(self.measuring.clock.now_s()).astimezone(LOCAL)
        yield "1-3:0.2.8(50)"
        yield f"0-0:1.0.0({local:%y%m%d%H%M%S}{'S' if local.dst() else 'W'})"
        yield f"0-0:96.1.1({self.measuring.table.serial.encode('ascii', 'replace').hex().upper()})"
        if sample is None:
            return
        for direction, total in ((1, sample.import_wh), (2, sample.export_wh)):
            yield f"1-0:{direction}.8.1(000000.000*kWh)"
            yield f"1-0:{direction}.8.2({total[0] / 1000.0:010.3f}*kWh)"
        yield from _powers(("1", "2"), sample.power_w[0])
        for phase, power_w in enumerate(sample.power_w[1:], start=1):
            tens = 10 + 20 * (phase - 1)
            yield f"1-0:{tens + 22}.7.0({sample.voltage_v[phase]:05.1f}*V)"
            yield f"1-0:{tens + 21}.7.0({round(sample.current_a[phase]):03d}*A)"
            yield from _powers((f"{tens + 11}", f"{tens + 12}"), power_w)


def _powers(codes: tuple[str, str], power_w: float) -> Iterator[str]:
    """What comes in and what goes out; one of them is 0."""
    for code, flow_w in zip(codes, (power_w, -power_w), strict=True):
        yield f"1-0:{code}.7.0({max(flow_w, 0.0) / 1000.0:06.3f}*kW)"


@dataclass(slots=True, kw_only=True)
class P1Bridge(TcpPort):
    """Sends every telegram to each connection."""

    telegrams: Telegrams

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Say, and wait, until nobody is there any more."""
        while not await _gone(reader, self.telegrams.pause_s()):
            if "silent" not in self.telegrams.measuring.shown():
                await self.send(writer, self.telegrams.next())

    async def run(self) -> None:
        """Serve until cancelled."""
        await keep_open(self, self.telegrams.measuring.shown)


@dataclass(slots=True, kw_only=True)
class P1Line:
    """Sends every telegram on a serial port, or one end of a pseudo terminal."""

    telegrams: Telegrams
    path: str
    port: int = 0

    async def start(self) -> None:
        """Nothing listens."""

    async def stop(self) -> None:
        """Nothing listens."""

    async def run(self) -> None:
        """Say, and wait, until cancelled; what nobody reads is lost."""
        descriptor = os.open(self.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(descriptor)
        try:
            while True:
                await asyncio.sleep(self.telegrams.pause_s())
                if not SILENCE & self.telegrams.measuring.shown():
                    with contextlib.suppress(BlockingIOError):
                        os.write(descriptor, self.telegrams.next())
        finally:
            os.close(descriptor)


async def _gone(reader: asyncio.StreamReader, within_s: float) -> bool:
    """Whether the other end goes within so many real seconds; what it says is not heard."""
    try:
        async with asyncio.timeout(within_s):
            while await reader.read(1024):
                pass
    except TimeoutError:
        return False
    return True
