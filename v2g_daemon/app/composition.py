"""The composition root: settings to parts. The only place that knows everybody."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import version
from zoneinfo import ZoneInfo

from fastapi import FastAPI

from v2g_daemon import __version__
from v2g_daemon.accounting import metering
from v2g_daemon.adapters.certificates.watch import CertificateWatch
from v2g_daemon.adapters.database.writer import DatabaseLedger
from v2g_daemon.adapters.modbus.bus import Buses
from v2g_daemon.adapters.modbus.chargers.driver import ModbusCharger
from v2g_daemon.adapters.ocpp.server import CentralSystem
from v2g_daemon.adapters.prices.cache import PriceCache
from v2g_daemon.adapters.prices.desk import PriceDesk
from v2g_daemon.adapters.system.clock import RealClock, ScaledClock
from v2g_daemon.adapters.system.planning_child import PlanningChild
from v2g_daemon.adapters.system.scheduler import Scheduler
from v2g_daemon.adapters.system.trace_files import TraceFiles
from v2g_daemon.adapters.system.watchdog import SystemdWatchdog
from v2g_daemon.adapters.web.cars import add_cars
from v2g_daemon.adapters.web.certificates import add_certificate_routes
from v2g_daemon.adapters.web.departures import add_departure_routes
from v2g_daemon.adapters.web.meter_test_routes import add_meter_test_routes
from v2g_daemon.adapters.web.plan_routes import add_plan_route
from v2g_daemon.adapters.web.probe_routes import add_probe_routes
from v2g_daemon.adapters.web.record_routes import add_record_routes
from v2g_daemon.adapters.web.routes import build_api
from v2g_daemon.adapters.web.server import serve
from v2g_daemon.adapters.web.stations import add_station_routes
from v2g_daemon.app import chargers, meters
from v2g_daemon.app.calendars import calendar_tasks
from v2g_daemon.app.cars import CarDesk
from v2g_daemon.app.central_config import central_config
from v2g_daemon.app.certificates import certificate_watch, local_ca
from v2g_daemon.app.charger_dialects import dialects_of
from v2g_daemon.app.departures import DepartureDesk
from v2g_daemon.app.latches import LatchDesk
from v2g_daemon.app.meter_test.desk import MeterTestDesk
from v2g_daemon.app.overrides import Overrides
from v2g_daemon.app.plans import PlanDesk
from v2g_daemon.app.price_sources import price_rules
from v2g_daemon.app.probes import ProbeDesk
from v2g_daemon.app.records import RecordDesk
from v2g_daemon.app.retention import NIGHTLY, Retention
from v2g_daemon.app.understood import understood
from v2g_daemon.app.vehicle_feeds import FeedDemand, feed_tasks
from v2g_daemon.app.weather import weather_tasks
from v2g_daemon.domain.interval import Interval, local_day
from v2g_daemon.domain.ledger import SessionRow
from v2g_daemon.domain.memory import EvseMemory, Memory
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.snapshot import CommissioningRecord
from v2g_daemon.ports import Clock, EvsePort, LedgerReader, ObservationSink
from v2g_daemon.runtime.control_loop import ControlLoop, Surroundings
from v2g_daemon.runtime.latest_values import LatestValues
from v2g_daemon.runtime.planning_desk import PlanningDesk
from v2g_daemon.runtime.recorder import Recorder
from v2g_daemon.runtime.station_journal import LedgerStationJournal
from v2g_daemon.runtime.witnessed_clock import WitnessedClock
from v2g_daemon.settings import Settings, to_policy
from v2g_daemon.step.clock_trust import ledger_witness
from v2g_daemon.step.history import KEPT, by_days
from v2g_daemon.step.house import House, Outcome
from v2g_daemon.step.pasts import SESSIONS_KEPT, Past, prices_of
from v2g_daemon.trace.codec import TraceEncoder

EdgeTask = Callable[[], Awaitable[None]]
OnTick = Callable[[Outcome], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """A composed daemon; `edges` run supervised, the loop unsupervised."""

    policy: Policy
    clock: Clock
    loop: ControlLoop
    recorder: Recorder
    trace: TraceFiles
    watchdog: SystemdWatchdog
    edges: dict[str, EdgeTask]


class Listeners:
    """Passes each tick on to whoever shows something of it."""

    def __init__(self, *listeners: OnTick) -> None:
        self._listeners = listeners

    def __call__(self, outcome: Outcome) -> None:
        """Called by the loop once per tick."""
        for listener in self._listeners:
            listener(outcome)


def clock_of(settings: Settings) -> RealClock | ScaledClock:
    """The machine's clock, or the scaled one of a simulated run."""
    if settings.clock is None:
        return RealClock()
    anchor_s = settings.clock.anchor_monotonic_s
    return ScaledClock(
        start_utc=settings.clock.start,
        speed=settings.clock.speed,
        anchor_monotonic_s=RealClock().now().monotonic_s if anchor_s is None else anchor_s,
    )


def compose(
    settings: Settings, *, clock: Clock, ledger: DatabaseLedger, on_tick: OnTick | None = None
) -> Parts:
    """All parts of one daemon, restored from its ledger; nothing runs yet."""
    settings = understood(settings)
    policy = to_policy(settings)
    reader = ledger.reader()
    latest = _latest_values(reader, settings, policy, clock.now().utc)
    clock = _witnessed(clock, reader, latest)
    trace = _trace_files(settings, clock)
    recorder = _recorder(policy, clock, ledger, trace)
    journal = LedgerStationJournal(ledger, newest=reader.newest_station_events())
    watch = certificate_watch(settings, clock=clock, journal=journal, sink=latest)
    central = _central(settings, policy, clock, latest, journal, watch)
    buses, last = Buses(), reader.last_evses()
    over_modbus = chargers.drivers(settings, policy, clock, latest, journal, buses, last)
    demand = FeedDemand()
    desks = _record_desks(policy, latest, journal, ledger)
    listeners, api = _desks(policy, latest, central, *desks, (demand.see, on_tick))
    watchdog = SystemdWatchdog.from_environment(os.environ)
    ports = (*central.ports(), *over_modbus)
    around = _surroundings(clock, latest, recorder, ports, watchdog, listeners)
    house = restored_house(reader, policy, clock.now().utc)
    return Parts(
        policy=policy,
        clock=clock,
        loop=ControlLoop(policy=policy, house=house, around=around),
        recorder=recorder,
        trace=trace,
        watchdog=watchdog,
        edges={
            **_charger_tasks(settings, central, over_modbus),
            "planning": around.desk.run,
            "recorder": recorder.run,
            "api": lambda: serve(api, settings.api.socket),
            "nightly": _nightly(policy, clock, ledger).run,
            **_feeds(settings, policy, reader, clock, latest, buses, watch, demand),
        },
    )


def _central(
    settings: Settings,
    policy: Policy,
    clock: Clock,
    latest: LatestValues,
    journal: LedgerStationJournal,
    watch: CertificateWatch | None,
) -> CentralSystem:
    return CentralSystem(
        central_config(settings, policy),
        clock,
        latest,
        journal,
        ca=local_ca(settings),
        register=watch,
        dialects=dialects_of(settings),
    )


def _record_desks(
    policy: Policy, latest: LatestValues, journal: LedgerStationJournal, ledger: DatabaseLedger
) -> tuple[MeterTestDesk, RecordDesk]:
    """Where commissioning records are made: by a test, or on somebody's word."""

    def store(record: CommissioningRecord) -> None:
        """A row that cannot be written is a fault of the ledger, which the recorder shows."""
        ledger.commit((record,))

    tests = MeterTestDesk(
        policy=policy, sink=latest, commissioning=latest, journal=journal, record=store
    )
    return tests, RecordDesk(
        sink=latest, store=lambda record: asyncio.wrap_future(ledger.commit((record,)))
    )


def _charger_tasks(
    settings: Settings, central: CentralSystem, over_modbus: Iterable[ModbusCharger]
) -> dict[str, EdgeTask]:
    """The central system, each relay for itself, and each charger over Modbus.

    None takes another down with it.
    """
    relays = {f"relay of {name}": task for name, task in central.relays().items()}
    stations: dict[str, EdgeTask] = {"ocpp": central.run, **relays} if settings.stations else {}
    return stations | {f"charger {one.evse_id}": one.run for one in over_modbus}


def _desks(
    policy: Policy,
    latest: LatestValues,
    central: CentralSystem,
    meter_test: MeterTestDesk,
    records: RecordDesk,
    others: Iterable[OnTick | None],
) -> tuple[Listeners, FastAPI]:
    """Who listens to every tick, and the API through which people ask and wish."""
    overrides, latches = Overrides(policy=policy, sink=latest), LatchDesk(sink=latest)
    cars, plans = CarDesk(policy=policy, sink=latest), PlanDesk(policy=policy)
    departures = DepartureDesk(policy=policy, sink=latest)
    probes = ProbeDesk(policy=policy, sink=latest, stations=central.probes())
    desks = (overrides, latches, cars, departures, plans, probes, meter_test, records)
    listening = (*(desk.see for desk in desks), *others)
    listeners = Listeners(*(one for one in listening if one is not None))
    api = build_api(
        status=plans.status, override=overrides, clear_latch=latches.clear, version=__version__
    )
    add_cars(api, cars.name)
    add_departure_routes(api, departures)
    add_plan_route(api, plans.plan)
    add_probe_routes(api, probes)
    add_meter_test_routes(api, meter_test)
    add_record_routes(api, records)
    add_certificate_routes(api, central.certificates)
    add_station_routes(api, central.installer_desk())
    return listeners, api


def _surroundings(
    clock: Clock,
    latest: LatestValues,
    recorder: Recorder,
    ports: Iterable[EvsePort],
    watchdog: SystemdWatchdog,
    on_tick: Callable[[Outcome], None],
) -> Surroundings:
    return Surroundings(
        clock=clock,
        latest=latest,
        recorder=recorder,
        desk=PlanningDesk(planner=PlanningChild(), latest=latest),
        ports={port.evse_id: port for port in ports},
        watchdog=watchdog,
        on_tick=on_tick,
    )


def _latest_values(
    reader: LedgerReader, settings: Settings, policy: Policy, now_utc: datetime
) -> LatestValues:
    return LatestValues(
        evse_ids=[evse.evse_id for evse in policy.evses],
        meters=meters.slots(settings, policy.timing.tick_s),
        commissioning=reader.commissioning(),
        overrides=reader.overrides(now_utc=now_utc),
        answers=reader.car_answers(),
        told=reader.told_departures(now_utc=now_utc),
    )


def _witnessed(clock: Clock, reader: LedgerReader, latest: LatestValues) -> Clock:
    """The clock all parts share; the ledger is its first witness."""
    witness = ledger_witness(reader.last_stored_utc(), started_at=clock.now())
    if witness is not None:
        latest.put_clock_witness(witness)
    return WitnessedClock(clock, witnesses=latest.clock_witnesses)


def _trace_files(settings: Settings, clock: Clock) -> TraceFiles:
    return TraceFiles(
        settings.trace.directory,
        clock=clock,
        flush_s=settings.trace.flush_s,
        keep_days=settings.trace.keep_days,
        keep_bytes=settings.trace.keep_bytes,
    )


def _nightly(policy: Policy, clock: Clock, ledger: DatabaseLedger) -> Scheduler:
    scheduler = Scheduler(clock)
    scheduler.every_day_at(NIGHTLY, policy.timezone, Retention(clock=clock, store=ledger))
    return scheduler


def _recorder(policy: Policy, clock: Clock, ledger: DatabaseLedger, trace: TraceFiles) -> Recorder:
    encoder = TraceEncoder(versions={"v2g-daemon": __version__, "ocpp": version("ocpp")})
    return Recorder(policy=policy, clock=clock, ledger=ledger, trace=trace, encoder=encoder)


def restored_house(reader: LedgerReader, policy: Policy, now_utc: datetime) -> House:
    """Latches, counters, open sessions, running rows and history as the ledger holds them."""
    sessions = reader.open_sessions()
    evse_rows = reader.last_evses()
    registers = {row.session_id: row.charge_register_milliwh for row in evse_rows}
    memory = Memory(
        latches=reader.latches(),
        evses=tuple(_evse_memory(row, registers.get(row.session_id)) for row in sessions),
    )
    counters = [
        reader.counters(vehicle.vehicle_id, now_utc=now_utc, timezone=policy.timezone)
        for vehicle in policy.vehicles
    ]
    metered = metering.resume(
        pcc=reader.last_pcc(),
        evses=evse_rows,
        sessions=sessions,
        soc_days=[day for v in policy.vehicles for day in reader.soc_days(v.vehicle_id)],
        counters_read=counters,
        decisions=reader.decisions(_this_day_and_the_last(policy, now_utc)),
        now_utc=now_utc,
        timezone=policy.timezone,
    )
    past = Past(
        history=by_days(reader.history(since_utc=now_utc - KEPT)),
        sessions=reader.sessions(Interval(start_utc=now_utc - SESSIONS_KEPT, end_utc=now_utc)),
        foretold=reader.foretold(since_utc=now_utc - KEPT),
        prices=prices_of(reader.pcc_intervals(Interval(start_utc=now_utc - KEPT, end_utc=now_utc))),
    )
    overrides = reader.overrides(now_utc=now_utc)
    return House(
        memory=memory,
        metering=metered,
        past=past,
        overrides=overrides,
        answers=reader.car_answers(),
        told=reader.told_departures(now_utc=now_utc),
    )


def _this_day_and_the_last(policy: Policy, now_utc: datetime) -> Interval:
    """What a charger did last before midnight tells what its first command of today was."""
    zone = ZoneInfo(policy.timezone)
    today = local_day(now_utc.astimezone(zone).date(), zone)
    return Interval(start_utc=today.start_utc - timedelta(days=1), end_utc=today.end_utc)


def _evse_memory(session: SessionRow, register_milliwh: int | None) -> EvseMemory:
    """What was charged in this session before the restart counts on."""
    base = None if register_milliwh is None else register_milliwh - session.charge_milliwh
    return EvseMemory(
        evse_id=session.evse_id,
        session_id=session.session_id,
        vehicle_id=session.vehicle_id,
        session_base_milliwh=base,
    )


def _feeds(
    settings: Settings,
    policy: Policy,
    reader: LedgerReader,
    clock: Clock,
    latest: LatestValues,
    buses: Buses,
    watch: CertificateWatch | None,
    demand: FeedDemand,
) -> dict[str, EdgeTask]:
    """What is observed beside the chargers: meters, clouds, calendars, weather, certificates."""
    certificates: dict[str, EdgeTask] = {} if watch is None else {"certificates": watch.run}
    return certificates | {
        "prices": _prices(settings, reader, clock, latest).run,
        **meters.readers(settings, policy, clock, latest, buses),
        **feed_tasks(settings, clock, latest, demand),
        **calendar_tasks(settings, clock, latest),
        **weather_tasks(settings, clock, latest),
    }


def _prices(
    settings: Settings, reader: LedgerReader, clock: Clock, sink: ObservationSink
) -> PriceDesk:
    return PriceDesk(
        rules=price_rules(settings, reader),
        cache=PriceCache(settings.prices.directory),
        clock=clock,
        sink=sink,
    )
