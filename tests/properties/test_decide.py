"""What holds for any snapshot, plan, override and history: what carries the project."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from math import inf, isfinite
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import (
    LOSSLESS,
    LOSSY,
    NOW,
    a_cadence,
    a_capability,
    a_grid,
    a_meter,
    a_plan,
    a_policy,
    a_price_curve,
    a_snapshot,
    a_timing,
    a_vehicle,
    ago,
    an_evse,
    commissioning,
    warranty_terms,
)
from v2g_daemon.control.decide import decide
from v2g_daemon.control.limits import LIMIT_RULES, SITE_LIMIT_RULES, permitted_by
from v2g_daemon.domain.decision import Decision, EvseDecision
from v2g_daemon.domain.goals import DepartureGoal, OverrideKind, UserOverride
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.memory import Memory
from v2g_daemon.domain.plan import Plan, ValueFunction
from v2g_daemon.domain.policy import (
    EvsePolicy,
    ExportPolicy,
    FailState,
    LossCurve,
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
from v2g_daemon.domain.vehicle import Vehicle

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
        recording=RecordingHealth(
            last_durable_at=mostly(draw, now, st.sampled_from([now.later(-181.0), None])),
            queue_full=mostly(draw, False, st.just(True)),
            records_lost=mostly(draw, 0, st.just(3)),
        ),
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


# The properties.


@settings(max_examples=150)
@given(days())
def test_0_w_is_permitted_and_every_setpoint_is_finite_inside_every_limit_and_expires(
    day: tuple[Policy, tuple[Snapshot, ...]],
) -> None:
    policy, some = day
    for _, snapshot, decision in run(policy, some):
        for evse in decision.evses:
            assert evse.command.permitted.contains(0.0)
            assert all(limit.permitted.contains(0.0) for limit in evse.limits)
            setpoint = commanded(evse)
            if setpoint is None:
                continue
            assert isfinite(setpoint.target_w)
            for limit in evse.limits:
                assert limit.permitted.contains(setpoint.target_w), limit
            assert 0.0 < setpoint.expires_at.seconds_since(snapshot.now) <= 3600.0
            if discharges(evse):
                assert setpoint.expires_at.seconds_since(snapshot.now) <= 120.0


@settings(max_examples=100)
@given(days())
def test_decide_answers_every_evse_gives_its_reason_and_repeats_itself(
    day: tuple[Policy, tuple[Snapshot, ...]],
) -> None:
    policy, some = day
    for before, snapshot, decision in run(policy, some):
        assert decide(before, snapshot, policy)[1] == decision
        assert [evse.evse_id for evse in decision.evses] == [e.evse_id for e in snapshot.evses]
        for evse in decision.evses:
            assert evse.command.reason.detail
            assert all(limit.reason.detail for limit in evse.limits)


@settings(max_examples=80)
@given(days(), st.randoms(use_true_random=False))
def test_the_order_of_the_limits_never_matters(
    day: tuple[Policy, tuple[Snapshot, ...]], random: Any
) -> None:
    policy, some = day
    own, site = list(LIMIT_RULES), list(SITE_LIMIT_RULES)
    random.shuffle(own)
    random.shuffle(site)
    for before, snapshot, decision in run(policy, some):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("v2g_daemon.control.limits.LIMIT_RULES", tuple(own))
            patch.setattr("v2g_daemon.control.limits.SITE_LIMIT_RULES", tuple(site))
            _, shuffled = decide(before, snapshot, policy)
        for one, other in zip(decision.evses, shuffled.evses, strict=True):
            assert permitted_by(one.limits) == permitted_by(other.limits)
            first, second = commanded(one), commanded(other)
            assert (first is None) is (second is None)
            if first is not None and second is not None:
                assert first.target_w == second.target_w


@settings(max_examples=120)
@given(days())
def test_shares_never_sum_past_a_site_limit(day: tuple[Policy, tuple[Snapshot, ...]]) -> None:
    policy, some = day
    for _, snapshot, decision in run(policy, some):
        targets = [setpoint.target_w for e in decision.evses if (setpoint := commanded(e))]
        charge_w = sum(max(target_w, 0.0) for target_w in targets)
        discharge_w = sum(max(-target_w, 0.0) for target_w in targets)
        grid, meter = policy.grid, snapshot.meter
        if grid.grid_operator_import_w is not None:
            assert charge_w <= max(grid.grid_operator_import_w, 4200.0 * len(targets)) + 1e-3
        usable = meter is not None and 0.0 <= snapshot.now.seconds_since(meter.observed_at) <= 5.0
        if not usable or not grid.has_meter:
            spare_a = grid.main_fuse_a - grid.largest_other_load_a
            assert charge_w <= max(spare_a, 0.0) * grid.nominal_voltage_v * grid.phases + 1e-3
        if not usable:
            assert discharge_w == 0.0


@settings(max_examples=120)
@given(days())
def test_the_parts_of_a_site_limit_sum_to_no_more_than_the_whole(
    day: tuple[Policy, tuple[Snapshot, ...]],
) -> None:
    policy, some = day
    for before, snapshot, decision in run(policy, some):
        if len(decision.evses) < 2:
            continue
        whole: dict[str, tuple[float, float]] = {}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("v2g_daemon.control.decide.share", _not_shared(whole))
            decide(before, snapshot, policy)
        for rule, (lowest_w, highest_w) in whole.items():
            parts = [
                limit.permitted
                for evse in decision.evses
                for limit in evse.limits
                if limit.reason.rule == rule
            ]
            assert sum(part.highest_w for part in parts) <= highest_w + 1e-3
            assert sum(part.lowest_w for part in parts) >= lowest_w - 1e-3


def _not_shared(whole: dict[str, tuple[float, float]]) -> Callable[..., Any]:
    """A stand-in for `share` that only notes the site's limits."""

    def note(limits: Any, claims: Any) -> Any:
        for limit in limits:
            whole[limit.reason.rule] = (limit.permitted.lowest_w, limit.permitted.highest_w)
        return tuple(() for _ in claims)

    return note


@settings(max_examples=250)
@given(days())
def test_nothing_discharges_without_all_that_a_discharge_needs(
    day: tuple[Policy, tuple[Snapshot, ...]],
) -> None:
    policy, some = day
    for before, snapshot, decision in run(policy, some):
        for status, evse in zip(snapshot.evses, decision.evses, strict=True):
            if not discharges(evse):
                continue
            assert evse.vehicle_id is not None, "a guest"
            assert evse.soc is not None, "an unknown SoC"
            assert evse.soc_sigma is not None
            assert evse.soc_sigma <= 0.05
            vehicle = policy.vehicle(evse.vehicle_id)
            assert evse.soc - evse.soc_sigma > vehicle.soc_floor, "below the floor"
            assert evse.stage >= Stage.V2H
            assert vehicle.warranty is not None
            assert vehicle.warranty.acknowledged
            assert snapshot.clock_trusted
            assert not snapshot.recording.queue_full
            assert snapshot.recording.last_durable_at is not None
            assert snapshot.now.seconds_since(snapshot.recording.last_durable_at) <= 180.0
            assert policy.grid.has_meter
            assert snapshot.meter is not None
            assert 0.0 <= snapshot.now.seconds_since(snapshot.meter.observed_at) <= 5.0
            assert status.capability is not None
            assert status.capability.control is PowerControl.SIGNED
            assert status.power_observed_at is not None
            assert snapshot.now.seconds_since(status.power_observed_at) <= 30.0
            assert all(latch.evse_id != evse.evse_id for latch in before.latches)


@settings(max_examples=120)
@given(days())
def test_below_v2g_or_without_a_known_limit_nothing_is_exported_by_intent(
    day: tuple[Policy, tuple[Snapshot, ...]],
) -> None:
    policy, some = day
    for _, snapshot, decision in run(policy, some):
        out = [evse for evse in decision.evses if discharges(evse)]
        no_export = policy.grid.export_limit_w is None or any(e.stage < Stage.V2G for e in out)
        meter = snapshot.meter
        if not out or not no_export or meter is None or len(snapshot.evses) > 1:
            continue
        power_w, setpoint = snapshot.evses[0].power_w, commanded(out[0])
        at = snapshot.evses[0].power_observed_at
        if power_w is None or at is None or setpoint is None:
            continue
        if abs(snapshot.now.seconds_since(at) - snapshot.now.seconds_since(meter.observed_at)) > 1:
            continue
        assert meter.power_w - power_w + setpoint.target_w >= 0.0


# What a discharge needs, thing by thing, beside a moment that has it all.


def _status(**changes: Any) -> Callable[[Snapshot, Policy], tuple[Snapshot, Policy]]:
    def broken(snapshot: Snapshot, policy: Policy) -> tuple[Snapshot, Policy]:
        return replace(snapshot, evses=(replace(snapshot.evses[0], **changes),)), policy

    return broken


def _snapshot(**changes: Any) -> Callable[[Snapshot, Policy], tuple[Snapshot, Policy]]:
    return lambda snapshot, policy: (replace(snapshot, **changes), policy)


def _policy(**changes: Any) -> Callable[[Snapshot, Policy], tuple[Snapshot, Policy]]:
    return lambda snapshot, policy: (snapshot, replace(policy, **changes))


def _stale_meter(snapshot: Snapshot, policy: Policy) -> tuple[Snapshot, Policy]:
    assert snapshot.meter is not None
    return replace(snapshot, meter=replace(snapshot.meter, observed_at=ago(5.1))), policy


BREAKS: dict[str, Callable[[Snapshot, Policy], tuple[Snapshot, Policy]]] = {
    "a guest": _status(identity=VehicleIdentity(evccid="foreign")),
    "nobody knows the car": _status(identity=None),
    "unknown SoC": _status(soc=None),
    "below the floor": _status(soc=0.25),
    "at the floor": _status(soc=0.30),
    "silent charger": _status(power_observed_at=ago(30.1)),
    "unmeasured charger": _status(power_observed_at=None),
    "charge only": _status(capability=a_capability(control=PowerControl.CHARGE_LIMIT)),
    "nothing known of station and car": _status(capability=None),
    "another charger": _status(serial="SIM-9"),
    "no charger's serial": _status(serial=None),
    "no meter value": _snapshot(meter=None),
    "stale meter": _stale_meter,
    "untrusted clock": _snapshot(clock_trusted=False),
    "no records": _snapshot(commissioning=()),
    "no counters": _snapshot(counters=()),
    "nothing recorded": _snapshot(
        recording=RecordingHealth(last_durable_at=ago(180.1), queue_full=False, records_lost=0)
    ),
    "record queue full": _snapshot(
        recording=RecordingHealth(last_durable_at=NOW, queue_full=True, records_lost=0)
    ),
    "the trip needs it": _snapshot(
        goals=(
            VehicleGoals(
                vehicle_id="car",
                goals=(DepartureGoal(ready_by_utc=NOW.utc + timedelta(hours=1), soc=0.55),),
            ),
        )
    ),
    "stage V1G": _policy(stage_wanted=Stage.V1G),
    "no meter": _policy(grid=a_grid(has_meter=False)),
    "unknown warranty": _policy(vehicles=(a_vehicle(warranty=None),)),
    "uncertain SoC": _policy(vehicles=(a_vehicle(soc_step=0.12),)),
}


def sold(*, relief: bool, breaks: Sequence[str]) -> float | None:
    """The command where the plan sells, or the house is overloaded, and some things are broken."""
    load_w = 19_000.0 if relief else 500.0
    snapshot, policy = a_snapshot(plans=(a_plan(0.0),), meter=a_meter(load_w)), a_policy()
    for name in breaks:
        snapshot, policy = BREAKS[name](snapshot, policy)
    memory = Memory(meter_good_since=ago(60.0))
    setpoint = commanded(decide(memory, snapshot, policy)[1].evses[0])
    return None if setpoint is None else setpoint.target_w


@pytest.mark.parametrize(("relief", "target_w"), [(False, -4400.0), (True, -1750.0)])
def test_with_all_that_a_discharge_needs_the_car_is_discharged(
    *, relief: bool, target_w: float
) -> None:
    assert sold(relief=relief, breaks=()) == target_w


@pytest.mark.parametrize("relief", [False, True], ids=["plan", "overload"])
@pytest.mark.parametrize("missing", sorted(BREAKS))
def test_each_thing_that_a_discharge_needs_is_needed(missing: str, *, relief: bool) -> None:
    target_w = sold(relief=relief, breaks=(missing,))
    assert target_w is None or target_w >= 0.0


@settings(max_examples=100)
@given(st.lists(st.sampled_from(sorted(BREAKS)), min_size=1, max_size=6), st.booleans())
def test_no_second_fault_makes_up_for_a_first(breaks: list[str], relief: bool) -> None:
    target_w = sold(relief=relief, breaks=breaks)
    assert target_w is None or target_w >= 0.0


# The trip.

TICK_S = 120.0


@st.composite
def adversarial_plans(draw: st.DrawFn) -> Plan:
    """Plans that would empty the car, idle, or change their mind every quarter of an hour."""
    steps = 192
    worths = draw(
        st.sampled_from(
            [
                [0.0] * (steps + 1),
                [0.25] * (steps + 1),
                [0.0, 1.0] * 96 + [0.0],
                [1.0] * (steps + 1),
            ]
        )
    )
    plan = a_plan()
    rows = tuple((0.0, 30.0 * worth, 60.0 * worth) for worth in worths)
    return replace(plan, value=replace(plan.value, rows=rows))


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    """A car plugged in with `soc` that is wanted with `goal_soc` after `hours`."""

    soc: float
    goal_soc: float
    hours: float


def soc_at_departure(trip: Trip, plan: Plan, policy: Policy) -> tuple[float, float]:
    """Where an ideal charger ends that obeys every setpoint, and one that charges throughout."""
    vehicle, evse = policy.vehicles[0], policy.evses[0]
    goal = DepartureGoal(ready_by_utc=NOW.utc + timedelta(hours=trip.hours), soc=trip.goal_soc)
    snapshot = a_snapshot(plans=(plan,), goals=(VehicleGoals(vehicle_id="car", goals=(goal,)),))
    memory, now = Memory(meter_good_since=NOW.later(-60.0)), NOW
    soc, plain_soc, power_w, charged_wh, discharged_wh = trip.soc, trip.soc, 0.0, 0.0, 0.0
    hours = TICK_S / 3600.0
    for _ in range(int(trip.hours / hours)):
        snapshot = _observed(snapshot, now, soc, power_w, (charged_wh, discharged_wh))
        memory, decision = decide(memory, snapshot, policy)
        setpoint = commanded(decision.evses[0])
        assert setpoint is not None
        power_w = setpoint.target_w
        soc += _into_pack_w(power_w, evse.loss) * hours / vehicle.capacity_wh
        plain_w = 7400.0 * (1.0 if plain_soc <= 0.9 else 1.0 - 7.5 * (plain_soc - 0.9))
        plain_soc += _into_pack_w(plain_w, evse.loss) * hours / vehicle.capacity_wh
        charged_wh += max(power_w, 0.0) * hours
        discharged_wh += max(-power_w, 0.0) * hours
        now = now.later(TICK_S)
    return soc, min(plain_soc, 1.0)


def _observed(
    snapshot: Snapshot, now: Instant, soc: float, power_w: float, registers_wh: tuple[float, float]
) -> Snapshot:
    status = replace(
        snapshot.evses[0],
        power_w=power_w,
        power_observed_at=now,
        soc=min(soc, 1.0),
        soc_observed_at=now,
        charge_milliwh=round(registers_wh[0] * 1000.0),
        discharge_milliwh=round(registers_wh[1] * 1000.0),
    )
    return replace(
        snapshot,
        now=now,
        evses=(status,),
        meter=MeterReading(observed_at=now, power_w=300.0 + power_w),
        recording=RecordingHealth(last_durable_at=now, queue_full=False, records_lost=0),
    )


def _into_pack_w(power_w: float, loss: LossCurve) -> float:
    if power_w == 0.0:
        return 0.0
    magnitude_w = abs(power_w)
    lost_w = loss.constant_w + loss.linear * magnitude_w + loss.quadratic_per_w * magnitude_w**2
    return power_w - lost_w


@settings(max_examples=100)
@given(
    st.builds(
        Trip,
        soc=st.floats(0.05, 0.95),
        goal_soc=st.sampled_from([0.35, 0.6, 0.8, 0.9, 1.0]),
        hours=st.sampled_from([0.5, 1.0, 2.0, 4.0, 8.0, 14.0]),
    ),
    adversarial_plans(),
    st.sampled_from([LOSSLESS, LOSSY]),
)
def test_a_trip_that_can_still_be_made_is_never_missed_whatever_the_plan_says(
    trip: Trip, plan: Plan, loss: LossCurve
) -> None:
    policy = a_policy(evses=(an_evse(loss=loss),), timing=a_timing(tick_s=TICK_S))
    soc, plain_soc = soc_at_departure(trip, plan, policy)
    first_tick_soc = 7400.0 * TICK_S / 3600.0 / 60_000.0
    assert soc >= min(trip.goal_soc, plain_soc - first_tick_soc)
    assert soc >= min(0.3, trip.soc)


def test_the_adversary_is_worth_its_name() -> None:
    plan = a_plan()
    emptying = replace(
        plan, value=replace(plan.value, rows=((0.0, 0.0, 0.0),) * len(plan.value.rows))
    )
    policy = a_policy(timing=a_timing(tick_s=TICK_S))
    trip = Trip(soc=0.7, goal_soc=0.35, hours=8.0)
    soc, _ = soc_at_departure(trip, emptying, policy)
    assert 0.35 <= soc < 0.45
