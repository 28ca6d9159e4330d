"""Whose word on a departure counts, as a table."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import NOW, a_goal, a_told_departure, in_hours
from v2g_daemon.domain.goals import DepartureGoal, ToldDeparture
from v2g_daemon.step.departures import merged


def trip(hours: float, back_in: float | None = None, soc: float = 0.6) -> DepartureGoal:
    return a_goal(hours, soc, returns_at_utc=None if back_in is None else in_hours(back_in))


def told(hours: float, back_in: float | None = None, soc: float = 0.9) -> ToldDeparture:
    return replace(a_told_departure(), goal=trip(hours, back_in, soc))


def agreed(
    *words: ToldDeparture,
    calendar: tuple[DepartureGoal, ...] = (),
    weekly: tuple[DepartureGoal, ...] = (),
    plugged_in: bool = False,
) -> list[tuple[float, float | None]]:
    """Hours ahead and SoC of each departure that counts."""
    found = merged(
        told=words, calendar=calendar, weekly=weekly, plugged_in=plugged_in, now_utc=NOW.utc
    )
    return [((one.ready_by_utc - NOW.utc).total_seconds() / 3600.0, one.soc) for one in found]


def test_without_a_word_nothing_is_told() -> None:
    assert agreed() == []


def test_the_weekly_schedule_holds_where_nobody_says_more() -> None:
    assert agreed(weekly=(trip(12.0), trip(36.0))) == [(12.0, 0.6), (36.0, 0.6)]


@pytest.mark.parametrize(
    ("calendar_h", "counts"),
    [
        (12.0, [(12.0, 0.7)]),
        (10.0, [(10.0, 0.7)]),
        (14.0, [(14.0, 0.7)]),
        (9.9, [(9.9, 0.7), (12.0, 0.6)]),
        (14.1, [(12.0, 0.6), (14.1, 0.7)]),
    ],
)
def test_a_calendar_outranks_the_schedule_for_the_same_departure(
    calendar_h: float, counts: list[tuple[float, float]]
) -> None:
    assert agreed(calendar=(trip(calendar_h, soc=0.7),), weekly=(trip(12.0),)) == counts


def test_the_owner_outranks_both_even_with_less() -> None:
    counts = agreed(told(12.0, soc=0.4), calendar=(trip(12.5, soc=0.7),), weekly=(trip(11.0),))
    assert counts == [(12.0, 0.4)]


def test_who_is_overruled_overrules_nobody() -> None:
    # The calendar's 13:00 gives way to the owner's 11:30, and the schedule's 14:30 stays.
    counts = agreed(told(11.5), calendar=(trip(13.0, soc=0.7),), weekly=(trip(14.5),))
    assert counts == [(11.5, 0.9), (14.5, 0.6)]


def test_of_the_owners_words_the_newest_counts() -> None:
    assert agreed(told(12.0, soc=0.9), told(12.5, soc=0.5)) == [(12.5, 0.5)]
    assert agreed(told(12.0, soc=0.9), told(36.0, soc=0.5)) == [(12.0, 0.9), (36.0, 0.5)]


def test_a_car_that_is_out_needs_no_charge_at_home() -> None:
    weekly = (trip(12.0), trip(36.0), trip(60.0))
    assert agreed(told(0.0, back_in=48.0), weekly=weekly) == [(60.0, 0.6)]
    assert agreed(calendar=(trip(6.0, 40.0, 0.7),), weekly=weekly) == [(6.0, 0.7), (60.0, 0.6)]


def test_a_departure_at_the_hour_of_the_return_counts() -> None:
    assert agreed(told(0.0, back_in=12.0), weekly=(trip(12.0),)) == [(12.0, 0.6)]


def test_a_morning_departure_outlives_a_trip_in_the_afternoon() -> None:
    # The schedule has the car out until 22:00, the owner leaves at 20:00: it came back early.
    assert agreed(told(20.0), weekly=(trip(12.0, 22.0),)) == [(12.0, 0.6), (20.0, 0.9)]


def test_a_car_that_is_plugged_in_is_not_away_whatever_was_said() -> None:
    weekly = (trip(12.0),)
    assert agreed(told(0.0, back_in=48.0), weekly=weekly, plugged_in=True) == [(12.0, 0.6)]
    assert agreed(calendar=(trip(-1.0, 48.0),), weekly=weekly, plugged_in=True) == [(12.0, 0.6)]
    # An absence that is still to come is believed.
    assert agreed(told(6.0, back_in=48.0), weekly=weekly, plugged_in=True) == [(6.0, 0.9)]


GOALS = st.lists(
    st.builds(
        trip,
        st.floats(-20.0, 60.0),
        st.none() | st.floats(61.0, 90.0) | st.floats(0.0, 60.0),
        st.floats(0.1, 1.0),
    ),
    max_size=5,
)


@given(GOALS, GOALS, GOALS, st.booleans())
def test_no_word_is_lost_but_to_a_higher_one(
    owner: list[DepartureGoal],
    calendar: list[DepartureGoal],
    weekly: list[DepartureGoal],
    plugged_in: bool,
) -> None:
    words = [replace(told(1.0), goal=goal) for goal in owner]
    found = merged(
        told=words, calendar=calendar, weekly=weekly, plugged_in=plugged_in, now_utc=NOW.utc
    )
    assert list(found) == sorted(found, key=lambda goal: goal.ready_by_utc)
    assert all(goal.ready_by_utc > NOW.utc for goal in found)
    ahead = [goal for goal in owner if goal.ready_by_utc > NOW.utc]
    assert set(map(id, found)) <= {id(goal) for goal in (*owner, *calendar, *weekly)}
    if ahead and ahead[-1] is owner[-1]:
        assert owner[-1] in found
    if not owner and not calendar:
        assert found == tuple(
            sorted((g for g in weekly if g.ready_by_utc > NOW.utc), key=lambda g: g.ready_by_utc)
        )
