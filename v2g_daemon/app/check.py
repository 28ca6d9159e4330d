"""`v2g check`: what the daemon understood of a configuration, in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never
from zoneinfo import ZoneInfo

from v2g_daemon.adapters.ocpp.dialects.quirks import Dialects
from v2g_daemon.adapters.ocpp.security.tls import server_context
from v2g_daemon.adapters.system.clock import RealClock
from v2g_daemon.app import meters
from v2g_daemon.app.calendars import bare_calendars, calendar_sentences
from v2g_daemon.app.certificates import certificate_warnings, local_ca, tls_config
from v2g_daemon.app.charger_dialects import dialect_lines, dialects_of
from v2g_daemon.app.chargers import charger_plans, described
from v2g_daemon.app.chargers import warnings as charger_warnings
from v2g_daemon.app.departure_words import departure_sentences
from v2g_daemon.app.program_words import program_sentences
from v2g_daemon.app.station_access import key_ring
from v2g_daemon.app.tariff_words import sentences
from v2g_daemon.app.tariffs import book_of
from v2g_daemon.app.understood import load
from v2g_daemon.app.vehicle_feeds import feed_sentences
from v2g_daemon.app.weather import weather_sentences
from v2g_daemon.domain.billing_meter import BillingMeter, Netting
from v2g_daemon.domain.errors import ConfigurationError
from v2g_daemon.domain.policy import EvsePolicy, FailState, Policy, Stage
from v2g_daemon.domain.vehicle import Vehicle
from v2g_daemon.market.tariff import TariffBook
from v2g_daemon.settings import (
    Charger,
    Settings,
    exposed_secrets,
    least_profile,
    to_policy,
    warnings_of,
)
from v2g_daemon.settings.price_sources import asked_sources
from v2g_daemon.settings.tariff_lints import doubts

LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """What was understood, one sentence a line, and what is doubtful about it."""

    path: Path
    understood: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def text(self) -> str:
        """The report for people."""
        lines = [f"{self.path}: the configuration can be used.", *self.understood]
        lines += [f"Warning: {warning}." for warning in self.warnings]
        return "\n".join(lines)


def check(path: Path) -> CheckReport:
    """Read and explain a configuration; raises ConfigurationError if it cannot be used."""
    settings = load(path)
    _find_certificates(settings, path)
    dialects = _find_dialects(settings, path)
    policy = to_policy(settings)
    understood = (
        *_site(settings, policy),
        *_stations(settings),
        *dialect_lines(settings, dialects),
        *(_keys_and_relays(settings) if settings.stations else ()),
        *(line for plan in charger_plans(settings) for line in described(plan)),
        *(line for evse in policy.evses for line in _charger(evse, policy)),
        *(_vehicle(vehicle, policy) for vehicle in policy.vehicles),
        *feed_sentences(settings),
        *departure_sentences(settings, policy),
        *calendar_sentences(settings),
        *program_sentences(policy),
        *weather_sentences(settings),
        *_money(settings, policy, _book(path, settings)),
        *_stage(policy),
        *_timing(settings, policy),
    )
    zone = ZoneInfo(settings.timezone)
    now_utc = RealClock().now().utc if settings.clock is None else settings.clock.start
    wrong = doubts(settings.tariff, today=now_utc.astimezone(zone).date())
    return CheckReport(
        path=path,
        understood=understood,
        warnings=(
            *warnings_of(settings),
            *bare_calendars(settings),
            *meters.warnings(settings),
            *charger_warnings(settings),
            *exposed_secrets(path, settings),
            *certificate_warnings(settings, now_utc=RealClock().now().utc),
            *(f"tariff {text}" for text in wrong),
        ),
    )


def _find_certificates(settings: Settings, path: Path) -> None:
    try:
        tls = tls_config(settings)
        if tls is not None:
            server_context(tls, client_certificate_required=False)
        local_ca(settings)
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {error}") from error


def _find_dialects(settings: Settings, path: Path) -> Dialects:
    try:
        return dialects_of(settings)
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {error}") from error


def _site(settings: Settings, policy: Policy) -> Iterator[str]:
    grid = policy.grid
    yield (
        f"Grid connection: {grid.phases} × {grid.main_fuse_a:g} A at {grid.nominal_voltage_v:g} V, "
        f"wall times in {policy.timezone}."
    )
    if not settings.has_grid_meter:
        yield "Meter: none at the grid, so chargers stay at their static safe current."
    for plan in meters.meter_plans(settings):
        yield f"Meter {plan.meter_id}: {meters.described(plan)}."
    if grid.export_limit_w is None:
        yield "Export limit: unknown, so nothing is exported."
    else:
        yield f"Export limit: {_kw(grid.export_limit_w)} at the grid connection."
    if grid.import_limit_w is not None:
        yield f"Import limit: {_kw(grid.import_limit_w)} at the grid connection."
    billing = grid.billing_meter
    if billing != BillingMeter() or grid.meter_netting is not billing.netting:
        yield (
            f"Billed by a meter of {billing.interval_s // 60} min intervals that counts "
            f"{_netting(billing.netting)}; ours counts {_netting(grid.meter_netting)}."
        )


def _netting(netting: Netting) -> str:
    match netting:
        case Netting.SUM:
            return "the sum of its phases"
        case Netting.PER_PHASE:
            return "each phase for itself"
        case _ as unreachable:
            assert_never(unreachable)


def _stations(settings: Settings) -> Iterator[str]:
    ocpp = settings.ocpp
    stations: dict[str, Charger] = {}
    for charger in settings.stations:
        stations.setdefault(charger.station_id, charger)
    for charger in stations.values():
        least = least_profile(charger, ocpp)
        plain = [f"ws://{ocpp.host}:{ocpp.port}/{charger.station_id}"] if least == 1 else []
        encrypted = f"wss://{ocpp.host}:{ocpp.tls_port}/{charger.station_id}"
        places = [*plain, *([] if ocpp.tls_certificate_file is None else [encrypted])]
        proof = _PROOFS[least]
        if charger.unauthenticated_on_private_network:
            proof = "nothing at all, from a private address"
        yield f"Station {charger.station_id} connects to {' or '.join(places)}, by {proof}."
    if stations and ocpp.host in LOOPBACK:
        yield (
            "Only this machine can connect; a station in the house needs ocpp.host = "
            '"0.0.0.0" or this machine\'s own address.'
        )
    if settings.certificates.sign_station_requests:
        yield f"Stations get certificates signed by the CA in {settings.certificates.directory}."


_PROOFS = {
    1: "its password",
    2: "its password over TLS",
    3: "its certificate",
}


def _keys_and_relays(settings: Settings) -> Iterator[str]:
    count = len(key_ring(settings).keys)
    unknown = "any other may charge, too" if settings.ocpp.accept_unknown_keys else "no other may"
    yield f"Charge keys: {count} charge also while the daemon is away; {unknown}."
    for charger in settings.stations:
        if charger.remote_start:
            yield f"Station {charger.station_id} is started by the daemon when a car is plugged in."
    for relay in settings.ocpp.relay:
        line = "" if relay.url.startswith("wss:") else ", in plain text"
        yield f"Station {relay.station_id} is heard, read-only, by {relay.url}{line}."


def _charger(evse: EvsePolicy, policy: Policy) -> Iterator[str]:
    grid, safe_a = policy.grid, evse.static_safe_current_a
    safe_w = min(safe_a * grid.nominal_voltage_v * evse.phases, evse.max_charge_w)
    discharge = f"discharges {_kw(evse.min_discharge_w)} to {_kw(evse.max_discharge_w)}"
    yield (
        f"Charger {evse.evse_id}: {evse.phases} phase{'s' if evse.phases > 1 else ''}, charges "
        f"{_kw(evse.min_charge_w)} to {_kw(evse.max_charge_w)}, "
        f"{discharge if evse.max_discharge_w > 0.0 else 'never discharges'}."
    )
    match evse.fail_state:
        case FailState.CHARGES:
            yield f"If the Pi dies, this car charges at {safe_a:g} A ({_kw(safe_w)})."
        case FailState.IDLES:
            yield "If the Pi dies, this car does not charge; trips are charged 2 h early."
        case FailState.UNKNOWN:
            yield f"If the Pi dies, nobody knows what this charger does; counted as {safe_a:g} A."
    left_a = grid.main_fuse_a - grid.largest_other_load_a
    yield (
        f"Proof: {safe_a:g} A ≤ main fuse {grid.main_fuse_a:g} A − largest other load "
        f"{grid.largest_other_load_a:g} A = {left_a:g} A."
    )


def _vehicle(vehicle: Vehicle, policy: Policy) -> str:
    depth_wh = min(
        policy.export_depth.energy_wh, policy.export_depth.share_of_pack * vehicle.capacity_wh
    )
    return (
        f"Car {vehicle.vehicle_id}: {_kwh(vehicle.capacity_wh)}, kept between "
        f"{vehicle.soc_floor:.0%} and {vehicle.soc_ceiling:.0%} (above only for a goal), wear "
        f"{vehicle.wear_cost_per_kwh_discharged:g} {policy.economics.currency} per kWh discharged, "
        f"exports at most {_kwh(depth_wh)} noon to noon, {_warranty(vehicle)}."
    )


def _warranty(vehicle: Vehicle) -> str:
    if vehicle.warranty is None:
        return "warranty terms unknown: it only charges until vehicle.warranty is given"
    if not vehicle.warranty.acknowledged:
        return "warranty not acknowledged: it only charges until the owner acknowledges it"
    return "warranty terms given"


def _book(path: Path, settings: Settings) -> TariffBook:
    try:
        return book_of(settings)
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {error}") from error


def _money(settings: Settings, policy: Policy, book: TariffBook) -> Iterator[str]:
    for tariff in book.versions:
        yield from sentences(tariff)
    for source in asked_sources(settings):
        place = source.url or source.file or f"the service {source.kind}"
        yield f"Prices of {source.name} come from {place}, kept in {settings.prices.directory}."
    yield (
        f"A discharge must earn at least {policy.economics.margin_per_kwh:g} "
        f"{settings.currency} per kWh beyond refill, losses and wear."
    )
    yield (
        "A kWh missing for a trip that nobody told of counts "
        f"{policy.economics.unmet_later_per_kwh:g} {settings.currency} "
        "(economics.unmet_later_per_kwh); with more the car is short less often."
    )


def _stage(policy: Policy) -> Iterator[str]:
    """Without the ledger's commissioning records, so as a house stands before them."""
    wanted = policy.stage_wanted
    if wanted is Stage.WATCH:
        yield "Stage: watch; nothing is sent to any charger."
        return
    yield f"Stage without commissioning records: V1G (charge only); wanted at most: {wanted.name}."
    if wanted >= Stage.V2H:
        yield (
            "Missing for V2H, unless already recorded: permission to operate, sign test and the "
            "owner's consent, for this charger."
        )
    if wanted >= Stage.V2G:
        policy_word = policy.export_policy.value
        yield (
            f"Missing for V2G, unless already recorded: the export compensation; the export "
            f"policy is {policy_word!r}."
        )


def _timing(settings: Settings, policy: Policy) -> Iterator[str]:
    timing = policy.timing
    yield (
        f"A tick every {timing.tick_s:g} s; a meter reading older than "
        f"{timing.meter_max_age_s:g} s ends discharge; "
        f"a discharge lease lasts {timing.discharge_lease_s:g} s."
    )
    if settings.clock is not None:
        yield (
            f"SIMULATED RUN: the clock starts at {settings.clock.start.isoformat()} and runs at "
            f"speed {settings.clock.speed:g}."
        )


def _kw(power_w: float) -> str:
    return f"{power_w / 1000.0:.3g} kW"


def _kwh(energy_wh: float) -> str:
    return f"{energy_wh / 1000.0:.3g} kWh"
