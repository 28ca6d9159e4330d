"""One owner per host and port, or serial port: whose turn it is, who is left alone, and silence.

Modbus RTU has no transaction id: an answer that comes late fits the next question. After anything
but an answer an RTU bus therefore says nothing for as long as that answer could still come. All
times here are real seconds, in time-lapse too.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from heapq import heappop, heappush
from math import inf

from v2g_daemon.adapters.modbus.frames import (
    MOST_READ,
    MOST_WRITTEN,
    READ_HOLDING_REGISTERS,
    WRITE_REGISTER,
    WRITE_REGISTERS,
    Request,
)
from v2g_daemon.adapters.modbus.link import Link
from v2g_daemon.adapters.modbus.wire import Answer, Wire
from v2g_daemon.domain.errors import DeviceError, DeviceRejectedCommand, DeviceUnreachable

FIRST_BACKOFF_S = 0.25
LONGEST_BACKOFF_S = 5.0
UNKNOWN_TO_THE_DEVICE = (1, 2, 3)  # function, address or value: it will answer the same again
GATEWAY_SILENCES = (10, 11)  # the gateway is there, the device behind it is not

# Modbus Application Protocol 1.1b3, section 7.
_EXCEPTIONS = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "device failure",
    5: "acknowledged, still working",
    6: "busy",
    10: "gateway path unavailable",
    11: "gateway target does not answer",
}


class NoSuchRegister(DeviceRejectedCommand):
    """The device does not know the function, the registers or the value; asking again is vain."""


class Turn(IntEnum):
    """Who goes first where several wait for one bus."""

    SETPOINT = 0
    FAST = 1
    SLOW = 2


@dataclass(slots=True)
class BusCounts:
    """What became of the questions since the start."""

    connections: int = 0
    answers: int = 0
    refusals: int = 0
    failures: int = 0


@dataclass(slots=True)
class Backoff:
    """How long something that fails is left alone, 0.25 s doubling to 5 s, and why."""

    until_s: float = -inf
    failures: int = 0
    why: DeviceError = field(default_factory=lambda: DeviceUnreachable("was interrupted"))

    def failed(self, now_s: float, why: DeviceError) -> None:
        """It failed once more."""
        wait_s = min(FIRST_BACKOFF_S * 2 ** min(self.failures, 10), LONGEST_BACKOFF_S)
        self.failures += 1
        self.until_s = now_s + wait_s
        self.why = why

    def worked(self) -> None:
        """It may be asked at once again."""
        self.failures, self.until_s = 0, -inf

    def refuse(self, now_s: float) -> None:
        """Raise what went wrong again while it is left alone."""
        if self.until_s > now_s:
            wait_s = self.until_s - now_s
            raise type(self.why)(f"{self.why}; the next attempt is in {wait_s:.1f} s")


class Bus:
    """Owns the connection of a link; `unit` gives the devices on it."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.counts = BusCounts()
        self._wire = Wire(link)
        self._turns = _Turns()
        self._absent = Backoff()
        self._units: dict[int, Unit] = {}
        self._silent_until_s = -inf

    @property
    def name(self) -> str:
        """Host and port or serial port, for people."""
        return self.link.name

    def unit(self, unit_id: int, *, min_gap_s: float = 0.0, settle_s: float = 0.0) -> Unit:
        """The device with this unit id; it is left alone between questions, and once connected."""
        unit = self._units.setdefault(unit_id, Unit(self, unit_id))
        unit.min_gap_s = max(unit.min_gap_s, min_gap_s)
        unit.settle_s = max(unit.settle_s, settle_s)
        return unit

    def close(self) -> None:
        """End the connection; a later question opens a new one."""
        self._wire.drop()

    async def ask(self, unit: Unit, request: Request, turn: Turn) -> tuple[int, ...]:
        """The registers that answer the question when its turn has come; raises a DeviceError."""
        while True:
            self._refuse(unit)
            async with self._turns.take(turn):
                self._refuse(unit)
                wait_s = unit.next_at_s - _now_s()
                if wait_s <= 0.0:
                    return self._accepted(unit, await self._talk(unit, request))
            await asyncio.sleep(wait_s)

    def _refuse(self, unit: Unit) -> None:
        self._absent.refuse(_now_s())
        unit.silence.refuse(_now_s())

    async def _talk(self, unit: Unit, request: Request) -> Answer:
        await self._connected()
        await asyncio.sleep(max(self._silent_until_s - _now_s(), 0.0))
        answer: Answer | None = None
        why: DeviceError = DeviceUnreachable(f"{unit.name} was interrupted")
        try:
            answer = await self._wire.ask(request)
            return answer
        except DeviceError as error:
            why = error
            raise
        finally:
            # Cancellation included: a late answer may still be on its way.
            self._settle(unit, answer, why)

    async def _connected(self) -> None:
        if self._wire.connected:
            return
        try:
            await self._wire.connect()
        except DeviceUnreachable as error:
            self._absent.failed(_now_s(), error)
            self._wire.drop()
            raise
        self._absent.worked()
        self.counts.connections += 1
        settle_s = max(unit.settle_s for unit in self._units.values())
        self._silent_until_s = max(self._silent_until_s, _now_s() + settle_s)

    def _settle(self, unit: Unit, answer: Answer | None, why: DeviceError) -> None:
        now_s = _now_s()
        unit.next_at_s = now_s + unit.min_gap_s
        if answer is None:
            self.counts.failures += 1
            self._wire.drop()
            self._silent_until_s = now_s + max(self.link.quiet_s, self.link.frame_gap_s)
            unit.silence.failed(now_s, why)
            return
        self._silent_until_s = now_s + self.link.frame_gap_s
        if answer.exception_code in GATEWAY_SILENCES:
            unit.silence.failed(now_s, DeviceUnreachable(f"{unit.name} does not answer"))
        else:
            unit.silence.worked()

    def _accepted(self, unit: Unit, answer: Answer) -> tuple[int, ...]:
        code = answer.exception_code
        if code is None:
            self.counts.answers += 1
            return answer.registers
        self.counts.refusals += 1
        text = f"exception {code} ({_EXCEPTIONS.get(code, 'unknown')})"
        if code in GATEWAY_SILENCES:
            raise DeviceUnreachable(f"{unit.name} does not answer: {text}")
        refusal = NoSuchRegister if code in UNKNOWN_TO_THE_DEVICE else DeviceRejectedCommand
        raise refusal(f"{unit.name} refused with {text}")


class Buses:
    """Every place once: meters and chargers behind one address, or on one line, share its bus."""

    def __init__(self) -> None:
        self._buses: dict[tuple[str, int], Bus] = {}

    def at(self, link: Link) -> Bus:
        """The bus of the link's place."""
        return self._buses.setdefault(link.place, Bus(link))


class Unit:
    """One device on a bus: reads and writes registers at zero-based addresses."""

    def __init__(self, bus: Bus, unit_id: int) -> None:
        self._bus = bus
        self._unit_id = unit_id
        self.min_gap_s = 0.0
        self.settle_s = 0.0
        self.next_at_s = -inf
        self.silence = Backoff()

    @property
    def name(self) -> str:
        """For people."""
        return f"{self._bus.name} unit {self._unit_id}"

    def hang_up(self) -> None:
        """End the bus's connection; whoever asks next opens a new one."""
        self._bus.close()

    async def read(
        self,
        address: int,
        count: int,
        *,
        function_code: int = READ_HOLDING_REGISTERS,
        turn: Turn = Turn.FAST,
    ) -> tuple[int, ...]:
        """Exactly `count` registers; raises a DeviceError."""
        if not 1 <= count <= MOST_READ:
            raise ValueError(f"{count} registers in one read; 1 to {MOST_READ} are possible")
        request = Request(
            unit_id=self._unit_id, function_code=function_code, address=address, count=count
        )
        return await self._bus.ask(self, request, turn)

    async def write_register(self, address: int, value: int, *, turn: Turn = Turn.SETPOINT) -> None:
        """Write one register (function 6); returns once the device confirmed just that."""
        await self._write(WRITE_REGISTER, address, (value,), turn)

    async def write_registers(
        self, address: int, values: tuple[int, ...], *, turn: Turn = Turn.SETPOINT
    ) -> None:
        """Write registers in one request (function 16); returns once they are confirmed."""
        await self._write(WRITE_REGISTERS, address, values, turn)

    async def _write(
        self, function_code: int, address: int, values: tuple[int, ...], turn: Turn
    ) -> None:
        if not 1 <= len(values) <= MOST_WRITTEN or not all(0 <= one <= 0xFFFF for one in values):
            raise ValueError(f"{values} are no 1 to {MOST_WRITTEN} registers of 16 bits")
        request = Request(
            unit_id=self._unit_id,
            function_code=function_code,
            address=address,
            count=len(values),
            values=values,
        )
        await self._bus.ask(self, request, turn)


class _Turns:
    """A lock that the most urgent waiter gets next."""

    def __init__(self) -> None:
        self._taken = False
        self._number = 0
        self._waiting: list[tuple[Turn, int, asyncio.Future[None]]] = []

    @asynccontextmanager
    async def take(self, turn: Turn) -> AsyncIterator[None]:
        """Hold the bus for the block."""
        if self._taken:
            await self._wait(turn)
        self._taken = True
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, turn: Turn) -> None:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._number += 1
        heappush(self._waiting, (turn, self._number, waiter))
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        while self._waiting:
            _, _, waiter = heappop(self._waiting)
            if not waiter.done():
                waiter.set_result(None)
                return
        self._taken = False


def _now_s() -> float:
    return asyncio.get_running_loop().time()
