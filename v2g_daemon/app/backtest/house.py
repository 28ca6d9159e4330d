"""A house as configured, bought or not yet: its plant from TOML, its days from files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, time, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from v2g_daemon.adapters.series.sessions import sessions_of
from v2g_daemon.adapters.series.table import read_bytes
from v2g_daemon.adapters.series.translate import SeriesFile, series_of
from v2g_daemon.app.backtest import recorded
from v2g_daemon.app.backtest.contract import EXPORT_FILE, Contract, contract, with_export_of_a_file
from v2g_daemon.app.tariff import known_series, price_column
from v2g_daemon.app.tariffs import book_of, load_book
from v2g_daemon.domain.errors import ConfigurationError
from v2g_daemon.domain.goals import WeeklySchedule
from v2g_daemon.domain.interval import Interval, at_local
from v2g_daemon.domain.policy import EvsePolicy, ExportPolicy, Policy
from v2g_daemon.domain.vehicle import Vehicle
from v2g_daemon.market.series import Series
from v2g_daemon.rehearsal.carbon import with_carbon
from v2g_daemon.rehearsal.contest import Case
from v2g_daemon.rehearsal.days import Days, Stay
from v2g_daemon.rehearsal.plant import Plant
from v2g_daemon.rehearsal.policies import in_virtual_time
from v2g_daemon.rehearsal.quarters import LAP
from v2g_daemon.rehearsal.schedule_stays import scheduled_stays
from v2g_daemon.rehearsal.score import Market
from v2g_daemon.rehearsal.standard_load import KWH_A_YEAR, NOTE, standard_load_w
from v2g_daemon.settings import Settings, to_policy

# A kWh left in the pack is worth what refilling it in a cheap quarter of all hours would cost.
NEUTRAL_QUANTILE = 0.25
MISS_PER_KWH = 1.0
START_SOC = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """What was given beside the configuration; None: not given.

    `prices`: FILE for all sources of the tariff, or SOURCE=FILE. Days are local, both included.
    `car` and `charger`: which of the configured ones (None: the first).
    """

    tariff: str | None = None
    prices: Sequence[str] = ()
    export_prices: Path | None = None
    load: Path | None = None
    pv: Path | None = None
    sessions: Path | None = None
    carbon: Path | None = None
    first_day: date | None = None
    last_day: date | None = None
    car: str | None = None
    charger: str | None = None


def case_of_house(settings: Settings, files: Files, *, name: str) -> Case:
    """The case; ConfigurationError or SeriesFileError says what is missing and how to give it."""
    book = book_of(settings) if files.tariff is None else load_book(files.tariff)
    series: dict[str, Series] = dict(known_series(book, files.prices))
    if files.export_prices is not None:
        book = with_export_of_a_file(book)
        series[EXPORT_FILE] = price_column(files.export_prices, book.currency)
    load = None if files.load is None else series_of(read_bytes(files.load), name=str(files.load))
    interval = days_asked(files, settings.timezone, series, load)
    terms = contract(book, series, interval)
    policy, assumed = _ready_for_all(to_policy(settings), files)
    plant = _plant(policy)
    stays, stays_notes = _stays(policy, plant, files, interval)
    load_w, load_notes = _load_w(load, interval, settings.timezone)
    pv_w, pv_notes = _pv_w(files.pv, interval, settings.timezone)
    days = Days(
        start_utc=interval.start_utc,
        timezone=settings.timezone,
        currency=book.currency,
        load_w=load_w,
        pv_w=pv_w,
        import_per_kwh=terms.import_per_kwh,
        export_per_kwh=terms.export_per_kwh,
        stays=stays,
    )
    market = _market(terms, policy, files.carbon, interval)
    days, carbon_notes = _with_carbon(days, market, policy)
    return Case(
        name=name,
        days=days,
        plant=plant,
        policy=in_virtual_time(policy),
        published=terms.published,
        market=market,
        start_wh=_start_wh(plant),
        miss_per_kwh=MISS_PER_KWH,
        notes=(*terms.notes, *load_notes, *pv_notes, *stays_notes, *assumed, *carbon_notes),
    )


def days_asked(
    files: Files, timezone: str, series: Mapping[str, Series], load: SeriesFile | None
) -> Interval:
    """From --from to --to, else up to 52 whole weeks of what the files hold."""
    zone = ZoneInfo(timezone)
    held = [Interval(start_utc=one[0].interval.start_utc, end_utc=one[-1].interval.end_utc)
            for one in series.values() if one]  # fmt: skip
    if load is not None:
        held.append(load.interval)
    first, last = files.first_day, files.last_day
    if first is None and last is None:
        if not held:
            raise ConfigurationError(
                "nothing says which days to rehearse; give --from and --to, or a file of prices"
            )
        last = held[0].end_utc.astimezone(zone).date() - timedelta(days=1)
        earliest = held[0].start_utc.astimezone(zone)
        first = earliest.date() + timedelta(days=0 if earliest.time() == time(0) else 1)
        first = max(first, last - LAP + timedelta(days=1))
    elif first is None or last is None:
        raise ConfigurationError("--from and --to go together; give both")
    if last < first:
        raise ConfigurationError(f"--to {last} lies before --from {first}; exchange them")
    return Interval(
        start_utc=at_local(first, time(0), zone),
        end_utc=at_local(last + timedelta(days=1), time(0), zone),
    )


def _ready_for_all(policy: Policy, files: Files) -> tuple[Policy, tuple[str, ...]]:
    """The first charger and car, able to do what is rehearsed; and what was assumed for it."""
    evse, vehicle, grid = *_chosen(policy, files), policy.grid
    notes: list[str] = []
    if min(evse.max_discharge_w, vehicle.max_discharge_w) <= 0.0:
        both_ways_w = min(evse.max_charge_w, vehicle.max_charge_w)
        evse = replace(evse, max_discharge_w=both_ways_w, min_discharge_w=evse.min_charge_w)
        vehicle = replace(vehicle, max_discharge_w=both_ways_w)
        notes.append(
            f"charger and car only charge: V2H and V2G are rehearsed as if {both_ways_w:.0f} W "
            "could also be discharged"
        )
    if grid.export_limit_w is None:
        notes.append("site.export_limit_w is not given: nothing of the car's energy is exported")
    elif policy.export_policy is ExportPolicy.NEVER:
        notes.append('export.policy is "never": our V2G is rehearsed as if it were "allowed"')
    if (len(policy.evses) > 1 and files.charger is None) or (
        len(policy.vehicles) > 1 and files.car is None
    ):
        notes.append(f"only charger {evse.evse_id} and car {vehicle.vehicle_id} are rehearsed")
    never = WeeklySchedule(timezone=policy.timezone)
    schedule = policy.schedule if files.car is None else _driven_by(policy.schedule, files.car)
    ready = replace(
        policy,
        evses=(evse,),
        vehicles=(vehicle,),
        export_policy=ExportPolicy.ALLOWED,
        schedule=schedule if files.sessions is None else never,
    )
    return ready, tuple(notes)


def _chosen(policy: Policy, files: Files) -> tuple[EvsePolicy, Vehicle]:
    """The charger and the car; ConfigurationError where they are not configured."""
    evses = {one.evse_id: one for one in policy.evses}
    vehicles = {one.vehicle_id: one for one in policy.vehicles}
    for key, wanted, known in (
        ("charger", files.charger, [*evses]),
        ("vehicle", files.car, [*vehicles]),
    ):
        if wanted is not None and wanted not in known:
            raise ConfigurationError(
                f"there is no [[{key}]] with id = {wanted!r}; configured: {', '.join(known)}"
            )
    return (
        policy.evses[0] if files.charger is None else evses[files.charger],
        policy.vehicles[0] if files.car is None else vehicles[files.car],
    )


def _driven_by(schedule: WeeklySchedule, car: str) -> WeeklySchedule:
    """Every departure, whoever's it was, in that car."""
    departures = tuple(replace(one, vehicle_id=car) for one in schedule.departures)
    return replace(schedule, departures=departures)


def _plant(policy: Policy) -> Plant:
    """What the first charger and car are; PV is throttled where the inverter does."""
    evse, vehicle, grid = policy.evses[0], policy.vehicles[0], policy.grid
    fuse_w = grid.main_fuse_a * grid.nominal_voltage_v * grid.phases
    return Plant(
        pack_wh=vehicle.capacity_wh,
        floor_wh=vehicle.soc_floor * vehicle.capacity_wh,
        ceiling_wh=vehicle.soc_ceiling * vehicle.capacity_wh,
        taper_above_wh=vehicle.taper_above_soc * vehicle.capacity_wh,
        max_charge_w=min(evse.max_charge_w, vehicle.max_charge_w),
        max_discharge_w=min(evse.max_discharge_w, vehicle.max_discharge_w),
        min_charge_w=evse.min_charge_w,
        min_discharge_w=evse.min_discharge_w,
        loss=evse.loss,
        import_limit_w=fuse_w if grid.import_limit_w is None else min(fuse_w, grid.import_limit_w),
        export_limit_w=0.0 if grid.export_limit_w is None else grid.export_limit_w,
        curtails=grid.throttles_pv,
    )


def _stays(
    policy: Policy, plant: Plant, files: Files, interval: Interval
) -> tuple[tuple[Stay, ...], tuple[str, ...]]:
    if files.sessions is not None:
        found = sessions_of(read_bytes(files.sessions), name=str(files.sessions))
        users = {one.user for one in found.sessions}
        if len(users) > 1:
            raise ConfigurationError(
                f"{files.sessions}: it holds the sessions of {len(users)} users; keep one"
            )
        stays, notes = recorded.stays(
            found.sessions, interval, floor_wh=plant.floor_wh, pack_wh=plant.pack_wh
        )
        return stays, (*found.notes, *notes)
    if not policy.schedule.departures:
        raise ConfigurationError(
            "nothing says when the car is there; give --sessions FILE, or [[departure]] with "
            "ready_by, returns_at and trip_wh"
        )
    try:
        return scheduled_stays(policy.schedule, policy.vehicles[0], interval), (
            "the car keeps exactly to its [[departure]] every week: real weeks differ",
        )
    except ValueError as error:
        raise ConfigurationError(f"{error}; give it returns_at in [[departure]]") from error


def _load_w(
    load: SeriesFile | None, interval: Interval, timezone: str
) -> tuple[tuple[float, ...], tuple[str, ...]]:
    if load is None:
        profile = standard_load_w(interval, timezone=timezone, kwh_a_year=KWH_A_YEAR)
        return profile, (NOTE.format(kwh=KWH_A_YEAR),)
    found = recorded.amounts(load, "load_w", interval)
    return found.values, (*load.notes, *recorded.told(load.name, found))


def _pv_w(
    path: Path | None, interval: Interval, timezone: str
) -> tuple[tuple[float, ...], tuple[str, ...]]:
    if path is None:
        return (0.0,) * ((interval.end_utc - interval.start_utc) // timedelta(minutes=15)), ()
    file = series_of(read_bytes(path), name=str(path), zone=ZoneInfo(timezone))
    found = recorded.amounts(file, "pv_w", interval)
    return found.values, (*file.notes, *recorded.told(file.name, found))


def carbon_g_per_kwh(path: Path, interval: Interval) -> tuple[float, ...]:
    """The one column of carbon factors of a file."""
    file = series_of(read_bytes(path), name=str(path))
    columns = [name for name in file.amounts if name.endswith("g_per_kwh")]
    if len(columns) != 1:
        raise ConfigurationError(f"{path}: {len(columns)} columns end in g_per_kwh; leave one")
    return recorded.amounts(file, columns[0], interval).values


def _with_carbon(days: Days, market: Market, policy: Policy) -> tuple[Days, tuple[str, ...]]:
    """The days with carbon at its price, where both a price and factors are given."""
    price_per_t = policy.economics.carbon_price_per_t
    if price_per_t == 0.0:
        return days, ()
    if market.carbon_g_per_kwh is None:
        return days, ("economics.carbon_price_per_t counts with --carbon FILE only",)
    note = (
        f"our own strategies count carbon at {price_per_t:g} {days.currency} per tonne, by the "
        "factors of the same hour two to eight days before; it is in no money of the table"
    )
    return with_carbon(days, market.carbon_g_per_kwh, price_per_t=price_per_t), (note,)


def _market(terms: Contract, policy: Policy, carbon: Path | None, interval: Interval) -> Market:
    ordered = sorted(terms.import_per_kwh)
    neutral_per_kwh = ordered[int(NEUTRAL_QUANTILE * (len(ordered) - 1))]
    return Market(
        versions=terms.versions,
        meter=policy.grid.billing_meter,
        end_per_kwh=Decimal(repr(round(neutral_per_kwh, 6))),
        carbon_g_per_kwh=None if carbon is None else carbon_g_per_kwh(carbon, interval),
    )


def _start_wh(plant: Plant) -> float:
    """Half full, if floor and ceiling have it so."""
    return min(max(START_SOC * plant.pack_wh, plant.floor_wh), plant.ceiling_wh)
