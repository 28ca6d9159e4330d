"""The agenda: which goals lie ahead, and when that is worked out again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

from tests.builders import a_policy, a_vehicle
from tests.unit.step.news import DAILY, a_commuters_policy
from v2g_daemon.domain.goals import CalendarDepartures, DepartureGoal, ToldDeparture
from v2g_daemon.domain.snapshot import VehicleGoals
from v2g_daemon.step.agenda import Agenda, Heard, kept_up


def at(day: int, hour: int, minute: int = 0, *, month: int = 12) -> datetime:
    return datetime(2024, month, day, hour, minute, tzinfo=UTC)


def leaves_utc(agenda: Agenda) -> list[datetime]:
    return [goal.ready_by_utc for entry in agenda.goals for goal in entry.goals]


def test_three_days_of_departures_lie_ahead() -> None:
    agenda = kept_up(None, a_commuters_policy(), at(11, 18))
    assert leaves_utc(agenda) == [at(12, 6, 30), at(13, 6, 30), at(14, 6, 30)]


def test_half_past_seven_is_an_hour_earlier_in_utc_once_summer_time_has_begun() -> None:
    agenda = kept_up(None, a_commuters_policy(), at(29, 18, month=3))
    assert leaves_utc(agenda) == [
        at(30, 6, 30, month=3),
        at(31, 5, 30, month=3),
        at(1, 5, 30, month=4),
    ]


def test_half_past_seven_is_an_hour_later_in_utc_once_summer_time_has_ended() -> None:
    agenda = kept_up(None, a_commuters_policy(), at(26, 4, month=10))
    assert leaves_utc(agenda) == [
        at(26, 5, 30, month=10),
        at(27, 6, 30, month=10),
        at(28, 6, 30, month=10),
    ]


def test_within_the_hour_the_same_agenda_is_kept() -> None:
    policy = a_commuters_policy()
    agenda = kept_up(None, policy, at(11, 18))
    assert kept_up(agenda, policy, at(11, 18, 59)) is agenda


def test_a_new_hour_without_other_goals_keeps_the_goals_themselves() -> None:
    policy = a_commuters_policy()
    agenda = kept_up(None, policy, at(11, 18))
    later = kept_up(agenda, policy, at(11, 19))
    assert later is not agenda
    assert later.goals is agenda.goals


def test_a_passed_goal_leaves_the_agenda_to_the_minute() -> None:
    policy = a_commuters_policy()
    agenda = kept_up(None, policy, at(12, 6))
    assert agenda.until_utc == at(12, 6, 30)
    assert kept_up(agenda, policy, at(12, 6, 29)) is agenda
    assert leaves_utc(kept_up(agenda, policy, at(12, 6, 30)))[0] == at(13, 6, 30)


def test_a_clock_that_was_set_back_brings_the_goals_between_back() -> None:
    policy = a_commuters_policy()
    agenda = kept_up(None, policy, at(12, 6, 40))
    assert leaves_utc(kept_up(agenda, policy, at(12, 5, 50)))[0] == at(12, 6, 30)


def test_a_calendar_of_this_car_outranks_the_schedule_within_the_horizon() -> None:
    def says(vehicle_id: str, *leaves_utc: datetime) -> CalendarDepartures:
        goals = tuple(DepartureGoal(ready_by_utc=one, soc=0.9) for one in leaves_utc)
        return CalendarDepartures(calendar_id=vehicle_id, vehicle_id=vehicle_id, goals=goals)

    heard = Heard(calendars=(says("car", at(12, 8), at(20, 8)), says("van", at(13, 9))))
    agenda = kept_up(None, a_commuters_policy(), at(11, 18), heard)
    assert leaves_utc(agenda) == [at(12, 8), at(13, 6, 30), at(14, 6, 30)]
    assert kept_up(agenda, a_commuters_policy(), at(11, 18), heard) is agenda
    again = kept_up(agenda, a_commuters_policy(), at(11, 18, 1))
    assert leaves_utc(again)[0] == at(12, 6, 30)


def told(leaves_utc: datetime, back_utc: datetime | None = None) -> ToldDeparture:
    goal = DepartureGoal(ready_by_utc=leaves_utc, soc=0.9, returns_at_utc=back_utc)
    return ToldDeparture(vehicle_id="car", told_at_utc=at(11, 18), goal=goal)


def test_a_departure_told_weeks_ahead_waits_for_its_time() -> None:
    policy, heard = a_commuters_policy(), Heard(told=(told(at(25, 8)),))
    agenda = kept_up(None, policy, at(11, 18), heard)
    assert leaves_utc(agenda) == [at(12, 6, 30), at(13, 6, 30), at(14, 6, 30)]
    assert leaves_utc(kept_up(agenda, policy, at(22, 7, 59), heard))[-1] == at(24, 6, 30)
    assert leaves_utc(kept_up(agenda, policy, at(22, 8), heard))[-1] == at(25, 8)


def test_a_departure_told_weeks_ahead_is_no_trip_of_a_car_without_a_schedule() -> None:
    heard = Heard(told=(told(at(25, 8)),))
    assert leaves_utc(kept_up(None, a_policy(), at(11, 18), heard)) == []


def test_a_word_beyond_the_horizon_outranks_all_the_same() -> None:
    # The owner leaves an hour after the schedule, which is already near enough.
    heard = Heard(told=(told(at(14, 7, 30)),))
    assert leaves_utc(kept_up(None, a_commuters_policy(), at(11, 7), heard))[-1] == at(13, 6, 30)


def test_an_absence_told_now_holds_however_long_it_lasts() -> None:
    heard = Heard(told=(told(at(11, 18), at(25, 8)),))
    assert leaves_utc(kept_up(None, a_commuters_policy(), at(11, 18), heard)) == []


def test_what_a_rehearsal_tells_holds_at_any_distance() -> None:
    goal = DepartureGoal(ready_by_utc=at(25, 8), soc=0.9)
    heard = Heard(goals=(VehicleGoals(vehicle_id="car", goals=(goal,)),))
    assert leaves_utc(kept_up(None, a_policy(), at(11, 18), heard)) == [at(25, 8)]


def test_each_car_has_goals_of_its_own() -> None:
    other = replace(DAILY, vehicle_id="van", weekdays=(4,), ready_by=time(9, 0))
    policy = replace(
        a_commuters_policy(DAILY, other),
        vehicles=(a_vehicle(), a_vehicle(vehicle_id="van", evccid="0200000000BB")),
    )
    goals = {entry.vehicle_id: entry.goals for entry in kept_up(None, policy, at(11, 18)).goals}
    assert len(goals["car"]) == 3
    # 2024-12-13 is a Friday.
    assert [goal.ready_by_utc for goal in goals["van"]] == [at(13, 8, 0)]
    assert goals["car"][0].returns_at_utc == goals["car"][0].ready_by_utc + timedelta(hours=10)
