"""Looking for devices on a bus: gently, reading only, one question at a time.

A device is recognised by what its profile says of itself, by its SunSpec models, or, where a map
has no mark, by voltages and a frequency that are those of a grid. One with neither is not found.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

from v2g_daemon.adapters.modbus.bus import Bus, Unit
from v2g_daemon.adapters.modbus.chargers.parts import charger_family
from v2g_daemon.adapters.modbus.link import Link
from v2g_daemon.adapters.modbus.meter import ModbusMeter
from v2g_daemon.adapters.modbus.profile import Family, MeterProfile
from v2g_daemon.adapters.modbus.profile_file import CHARGERS, METERS
from v2g_daemon.adapters.modbus.values import number
from v2g_daemon.domain.errors import DeviceError, DeviceUnreachable
from v2g_daemon.domain.readings import MeterReading
from v2g_daemon.ports import Clock

VOLTAGE_V = (180.0, 270.0)
FREQUENCY_HZ = (45.0, 65.0)
NOBODYS_UNIT = 0  # on a serial line a broadcast
BETWEEN_PROFILES_S = 0.1  # real; a gateway that queues questions answers them late


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A device that fits a profile; `said` is what it shows, for a person to compare."""

    kind: str  # "meter" or "charger"
    profile: str
    name: str
    unit_id: int
    serial: str | None
    said: str
    sure: bool
    phases: int = 0  # of a meter: those with a voltage


async def look(link: Link, unit_ids: Iterable[int], clock: Clock) -> AsyncIterator[Found]:
    """Every device that answers on the bus; DeviceUnreachable where nobody takes a connection."""
    bus = Bus(link)
    try:
        for unit_id in unit_ids:
            try:
                await bus.unit(unit_id).read(0, 1)
            except DeviceUnreachable:
                if bus.counts.connections == 0:
                    raise
                await asyncio.sleep(BETWEEN_PROFILES_S)
                if not await _answers_input(bus, unit_id):
                    continue
            except DeviceError:
                pass  # it refused: so it is there
            async for found in _at(bus, unit_id, clock):
                yield found
    finally:
        bus.close()


async def _answers_input(bus: Bus, unit_id: int) -> bool:
    """Some meters say nothing at all to a function that they lack."""
    unit = bus.unit(unit_id)
    await asyncio.sleep(max(unit.silence.until_s - asyncio.get_running_loop().time(), 0.0))
    try:
        await unit.read(0, 2, function_code=4)
    except DeviceUnreachable:
        return False
    except DeviceError:
        return True
    return True


async def _at(bus: Bus, unit_id: int, clock: Clock) -> AsyncIterator[Found]:
    """Chargers first: each has a mark. Of the meters those with a mark, else all that fit."""
    for name in CHARGERS.shipped() if unit_id != NOBODYS_UNIT else ():
        charger = await _charger(bus, unit_id, name)
        if charger is not None:
            yield charger
            return
    meters = [METERS.load(name) for name in METERS.shipped()]
    if unit_id == NOBODYS_UNIT:
        # Many devices answer it for whoever they are: only those are looked for that live there.
        meters = [one for one in meters if one.unit_id == unit_id]
    for sure in (True, False):
        found = [
            one
            for profile in meters
            if _has_mark(profile) is sure
            and (one := await _meter(bus, unit_id, profile, clock)) is not None
        ]
        # A single-phase map fits a three-phase meter, and is not its own.
        for one in sorted(found, key=lambda each: -each.phases):
            yield one
        if found:
            return


async def _charger(bus: Bus, unit_id: int, name: str) -> Found | None:
    profile = CHARGERS.load(name)
    family = charger_family(
        bus,
        unit_id=unit_id,
        profile=profile,
        connector=profile.usual_connector,
        on_write=lambda _: None,
    )
    await _rest(bus, unit_id)
    try:
        await family.meet()
        seen = family.seen()
    except DeviceError:
        return None
    if not any(family.registers.image.values()):
        return None  # empty registers are nobody's
    soc = "" if seen.soc is None else f", SoC {seen.soc:.0%}"
    return Found(
        kind="charger",
        profile=name,
        name=profile.name,
        unit_id=unit_id,
        serial=family.serial,
        said=f"{seen.said}, {seen.power_w:.0f} W{soc}",
        sure=True,
    )


async def _meter(bus: Bus, unit_id: int, profile: MeterProfile, clock: Clock) -> Found | None:
    if bus.link.is_rtu and profile.reachable_by == "network":
        return None
    await _rest(bus, unit_id)
    unit = bus.unit(unit_id)
    try:
        reading = await ModbusMeter(unit=unit, profile=profile, clock=clock).read()
    except DeviceError:
        return None
    if not (_of_a_grid(reading) or (is_blind(profile) and await _shows_its_mark(unit, profile))):
        return None
    return Found(
        kind="meter",
        profile=profile.id,
        name=profile.name,
        unit_id=unit_id,
        serial=reading.serial,
        said=_shown(reading),
        sure=_has_mark(profile) or reading.serial is not None,
        phases=len([one for one in reading.voltage_v if one != 0.0]),
    )


async def _rest(bus: Bus, unit_id: int) -> None:
    """Until it may be asked again, and a little longer; each profile has rests of its own."""
    unit = bus.unit(unit_id)
    unit.min_gap_s = unit.settle_s = 0.0
    left_s = unit.silence.until_s - asyncio.get_running_loop().time()
    await asyncio.sleep(max(left_s, 0.0) + BETWEEN_PROFILES_S)


def is_blind(profile: MeterProfile) -> bool:
    """Whether its map tells no voltage to know a grid by."""
    return profile.family is Family.REGISTERS and profile.point.voltage_v is None


def not_found() -> tuple[str, ...]:
    """The profiles of meters that a look cannot recognise."""
    profiles = [METERS.load(name) for name in METERS.shipped()]
    return tuple(one.id for one in profiles if is_blind(one) and not one.require)


async def _shows_its_mark(unit: Unit, profile: MeterProfile) -> bool:
    """Whether every register that the profile requires is there, and holds what it must."""
    for one in profile.require:
        try:
            registers = await unit.read(
                one.address, one.point.registers, function_code=profile.function_code
            )
        except DeviceError:
            return False
        if number(registers, one.type, profile.word_order) not in one.one_of:
            return False
    return bool(profile.require)


def _has_mark(profile: MeterProfile) -> bool:
    return profile.family is Family.SUNSPEC or bool(profile.require)


def _of_a_grid(reading: MeterReading) -> bool:
    """Chance registers rarely make mains voltages; without any nothing can be told."""
    volts = [one for one in reading.voltage_v if one != 0.0]
    if not volts or not all(VOLTAGE_V[0] <= one <= VOLTAGE_V[1] for one in volts):
        return False
    hertz = reading.frequency_hz
    return hertz is None or FREQUENCY_HZ[0] <= hertz <= FREQUENCY_HZ[1]


def _shown(reading: MeterReading) -> str:
    volts = ", ".join(f"{one:.0f} V" for one in reading.voltage_v)
    phases = ", ".join(f"{one:.0f} W" for one in reading.phase_power_w)
    hertz = "" if reading.frequency_hz is None else f", {reading.frequency_hz:.2f} Hz"
    return f"{reading.power_w:.0f} W" + (f" ({phases})" if phases else "") + f", {volts}{hertz}"
