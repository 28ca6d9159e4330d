"""Records on the quarter hours: held, averaged, moved by whole laps, filled from other weeks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from v2g_daemon.domain.interval import Interval
from v2g_daemon.rehearsal.quarters import Quarters, Recorded, quarters

MONDAY = datetime(2024, 1, 1, tzinfo=UTC)
HOUR, MINUTES_5 = timedelta(hours=1), timedelta(minutes=5)
WEEK = 7 * 96


def span(start_utc: datetime, hours: float) -> Interval:
    return Interval(start_utc=start_utc, end_utc=start_utc + timedelta(hours=hours))


def test_an_hour_holds_for_four_quarters() -> None:
    record = Recorded(start_utc=MONDAY, step=HOUR, values=(1.0, 2.0, 3.0))
    assert quarters(record, span(MONDAY + HOUR, 2.0)) == Quarters(
        values=(2.0,) * 4 + (3.0,) * 4, moved_days=0, filled_count=0
    )


def test_five_minutes_are_averaged_as_far_as_they_are_known() -> None:
    record = Recorded(start_utc=MONDAY, step=MINUTES_5, values=(1.0, 2.0, 6.0, 4.0, None, 8.0))
    found = quarters(record, span(MONDAY, 0.5))
    assert found is not None
    assert found.values == (3.0, 6.0)
    assert found.filled_count == 0


def test_a_record_of_another_year_moves_by_52_weeks_so_that_weekdays_agree() -> None:
    values = [float(slot // 96 % 7) for slot in range(364 * 96)]
    record = Recorded(start_utc=MONDAY, step=timedelta(minutes=15), values=values)
    wanted = span(datetime(2026, 1, 5, tzinfo=UTC), 24.0 * 7)  # a Monday
    found = quarters(record, wanted)
    assert found is not None
    assert found.moved_days == 728
    assert found.values[::96] == (0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0)


def test_a_record_that_does_not_reach_is_refused() -> None:
    record = Recorded(start_utc=MONDAY, step=HOUR, values=(1.0,) * 24)
    assert quarters(record, span(MONDAY + 12 * HOUR, 24.0)) is None


def test_a_gap_holds_the_week_before_else_the_week_after() -> None:
    values: list[float | None] = [float(slot) for slot in range(3 * WEEK)]
    values[WEEK + 5] = None
    values[7] = None
    record = Recorded(start_utc=MONDAY, step=timedelta(minutes=15), values=values)
    found = quarters(record, span(MONDAY, 24.0 * 21))
    assert found is not None
    assert found.values[WEEK + 5] == 5.0
    assert found.values[7] == WEEK + 7.0
    assert found.filled_count == 2


def test_a_gap_that_no_week_can_fill_is_refused() -> None:
    record = Recorded(start_utc=MONDAY, step=HOUR, values=(1.0, None, 3.0))
    assert quarters(record, span(MONDAY, 3.0)) is None


@pytest.mark.parametrize("step", [HOUR, timedelta(minutes=30)])
def test_a_record_keeps_its_own_steps_where_asked_to(step: timedelta) -> None:
    record = Recorded(start_utc=MONDAY, step=step, values=(1.0, 2.0, 3.0, 4.0))
    found = quarters(record, Interval(start_utc=MONDAY, end_utc=MONDAY + 4 * step), step=step)
    assert found is not None
    assert found.values == (1.0, 2.0, 3.0, 4.0)
