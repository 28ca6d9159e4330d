"""The chargers that speak Modbus: profiles looked up, one bus per place, a driver for each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from v2g_daemon.adapters.modbus.bus import Buses
from v2g_daemon.adapters.modbus.chargers.config import ChargerConfig
from v2g_daemon.adapters.modbus.chargers.driver import ModbusCharger
from v2g_daemon.adapters.modbus.chargers.energy import NOTHING_COUNTED, Energy
from v2g_daemon.adapters.modbus.chargers.parts import modbus_charger
from v2g_daemon.adapters.modbus.chargers.profile import ChargerProfile
from v2g_daemon.adapters.modbus.link import Link, parse_link
from v2g_daemon.adapters.modbus.profile_file import CHARGERS
from v2g_daemon.domain.errors import ConfigurationError
from v2g_daemon.domain.ledger import EvseInterval
from v2g_daemon.domain.policy import Policy, Stage
from v2g_daemon.ports import Clock, ObservationSink, StationJournal
from v2g_daemon.settings import Charger, Settings
from v2g_daemon.settings.modbus_section import ModbusSection

LOOPBACK = ("127.0.0.1", "::1", "localhost")
LEASE_TICKS = 6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargerPlan:
    """One [[charger]] over Modbus, understood.

    `watchdog_s` None: nothing ends a command in the device, so it is told only what is safe alone.
    """

    evse_id: str
    link: Link
    profile: ChargerProfile
    unit_id: int
    connector: int
    watchdog_s: int | None
    charge_only: bool


def with_chargers(settings: Settings) -> Settings:
    """The settings with what the profiles of the chargers say, where they say nothing."""
    plans = {plan.evse_id: plan for plan in charger_plans(settings)}
    chargers = tuple(
        _completed(charger, plans[charger.id].profile) if charger.id in plans else charger
        for charger in settings.charger
    )
    return settings.model_copy(update={"charger": chargers})


def charger_plans(settings: Settings) -> tuple[ChargerPlan, ...]:
    """Every charger over Modbus; raises ConfigurationError with key and fix."""
    plans = []
    for number, charger in enumerate(settings.charger):
        if charger.modbus is None:
            continue
        try:
            plans.append(_plan(charger, charger.modbus, settings))
        except ConfigurationError as error:
            raise ConfigurationError(f"charger[{number}].modbus ({charger.id}): {error}") from error
    return tuple(plans)


def drivers(
    settings: Settings,
    policy: Policy,
    clock: Clock,
    sink: ObservationSink,
    journal: StationJournal,
    buses: Buses,
    counted: Iterable[EvseInterval],
) -> tuple[ModbusCharger, ...]:
    """A driver for each; `counted` are the newest rows of the ledger, where registers go on."""
    rows = {row.evse_id: row for row in counted}
    return tuple(
        modbus_charger(
            buses.at(plan.link),
            unit_id=plan.unit_id,
            config=_config(plan, settings, policy, rows.get(plan.evse_id)),
            clock=clock,
            sink=sink,
            journal=journal,
            speed=1.0 if settings.clock is None else settings.clock.speed,
        )
        for plan in charger_plans(settings)
    )


def described(plan: ChargerPlan) -> Iterator[str]:
    """What was understood of one, for people."""
    profile = plan.profile
    connector = "" if plan.connector in (0, 1) else f", connector {plan.connector}"
    yield (
        f"Charger {plan.evse_id}: {profile.name} at {plan.link.transport.value}://"
        f"{plan.link.name} unit {plan.unit_id}{connector}; its own load balancing is off under "
        "Modbus, the daemon guards the fuse."
    )
    if plan.watchdog_s is None:
        yield (
            f"Charger {plan.evse_id} has no end of a command that can be armed: it only charges, "
            "at the static safe current at most. If its own menu has one, set it to 60 s and "
            "write charger.modbus.watchdog_s = 60."
        )
    else:
        yield f"Charger {plan.evse_id} ends a command by itself {plan.watchdog_s} s after our last."
    if not profile.discharge.commanded:
        yield f"Charger {plan.evse_id} cannot be told to discharge: {profile.discharge.because}."


def warnings(settings: Settings) -> tuple[str, ...]:
    """One sentence each for what should be known when it is set up."""
    return tuple(
        sentence for plan in charger_plans(settings) for sentence in _warnings(plan, settings)
    )


def _warnings(plan: ChargerPlan, settings: Settings) -> Iterator[str]:
    profile = plan.profile
    charger = next(one for one in settings.charger if one.id == plan.evse_id)
    if profile.unverified is not None:
        yield (
            f"charger {plan.evse_id}: the map of profile {profile.id} is not confirmed "
            f"({profile.unverified}); watch its first charge and discharge"
        )
    if charger.fail_state == "idles":
        yield (
            f"charger {plan.evse_id} does not charge while the daemon is away, so the energy for "
            "a trip is in the car two hours early; tell whoever drives it"
        )
    if charger.max_discharge_w > 0.0 and not profile.discharge.commanded:
        yield (
            f"charger {plan.evse_id}: max_discharge_w is given, and {profile.discharge.because}; "
            "it only charges"
        )
    elif charger.max_discharge_w > 0.0 and plan.watchdog_s is None:
        yield (
            f"charger {plan.evse_id}: {profile.discharge.because}, so it only charges until "
            "charger.modbus.watchdog_s says what its own menu is set to"
        )


def _plan(charger: Charger, given: ModbusSection, settings: Settings) -> ChargerPlan:
    link, profile = parse_link(given.link), CHARGERS.load(given.profile)
    if settings.clock is not None and link.address not in LOOPBACK:
        raise ConfigurationError(
            f"link = {given.link!r} is a device outside this machine, and [clock] makes this a "
            "simulated run; remove [clock]"
        )
    for way, most_w in (("charge", profile.max_charge_w), ("discharge", profile.max_discharge_w)):
        asked_w = getattr(charger, f"max_{way}_w")
        if asked_w > most_w > 0.0:
            raise ConfigurationError(
                f"max_{way}_w = {asked_w:g} is above the {most_w:g} of a {profile.name}; lower it"
            )
    if profile.phases > settings.site.phases and charger.phases is None:
        raise ConfigurationError(
            f"a {profile.name} has {profile.phases} phases, and site.phases = "
            f"{settings.site.phases}; correct one, or write charger.phases"
        )
    if given.connector is not None and given.connector > profile.connectors:
        raise ConfigurationError(
            f"connector = {given.connector}: a {profile.name} has {profile.connectors}; remove it"
        )
    return ChargerPlan(
        evse_id=charger.id,
        link=link,
        profile=profile,
        unit_id=profile.unit_id if given.unit_id is None else given.unit_id,
        connector=profile.usual_connector if given.connector is None else given.connector,
        watchdog_s=_watchdog_s(given.watchdog_s, profile, settings),
        charge_only=charger.charge_only,
    )


def _watchdog_s(given_s: int | None, profile: ChargerProfile, settings: Settings) -> int | None:
    """As given, else the profile's; in time-lapse never shorter than six ticks."""
    own_s = None if profile.watchdog is None else profile.watchdog.seconds
    armed_s = own_s if given_s is None else given_s
    if armed_s is None or settings.clock is None:
        return armed_s
    return max(armed_s, round(LEASE_TICKS * settings.control.tick_s))


def _completed(charger: Charger, profile: ChargerProfile) -> Charger:
    """What the owner wrote stands above what the profile says.

    `soc_needs_power` is none of the house's business here: the driver itself hands on no SoC that
    was told without power, and lets a watt flow to ask for one.
    """
    said: dict[str, Any] = {
        "phases": profile.phases,
        "min_charge_w": min(profile.min_charge_w, charger.max_charge_w),
        "min_discharge_w": min(profile.min_discharge_w, charger.max_discharge_w),
        "fail_state": profile.fail_state,
    }
    new = {name: value for name, value in said.items() if name not in charger.model_fields_set}
    point = profile.point.get("setpoint_w")
    cadence: dict[str, Any] = {
        "writes_wear_flash": point is not None and point.wears_flash,
        "rests_closed": profile.rests_closed,
    }
    given = charger.cadence.model_fields_set
    new["cadence"] = charger.cadence.model_copy(
        update={name: value for name, value in cadence.items() if name not in given}
    )
    return charger.model_copy(update=new)


def _config(
    plan: ChargerPlan, settings: Settings, policy: Policy, row: EvseInterval | None
) -> ChargerConfig:
    evse, profile = policy.evse(plan.evse_id), plan.profile
    return ChargerConfig(
        evse_id=plan.evse_id,
        profile=profile,
        static_safe_w=evse.static_safe_current_a * policy.grid.nominal_voltage_v * evse.phases,
        max_charge_w=evse.max_charge_w,
        max_discharge_w=min(evse.max_discharge_w, profile.max_discharge_w),
        min_charge_w=evse.min_charge_w,
        min_discharge_w=evse.min_discharge_w,
        place=f"{plan.link.name}/{plan.unit_id}",
        simulated=settings.clock is not None,
        connector=plan.connector,
        charge_only=plan.charge_only,
        watches=policy.stage_wanted is Stage.WATCH,
        watchdog_s=plan.watchdog_s,
        period_s=profile.period_s,
        resting_period_s=profile.resting_period_s,
        zone=ZoneInfo(policy.timezone),
        start=_counted(row),
    )


def _counted(row: EvseInterval | None) -> Energy:
    if row is None:
        return NOTHING_COUNTED
    return Energy(
        charge_milliwh=row.charge_register_milliwh or 0,
        discharge_milliwh=row.discharge_register_milliwh or 0,
    )
