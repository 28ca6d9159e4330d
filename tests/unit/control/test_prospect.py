"""The plan read aloud: what there is of it, its slots, and why not now."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.builders import (
    LOSSY,
    NOW,
    a_goal,
    a_memory,
    a_plan,
    a_policy,
    a_price_curve,
    a_snapshot,
    a_vehicle,
    an_evse,
    an_evse_status,
    decided,
    goals,
)
from v2g_daemon.control.prospect import prospects
from v2g_daemon.domain.plan import Plan, PlanSlot
from v2g_daemon.domain.policy import Policy, Stage
from v2g_daemon.domain.prospect import EvseProspect, Move, SlotProspect, Standing
from v2g_daemon.domain.snapshot import Snapshot

QUARTER = timedelta(minutes=15)


def told(snapshot: Snapshot, policy: Policy | None = None) -> EvseProspect:
    policy = a_policy() if policy is None else policy
    memory = a_memory()
    decision = decided(snapshot, policy=policy, memory=memory)
    return prospects(memory, snapshot, (decision,), policy)[0]


def a_slot(number: int, power_w: float, soc: float, **changes: Any) -> PlanSlot:
    slot = replace(a_plan().slots[number], power_w=power_w, soc=soc)
    return replace(slot, **changes)


def with_slots(*slots: PlanSlot, worth_per_kwh: float = 0.20, **changes: Any) -> Plan:
    return a_plan(worth_per_kwh, slots=slots, **changes)


def slots_of(plan: Plan, policy: Policy | None = None, **changes: Any) -> tuple[SlotProspect, ...]:
    return told(a_snapshot(plans=(plan,), **changes), policy).slots


# What there is of a plan.


def test_a_fresh_plan_is_told_with_its_age() -> None:
    found = told(a_snapshot(plans=(a_plan(made_s_ago=300.0),)))
    assert (found.standing, found.said) == (Standing.PLANNED, "planned 5 min ago")
    assert (found.plan_id, found.age_s) == ("p1", 300.0)
    assert found.summary == "nothing is worth its while"
    assert len(found.slots) == 192


@pytest.mark.parametrize(
    ("hours", "standing", "said"),
    [
        (1.9, Standing.PLANNED, "planned 114 min ago"),
        (3.0, Standing.STALE, "the plan is 3.0 h old: none came since"),
        (40.0, Standing.NO_PLAN, "the last plan is 40 h old and no longer used"),
    ],
)
def test_an_old_plan_is_said_to_be(hours: float, standing: Standing, said: str) -> None:
    found = told(a_snapshot(plans=(a_plan(made_s_ago=hours * 3600.0),)))
    assert (found.standing, found.said) == (standing, said)
    assert (found.slots == ()) is (standing is Standing.NO_PLAN)


def test_a_plan_that_has_run_out_is_none() -> None:
    over = with_slots(a_slot(0, 0.0, 0.5))
    found = told(a_snapshot(now=NOW.later(1000.0), plans=(over,)))
    assert found.standing is Standing.NO_PLAN


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "no plan has come yet"),
        ({"prices": None}, "nothing is planned while the price of now is unknown"),
        ({"clock_trusted": False}, "nothing is planned while the clock is not trusted"),
    ],
)
def test_without_a_plan_it_says_why(changes: dict[str, Any], said: str) -> None:
    found = told(a_snapshot(**changes))
    assert (found.standing, found.said, found.slots, found.now) == (
        Standing.NO_PLAN,
        said,
        (),
        None,
    )


def test_the_stage_that_only_watches_plans_nothing() -> None:
    found = told(a_snapshot(), a_policy(stage_wanted=Stage.WATCH))
    assert found.said == "nothing is planned at stage watch"


def test_no_car_and_an_unknown_car_have_no_plan() -> None:
    nobody = an_evse_status(plugged_in=False, session_id=None, identity=None)
    assert told(a_snapshot(evses=(nobody,), plans=(a_plan(),))).standing is Standing.NO_CAR
    stranger = an_evse_status(identity=None)
    found = told(a_snapshot(evses=(stranger,)))
    assert found.standing is Standing.UNKNOWN_CAR
    assert found.said == "nobody has said which car this is: car or a guest's"


# The slots.


def test_only_what_is_still_ahead_is_told() -> None:
    plan = a_plan()
    found = told(a_snapshot(now=NOW.later(1000.0), plans=(plan,)))
    assert found.slots[0].interval == plan.slots[1].interval


def test_a_charge_says_what_it_costs_and_what_it_is_worth() -> None:
    # 7.4 kW for a quarter hour at 0.30 into a lossless pack
    slot = slots_of(with_slots(a_slot(0, 7400.0, 0.5 + 1.85 / 60.0), worth_per_kwh=0.5))[0]
    assert slot.move is Move.CHARGE
    assert slot.reason == "a kWh costs 0.300 in the pack and is worth 0.500"
    assert slot.worth_per_kwh == pytest.approx(0.5)
    assert slot.runner_up is not None
    assert slot.runner_up.move is Move.IDLE
    assert slot.runner_up.dearer_by_money == pytest.approx(1.85 * 0.2 + 0.0001)
    assert slot.terms is None


def test_sun_is_told_apart_from_what_is_bought() -> None:
    sunny = a_slot(0, 4000.0, 0.5 + 1.0 / 60.0, net_load_w=-5000.0)
    slot = slots_of(with_slots(sunny, worth_per_kwh=0.5))[0]
    assert slot.reason == "a kWh of sun costs 0.200 in the pack and is worth 0.500"


def test_below_the_floor_no_price_is_asked() -> None:
    low = an_evse_status(soc=0.2)
    plan = with_slots(a_slot(0, 7400.0, 0.2 + 1.85 / 60.0))
    assert slots_of(plan, evses=(low,))[0].reason == "below the floor of 30 %"


def test_the_terms_of_a_discharge_add_up() -> None:
    # 4.4 kW, of which 0.5 at 0.30 and 3.9 at 0.20; lossless: refill is what the energy is worth.
    slot = slots_of(with_slots(a_slot(0, -4400.0, 0.5 - 1.1 / 60.0), worth_per_kwh=0.05))[0]
    terms = slot.terms
    assert terms is not None
    assert terms.price_per_kwh == pytest.approx((0.5 * 0.30 + 3.9 * 0.20) / 4.4)
    assert terms.earns_per_kwh == pytest.approx(terms.price_per_kwh)
    assert terms.refill_per_kwh == pytest.approx(0.05)
    assert terms.losses_per_kwh == pytest.approx(0.0)
    assert (terms.wear_per_kwh, terms.margin_per_kwh, terms.depth_per_kwh) == (0.04, 0.02, 0.0)
    assert terms.gains_per_kwh == pytest.approx(terms.price_per_kwh - 0.05 - 0.06)
    assert slot.reason == "a kWh out of the pack earns 0.211 and costs 0.110"
    # The money of the slot is the same, less the start, seen as the distance to the runner-up.
    assert slot.runner_up is not None
    assert slot.runner_up.dearer_by_money == pytest.approx(1.1 * terms.gains_per_kwh - 0.001)


def test_an_export_counts_its_wear_as_high_as_it_may_be() -> None:
    slot = a_slot(0, -4400.0, 0.5 - 1.1 / 60.0)
    economics = replace(a_policy().economics, export_wear_factor=2.25)
    snapshot = a_snapshot(plans=(with_slots(slot, worth_per_kwh=0.05),))
    terms = told(snapshot, a_policy(economics=economics)).slots[0].terms
    assert terms is not None
    # Of 4.4 kW 3.9 are sold: their wear of 0.04 may be 0.09.
    assert terms.wear_per_kwh == pytest.approx(0.04 + 3.9 / 4.4 * 0.05)
    assert terms.gains_per_kwh == pytest.approx(
        terms.price_per_kwh - 0.05 - 0.02 - terms.wear_per_kwh
    )


def test_losses_lie_on_both_ways() -> None:
    # At 4.4 kW 150 + 132 + 58 W are lost on the way out, at 7.4 kW 536 W on the way in.
    lossy = a_policy(evses=(an_evse(loss=LOSSY),))
    out_kw = 4.4 + 0.150 + 0.132 + 0.05808
    plan = with_slots(a_slot(0, -4400.0, 0.5 - out_kw / 4.0 / 60.0), worth_per_kwh=0.05)
    terms = slots_of(plan, lossy)[0].terms
    assert terms is not None
    assert terms.earns_per_kwh == pytest.approx(terms.price_per_kwh * 4.4 / out_kw)
    kept = (7.4 - 0.150 - 0.222 - 0.16428) / 7.4
    assert terms.refill_per_kwh == pytest.approx(0.05 * kept)
    assert terms.losses_per_kwh == pytest.approx(0.05 * (1.0 - kept))


def test_the_price_of_the_budgets_is_a_term_and_named_in_the_reason() -> None:
    # 4.4 kW for an hour: 0.02 for each kWh and 0.044 for the hour are 0.03 a kWh.
    plan = with_slots(
        a_slot(0, -4400.0, 0.5 - 1.1 / 60.0),
        worth_per_kwh=0.05,
        budget_per_kwh=0.02,
        budget_per_h=0.044,
    )
    slot = slots_of(plan)[0]
    assert slot.terms is not None
    assert slot.terms.budget_per_kwh == pytest.approx(0.03)
    assert slot.terms.gains_per_kwh == pytest.approx(slot.terms.price_per_kwh - 0.05 - 0.06 - 0.03)
    assert slot.reason == (
        "a kWh out of the pack earns 0.211 and costs 0.140, 0.030 of it for the discharge budgets"
    )


def test_the_shadow_price_of_the_depth_is_a_term_of_what_is_exported() -> None:
    plan = with_slots(
        a_slot(0, -4400.0, 0.5 - 1.1 / 60.0),
        worth_per_kwh=0.05,
        export_shadow_per_kwh=(0.03,) * 192,
    )
    terms = slots_of(plan)[0].terms
    assert terms is not None
    assert terms.depth_per_kwh == pytest.approx(0.03 * 3.9 / 4.4)


def test_an_idle_slot_says_the_prices_that_would_change_it() -> None:
    slot = slots_of(with_slots(a_slot(0, 0.0, 0.5)))[0]
    assert slot.reason == "charges at 0.200 import or less; gives at 0.227 export or more"
    assert [turn.move for turn in slot.turns] == [Move.CHARGE, Move.DISCHARGE]


def test_an_idle_slot_that_dispatch_would_use_is_held_back_by_the_plan() -> None:
    slot = slots_of(with_slots(a_slot(0, 0.0, 0.5), worth_per_kwh=0.05))[0]
    assert slot.reason == "a limit of the plan keeps it from discharge"


def test_a_car_that_is_likely_away_is_not_explained() -> None:
    slot = slots_of(with_slots(a_slot(0, 0.0, 0.5, plugged_in=False)))[0]
    assert (slot.move, slot.reason) == (Move.AWAY, "the car is likely away")
    assert (slot.worth_per_kwh, slot.runner_up, slot.turns) == (None, None, ())


def test_a_later_slot_starts_from_the_one_before() -> None:
    # The second slot goes on as the first: no start to be paid for, and from its SoC.
    first = a_slot(0, -4400.0, 0.5 - 1.1 / 60.0)
    second = a_slot(1, -4400.0, 0.5 - 2.2 / 60.0)
    slot = slots_of(with_slots(first, second, worth_per_kwh=0.05))[1]
    assert slot.terms is not None
    assert slot.terms.refill_per_kwh == pytest.approx(0.05)
    assert slot.runner_up is not None
    assert slot.runner_up.dearer_by_money == pytest.approx(1.1 * slot.terms.gains_per_kwh + 0.001)


def test_a_slot_that_ends_on_the_rounded_floor_is_possible() -> None:
    ends = a_slot(0, -2400.0, 0.299999)
    slot = slots_of(with_slots(ends, worth_per_kwh=0.05), evses=(an_evse_status(soc=0.31),))[0]
    assert slot.runner_up is not None
    assert slot.runner_up.dearer_by_money > 0.0


# Now.


def now_said(snapshot: Snapshot, policy: Policy | None = None) -> tuple[str, ...]:
    found = told(snapshot, policy).now
    assert found is not None
    return found.said


def dear(import_per_kwh: float, export_per_kwh: float, **changes: Any) -> Snapshot:
    curve = a_price_curve([import_per_kwh] * 48, [export_per_kwh] * 48)
    return a_snapshot(plans=(a_plan(),), prices=curve, **changes)


def test_why_not_now_is_answered_by_the_price_that_would_change_it() -> None:
    assert now_said(dear(0.30, 0.20)) == (
        "charges at an import price of 0.200 EUR/kWh or less; it is 0.300 now",
        "discharges from an export price of 0.227 EUR/kWh on; it is 0.200 now",
    )


def test_what_is_done_says_until_when() -> None:
    assert now_said(dear(0.10, 0.05))[0] == (
        "charging goes on up to an import price of 0.200 EUR/kWh; it is 0.100 now"
    )
    assert now_said(dear(0.60, 0.50))[1].startswith("discharging goes on down to an export price")


def test_what_a_limit_forbids_says_so_and_names_no_price() -> None:
    kept = dear(0.60, 0.50, goals=goals(a_goal(1.0, 0.6)))
    assert now_said(kept)[1].startswith("it cannot discharge now: ")
    latched_out = now_said(dear(0.60, 0.50), a_policy(stage_wanted=Stage.V1G))[1]
    assert latched_out.startswith("it cannot discharge now: ")


def test_at_the_floor_there_is_nothing_to_give() -> None:
    at_floor = dear(0.60, 0.50, evses=(an_evse_status(soc=0.306),))
    assert "floor" in now_said(at_floor)[1]


def test_without_soc_the_store_is_the_energy_wanted() -> None:
    blind = an_evse_status(soc=None, soc_observed_at=None)
    found = told(a_snapshot(plans=(a_plan(),), evses=(blind,)))
    assert found.soc_of_energy_wanted
    assert found.now is not None


def test_the_same_question_has_the_same_answer() -> None:
    snapshot = dear(0.30, 0.20)
    assert told(snapshot) == told(snapshot)


def test_a_car_that_was_forgotten_by_the_configuration_is_no_plan_of_ours() -> None:
    other = a_policy(vehicles=(a_vehicle(vehicle_id="van", evccid="X"),))
    assert told(a_snapshot(plans=(a_plan(),)), other).slots == ()


def test_a_house_that_draws_too_little_leaves_nothing_to_give() -> None:
    # Nothing may be exported, and 500 W are less than the charger's least.
    policy = a_policy()
    closed = replace(policy, grid=replace(policy.grid, export_limit_w=0.0))
    assert now_said(dear(0.60, 0.50), closed)[1] == (
        "it cannot discharge now: the house draws less than the charger's least, and no more may "
        "be exported"
    )


def test_a_charge_that_only_feeds_its_own_losses_says_so() -> None:
    lossy = a_policy(evses=(an_evse(loss=LOSSY, min_charge_w=0.0),))
    slot = slots_of(with_slots(a_slot(0, 100.0, 0.5)), lossy)[0]
    assert slot.reason == "what it takes is lost on the way"
