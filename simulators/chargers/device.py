"""What every simulated Modbus charger has: orders, an end of them, an outlet, and ways to fail."""

from __future__ import annotations

import struct
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from random import Random

from simulators.chargers.table import ChargerTable
from simulators.clock import ScaledClock
from simulators.faults import FaultBoard
from simulators.modbus.frames import (
    DEVICE_FAILURE,
    ILLEGAL_ADDRESS,
    ILLEGAL_FUNCTION,
    ILLEGAL_VALUE,
)
from simulators.modbus.maps import FORMATS
from simulators.modbus.server import Refused
from simulators.switches import Parameters
from simulators.vehicle import Vehicle
from simulators.world import Outlet, World

FOREIGN_EVERY_S = 20.0
FLOWS_W = 0.5

HOLDING, INPUT = 3, 4
Registers = dict[int, int]


def words(kind: str, value: float) -> tuple[int, ...]:
    """The registers of a number, high word first; kinds as in the maps of meters."""
    exact = value if kind[0] == "f" else round(value)
    data = struct.pack(FORMATS[kind], exact)
    return struct.unpack(f">{len(data) // 2}H", data)


def number(kind: str, registers: Iterable[int]) -> float:
    """The number in registers, high word first."""
    found = tuple(registers)
    value: float = struct.unpack(FORMATS[kind], struct.pack(f">{len(found)}H", *found))[0]
    return value


def text(said: str, count: int) -> tuple[int, ...]:
    """A text in registers, two characters each."""
    data = said.encode("ascii", "replace").ljust(2 * count, b"\0")[: 2 * count]
    return struct.unpack(f">{count}H", data)


def placed(cells: Mapping[int, tuple[int, ...]]) -> Registers:
    """Registers by address, of values by their first address."""
    return {
        address + offset: word
        for address, found in cells.items()
        for offset, word in enumerate(found)
    }


class ChargerDevice(ABC):
    """A unit of a Modbus server, and the controller of an outlet; charge +, discharge −.

    `timeout_s` 0: an order never ends by itself. Subclasses hold the registers.
    """

    ranges: tuple[tuple[int, int, int], ...] = ()  # function code, first address, count

    def __init__(
        self, *, table: ChargerTable, clock: ScaledClock, world: World, faults: FaultBoard
    ) -> None:
        """Take over the outlet of the table's id."""
        self.table = table
        self.clock = clock
        self.world = world
        self.faults = faults
        self.outlet: Outlet = world.outlets[table.id]
        self.outlet.controller = self
        self.setpoint_w = 0.0
        self.running = False
        self.timeout_s = table.own_timeout_s
        self.heard_s = clock.start_s
        self.ended_by_itself = 0
        self.writes: dict[int, int] = {}
        self.foreign_at_s: float | None = None
        self._plugs = self.outlet.plug_count
        self._old: dict[int, Registers] = {}
        self._chance = Random(1)

    @property
    def vehicle(self) -> Vehicle | None:
        """The car that is plugged in."""
        return self.outlet.vehicle

    @property
    def power_w(self) -> float:
        """What flows now."""
        return self.outlet.power_w

    def demand_w(self, at_s: float) -> float:
        """Return what is asked of the power electronics at an instant."""
        end_s = self.end_s()
        over = end_s is not None and at_s >= end_s
        wanted_w = self.without_us_w() if over else self.wanted_w()
        return -wanted_w if self.shows("sign_flip") else wanted_w

    def car_takes_w(self, at_s: float, demand_w: float) -> float:
        """Take all of it: the car's own whims are the OCPP stations' business."""
        del at_s
        return demand_w

    def next_change_s(self, at_s: float) -> float | None:
        """Return when an order next ends by itself."""
        end_s = self.end_s()
        return end_s if end_s is not None and end_s > at_s else None

    def end_s(self) -> float | None:
        """Return when the orders in force end by themselves."""
        return self.heard_s + self.timeout_s if self.timeout_s > 0.0 and self.orders() else None

    def read(self, function_code: int, address: int, count: int) -> tuple[int, ...]:
        """Return the registers of this moment; raises Refused."""
        self.hear(feeds=self.reads_feed)
        codes = {code for code, _, _ in self.ranges}
        if function_code not in codes:
            raise Refused(ILLEGAL_FUNCTION)
        if not any(
            code == function_code and first <= address and address + count <= first + length
            for code, first, length in self.ranges
        ):
            raise Refused(ILLEGAL_ADDRESS)
        image = self._image(function_code)
        held = [image.get(one, 0) for one in range(address, address + count)]
        if held and self.shows("register_noise"):
            held[self._chance.randrange(count)] = self._chance.randrange(0x10000)
        return tuple(held)

    def write(self, address: int, values: tuple[int, ...]) -> None:
        """Take an order; raises Refused."""
        self.hear(feeds=True)
        self.writes[address] = self.writes.get(address, 0) + 1
        if self.shows("refuses_writes"):
            raise Refused(DEVICE_FAILURE)
        if self.shows("ignores_writes"):
            return
        self.world.advance_to(self.clock.now_s())
        self.order(address, values)

    def hear(self, *, feeds: bool) -> None:
        """Catch up with the moment of a message; what ended meanwhile has ended."""
        now_s = self.clock.now_s()
        self.world.advance_to(now_s)
        if self.shows("module_crash"):
            raise Refused(DEVICE_FAILURE)
        end_s = self.end_s()
        if end_s is not None and now_s >= end_s:
            self.ended_by_itself += 1
            self.ended()
        if feeds:
            self.heard_s = now_s
        if self.outlet.plug_count != self._plugs:
            self._plugs = self.outlet.plug_count
            self.plugged()
        if self.faults.take(self.table.id, "reboot", now_s):
            self.rebooted()
        self._meddle(now_s)

    reads_feed = True

    @abstractmethod
    def wanted_w(self) -> float:
        """Return what its orders ask for."""

    @abstractmethod
    def orders(self) -> bool:
        """Whether an order is in force that can end by itself."""

    @abstractmethod
    def registers(self, function_code: int) -> Registers:
        """Return every register as it stands."""

    @abstractmethod
    def order(self, address: int, values: tuple[int, ...]) -> None:
        """Take a write that was not refused before; raises Refused."""

    def without_us_w(self) -> float:
        """Return what it does once its orders ended by themselves."""
        return 0.0

    def ended(self) -> None:
        """Its orders ended by themselves."""
        self.running = False
        self.setpoint_w = 0.0

    def plugged(self) -> None:
        """Another plug-in: what was begun with the car before is over."""
        self.running = False

    def rebooted(self) -> None:
        """Back to how it was made."""
        self.running = False
        self.setpoint_w = 0.0

    def meddled(self, value_w: float) -> None:
        """Somebody else orders a power."""
        self.setpoint_w = value_w
        self.running = True

    def shows(self, kind: str) -> bool:
        """Whether a fault is in force."""
        return kind in self.faults.active(self.table.id, self.clock.now_s())

    def parameters(self, kind: str) -> Parameters | None:
        """Return what was said of a fault in force."""
        found = self.faults.now(self.table.id, self.clock.now_s())
        return next((fault.parameters for fault in found if fault.kind == kind), None)

    def soc_percent(self) -> float:
        """Return the SoC that is told, 0 to 100; 0 without a car."""
        glitch = self.parameters("soc_glitch")
        if glitch is not None:
            return glitch.value
        return 0.0 if self.vehicle is None else self.vehicle.soc * 100.0

    def refuse_outside(self, value_w: float, lowest_w: float, highest_w: float) -> None:
        """Refuse a power that is not offered, or a discharge that its grid code forbids."""
        if not lowest_w <= value_w <= highest_w:
            raise Refused(ILLEGAL_VALUE)
        forbidden = not self.table.discharge_permitted or self.shows("refuses_discharge")
        if value_w < 0.0 and forbidden:
            raise Refused(ILLEGAL_VALUE)

    def _image(self, function_code: int) -> Registers:
        if self.shows("frozen") and function_code in self._old:
            return self._old[function_code]
        self._old[function_code] = self.registers(function_code)
        return self._old[function_code]

    def _meddle(self, now_s: float) -> None:
        foreign = self.parameters("foreign_writer")
        last_s = self.foreign_at_s
        if foreign is not None and (last_s is None or now_s - last_s >= FOREIGN_EVERY_S):
            self.foreign_at_s = now_s
            self.meddled(foreign.value)
