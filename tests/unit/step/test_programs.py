"""What a plan is told of grid programs: the commitments of its hours, the hours of its months."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from tests.builders import a_vehicle
from tests.unit.planning.problems import plan_problem
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.interval import Interval
from v2g_daemon.domain.ledger import SessionRow
from v2g_daemon.domain.plan import PlanProblem
from v2g_daemon.domain.programs import AvailabilityPay, AvailabilityTerms, WeeklyCommitment
from v2g_daemon.step.programs import plugged_in_h, with_programs

# The month of Amsterdam's January begins an hour before that of UTC.
JANUARY = Interval(
    start_utc=datetime(2023, 12, 31, 23, tzinfo=UTC), end_utc=datetime(2024, 1, 31, 23, tzinfo=UTC)
)
FEBRUARY = Interval(start_utc=JANUARY.end_utc, end_utc=datetime(2024, 2, 29, 23, tzinfo=UTC))
TERMS = AvailabilityTerms(name="pay", soc_at_least=0.3, per_plugged_h=0.24, cap_h=250.0)
EVENING = WeeklyCommitment(
    name="reserve",
    weekdays=(0, 1, 2, 3, 4),
    starts_at=time(17),
    ends_at=time(20),
    discharge_w=5000.0,
    sustained_s=None,
    shortfall_per_kwh=0.5,
)


def january(day: int, hour: float = 0.0) -> datetime:
    return datetime(2024, 1, day, tzinfo=UTC) + timedelta(hours=hour)


def session(came_utc: datetime, went_utc: datetime | None, **changes: Any) -> SessionRow:
    row = SessionRow(
        session_id=came_utc.isoformat(),
        evse_id="garage",
        vehicle_id="car",
        transaction_id=None,
        plugged_in_utc=came_utc,
        plugged_out_utc=went_utc,
        start_soc=None,
        end_soc=None,
        charge_milliwh=0,
        discharge_milliwh=0,
    )
    return replace(row, **changes)


def two_days(now_utc: datetime, **changes: Any) -> PlanProblem:
    return plan_problem(
        asked_at=Instant(utc=now_utc, monotonic_s=0.0),
        start_utc=now_utc,
        step_s=(3600,) * 48,
        **changes,
    )


TENTH = january(10)


def counted_h(*rows: SessionRow, now_utc: datetime = TENTH) -> float:
    return plugged_in_h(rows, "car", JANUARY, now_utc)


def test_the_hours_of_a_month_so_far_are_those_of_its_sessions_and_the_running_one() -> None:
    rows = (session(january(3), january(3, 10.0)), session(january(9, 18.0), None))
    assert counted_h(*rows) == 16.0


def test_only_the_part_of_a_session_that_lies_in_the_month_counts() -> None:
    begun = session(datetime(2023, 12, 31, 13, tzinfo=UTC), january(1, 1.0))
    assert counted_h(begun) == 2.0
    over = datetime(2024, 2, 3, tzinfo=UTC)
    assert counted_h(session(january(31, 20.0), None), now_utc=over) == 3.0


def test_another_cars_hours_are_not_ours_and_none_counts_twice() -> None:
    rows = (
        session(january(3), january(3, 10.0), vehicle_id="other"),
        session(january(4), january(4, 10.0), vehicle_id=None),
        # Its end was never told, and the next one has begun.
        session(january(5), None),
        session(january(5, 4.0), january(5, 10.0)),
    )
    assert counted_h(*rows) == 10.0
    assert counted_h(*rows[::-1]) == 10.0


def test_a_plan_knows_the_commitments_of_its_hours() -> None:
    # Friday 12:00 to Sunday 12:00.
    car = a_vehicle(commitments=(EVENING,))
    problem = with_programs(two_days(january(12, 12.0)), car, ())
    (one,) = problem.commitments
    assert one.interval == Interval(start_utc=january(12, 16.0), end_utc=january(12, 19.0))
    assert problem.availability == ()


def test_a_plan_knows_the_month_that_it_lies_in_and_the_next_if_it_reaches_there() -> None:
    car, rows = a_vehicle(availability=(TERMS,)), (session(january(20), january(20, 10.0)),)
    (one,) = with_programs(two_days(january(25)), car, rows).availability
    assert one == AvailabilityPay(terms=TERMS, period=JANUARY, plugged_to_date_h=10.0)
    found = with_programs(two_days(january(30, 12.0)), car, rows).availability
    assert found == (one, AvailabilityPay(terms=TERMS, period=FEBRUARY, plugged_to_date_h=0.0))
    (one,) = with_programs(two_days(january(29, 23.0)), car, rows).availability
    assert one.period == JANUARY


@pytest.mark.parametrize("max_discharge_w", [0.0, 1000.0])
def test_a_car_that_cannot_discharge_is_promised_to_nobody(max_discharge_w: float) -> None:
    car = a_vehicle(commitments=(EVENING,), availability=(TERMS,))
    problem = two_days(january(12, 12.0), max_discharge_w=max_discharge_w)
    found = with_programs(problem, car, ())
    assert (found == problem) is (max_discharge_w == 0.0)


def test_a_car_of_no_program_is_asked_about_as_ever() -> None:
    problem = two_days(january(12))
    assert with_programs(problem, a_vehicle(), ()) is problem
