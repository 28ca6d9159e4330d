"""One small house, one snapshot and its decision, all numbers chosen to be read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from math import inf

from v2g_daemon.domain.decision import Decision, EvseDecision
from v2g_daemon.domain.faults import Fault, FaultCode
from v2g_daemon.domain.goals import DepartureGoal, WeeklyDeparture, WeeklySchedule
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.interval import Interval
from v2g_daemon.domain.memory import EvseMemory, Memory
from v2g_daemon.domain.plan import Plan, PlanSlot, ValueFunction
from v2g_daemon.domain.policy import (
    Cadence,
    Economics,
    EvsePolicy,
    ExportDepth,
    ExportPolicy,
    FailState,
    GridConnection,
    LossCurve,
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
from v2g_daemon.domain.setpoint import Authority, Limit, Reason, Setpoint
from v2g_daemon.domain.snapshot import (
    CommissioningRecord,
    CommissioningStep,
    DischargeCounters,
    RecordingHealth,
    Snapshot,
    VehicleGoals,
)
from v2g_daemon.domain.vehicle import Vehicle, WarrantyTerms

START = Instant(utc=datetime(2024, 12, 11, 16, 30, tzinfo=UTC), monotonic_s=100.25)
REASON = Reason(authority=Authority.PLAN, rule="plan", detail="0.873 per kWh is worth it")
QUARTER = Interval(
    start_utc=datetime(2024, 12, 11, 16, 30, tzinfo=UTC),
    end_utc=datetime(2024, 12, 11, 16, 45, tzinfo=UTC),
)
LOSS = LossCurve(constant_w=150.0, linear=0.03, quadratic_per_w=3e-06)


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """All that one tick of a trace can hold."""

    policy: Policy
    memory: Memory
    snapshot: Snapshot
    decision: Decision


def _policy() -> Policy:
    timing = Timing(
        tick_s=1.0, meter_max_age_s=5.0, meter_no_increase_age_s=3.0, meter_recovery_s=30.0,
        evse_max_age_s=30.0, discharge_lease_s=90.0, safe_charge_lease_s=1800.0,
        idle_lease_s=1800.0, recording_max_age_s=180.0, follow_within_s=30.0,
    )  # fmt: skip
    grid = GridConnection(
        phases=3, nominal_voltage_v=230.0, main_fuse_a=25.0, largest_other_load_a=9.0,
        has_meter=True, import_limit_w=None, export_limit_w=4000.0, max_phase_imbalance_w=None,
        grid_operator_import_w=None,
    )  # fmt: skip
    evse = EvsePolicy(
        evse_id="garage", phases=1, static_safe_current_a=16.0, max_charge_w=7400.0,
        max_discharge_w=7400.0, min_charge_w=1400.0, min_discharge_w=1400.0, loss=LOSS,
        fail_state=FailState.CHARGES, soc_needs_power=False,
        cadence=Cadence(smallest_change_w=100.0, between_increases_s=30.0, dwell_on_s=600.0,
                        dwell_off_s=300.0, ramp_up_w_per_s=500.0),
    )  # fmt: skip
    warranty = WarrantyTerms(acknowledged=True, years=8.0, start_date=date(2023, 4, 1))
    vehicle = Vehicle(
        vehicle_id="car", capacity_wh=60_000.0, soc_floor=0.3, soc_ceiling=0.8, soc_step=0.01,
        max_charge_w=7400.0, max_discharge_w=7400.0, taper_above_soc=0.9,
        wear_cost_per_kwh_discharged=0.04, warranty=warranty,
    )  # fmt: skip
    departure = WeeklyDeparture(
        vehicle_id="car", weekdays=(0, 1, 2, 3, 4), ready_by=time(7, 30), returns_at=time(17, 30),
        soc=0.6, energy_wh=None, trip_wh=9000.0,
    )  # fmt: skip
    return Policy(
        timezone="Europe/Amsterdam", stage_wanted=Stage.V2G, export_policy=ExportPolicy.ALLOWED,
        timing=timing, grid=grid, evses=(evse,), vehicles=(vehicle,),
        schedule=WeeklySchedule(timezone="Europe/Amsterdam", departures=(departure,)),
        economics=Economics(currency="EUR", margin_per_kwh=0.02, unmet_goal_per_kwh=5.0),
        export_depth=ExportDepth(energy_wh=10_000.0, share_of_pack=0.2, cycles_per_month=10.0),
        commute_margin_fraction=0.15,
    )  # fmt: skip


def _plan() -> Plan:
    slot = PlanSlot(
        interval=QUARTER, power_w=-4000.0, soc=0.48, net_load_w=350.5, import_per_kwh=0.91,
        export_per_kwh=0.868, price_is_forecast=False,
    )  # fmt: skip
    value = ValueFunction(
        start_utc=QUARTER.start_utc, step_s=(900,), soc_grid=(0.0, 0.5, 1.0),
        rows=((0.0, 1.25, 2.5), (-inf, 0.0, 0.1)),
    )  # fmt: skip
    return Plan(
        plan_id="p1", evse_id="garage", vehicle_id="car", made_at=START, slots=(slot,), value=value,
        export_shadow_per_kwh=(0.0,), expected_cost=0.5, missed_wh=0.0, summary="sell the peak",
    )  # fmt: skip


def _snapshot() -> Snapshot:
    status = EvseStatus(
        evse_id="garage", connected=True, serial="SIM-1", plugged_in=True, session_id="s1",
        transaction_id="t1", plugged_in_at_utc=QUARTER.start_utc,
        identity=VehicleIdentity(evccid="020000000001"),
        capability=EvseCapability(
            power=PowerRange(lowest_w=-7400.0, highest_w=7400.0), min_charge_w=1400.0,
            min_discharge_w=1400.0, control=PowerControl.SIGNED,
        ),
        power_w=-3995.5, power_observed_at=START, soc=0.5, soc_observed_at=START,
        charge_milliwh=12_000_000, discharge_milliwh=3_000_001, registers_observed_at=START,
    )  # fmt: skip
    goal = DepartureGoal(ready_by_utc=datetime(2024, 12, 12, 6, 30, tzinfo=UTC), soc=0.6)
    record = CommissioningRecord(
        step=CommissioningStep.SIGN_TEST, evse_serial="SIM-1", recorded_at_utc=QUARTER.start_utc,
        recorded_by="demo", evidence="none", simulated=True,
    )  # fmt: skip
    slot = PriceSlot(interval=QUARTER, import_per_kwh=0.91, export_per_kwh=0.868)
    meter = MeterReading(
        observed_at=START, power_w=-3645.0, phase_power_w=(-3995.0, 200.0, 150.0),
        voltage_v=(231.0, 230.5, 229.9), frequency_hz=50.01, import_milliwh=1, export_milliwh=2,
    )  # fmt: skip
    counters = DischargeCounters(
        vehicle_id="car", exported_today_wh=812.5, discharged_month_wh=None,
        discharged_life_wh=90_000.0, discharging_life_s=3600.0,
    )  # fmt: skip
    recording = RecordingHealth(last_durable_at=START, queue_full=False, records_lost=0)
    return Snapshot(
        now=START, clock_trusted=True, meter=meter, pv_power_w=412.0, evses=(status,),
        prices=PriceCurve(currency="EUR", slots=(slot,)), plans=(_plan(),),
        goals=(VehicleGoals(vehicle_id="car", goals=(goal,)),), overrides=(),
        commissioning=(record,), counters=(counters,), recording=recording,
    )  # fmt: skip


def _decision() -> Decision:
    permitted = PowerRange(lowest_w=-4000.0, highest_w=inf)
    command = Setpoint(
        target_w=-4000.0, permitted=permitted, reason=REASON, issued_at=START,
        expires_at=START.later(90.0),
    )  # fmt: skip
    evse = EvseDecision(
        evse_id="garage", vehicle_id="car", stage=Stage.V2G, soc=0.5, soc_sigma=0.01,
        desired_w=-7400.0, desire=REASON, limits=(Limit(permitted=permitted, reason=REASON),),
        command=command,
    )  # fmt: skip
    fault = Fault(code=FaultCode.NOT_FOLLOWING, detail="measured 0 W", evse_id="garage")
    return Decision(evses=(evse,), faults=(fault,))


def recorded_house() -> House:
    """The house at its first tick."""
    memory = Memory(evses=(EvseMemory(evse_id="garage", changed_at=START),))
    return House(policy=_policy(), memory=memory, snapshot=_snapshot(), decision=_decision())
