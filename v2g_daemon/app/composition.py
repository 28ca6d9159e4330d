"""The composition root: settings to parts. The only place that knows everybody."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import version
from zoneinfo import ZoneInfo

from fastapi import FastAPI

from v2g_daemon import __version__
from v2g_daemon.accounting import metering
from v2g_daemon.adapters.database.writer import DatabaseLedger
from v2g_daemon.adapters.modbus.link import Link
from v2g_daemon.adapters.modbus.meter import MeterPoller, MeterRole, MeterSource
from v2g_daemon.adapters.modbus.profile import load_profile
from v2g_daemon.adapters.ocpp.config import (
    CentralSystemConfig,
    EvseConfig,
    OcppVersion,
    SecurityProfile,
    StationConfig,
)
from v2g_daemon.adapters.ocpp.server import CentralSystem
from v2g_daemon.adapters.prices.cache import PriceCache
from v2g_daemon.adapters.prices.desk import PriceDesk
from v2g_daemon.adapters.system.clock import RealClock, ScaledClock
from v2g_daemon.adapters.system.planning_child import PlanningChild
from v2g_daemon.adapters.system.scheduler import Scheduler
from v2g_daemon.adapters.system.trace_files import TraceFiles
from v2g_daemon.adapters.system.watchdog import SystemdWatchdog
from v2g_daemon.adapters.web.certificates import add_certificate_routes
from v2g_daemon.adapters.web.routes import build_api
from v2g_daemon.adapters.web.server import serve
from v2g_daemon.adapters.web.stations import add_station_routes
from v2g_daemon.adapters.web.translate import status_json
from v2g_daemon.app.certificates import certificate_watch, local_ca, tls_config
from v2g_daemon.app.latches import LatchDesk
from v2g_daemon.app.overrides import Overrides
from v2g_daemon.app.price_sources import price_rules
from v2g_daemon.app.retention import NIGHTLY, Retention
from v2g_daemon.app.station_access import key_ring, relay_config
from v2g_daemon.domain.interval import Interval, local_day
from v2g_daemon.domain.ledger import SessionRow
from v2g_daemon.domain.memory import EvseMemory, Memory
from v2g_daemon.domain.policy import EvsePolicy, Policy
from v2g_daemon.ports import Clock, LedgerReader, ObservationSink
from v2g_daemon.runtime.control_loop import ControlLoop, Surroundings
from v2g_daemon.runtime.latest_values import LatestValues
from v2g_daemon.runtime.planning_desk import PlanningDesk
from v2g_daemon.runtime.recorder import Recorder
from v2g_daemon.runtime.station_journal import LedgerStationJournal
from v2g_daemon.runtime.witnessed_clock import WitnessedClock
from v2g_daemon.settings import Charger, Meter, Settings, to_policy
from v2g_daemon.step.clock_trust import ledger_witness
from v2g_daemon.step.house import House, Outcome
from v2g_daemon.step.pasts import KEPT, SESSIONS_KEPT, Past
from v2g_daemon.trace.codec import TraceEncoder

PV_MAX_AGE_S = 30.0
EdgeTask = Callable[[], Awaitable[None]]


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


class NewestOutcome:
    """Keeps the last tick for whoever asks (status, demo)."""

    def __init__(self, *listeners: Callable[[Outcome], None]) -> None:
        self.outcome: Outcome | None = None
        self._listeners = listeners

    def __call__(self, outcome: Outcome) -> None:
        """Called by the loop once per tick."""
        self.outcome = outcome
        for listener in self._listeners:
            listener(outcome)

    def status(self) -> dict[str, object] | None:
        """The status as `/api/v1/status` shows it."""
        found = self.outcome
        if found is None:
            return None
        return status_json(found.snapshot, found.decision.evses, found.faults)


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
    settings: Settings,
    *,
    clock: Clock,
    ledger: DatabaseLedger,
    on_tick: Callable[[Outcome], None] | None = None,
) -> Parts:
    """All parts of one daemon, restored from its ledger; nothing runs yet."""
    policy = to_policy(settings)
    reader = ledger.reader()
    now_utc, latest = clock.now().utc, _latest_values(reader, policy, clock.now().utc)
    clock = _witnessed(clock, reader, latest)
    trace = _trace_files(settings, clock)
    recorder = _recorder(policy, clock, ledger, trace)
    journal = LedgerStationJournal(ledger, newest=reader.newest_station_events())
    watch = certificate_watch(settings, clock=clock, journal=journal, sink=latest)
    config, ca = _central_config(settings, policy), local_ca(settings)
    central = CentralSystem(config, clock, latest, journal, ca=ca, register=watch)
    newest, api = _desks(policy, latest, central, on_tick)
    watchdog = SystemdWatchdog.from_environment(os.environ)
    around = _surroundings(clock, latest, recorder, central, watchdog, newest)
    house = restored_house(reader, policy, now_utc)
    return Parts(
        policy=policy,
        clock=clock,
        loop=ControlLoop(policy=policy, house=house, around=around),
        recorder=recorder,
        trace=trace,
        watchdog=watchdog,
        edges={
            **_station_tasks(central),
            "planning": around.desk.run,
            "recorder": recorder.run,
            "api": lambda: serve(api, settings.api.socket),
            "prices": _prices(settings, reader, clock, latest).run,
            "nightly": _nightly(policy, clock, ledger).run,
            **({} if watch is None else {"certificates": watch.run}),
            **_meters(settings, policy, clock, latest),
        },
    )


def _station_tasks(central: CentralSystem) -> dict[str, EdgeTask]:
    """The central system, and each relay for itself: none takes the stations down with it."""
    relays = {f"relay of {name}": task for name, task in central.relays().items()}
    return {"ocpp": central.run, **relays}


def _desks(
    policy: Policy,
    latest: LatestValues,
    central: CentralSystem,
    on_tick: Callable[[Outcome], None] | None,
) -> tuple[NewestOutcome, FastAPI]:
    """Who listens to every tick, and the API through which people ask and wish."""
    overrides, latches = Overrides(policy=policy, sink=latest), LatchDesk(sink=latest)
    listeners = [overrides.see, latches.see, *([] if on_tick is None else [on_tick])]
    newest = NewestOutcome(*listeners)
    api = build_api(
        status=newest.status, override=overrides, clear_latch=latches.clear, version=__version__
    )
    add_certificate_routes(api, central.certificates)
    add_station_routes(api, central.installer_desk())
    return newest, api


def _surroundings(
    clock: Clock,
    latest: LatestValues,
    recorder: Recorder,
    central: CentralSystem,
    watchdog: SystemdWatchdog,
    on_tick: Callable[[Outcome], None],
) -> Surroundings:
    return Surroundings(
        clock=clock,
        latest=latest,
        recorder=recorder,
        desk=PlanningDesk(planner=PlanningChild(), latest=latest),
        ports={port.evse_id: port for port in central.ports()},
        watchdog=watchdog,
        on_tick=on_tick,
    )


def _latest_values(reader: LedgerReader, policy: Policy, now_utc: datetime) -> LatestValues:
    return LatestValues(
        evse_ids=[evse.evse_id for evse in policy.evses],
        pv_max_age_s=max(PV_MAX_AGE_S, 3.0 * policy.timing.tick_s),
        commissioning=reader.commissioning(),
        overrides=reader.overrides(now_utc=now_utc),
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
        history=reader.history(since_utc=now_utc - KEPT),
        sessions=reader.sessions(Interval(start_utc=now_utc - SESSIONS_KEPT, end_utc=now_utc)),
    )
    overrides = reader.overrides(now_utc=now_utc)
    return House(memory=memory, metering=metered, past=past, overrides=overrides)


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


def _central_config(settings: Settings, policy: Policy) -> CentralSystemConfig:
    by_station: dict[str, list[Charger]] = {}
    for charger in settings.charger:
        by_station.setdefault(charger.station_id, []).append(charger)
    ocpp = settings.ocpp
    return CentralSystemConfig(
        host=ocpp.host,
        port=ocpp.port,
        tls=tls_config(settings),
        least_profile=SecurityProfile(ocpp.security_profile),
        plain_text_on_public_network=ocpp.plain_text_on_public_network,
        call_timeout_s=ocpp.call_timeout_s,
        stations=tuple(
            _station(station_id, chargers, policy, settings)
            for station_id, chargers in by_station.items()
        ),
    )


def _station(
    station_id: str, chargers: list[Charger], policy: Policy, settings: Settings
) -> StationConfig:
    first = chargers[0]
    least = first.security_profile
    return StationConfig(
        station_id=station_id,
        password=None if first.password is None else first.password.get_secret_value(),
        least_profile=None if least is None else SecurityProfile(least),
        unauthenticated_on_private_network=first.unauthenticated_on_private_network,
        versions=tuple(OcppVersion(version) for version in first.ocpp_versions),
        unknown_fields_tolerated=first.unknown_fields == "tolerate",
        ping_interval_s=first.ping_interval_s,
        ping_timeout_s=first.ping_timeout_s,
        sample_interval_s=first.sample_interval_s,
        heartbeat_interval_s=first.heartbeat_interval_s,
        key_ring=key_ring(settings),
        remote_start=first.remote_start,
        relay=relay_config(station_id, settings),
        evses=tuple(_evse(charger, policy.evse(charger.id), policy) for charger in chargers),
    )


def _evse(charger: Charger, evse: EvsePolicy, policy: Policy) -> EvseConfig:
    return EvseConfig(
        evse_id=evse.evse_id,
        number=charger.evse_number,
        phases=evse.phases,
        nominal_voltage_v=policy.grid.nominal_voltage_v,
        static_safe_current_a=evse.static_safe_current_a,
        max_charge_w=evse.max_charge_w,
        max_discharge_w=evse.max_discharge_w,
        min_charge_w=evse.min_charge_w,
        min_discharge_w=evse.min_discharge_w,
        charge_only=charger.charge_only,
    )


def _prices(
    settings: Settings, reader: LedgerReader, clock: Clock, sink: ObservationSink
) -> PriceDesk:
    return PriceDesk(
        rules=price_rules(settings, reader),
        cache=PriceCache(settings.prices.directory),
        clock=clock,
        sink=sink,
    )


def _meters(
    settings: Settings, policy: Policy, clock: Clock, sink: ObservationSink
) -> dict[str, EdgeTask]:
    """A poller for each meter; two meters behind one address share its link."""
    links: dict[tuple[str, int], Link] = {}
    tasks: dict[str, EdgeTask] = {}
    wanted: list[tuple[str, Meter | None, MeterRole]] = [
        ("meter", settings.meter, MeterRole.PCC),
        ("pv_meter", settings.pv_meter, MeterRole.PV),
    ]
    grid = policy.grid
    for name, meter, role in wanted:
        if meter is None:
            continue
        link = links.setdefault((meter.host, meter.port), Link(host=meter.host, port=meter.port))
        source = MeterSource(
            profile=load_profile(meter.profile),
            unit_id=meter.unit_id,
            period_s=meter.period_s,
            main_fuse_w=grid.main_fuse_a * grid.nominal_voltage_v * grid.phases,
            role=role,
        )
        tasks[name] = MeterPoller(link=link, source=source, clock=clock, sink=sink).run
    return tasks
