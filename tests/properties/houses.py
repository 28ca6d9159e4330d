"""Strategies for houses, their moments and their days, and how to run them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from math import inf
from typing import Any

from hypothesis import strategies as st

from tests.builders import (
    LOSSLESS,
    LOSSY,
    NOW,
    a_cadence,
    a_capability,
    a_grid,
    a_plan,
    a_policy,
    a_price_curve,
    a_timing,
    a_vehicle,
    an_evse,
    commissioning,
    warranty_terms,
)
from v2g_daemon.control.decide import decide
from v2g_daemon.domain.decision import Decision, EvseDecision
from v2g_daemon.domain.goals import DepartureGoal, OverrideKind, UserOverride
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.memory import Memory
from v2g_daemon.domain.plan import Plan, ValueFunction
from v2g_daemon.domain.policy import (
    EvsePolicy,
    ExportPolicy,
    FailState,
    Policy,
    Stage,
)
from v2g_daemon.domain.power import PowerRange
from v2g_daemon.domain.prices import PriceCurve
from v2g_daemon.domain.readings import (
    CommandOutcome,
    EvseStatus,
    MeterReading,
    OutcomeKind,
    PowerControl,
    VehicleIdentity,
)
from v2g_daemon.domain.setpoint import HandsOff, Setpoint
from v2g_daemon.domain.snapshot import (
    DischargeCounters,
    RecordingHealth,
    Snapshot,
    VehicleGoals,
)
from v2g_daemon.domain.vehicle import CarAnswer, Vehicle, VehicleFeedStatus

EVSE_IDS = ("carport", "garage", "yard")
EVCCIDS = {"car": "AA", "van": "BB"}
SERIALS = {"carport": "SIM-1", "garage": "SIM-2", "yard": "REAL-3"}
POWERS_W = st.one_of(
    st.sampled_from([0.0, -1e9, 1e9, 0.1, -0.1, 1400.0, -1400.0, 7400.0, -7400.0, -0.0]),
    st.floats(-30_000.0, 30_000.0),
)
AGES_S = st.sampled_from([0.0, 0.5, 2.9, 3.5, 4.9, 5.5, 29.0, 31.0, 170.0, 190.0, 1e6, -2.0])
QUIET_PLAN = a_plan()
PRICES = st.one_of(st.sampled_from([0.0, -0.5, 0.3, 4.0]), st.floats(-1.0, 5.0))


def perhaps(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), strategy)


def mostly(draw: st.DrawFn, usual: Any, odd: st.SearchStrategy[Any]) -> Any:
    """The usual value, now and then the odd: a house in which nothing works decides little."""
    return draw(odd) if draw(st.integers(0, 15)) == 9 else usual


# The strategies.


@st.composite
def vehicles(draw: st.DrawFn) -> tuple[Vehicle, ...]:
    ids = mostly(draw, ("car", "van"), st.sampled_from([(), ("car",)]))
    return tuple(draw(a_car(vehicle_id)) for vehicle_id in ids)


@st.composite
def a_car(draw: st.DrawFn, vehicle_id: str) -> Vehicle:
    terms = warranty_terms(
        acknowledged=mostly(draw, True, st.just(False)),
        years=mostly(draw, 8.0, st.just(0.0)),
        discharge_wh=mostly(draw, None, st.floats(0.0, 1e8)),
        discharge_s=mostly(draw, None, st.floats(0.0, 1e8)),
        min_soc=mostly(draw, 0.0, st.just(0.4)),
    )
    return a_vehicle(
        vehicle_id=vehicle_id,
        evccid=mostly(draw, EVCCIDS[vehicle_id], st.none()),
        id_token=draw(st.sampled_from([None, f"card of {vehicle_id}"])),
        capacity_wh=draw(st.sampled_from([10_000.0, 60_000.0, 120_000.0])),
        soc_floor=mostly(draw, 0.3, st.sampled_from([0.0, 0.5])),
        soc_ceiling=draw(st.sampled_from([0.6, 0.8, 1.0])),
        soc_step=draw(st.sampled_from([0.001, 0.01, 0.05])),
        taper_above_soc=draw(st.sampled_from([0.7, 0.9, 1.0])),
        max_charge_w=draw(st.sampled_from([1000.0, 7400.0, 22_000.0])),
        max_discharge_w=draw(st.sampled_from([0.0, 5000.0, 11_000.0, 11_000.0])),
        warranty=mostly(draw, terms, st.none()),
        assumed_when_unidentified=draw(st.booleans()),
        usual_energy_wh=draw(st.sampled_from([0.0, 10_000.0])),
    )


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    grid = a_grid(
        phases=draw(st.sampled_from([1, 3])),
        main_fuse_a=draw(st.sampled_from([16.0, 25.0, 63.0])),
        has_meter=mostly(draw, True, st.just(False)),
        import_limit_w=mostly(draw, None, st.sampled_from([50.0, 8000.0])),
        export_limit_w=draw(st.sampled_from([None, 0.0, 50.0, 4000.0, 20_000.0])),
        max_phase_imbalance_w=mostly(draw, None, st.just(4600.0)),
        grid_operator_import_w=mostly(draw, None, st.sampled_from([0.0, 5000.0])),
    )
    count = draw(st.sampled_from([1, 2, 3, 1, 2, 3, 0]))
    return a_policy(
        evses=tuple(draw(evses(evse_id)) for evse_id in EVSE_IDS[:count]),
        vehicles=draw(vehicles()),
        grid=grid,
        stage_wanted=mostly(draw, Stage.V2G, st.sampled_from(list(Stage))),
        export_policy=mostly(draw, ExportPolicy.ALLOWED, st.just(ExportPolicy.NEVER)),
        timing=a_timing(tick_s=draw(st.sampled_from([1.0, 36.0]))),
    )


@st.composite
def evses(draw: st.DrawFn, evse_id: str) -> EvsePolicy:
    least_w = draw(st.sampled_from([0.0, 500.0, 1400.0, 4000.0]))
    return an_evse(
        evse_id=evse_id,
        phases=draw(st.sampled_from([1, 3])),
        max_charge_w=draw(st.sampled_from([3700.0, 7400.0, 22_000.0])),
        max_discharge_w=mostly(draw, 7400.0, st.just(0.0)),
        min_charge_w=least_w,
        min_discharge_w=least_w,
        loss=draw(st.sampled_from([LOSSLESS, LOSSY])),
        fail_state=draw(st.sampled_from(list(FailState))),
        soc_needs_power=mostly(draw, False, st.just(True)),
        cadence=a_cadence(
            smallest_change_w=draw(st.sampled_from([0.0, 100.0])),
            ramp_up_w_per_s=draw(st.sampled_from([10.0, 500.0])),
        ),
    )


def seen(draw: st.DrawFn, now: Instant) -> Instant | None:
    """When something was observed: mostly now."""
    age_s = mostly(draw, 0.0, perhaps(AGES_S))
    return None if age_s is None else now.later(-age_s)


@st.composite
def statuses(draw: st.DrawFn, evse_id: str, now: Instant) -> EvseStatus:
    capability = a_capability(
        power=PowerRange(
            lowest_w=mostly(draw, -7400.0, st.sampled_from([0.0, -inf])),
            highest_w=mostly(draw, 7400.0, st.sampled_from([3000.0, 0.0, inf])),
        ),
        min_charge_w=draw(st.sampled_from([0.0, 1400.0])),
        control=mostly(draw, PowerControl.SIGNED, st.sampled_from(list(PowerControl))),
    )
    car = {"carport": "AA", "garage": "BB", "yard": "AA"}[evse_id]
    identity = VehicleIdentity(
        evccid=mostly(draw, car, st.sampled_from([None, "foreign"])),
        id_token=draw(st.sampled_from([None, "card of car", "card of van"])),
    )
    soc = st.sampled_from([0.0, 0.1, 0.29, 0.3, 0.31, 0.8, 0.97, 1.0, 1.2])
    outcome = CommandOutcome(
        kind=draw(st.sampled_from(list(OutcomeKind))), target_w=0.0, answered_at=now
    )
    return EvseStatus(
        evse_id=evse_id,
        connected=mostly(draw, True, st.just(False)),
        serial=mostly(draw, SERIALS[evse_id], st.none()),
        plugged_in=mostly(draw, True, st.just(False)),
        session_id=mostly(draw, "s1", st.sampled_from(["s2", None])),
        identity=mostly(draw, identity, st.none()),
        capability=mostly(draw, capability, st.none()),
        power_w=mostly(draw, draw(st.sampled_from([0.0, -2000.0, 2000.0])), perhaps(POWERS_W)),
        power_observed_at=seen(draw, now),
        soc=mostly(draw, 0.55, perhaps(soc)),
        soc_observed_at=seen(draw, now),
        charge_milliwh=mostly(draw, 0, perhaps(st.integers(0, 10**9))),
        discharge_milliwh=mostly(draw, 0, perhaps(st.integers(0, 10**9))),
        car_stopped=draw(st.booleans()),
        outcome=mostly(draw, None, st.just(outcome)),
    )


@st.composite
def plans(draw: st.DrawFn, evse_id: str, now: Instant) -> Plan:
    odd_row = st.tuples(*[st.one_of(st.floats(-1e6, 1e6), st.sampled_from([-inf, 0.0]))] * 3)
    steps = draw(st.integers(1, 3))
    worths = [draw(st.sampled_from([0.0, 0.1, 1.0, 0.05])) for _ in range(steps + 1)]
    value = ValueFunction(
        start_utc=now.utc - timedelta(minutes=mostly(draw, 0, st.sampled_from([-20, 7, 50]))),
        step_s=(900,) * steps,
        soc_grid=draw(st.sampled_from([(0.0, 0.5, 1.0), (0.3, 0.4, 0.8)])),
        rows=tuple(mostly(draw, (0.0, 30.0 * w, 60.0 * w), odd_row) for w in worths),
    )
    return replace(
        QUIET_PLAN,
        evse_id=evse_id,
        vehicle_id=mostly(
            draw, "van" if evse_id == "garage" else "car", st.sampled_from(["car", None])
        ),
        made_at=now.later(-mostly(draw, 60.0, st.sampled_from([9000.0, 130_000.0, -10.0]))),
        slots=QUIET_PLAN.slots[:steps],
        value=value,
        export_shadow_per_kwh=tuple(mostly(draw, 0.0, st.floats(0.0, 1.0)) for _ in range(steps)),
    )


@st.composite
def price_curves(draw: st.DrawFn, now: Instant) -> PriceCurve:
    bought = [mostly(draw, 0.4, PRICES) for _ in range(draw(st.integers(1, 4)))]
    sold = [mostly(draw, 0.3, PRICES) for _ in bought]
    start_utc = now.utc - timedelta(minutes=mostly(draw, 0, st.sampled_from([-90, 30, 170])))
    return a_price_curve(bought, sold, start_utc=start_utc)


@st.composite
def goal_lists(draw: st.DrawFn, now: Instant) -> tuple[VehicleGoals, ...]:
    return tuple(
        VehicleGoals(
            vehicle_id=vehicle_id,
            goals=tuple(
                DepartureGoal(
                    ready_by_utc=now.utc
                    + timedelta(minutes=mostly(draw, 2000, st.integers(-60, 3000))),
                    soc=mostly(draw, 0.6, perhaps(st.sampled_from([0.0, 0.3, 0.8, 1.0]))),
                    energy_wh=mostly(draw, None, st.sampled_from([0.0, 8000.0, 1e9])),
                )
                for _ in range(draw(st.integers(0, 2)))
            ),
        )
        for vehicle_id in ("car", "van", None)
    )


@st.composite
def overrides(draw: st.DrawFn, evse_id: str, now: Instant) -> UserOverride:
    return UserOverride(
        evse_id=evse_id,
        kind=draw(st.sampled_from(list(OverrideKind))),
        set_at_utc=now.utc - timedelta(minutes=draw(st.sampled_from([-5, 0, 30]))),
        until_utc=now.utc + timedelta(minutes=draw(st.sampled_from([-5, 0, 60]))),
        confirmed=draw(st.booleans()),
    )


@st.composite
def meters(draw: st.DrawFn, now: Instant) -> MeterReading:
    power_w = mostly(draw, draw(st.floats(-3000.0, 6000.0)), POWERS_W)
    return MeterReading(
        observed_at=now.later(-mostly(draw, 0.0, AGES_S)),
        power_w=power_w,
        phase_power_w=mostly(draw, (power_w / 3.0,) * 3, st.lists(POWERS_W, max_size=3).map(tuple)),
    )


@st.composite
def snapshots(draw: st.DrawFn, policy: Policy, now: Instant = NOW) -> Snapshot:
    evse_ids = [evse.evse_id for evse in policy.evses]
    records = tuple(
        record
        for evse_id in evse_ids
        for record in commissioning(SERIALS[evse_id], simulated=evse_id != "yard")
    )
    counters = tuple(
        DischargeCounters(
            vehicle_id=vehicle_id,
            exported_today_wh=mostly(draw, 0.0, st.sampled_from([1_999.0, 20_000.0, None])),
            discharged_month_wh=mostly(draw, 0.0, st.sampled_from([1e9, None])),
            discharged_life_wh=mostly(draw, 0.0, st.sampled_from([1e9, None])),
            discharging_life_s=mostly(draw, 0.0, st.none()),
        )
        for vehicle_id in mostly(draw, ("car", "van"), st.sampled_from([("car",), ()]))
    )
    return Snapshot(
        now=now,
        clock_trusted=mostly(draw, True, st.just(False)),
        meter=mostly(draw, draw(meters(now)), st.none()),
        pv_power_w=draw(perhaps(POWERS_W)),
        evses=tuple(draw(statuses(evse_id, now)) for evse_id in evse_ids),
        prices=mostly(draw, draw(price_curves(now)), st.none()),
        plans=tuple(
            draw(plans(evse_id, now)) for evse_id in evse_ids if draw(st.integers(0, 5)) != 2
        ),
        goals=draw(goal_lists(now)),
        overrides=tuple(
            draw(overrides(evse_id, now)) for evse_id in evse_ids if draw(st.integers(0, 5)) == 2
        ),
        commissioning=mostly(draw, records, st.just(records[1:])),
        counters=counters,
        answers=tuple(
            CarAnswer(
                answered_at_utc=now.utc,
                evse_id=evse_id,
                session_id=draw(st.sampled_from(["s1", "s2"])),
                vehicle_id=draw(st.sampled_from(["car", "van", "sold", None])),
            )
            for evse_id in evse_ids
            if draw(st.integers(0, 5)) == 2
        ),
        recording=RecordingHealth(
            last_durable_at=mostly(draw, now, st.sampled_from([now.later(-181.0), None])),
            queue_full=mostly(draw, False, st.just(True)),
            records_lost=mostly(draw, 0, st.just(3)),
        ),
        vehicle_feeds=tuple(
            draw(feeds(vehicle_id, now)) for vehicle_id in ("car", "van") if draw(st.booleans())
        ),
    )


@st.composite
def feeds(draw: st.DrawFn, vehicle_id: str, now: Instant) -> VehicleFeedStatus:
    """What a cloud told of its car, and when; of plug-ins that began here or anywhere."""
    moments = perhaps(st.sampled_from([0.0, 90.0, 400.0, 3500.0, 3600.0, 3700.0, 7200.0]))
    asked_at, observed_at, since, opposite_at = (
        None if age_s is None else now.later(-age_s) for age_s in (draw(moments) for _ in range(4))
    )
    return VehicleFeedStatus(
        vehicle_id=vehicle_id,
        plugged_in=draw(st.sampled_from([True, False, None])),
        observed_at=observed_at,
        asked_at=asked_at,
        since=since,
        opposite_at=opposite_at,
        trouble=draw(st.sampled_from([None, "https://c.example does not answer"])),
    )


@st.composite
def days(draw: st.DrawFn) -> tuple[Policy, tuple[Snapshot, ...]]:
    """A policy and a few ticks of it, seconds to hours apart: memory of every kind comes about."""
    policy = draw(policies())
    now, found = NOW, []
    for _ in range(draw(st.integers(1, 4))):
        found.append(draw(snapshots(policy, now)))
        now = now.later(draw(st.sampled_from([1.0, 2.0, 11.0, 36.0, 61.0, 700.0, 20_000.0])))
    return policy, tuple(found)


Tick = tuple[Memory, Snapshot, Decision]


def run(policy: Policy, snapshots_: tuple[Snapshot, ...]) -> list[Tick]:
    """Each tick with the memory before it."""
    memory, ticks = Memory(meter_good_since=NOW.later(-60.0)), []
    for snapshot in snapshots_:
        before = memory
        memory, decision = decide(before, snapshot, policy)
        ticks.append((before, snapshot, decision))
    return ticks


def commanded(decision: EvseDecision) -> Setpoint | None:
    return None if isinstance(decision.command, HandsOff) else decision.command


def discharges(decision: EvseDecision) -> bool:
    setpoint = commanded(decision)
    return setpoint is not None and setpoint.target_w < 0.0
