"""The builders' house at one moment, with a decision; what tests look for is named here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time
from math import inf

from tests.builders import (
    LOSSY,
    a_plan,
    a_policy,
    a_snapshot,
    an_evse,
    an_evse_status,
    goals,
    some_counters,
)
from v2g_daemon.domain.decision import Decision, EvseDecision
from v2g_daemon.domain.faults import Fault, FaultCode
from v2g_daemon.domain.goals import DepartureGoal, WeeklyDeparture, WeeklySchedule
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.interval import Interval
from v2g_daemon.domain.memory import EvseMemory, Memory
from v2g_daemon.domain.plan import Plan, PlanSlot, ValueFunction
from v2g_daemon.domain.policy import Policy, Stage
from v2g_daemon.domain.power import PowerRange
from v2g_daemon.domain.prices import PriceCurve, PriceSlot
from v2g_daemon.domain.readings import MeterReading
from v2g_daemon.domain.setpoint import Authority, Limit, Reason, Setpoint
from v2g_daemon.domain.snapshot import RecordingHealth, Snapshot

START = Instant(utc=datetime(2024, 12, 11, 16, 30, tzinfo=UTC), monotonic_s=100.25)
REASON = Reason(authority=Authority.PLAN, rule="plan", detail="0.873 per kWh is worth it")
QUARTER = Interval(
    start_utc=datetime(2024, 12, 11, 16, 30, tzinfo=UTC),
    end_utc=datetime(2024, 12, 11, 16, 45, tzinfo=UTC),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """All that one tick of a trace can hold."""

    policy: Policy
    memory: Memory
    snapshot: Snapshot
    decision: Decision


def _policy() -> Policy:
    departure = WeeklyDeparture(
        vehicle_id="car", weekdays=(0, 1, 2, 3, 4), ready_by=time(7, 30), returns_at=time(17, 30),
        soc=0.6, energy_wh=None, trip_wh=9000.0,
    )  # fmt: skip
    return a_policy(
        evses=(an_evse(evse_id="garage", phases=1, static_safe_current_a=16.0, loss=LOSSY),),
        schedule=WeeklySchedule(timezone="Europe/Amsterdam", departures=(departure,)),
    )


def _plan() -> Plan:
    slot = PlanSlot(
        interval=QUARTER, power_w=-4000.0, soc=0.48, net_load_w=350.5, import_per_kwh=0.91,
        export_per_kwh=0.868, price_is_forecast=False,
    )  # fmt: skip
    value = ValueFunction(
        start_utc=QUARTER.start_utc, step_s=(900,), soc_grid=(0.0, 0.5, 1.0),
        rows=((0.0, 1.25, 2.5), (-inf, 0.0, 0.1)),
    )  # fmt: skip
    return a_plan(
        evse_id="garage", made_at=START, slots=(slot,), value=value, export_shadow_per_kwh=(0.0,),
        expected_cost=0.5, summary="sell the peak",
    )  # fmt: skip


def _snapshot() -> Snapshot:
    status = an_evse_status(
        evse_id="garage", plugged_in_at_utc=QUARTER.start_utc, power_w=-3995.5,
        power_observed_at=START, soc_observed_at=START, charge_milliwh=12_000_000,
        discharge_milliwh=3_000_001, registers_observed_at=START,
    )  # fmt: skip
    goal = DepartureGoal(ready_by_utc=datetime(2024, 12, 12, 6, 30, tzinfo=UTC), soc=0.6)
    slot = PriceSlot(interval=QUARTER, import_per_kwh=0.91, export_per_kwh=0.868)
    meter = MeterReading(
        observed_at=START, power_w=-3645.0, phase_power_w=(-3995.0, 200.0, 150.0),
        voltage_v=(231.0, 230.5, 229.9), frequency_hz=50.01, import_milliwh=1, export_milliwh=2,
    )  # fmt: skip
    counters = some_counters(
        exported_today_wh=812.5, discharged_month_wh=None, discharged_life_wh=90_000.0,
        discharging_life_s=3600.0,
    )  # fmt: skip
    return a_snapshot(
        now=START, meter=meter, pv_power_w=412.0, evses=(status,),
        prices=PriceCurve(currency="EUR", slots=(slot,)), plans=(_plan(),), goals=goals(goal),
        counters=(counters,),
        recording=RecordingHealth(last_durable_at=START, queue_full=False, records_lost=0),
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
