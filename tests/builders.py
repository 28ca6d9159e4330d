"""Parts of one small house with sane values; a test names only what it is about.

The carport: a three-phase 7.4 kW V2G charger (SIM-1, all records there) with a known 60 kWh car at
50 %, a fresh meter at 500 W of import, a trusted clock and a recorder that keeps up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from v2g_daemon.control.decide import decide
from v2g_daemon.control.situation import Situation, assess
from v2g_daemon.domain.decision import EvseDecision
from v2g_daemon.domain.goals import (
    DepartureGoal,
    OverrideKind,
    ToldDeparture,
    UserOverride,
    WeeklySchedule,
)
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.interval import Interval
from v2g_daemon.domain.ledger import PccInterval
from v2g_daemon.domain.loss import LossCurve
from v2g_daemon.domain.memory import Direction, EvseMemory, Memory
from v2g_daemon.domain.plan import Plan, PlanSlot, ValueFunction
from v2g_daemon.domain.policy import (
    Cadence,
    Economics,
    EvsePolicy,
    ExportDepth,
    ExportPolicy,
    FailState,
    GridConnection,
    Policy,
    Stage,
    Timing,
)
from v2g_daemon.domain.power import PowerRange
from v2g_daemon.domain.prices import PriceCurve, PriceSlot
from v2g_daemon.domain.readings import (
    EvseCapability,
    EvseStatus,
    MeterReading,
    PowerControl,
    VehicleIdentity,
)
from v2g_daemon.domain.setpoint import Authority, HandsOff, Reason, Setpoint
from v2g_daemon.domain.snapshot import (
    CommissioningRecord,
    CommissioningStep,
    DischargeCounters,
    RecordingHealth,
    Snapshot,
    VehicleGoals,
)
from v2g_daemon.domain.sun import SunForecast
from v2g_daemon.domain.vehicle import CarAnswer, Vehicle, VehicleFeedStatus, WarrantyTerms

NOW = Instant(utc=datetime(2024, 12, 11, 18, 0, tzinfo=UTC), monotonic_s=10_000.0)
EVCCID = "0200000000AA"
LOSSLESS = LossCurve(constant_w=0.0, linear=0.0, quadratic_per_w=0.0)
LOSSY = LossCurve(constant_w=150.0, linear=0.03, quadratic_per_w=3e-06)


def ago(seconds_s: float) -> Instant:
    """The instant `seconds_s` before NOW."""
    return NOW.later(-seconds_s)


def in_hours(hours: float) -> datetime:
    """UTC, `hours` after NOW."""
    return NOW.utc + timedelta(hours=hours)


def a_timing(**changes: Any) -> Timing:
    timing = Timing(
        tick_s=1.0, meter_max_age_s=5.0, meter_no_increase_age_s=3.0, meter_recovery_s=30.0,
        evse_max_age_s=30.0, discharge_lease_s=90.0, safe_charge_lease_s=1800.0,
        idle_lease_s=1800.0, recording_max_age_s=180.0, follow_within_s=10.0,
    )  # fmt: skip
    return replace(timing, **changes)


def a_grid(**changes: Any) -> GridConnection:
    """3 x 25 A with a meter, 4 kW of permitted export."""
    grid = GridConnection(
        phases=3,
        nominal_voltage_v=230.0,
        main_fuse_a=25.0,
        largest_other_load_a=16.0,
        has_meter=True,
        import_limit_w=None,
        export_limit_w=4000.0,
        max_phase_imbalance_w=None,
        grid_operator_import_w=None,
    )
    return replace(grid, **changes)


def a_cadence(**changes: Any) -> Cadence:
    cadence = Cadence(
        smallest_change_w=100.0,
        smallest_change_a=0.5,
        between_increases_s=30.0,
        dwell_on_s=600.0,
        dwell_off_s=300.0,
        ramp_up_w_per_s=500.0,
        closings_per_day=12,
        writes_per_day=300,
        writes_wear_flash=False,
        rests_closed=False,
    )
    return replace(cadence, **changes)


def an_evse(**changes: Any) -> EvsePolicy:
    """The carport; 6 A per phase (4140 W) is safe whatever else runs."""
    evse = EvsePolicy(
        evse_id="carport",
        phases=3,
        static_safe_current_a=6.0,
        max_charge_w=7400.0,
        max_discharge_w=7400.0,
        min_charge_w=1400.0,
        min_discharge_w=1400.0,
        loss=LOSSLESS,
        fail_state=FailState.CHARGES,
        soc_needs_power=False,
        cadence=a_cadence(),
    )
    return replace(evse, **changes)


def warranty_terms(**changes: Any) -> WarrantyTerms:
    """Acknowledged eight-year terms from 2024-01-01 without any budget."""
    terms = WarrantyTerms(acknowledged=True, years=8.0, start_date=date(2024, 1, 1))
    return replace(terms, **changes)


def a_vehicle(**changes: Any) -> Vehicle:
    """60 kWh, floor 30 %, ceiling 80 %, known by its EVCCID."""
    vehicle = Vehicle(
        vehicle_id="car",
        capacity_wh=60_000.0,
        soc_floor=0.3,
        soc_ceiling=0.8,
        soc_step=0.01,
        max_charge_w=11_000.0,
        max_discharge_w=10_000.0,
        taper_above_soc=0.9,
        wear_cost_per_kwh_discharged=0.04,
        warranty=warranty_terms(),
        evccid=EVCCID,
    )
    return replace(vehicle, **changes)


def a_policy(**changes: Any) -> Policy:
    """The whole house at stage V2G."""
    policy = Policy(
        timezone="Europe/Amsterdam",
        stage_wanted=Stage.V2G,
        export_policy=ExportPolicy.ALLOWED,
        timing=a_timing(),
        grid=a_grid(),
        evses=(an_evse(),),
        vehicles=(a_vehicle(),),
        schedule=WeeklySchedule(timezone="Europe/Amsterdam"),
        economics=Economics(currency="EUR", margin_per_kwh=0.02, unmet_goal_per_kwh=5.0),
        export_depth=ExportDepth(energy_wh=10_000.0, share_of_pack=0.2, cycles_per_month=10.0),
        commute_margin_fraction=0.15,
    )
    return replace(policy, **changes)


def a_capability(**changes: Any) -> EvseCapability:
    capability = EvseCapability(
        power=PowerRange(lowest_w=-7400.0, highest_w=7400.0),
        min_charge_w=1400.0,
        min_discharge_w=1400.0,
        control=PowerControl.SIGNED,
    )
    return replace(capability, **changes)


def an_evse_status(**changes: Any) -> EvseStatus:
    """The car has been plugged in for a while and idles at 50 %."""
    status = EvseStatus(
        evse_id="carport",
        connected=True,
        serial="SIM-1",
        plugged_in=True,
        session_id="s1",
        transaction_id="t1",
        plugged_in_at_utc=in_hours(-1.0),
        identity=VehicleIdentity(evccid=EVCCID),
        capability=a_capability(),
        power_w=0.0,
        power_observed_at=NOW,
        soc=0.5,
        soc_observed_at=NOW,
        charge_milliwh=5_000_000,
        discharge_milliwh=1_000_000,
        registers_observed_at=NOW,
    )
    return replace(status, **changes)


def an_answer(vehicle_id: str | None, **changes: Any) -> CarAnswer:
    """The owner's word on the car of `an_evse_status`."""
    answer = CarAnswer(
        answered_at_utc=NOW.utc, evse_id="carport", session_id="s1", vehicle_id=vehicle_id
    )
    return replace(answer, **changes)


def a_feed(vehicle_id: str = "car", **changes: Any) -> VehicleFeedStatus:
    """The car's cloud saw it plugged in five minutes after the car of `an_evse_status` was."""
    feed = VehicleFeedStatus(
        vehicle_id=vehicle_id,
        plugged_in=True,
        observed_at=ago(60.0),
        asked_at=ago(60.0),
        since=ago(3300.0),
        opposite_at=ago(3660.0),
    )
    return replace(feed, **changes)


def a_sun(told_ago_s: float = 1800.0, **changes: Any) -> SunForecast:
    """Half an hour ago Open-Meteo told 400 W/m² for the two days from the running hour on."""
    sun = SunForecast(
        source="Open-Meteo",
        latitude_deg=52.37,
        longitude_deg=4.89,
        told_utc=ago(told_ago_s).utc,
        serves_s=43_200.0,
        start_utc=NOW.utc,
        irradiance_w_per_m2=(400.0,) * 192,
    )
    return replace(sun, **changes)


def an_unplugged_feed(vehicle_id: str = "car", **changes: Any) -> VehicleFeedStatus:
    """The car's cloud has said ever since we ask that it is not plugged in, last a minute ago."""
    feed = VehicleFeedStatus(
        vehicle_id=vehicle_id, plugged_in=False, observed_at=ago(60.0), asked_at=ago(60.0)
    )
    return replace(feed, **changes)


def a_meter(power_w: float = 500.0, *, age_s: float = 0.0, **changes: Any) -> MeterReading:
    """The PCC; phases share the power evenly unless given."""
    reading = MeterReading(
        observed_at=ago(age_s), power_w=power_w, phase_power_w=(power_w / 3.0,) * 3
    )
    return replace(reading, **changes)


def a_pcc_row(interval: Interval, **changes: Any) -> PccInterval:
    """A metered row of the PCC in which nothing flowed."""
    row = PccInterval(
        interval=interval,
        import_milliwh=0,
        export_milliwh=0,
        pv_milliwh=None,
        import_register_milliwh=None,
        export_register_milliwh=None,
        estimated=False,
        import_per_kwh=None,
        export_per_kwh=None,
        currency="EUR",
    )
    return replace(row, **changes)


def commissioning(
    serial: str = "SIM-1", *, simulated: bool = True
) -> tuple[CommissioningRecord, ...]:
    """All four records for one charger."""
    return tuple(
        CommissioningRecord(
            step=step,
            evse_serial=serial,
            recorded_at_utc=in_hours(-1000.0),
            recorded_by="installer",
            evidence="letter of 1 October",
            simulated=simulated,
        )
        for step in CommissioningStep
    )


def some_counters(**changes: Any) -> DischargeCounters:
    """Nothing discharged yet."""
    counters = DischargeCounters(
        vehicle_id="car",
        exported_today_wh=0.0,
        discharged_month_wh=0.0,
        discharged_life_wh=0.0,
        discharging_life_s=0.0,
    )
    return replace(counters, **changes)


def a_price_curve(
    import_per_kwh: Sequence[float] = (0.30,) * 48,
    export_per_kwh: Sequence[float] | None = None,
    *,
    hours: float = 1.0,
    start_utc: datetime = NOW.utc,
) -> PriceCurve:
    """Slots of `hours` from `start_utc`; export earns 0.10 less than import unless given."""
    exported = [p - 0.10 for p in import_per_kwh] if export_per_kwh is None else export_per_kwh
    step = timedelta(hours=hours)
    return PriceCurve(
        currency="EUR",
        slots=tuple(
            PriceSlot(
                interval=Interval(
                    start_utc=start_utc + i * step, end_utc=start_utc + (i + 1) * step
                ),
                import_per_kwh=bought,
                export_per_kwh=sold,
            )
            for i, (bought, sold) in enumerate(zip(import_per_kwh, exported, strict=True))
        ),
    )


def a_plan(worth_per_kwh: float = 0.20, *, made_s_ago: float = 60.0, **changes: Any) -> Plan:
    """A plan of 48 hours that holds every kWh left in a 60 kWh pack to be worth the same."""
    steps = 192
    row = (0.0, 30.0 * worth_per_kwh, 60.0 * worth_per_kwh)
    quarter = timedelta(minutes=15)
    plan = Plan(
        plan_id="p1",
        evse_id="carport",
        vehicle_id="car",
        made_at=ago(made_s_ago),
        slots=tuple(
            PlanSlot(
                interval=Interval(
                    start_utc=NOW.utc + i * quarter, end_utc=NOW.utc + (i + 1) * quarter
                ),
                power_w=0.0,
                soc=0.5,
                net_load_w=500.0,
                import_per_kwh=0.30,
                export_per_kwh=0.20,
                price_is_forecast=False,
            )
            for i in range(steps)
        ),
        value=ValueFunction(
            start_utc=NOW.utc,
            step_s=(900,) * steps,
            soc_grid=(0.0, 0.5, 1.0),
            rows=(row,) * (steps + 1),
        ),
        export_shadow_per_kwh=(0.0,) * steps,
        expected_cost=1.0,
        missed_wh=0.0,
        summary="nothing is worth its while",
    )
    return replace(plan, **changes)


def a_goal(hours: float = 12.0, soc: float | None = 0.6, **changes: Any) -> DepartureGoal:
    goal = DepartureGoal(ready_by_utc=in_hours(hours), soc=soc)
    return replace(goal, **changes)


def a_told_departure(
    hours: float = 12.0, back_in: float | None = None, **changes: Any
) -> ToldDeparture:
    """The car leaves in so many hours (0: it is away already) with 60 %."""
    returns_at_utc = None if back_in is None else in_hours(back_in)
    goal = a_goal(hours, returns_at_utc=returns_at_utc)
    told = ToldDeparture(vehicle_id="car", told_at_utc=NOW.utc, goal=goal)
    return replace(told, **changes)


def goals(*wanted: DepartureGoal, vehicle_id: str | None = "car") -> tuple[VehicleGoals, ...]:
    return (VehicleGoals(vehicle_id=vehicle_id, goals=wanted),)


def an_override(kind: OverrideKind = OverrideKind.STOP, **changes: Any) -> UserOverride:
    override = UserOverride(
        evse_id="carport", kind=kind, set_at_utc=in_hours(-0.1), until_utc=in_hours(2.0)
    )
    return replace(override, **changes)


def a_snapshot(**changes: Any) -> Snapshot:
    """A quiet moment: everything is permitted, and there is neither plan nor goal."""
    snapshot = Snapshot(
        now=NOW,
        clock_trusted=True,
        meter=a_meter(),
        pv_power_w=None,
        evses=(an_evse_status(),),
        prices=a_price_curve(),
        plans=(),
        goals=(),
        overrides=(),
        commissioning=commissioning(),
        counters=(some_counters(),),
        recording=RecordingHealth(last_durable_at=ago(10.0), queue_full=False, records_lost=0),
    )
    return replace(snapshot, **changes)


def a_setpoint(target_w: float, *, age_s: float = 1.0) -> Setpoint:
    """A setpoint issued `age_s` before NOW."""
    return Setpoint(
        target_w=target_w,
        permitted=PowerRange(lowest_w=-7400.0, highest_w=7400.0),
        reason=Reason(authority=Authority.PLAN, rule="plan", detail="as planned"),
        issued_at=ago(age_s),
        expires_at=ago(age_s).later(90.0),
    )


def long_told(seconds_s: float = 60.0, **changes: Any) -> Direction:
    """Neither to charge nor to discharge was told within these seconds before NOW."""
    told = Direction(charge_told_at=ago(seconds_s), discharge_told_at=ago(seconds_s))
    return replace(told, **changes)


def an_evse_memory(last_w: float | None = None, **changes: Any) -> EvseMemory:
    """The carport in this session; `last_w` was commanded a second ago."""
    memory = EvseMemory(
        evse_id="carport",
        session_id="s1",
        session_base_milliwh=5_000_000,
        last=None if last_w is None else a_setpoint(last_w),
        discharge_shown=True,
        discharge_proven=True,
    )
    return replace(memory, **changes)


def a_memory(last_w: float | None = None, **changes: Any) -> Memory:
    """A house whose meter has been good for a minute."""
    return Memory(evses=(an_evse_memory(last_w, **changes),), meter_good_since=ago(60.0))


def a_situation(
    *,
    status: EvseStatus | None = None,
    memory: EvseMemory | None = None,
    snapshot: Snapshot | None = None,
    policy: Policy | None = None,
) -> Situation:
    """The carport's situation as `decide` would assess it."""
    return assess(
        an_evse_status() if status is None else status,
        an_evse_memory() if memory is None else memory,
        a_snapshot() if snapshot is None else snapshot,
        a_policy() if policy is None else policy,
        (),
    )


def decided(
    snapshot: Snapshot, *, policy: Policy | None = None, memory: Memory | None = None
) -> EvseDecision:
    """What `decide` says of the first EVSE."""
    return decide(
        a_memory() if memory is None else memory,
        snapshot,
        a_policy() if policy is None else policy,
    )[1].evses[0]


def target_of(decision: EvseDecision) -> float:
    """The commanded power; fails on hands off."""
    assert not isinstance(decision.command, HandsOff), decision.command.reason
    return decision.command.target_w


def rules_of(decision: EvseDecision) -> set[str]:
    """The names of the limits that forbid discharge."""
    return {limit.reason.rule for limit in decision.limits if limit.permitted.lowest_w >= 0.0}
