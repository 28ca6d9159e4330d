"""The price at which another move is made, worked by hand and asked of dispatch itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import LOSSY, a_plan
from tests.unit.control.test_dispatch import a_moment
from v2g_daemon.control.dispatch import dispatch
from v2g_daemon.control.pricing import Moment, ahead_of
from v2g_daemon.control.turning import Weighed, best_of, move_of, runner_up, turns, weighed
from v2g_daemon.domain.plan import Plan
from v2g_daemon.domain.prospect import Move, PriceSide, Turn

# One quarter of an hour is left; 60 kWh at 50 %; the house draws 500 W; 0.30 in, 0.20 out.


def actions_of(plan: Plan, moment: Moment) -> tuple[Weighed, ...]:
    ahead = ahead_of(plan, moment)
    assert ahead is not None
    return weighed(plan, moment, ahead)


def turn_of(move: Move, plan: Plan, **changes: Any) -> Turn:
    moment = a_moment(**changes)
    return next(turn for turn in turns(actions_of(plan, moment), moment) if turn.move is move)


def test_it_charges_up_to_the_worth_since_a_full_charge_begins_for_nothing() -> None:
    # 1.85 kWh x (p - 0.20) = 0.0001
    turn = turn_of(Move.CHARGE, a_plan(0.20))
    assert turn.side is PriceSide.IMPORT
    assert turn.threshold_per_kwh == pytest.approx(0.20 + 0.0001 / 1.85)
    assert turn.price_per_kwh == 0.30


def test_it_discharges_first_where_most_of_it_serves_the_house() -> None:
    # 1400 W: 500 at 0.30 and 900 at 0.20 against 0.20 + 0.06 each: 0.0095 short for 0.35 kWh.
    turn = turn_of(Move.DISCHARGE, a_plan(0.20))
    assert turn.side is PriceSide.EXPORT
    assert turn.threshold_per_kwh == pytest.approx(0.20 + 0.0095 / 0.35)
    assert turn.price_per_kwh == 0.20
    # A house that draws more is served alone: its price is the one of import.
    own = turn_of(Move.DISCHARGE, a_plan(0.28), net_load_w=2000.0)
    assert own.side is PriceSide.IMPORT
    assert own.threshold_per_kwh == pytest.approx(0.34 + 0.001 / 0.5)


def test_sun_is_charged_from_by_the_price_it_would_earn() -> None:
    turn = turn_of(Move.CHARGE, a_plan(0.15), net_load_w=-7400.0)
    assert turn.side is PriceSide.EXPORT
    assert turn.threshold_per_kwh == pytest.approx(0.15 + 0.0001 / 1.85)


def test_a_move_that_is_made_says_until_when() -> None:
    turn = turn_of(Move.CHARGE, a_plan(0.50))
    assert turn.threshold_per_kwh > turn.price_per_kwh


def test_what_cannot_be_done_turns_at_no_price() -> None:
    moment = a_moment(max_discharge_w=0.0)
    found = turns(actions_of(a_plan(), moment), moment)
    assert [turn.move for turn in found] == [Move.CHARGE]
    at_floor = a_moment(soc=0.3)
    assert Move.DISCHARGE not in [t.move for t in turns(actions_of(a_plan(), at_floor), at_floor)]


def test_the_runner_up_is_the_best_of_another_move() -> None:
    actions = actions_of(a_plan(0.50), a_moment())
    made = best_of(actions)
    assert made is not None
    rival = runner_up(actions, made)
    assert rival is not None
    assert (rival.move, rival.power_w) == (Move.IDLE, 0.0)
    assert rival.dearer_by_money == pytest.approx(0.3701)
    alone = (made,)
    assert runner_up(alone, made) is None


@given(
    worth=st.floats(0.0, 0.6),
    net_load_w=st.floats(-6000.0, 6000.0),
    bought=st.floats(0.0, 0.8),
    spread=st.floats(0.0, 0.2),
    last_w=st.sampled_from([-3000.0, 0.0, 3000.0]),
)
def test_dispatch_turns_where_it_is_said_to(
    worth: float, net_load_w: float, bought: float, spread: float, last_w: float
) -> None:
    plan = a_plan(worth)
    moment = a_moment(
        net_load_w=net_load_w,
        import_per_kwh=bought,
        export_per_kwh=bought - spread,
        last_target_w=last_w,
        loss=LOSSY,
    )
    for turn in turns(actions_of(plan, moment), moment):
        further = 1.0 if turn.move is Move.DISCHARGE else -1.0
        apart = turn.threshold_per_kwh - turn.price_per_kwh
        assert _made(plan, moment, apart + further * 1e-4) is turn.move
        assert _made(plan, moment, apart - further * 1e-4) is not turn.move


def _made(plan: Plan, moment: Moment, apart: float) -> Move:
    """What dispatch does once both prices have moved."""
    moved = replace(
        moment,
        import_per_kwh=moment.import_per_kwh + apart,
        export_per_kwh=moment.export_per_kwh + apart,
    )
    choice = dispatch(plan, moved)
    assert choice is not None
    return move_of(choice.target_w)
