"""The PCC must show what a charger says of its discharge."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.builders import (
    NOW,
    a_meter,
    a_policy,
    a_setpoint,
    a_situation,
    a_snapshot,
    ago,
    an_evse,
    an_evse_memory,
    an_evse_status,
)
from tests.properties.chargers import SELL, Charger, Nature, Seen, lived
from v2g_daemon.control import trust_limits
from v2g_daemon.control.countercheck import begun, watch_step
from v2g_daemon.domain.faults import FaultCode
from v2g_daemon.domain.memory import Countercheck, EvseMemory
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.power import ONLY_ZERO
from v2g_daemon.domain.setpoint import Authority

TWO = a_policy(evses=(an_evse(), an_evse(evse_id="yard")))


def a_check(**changes: Any) -> Countercheck:
    """The carport was told -3000 W, from 0 W and 500 W at the PCC; 20 ticks have been seen."""
    check = Countercheck(
        begun_at=ago(30.0),
        target_w=-3000.0,
        pcc_w=500.0,
        evse_w=0.0,
        others_w=0.0,
        arrived_at=ago(20.0),
        moved_sum_w=20 * -3000.0,
        claimed_sum_w=20 * -3000.0,
        ticks=20,
    )
    return replace(check, **changes)


def watched(
    check: Countercheck | None,
    *,
    pcc_w: float = -2500.0,
    power_w: float = -3000.0,
    target_w: float = -3000.0,
    memory: dict[str, Any] | None = None,
    **snapshot: Any,
) -> tuple[EvseMemory, str | None]:
    """Memory and latch after one more tick."""
    before = an_evse_memory(target_w, check=check, **({} if memory is None else memory))
    status = an_evse_status(power_w=power_w)
    whole = a_snapshot(**{"meter": a_meter(pcc_w), "evses": (status,), **snapshot})
    situation = a_situation(status=status, memory=before, snapshot=whole)
    situation, latch = watch_step(situation, whole, a_policy())
    return situation.memory, None if latch is None else latch.rule


def seen_by_20_ticks(moved_w: float, **changes: Any) -> tuple[EvseMemory, str | None]:
    """A claimed step of -3000 W that moved the PCC by so much."""
    check = a_check(moved_sum_w=20 * moved_w)
    return watched(check, pcc_w=500.0 + moved_w, **changes)


# The verdict.


def test_a_step_that_shows_proves_the_direction_and_clears_what_was_held_against_it() -> None:
    before = {"discharge_shown": False, "steps_against": 3, "steps_unseen": 4}
    memory, latch = seen_by_20_ticks(-1600.0, memory=before)
    assert (memory.check, memory.discharge_shown, latch) == (None, True, None)
    assert (memory.steps_against, memory.steps_unseen) == (0, 0)


@pytest.mark.parametrize(
    ("moved_w", "against", "unseen"),
    [
        (-1400.0, 0, 0),  # less than half of it: another load
        (-700.0, 0, 4),  # hardly a quarter: nothing of it
        (700.0, 0, 4),
        (1700.0, 0, 0),
        (1900.0, 3, 0),  # turned round
        (4100.0, 3, 0),
        (4300.0, 0, 0),
    ],
)
def test_only_the_same_thing_in_a_row_is_counted(moved_w: float, against: int, unseen: int) -> None:
    before = {"discharge_shown": False, "steps_against": 2, "steps_unseen": 3}
    memory, latch = seen_by_20_ticks(moved_w, memory=before)
    assert (memory.steps_against, memory.steps_unseen, latch) == (against, unseen, None)


@pytest.mark.parametrize(
    ("moved_w", "shown_before", "ended"),
    [
        (3000.0, True, True),
        (6000.0, True, True),
        (0.0, False, True),
        (0.0, True, False),
        (-3000.0, False, False),
    ],
)
def test_a_discharge_spoken_against_or_never_shown_is_ended_and_its_end_watched(
    moved_w: float, shown_before: bool, ended: bool
) -> None:
    memory, _ = seen_by_20_ticks(moved_w, memory={"discharge_shown": shown_before})
    check = memory.check
    assert (check is not None and check.ending) is ended
    if check is not None:
        assert (check.begun_at, check.pcc_w, check.evse_w) == (NOW, 500.0 + moved_w, -3000.0)
        assert not memory.discharge_proven


@pytest.mark.parametrize(
    ("moved_w", "counts", "rule"),
    [
        (3000.0, {"steps_against": 4, "steps_unseen": 0}, "wrong_direction"),
        (3000.0, {"steps_against": 3, "steps_unseen": 0}, None),
        (0.0, {"steps_against": 0, "steps_unseen": 4}, "implausible"),
        (0.0, {"steps_against": 0, "steps_unseen": 3}, None),
    ],
)
def test_steps_in_a_row_are_a_latch_that_starts_counting_anew(
    moved_w: float, counts: dict[str, int], rule: str | None
) -> None:
    memory, latch = seen_by_20_ticks(moved_w, memory=counts)
    assert latch == rule
    if rule is not None:
        assert (memory.check, memory.steps_against, memory.steps_unseen) == (None, 0, 0)


def test_a_charger_that_hardly_moved_has_nothing_to_show() -> None:
    check = a_check(claimed_sum_w=20 * -400.0, moved_sum_w=20 * 3000.0)
    memory, _ = watched(check, power_w=-400.0, target_w=-700.0, pcc_w=3500.0)
    assert (memory.check, memory.steps_against) == (None, 0)


# What ends a check without a verdict.


@pytest.mark.parametrize(
    "changes",
    [
        {"meter": a_meter(age_s=5.1)},
        {"target_w": -3500.0},
        {"power_w": -2400.0},
    ],
)
def test_a_check_that_can_tell_nothing_any_more_is_given_up(changes: dict[str, Any]) -> None:
    assert watched(a_check(ticks=3), **changes)[0].check is None


def test_before_it_arrives_a_step_may_take_a_minute_and_a_half() -> None:
    waiting = a_check(arrived_at=None, ticks=0, begun_at=ago(90.0))
    assert watched(waiting, power_w=0.0)[0].check == waiting
    assert watched(replace(waiting, begun_at=ago(90.1)), power_w=0.0)[0].check is None


def test_a_sample_of_before_the_step_does_not_arrive() -> None:
    just_now = a_check(arrived_at=None, ticks=0, begun_at=NOW)
    assert watched(just_now)[0].check == just_now


@pytest.mark.parametrize(("other_w", "kept"), [(400.0, True), (600.0, False)])
def test_another_evse_that_moves_meanwhile_leaves_nothing_to_tell(
    other_w: float, kept: bool
) -> None:
    yard = an_evse_status(evse_id="yard", power_w=other_w)
    evses = (an_evse_status(power_w=-3000.0), yard)
    check = watched(a_check(ticks=3, moved_sum_w=0.0), pcc_w=-2500.0 + other_w, evses=evses)[
        0
    ].check
    assert (check is not None) is kept
    if check is not None:
        assert check.moved_sum_w == -3000.0


def test_a_metered_home_battery_that_evens_out_the_step_hides_nothing() -> None:
    """The PCC stands still: the battery takes the 3 kW that the car gives."""
    check = a_check(ticks=3, moved_sum_w=0.0)
    memory, _ = watched(check, pcc_w=500.0, battery_power_w=3000.0)
    assert memory.check is not None
    assert memory.check.moved_sum_w == -3000.0


# When one begins.


def begun_by(
    target_w: float,
    *,
    last_w: float = 0.0,
    power_w: float | None = None,
    authority: Authority = Authority.PLAN,
    **memory: Any,
) -> Countercheck | None:
    status = an_evse_status(power_w=last_w if power_w is None else power_w)
    before = an_evse_memory(last_w, **memory)
    snapshot = a_snapshot(meter=a_meter(700.0), evses=(status,))
    situation = a_situation(status=status, memory=before, snapshot=snapshot)
    command = a_setpoint(target_w)
    return begun(before, situation, command, authority, snapshot, a_policy()).check


def test_a_step_of_discharge_starts_a_check_from_where_all_stands() -> None:
    check = begun_by(-1400.0)
    assert check is not None
    assert (check.target_w, check.pcc_w, check.evse_w) == (-1400.0, 700.0, 0.0)
    assert (check.begun_at, check.ending, check.ticks) == (NOW, False, 0)
    assert begun_by(-4400.0, last_w=-3000.0) is not None
    assert begun_by(0.0, last_w=-3000.0) is not None


@pytest.mark.parametrize(
    "changes",
    [
        {"target_w": -900.0},
        {"target_w": 3000.0},
        {"target_w": -3000.0, "last_w": 3000.0},
        {"target_w": -3000.0, "apart_since": ago(1.0)},
        {"target_w": -3000.0, "authority": Authority.SITE},
        {"target_w": -3000.0, "power_w": 2000.0},
    ],
)
def test_small_steps_charging_and_what_answers_the_house_start_none(
    changes: dict[str, Any],
) -> None:
    assert begun_by(**changes) is None


def test_a_running_check_goes_on() -> None:
    running = a_check()
    assert begun_by(-7400.0, last_w=-3000.0, check=running) is running


@pytest.mark.parametrize(
    ("shown", "since_s", "power_w", "begins"),
    [
        (False, 30.0, -1400.0, True),
        (False, 29.0, -1400.0, False),
        (False, 30.0, -400.0, False),
        (True, 30.0, -1400.0, False),
    ],
)
def test_a_discharge_that_goes_on_unshown_is_ended_to_be_seen(
    shown: bool, since_s: float, power_w: float, begins: bool
) -> None:
    memory, _ = watched(
        None,
        power_w=power_w,
        target_w=power_w,
        memory={"discharge_shown": shown, "discharging_since": ago(since_s)},
    )
    assert (memory.check is not None and memory.check.ending) is begins


# What is permitted meanwhile.


def test_a_discharge_grows_no_more_while_it_is_looked_at_and_rests_while_it_ends() -> None:
    def permitted(check: Countercheck | None) -> Any:
        situation = a_situation(memory=an_evse_memory(-3000.0, check=check))
        limit = trust_limits.countercheck(situation, a_snapshot(), a_policy())
        return None if limit is None else limit.permitted

    assert permitted(None) is None
    growing = permitted(a_check())
    assert (growing.lowest_w, growing.highest_w) == (-3000.0, float("inf"))
    assert permitted(a_check(ending=True)) == ONLY_ZERO


# Through the whole house.


def a_day_of(nature: Nature, *, seconds: int = 900, policy: Policy | None = None) -> list[Seen]:
    charger = Charger(nature=nature, lag_s=3, ramp_w_per_s=1000.0, sample_s=5)
    # A meter whose digits stand still would be taken for a frozen one.
    return lived(
        charger, lambda at_s: 997.0 + at_s % 7, lambda _: SELL, seconds=seconds, policy=policy
    )


def test_a_charger_that_lies_about_its_direction_is_latched_at_its_least_power() -> None:
    seen = a_day_of(Nature.TURNED_AND_LYING)
    latched = next(one for one in seen if one.memory.latches)
    (latch,) = latched.memory.latches
    assert latch.rule == "wrong_direction"
    assert latch.detail.startswith("5 steps of the charger in a row moved the grid meter the other")
    assert max(one.true_w for one in seen) == 1400.0
    assert FaultCode.WRONG_DIRECTION in {fault.code for fault in seen[-1].decision.faults}
    # Three times the way there, 20 s of looking, and the way back.
    assert sum(1 for one in seen if one.true_w > 0.0) <= 110


def test_a_charger_that_moves_nothing_is_latched_as_implausible() -> None:
    seen = a_day_of(Nature.IMPOSTOR)
    (latch,) = seen[-1].memory.latches
    assert latch.rule == "implausible"
    assert FaultCode.IMPLAUSIBLE in {fault.code for fault in seen[-1].decision.faults}


def test_an_honest_charger_is_asked_once_and_then_sells_what_it_may() -> None:
    seen = a_day_of(Nature.HONEST)
    assert seen[-1].memory.latches == ()
    assert not any(one.memory.evses[0].check and one.memory.evses[0].check.ending for one in seen)
    # The least for the time of one look, then all that 3900 W of export and the house's load take.
    assert next(one.at_s for one in seen if one.target_w <= -4400.0) <= 45
    assert min(one.true_w for one in seen) <= -4890.0
