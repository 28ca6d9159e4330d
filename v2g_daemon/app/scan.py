"""`v2g scan`: what answers at an address or on a serial line, and the TOML for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from v2g_daemon.adapters.modbus.link import PORTS, Transport, parse_link
from v2g_daemon.adapters.modbus.looking import NOBODYS_UNIT, Found, look, not_found
from v2g_daemon.adapters.modbus.profile_file import CHARGERS, METERS
from v2g_daemon.adapters.system.clock import RealClock
from v2g_daemon.domain.errors import ConfigurationError, DeviceUnreachable

FIRST_UNITS = range(1, 6)
MORE_PORTS = (1502,)
USUAL_LINE = (9600, "N")


async def scan(target: str, units: tuple[int, ...]) -> AsyncIterator[str]:
    """Lines for people as things are found; the last ones are TOML. DeviceUnreachable: nobody."""
    answered = 0
    why: DeviceUnreachable | None = None
    for text in links_of(target):
        link = parse_link(text)
        found = []
        there = [one for one in units if one != NOBODYS_UNIT or not link.is_rtu]
        yield f"# looking at {text}, units {', '.join(str(one) for one in there)}"
        try:
            async for one in look(link, there, RealClock()):
                found.append(one)
                yield f"# unit {one.unit_id}: {one.name}: {one.said}"
        except DeviceUnreachable as error:
            why = error
            continue
        answered += 1
        for line in _proposal(text, found):
            yield line
        if found and link.transport is Transport.RTU:
            break  # a line has one speed
    if answered == 0 and why is not None:
        raise why
    yield f"# not looked for, as nothing tells them from other devices: {', '.join(not_found())}"


def links_of(target: str) -> tuple[str, ...]:
    """The links to try: as given, else the usual ports of a host or speeds of a line."""
    if "://" in target:
        return (target,)
    if target.startswith("/"):
        return tuple(f"rtu://{target}?baud={baud}&parity={parity}" for baud, parity in _lines())
    host, _, port = target.partition(":")
    if not host:
        raise ConfigurationError(f"{target!r} names no host; write HOST, HOST:PORT or /dev/ttyUSB0")
    return tuple(f"tcp://{host}:{one}" for one in ([port] if port else _ports()))


def usual_units() -> tuple[int, ...]:
    """The first few, and those that profiles name; 0 comes last."""
    named = {METERS.load(name).unit_id for name in METERS.shipped()}
    named |= {CHARGERS.load(name).unit_id for name in CHARGERS.shipped()}
    return (*sorted({*FIRST_UNITS, *named} - {NOBODYS_UNIT}), NOBODYS_UNIT)


def _ports() -> tuple[int, ...]:
    chargers = {CHARGERS.load(name).port for name in CHARGERS.shipped()}
    return (
        PORTS[Transport.TCP],
        *sorted(chargers - {PORTS[Transport.TCP]}),
        *MORE_PORTS,
    )


def _lines() -> tuple[tuple[int, str], ...]:
    profiles = [METERS.load(name) for name in METERS.shipped()]
    named = {
        (one.baud, one.parity)
        for one in profiles
        if one.baud is not None and one.parity is not None
    }
    return (USUAL_LINE, *sorted(named - {USUAL_LINE}, reverse=True))


def _proposal(link: str, found: list[Found]) -> Iterator[str]:
    """One table for each device; further profiles that fit as well stand behind a comment sign."""
    meters = 0
    for unit_id in dict.fromkeys(one.unit_id for one in found):
        here = [one for one in found if one.unit_id == unit_id]
        first = here[0]
        yield ""
        yield f"# {first.name}, serial number {first.serial or 'not told'}: {first.said}"
        if first.kind == "charger":
            yield from _charger(link, first)
        else:
            meters += 1
            yield from _meter(link, here, role="grid" if meters == 1 else "sub")


def _charger(link: str, found: Found) -> Iterator[str]:
    profile = CHARGERS.load(found.profile)
    yield "[[charger]]"
    yield 'id = "garage"'
    yield 'protocol = "modbus"'
    yield f"max_charge_w = {profile.max_charge_w:g}    # at most what its wiring bears"
    yield f"max_discharge_w = {profile.max_discharge_w:g}"
    yield "[charger.modbus]"
    yield f'link = "{link}"'
    yield f'profile = "{found.profile}"'
    yield f"unit_id = {found.unit_id}"


def _meter(link: str, here: list[Found], *, role: str) -> Iterator[str]:
    first = here[0]
    if not first.sure or len(here) > 1:
        yield "# told by its values alone: compare them with its display and its label"
    yield "[[meter]]"
    yield f'role = "{role}"    # or what it measures: grid, pv, battery, evse, sub'
    yield f'link = "{link}"'
    yield f'profile = "{first.profile}"'
    for other in here[1:]:
        yield f'# profile = "{other.profile}"    # {other.name}: {other.said}'
    yield f"unit_id = {first.unit_id}"
