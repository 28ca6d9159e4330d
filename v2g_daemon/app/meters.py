"""The meters of the configuration: profiles looked up, one bus per place, a reader for each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import assert_never
from urllib.parse import urlsplit
from zlib import crc32

from v2g_daemon.adapters.http_meter.meter import SCHEMES as HTTP_SCHEMES
from v2g_daemon.adapters.http_meter.meter import HttpMeter, HttpSource
from v2g_daemon.adapters.http_meter.translate import Pointers
from v2g_daemon.adapters.modbus.bus import Buses
from v2g_daemon.adapters.modbus.link import Link, Transport, parse_link
from v2g_daemon.adapters.modbus.meter import ModbusMeter
from v2g_daemon.adapters.modbus.profile import MeterProfile
from v2g_daemon.adapters.modbus.profile_file import load_profile
from v2g_daemon.adapters.p1.meter import SCHEMES as P1_SCHEMES
from v2g_daemon.adapters.p1.meter import P1Link, P1Meter
from v2g_daemon.adapters.p1.meter import parse_link as parse_p1_link
from v2g_daemon.adapters.speedwire.meter import SpeedwireLink, SpeedwireMeter
from v2g_daemon.adapters.speedwire.meter import parse_link as parse_speedwire_link
from v2g_daemon.domain.errors import ConfigurationError
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.readings import MeterRole
from v2g_daemon.ports import Clock, Meter, MeterSink
from v2g_daemon.runtime.meter_reader import MeterPlace, MeterReader
from v2g_daemon.runtime.meter_slots import MeterSlot
from v2g_daemon.settings import Settings, sections

OTHER_MAX_AGE_S = 30.0
SENT_BY_ITSELF_S = 1.0
EdgeTask = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModbusSource:
    """A Modbus meter as configured, with what its profile adds."""

    link: Link
    profile: MeterProfile
    unit_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """What the charging station of an EVSE tells of the grid connection."""

    evse_id: str


Source = ModbusSource | P1Link | SpeedwireLink | HttpSource | Upstream


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterPlan:
    """One [[meter]], understood; `period_s` in (simulated) seconds."""

    meter_id: str
    role: MeterRole
    source: Source
    period_s: float
    evse_id: str | None


def with_periods(settings: Settings) -> Settings:
    """The settings with each meter's period: as given, else that of its profile."""
    plans = meter_plans(settings)
    meters = tuple(
        meter.model_copy(update={"period_s": plan.period_s, "id": plan.meter_id})
        for meter, plan in zip(settings.meter, plans, strict=True)
    )
    return settings.model_copy(update={"meter": meters})


def meter_plans(settings: Settings) -> tuple[MeterPlan, ...]:
    """Every [[meter]]; raises ConfigurationError with key and fix."""
    plans: list[MeterPlan] = []
    for number, meter in enumerate(settings.meter):
        try:
            plan = _plan(meter, settings, taken=[one.meter_id for one in plans])
        except ConfigurationError as error:
            raise ConfigurationError(f"meter[{number}] ({meter.role}): {error}") from error
        if plan.meter_id in [one.meter_id for one in plans]:
            raise ConfigurationError(
                f"meter[{number}] ({meter.role}): another meter is called {plan.meter_id!r}; "
                "give each its own id"
            )
        plans.append(plan)
    return tuple(plans)


def slots(settings: Settings, tick_s: float) -> tuple[MeterSlot, ...]:
    """Where the readings of each meter go, and how long one is believed."""
    return tuple(
        MeterSlot(
            meter_id=plan.meter_id,
            role=plan.role,
            max_age_s=_max_age_s(plan, tick_s),
            evse_id=plan.evse_id,
            upstream_of=plan.source.evse_id if isinstance(plan.source, Upstream) else None,
            place=place_of(plan.source),
        )
        for plan in meter_plans(settings)
    )


def readers(
    settings: Settings, policy: Policy, clock: Clock, sink: MeterSink, buses: Buses
) -> dict[str, EdgeTask]:
    """A reader for each meter that is read; meters in one place share its bus."""
    grid, speed = policy.grid, 1.0 if settings.clock is None else settings.clock.speed
    tasks: dict[str, EdgeTask] = {}
    for plan in meter_plans(settings):
        meter = meter_of(plan.source, clock, buses, speed=speed)
        if meter is None:
            continue
        asked = isinstance(plan.source, ModbusSource | HttpSource)
        place = MeterPlace(
            meter_id=plan.meter_id,
            period_s=plan.period_s if asked else 0.0,
            main_fuse_w=grid.main_fuse_a * grid.nominal_voltage_v * grid.phases,
        )
        reader = MeterReader(meter=meter, place=place, clock=clock, sink=sink)
        tasks[f"meter {plan.meter_id}"] = reader.run
    return tasks


def warnings(settings: Settings) -> tuple[str, ...]:
    """One sentence for each meter whose map is not confirmed."""
    return tuple(
        f"meter {plan.meter_id}: the map of profile {plan.source.profile.id} is not confirmed "
        f"({plan.source.profile.unverified}); compare what it reads with the meter's display"
        for plan in meter_plans(settings)
        if isinstance(plan.source, ModbusSource) and plan.source.profile.unverified is not None
    )


def described(plan: MeterPlan) -> str:
    """One line for people."""
    match plan.source:
        case ModbusSource(link=link, profile=profile, unit_id=unit_id):
            return (
                f"{link.transport.value}://{link.name} unit {unit_id}, profile {profile.id}, "
                f"every {plan.period_s:g} s"
            )
        case P1Link() as p1:
            return f"{p1.name}, as its telegrams come"
        case SpeedwireLink() as speedwire:
            return f"{speedwire.name}, as its datagrams come"
        case HttpSource(url=url):
            return f"{url}, every {plan.period_s:g} s"
        case Upstream(evse_id=evse_id):
            return f"what the station of charger {evse_id} tells of the grid connection"
        case _ as never:
            assert_never(never)


def place_of(source: Source) -> str:
    """Which meter it is where it tells no serial number: how it is read, and where."""
    match source:
        case ModbusSource(link=link, profile=profile, unit_id=unit_id):
            return f"{profile.id} unit {unit_id} at {link.transport.value}://{link.name}"
        case P1Link() | SpeedwireLink():
            return source.name
        case HttpSource(url=url):
            # A password or a key does not belong into the ledger, which meter of several does.
            parts = urlsplit(url)
            query = f" #{crc32(parts.query.encode()):08x}" if parts.query else ""
            return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}{query}"
        case Upstream(evse_id=evse_id):
            return f"the station of charger {evse_id}"
        case _ as never:
            assert_never(never)


def _plan(meter: sections.Meter, settings: Settings, *, taken: list[str]) -> MeterPlan:
    source = _source(meter, settings)
    period_s = meter.period_s
    if period_s is None:
        period_s = source.profile.period_s if isinstance(source, ModbusSource) else SENT_BY_ITSELF_S
    number = len([one for one in taken if one.split("-")[0] == meter.role]) + 1
    usual = meter.role if number == 1 else f"{meter.role}-{number}"
    return MeterPlan(
        meter_id=meter.id or usual,
        role=MeterRole(meter.role),
        source=source,
        period_s=period_s,
        evse_id=meter.evse,
    )


def _source(meter: sections.Meter, settings: Settings) -> Source:
    """What the link's scheme names; keys of another kind of meter are refused."""
    scheme = urlsplit(meter.link).scheme
    is_modbus = scheme in {transport.value for transport in Transport}
    if not is_modbus and (meter.profile is not None or meter.unit_id is not None):
        raise ConfigurationError(
            f"profile and unit_id belong to Modbus links, not to {meter.link!r}; remove them"
        )
    if scheme not in HTTP_SCHEMES and meter.answer is not None:
        raise ConfigurationError(f"[meter.answer] has no meaning for {meter.link!r}; remove it")
    if is_modbus:
        return _modbus(meter)
    if scheme in P1_SCHEMES:
        return parse_p1_link(meter.link)
    if scheme == "speedwire":
        return parse_speedwire_link(meter.link)
    if scheme in HTTP_SCHEMES:
        if meter.answer is None:
            raise ConfigurationError(
                "where do the values stand in the answer? add [meter.answer] with power_w and sign"
            )
        return HttpSource(url=meter.link, pointers=Pointers(**meter.answer.model_dump()))
    if scheme == "ocpp":
        return _upstream(meter, settings)
    raise ConfigurationError(
        f"link = {meter.link!r} is of no known kind; it starts with tcp, tls, udp, rtu, rtu+tcp "
        "(Modbus), p1, p1+tcp, speedwire, http, https or ocpp"
    )


def _modbus(meter: sections.Meter) -> ModbusSource:
    if meter.profile is None:
        raise ConfigurationError(
            'a Modbus meter needs its profile; add one such as profile = "sunspec" '
            "(docs/adding-a-meter.md lists them)"
        )
    link, profile = parse_link(meter.link), load_profile(meter.profile)
    if link.is_rtu and profile.reachable_by == "network":
        raise ConfigurationError(
            f'profile {profile.id} is for a network link; write link = "tcp://HOST:502"'
        )
    if link.transport is Transport.RTU:
        link = replace(link, baud=link.baud or profile.baud, parity=link.parity or profile.parity)
    unit_id = profile.unit_id if meter.unit_id is None else meter.unit_id
    return ModbusSource(link=link, profile=profile, unit_id=unit_id)


def _upstream(meter: sections.Meter, settings: Settings) -> Upstream:
    evse_id = meter.link.removeprefix("ocpp:")
    known = [charger.id for charger in settings.charger]
    if meter.role != "grid":
        raise ConfigurationError('a station tells of the grid connection; write role = "grid"')
    if evse_id not in known:
        raise ConfigurationError(
            f"link = {meter.link!r} names no charger; write ocpp: and one of {', '.join(known)}"
        )
    return Upstream(evse_id=evse_id)


def _max_age_s(plan: MeterPlan, tick_s: float) -> float:
    """At the PCC and an EVSE as safety wants it; the others only inform."""
    shortest_s = 5.0 if plan.role in (MeterRole.GRID, MeterRole.EVSE) else OTHER_MAX_AGE_S
    return max(shortest_s, 2.5 * plan.period_s, 3.0 * tick_s)


def meter_of(source: Source, clock: Clock, buses: Buses, *, speed: float = 1.0) -> Meter | None:
    """What reads it, where anything does; the rests that a device wants pass in its own time."""
    match source:
        case ModbusSource(link=link, profile=profile, unit_id=unit_id):
            unit = buses.at(link).unit(
                unit_id,
                min_gap_s=profile.min_gap_ms / 1000.0 / speed,
                settle_s=profile.settle_ms / 1000.0 / speed,
            )
            return ModbusMeter(unit=unit, profile=profile, clock=clock)
        case P1Link():
            return P1Meter(link=source, clock=clock)
        case SpeedwireLink():
            return SpeedwireMeter(link=source, clock=clock)
        case HttpSource():
            return HttpMeter(source=source, clock=clock)
        case Upstream():
            return None
        case _ as never:
            assert_never(never)
