"""Wall clocks by the array: every moment as the standard library has it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from v2g_daemon.planning.wall import (
    local_seconds,
    posix_seconds,
    same_wall_time,
)

MONDAY = datetime(2024, 1, 1)  # noqa: DTZ001 - a wall clock has no zone
# The seconds around both changes of 2024 in Amsterdam and New York, and quiet days.
MOMENTS_UTC = [
    datetime(*day, tzinfo=UTC) + timedelta(hours=hour, seconds=second)
    for day in ((2024, 3, 10), (2024, 3, 31), (2024, 7, 1), (2024, 10, 27), (2024, 11, 3))
    for hour in range(0, 9)
    for second in (-1, 0, 1)
]


@pytest.mark.parametrize(
    "name", ["Europe/Amsterdam", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"]
)
def test_the_wall_clock_of_many_moments_is_that_of_each(name: str) -> None:
    zone = ZoneInfo(name)
    shown = local_seconds(posix_seconds(MOMENTS_UTC), zone) % (7 * 86_400)
    for moment_utc, seconds in zip(MOMENTS_UTC, shown.tolist(), strict=True):
        wall = moment_utc.astimezone(zone).replace(tzinfo=None)
        assert seconds == (wall - MONDAY).total_seconds() % (7 * 86_400)


def test_the_same_wall_time_before_the_clocks_changed_is_an_hour_off_in_utc() -> None:
    noon_utc = datetime(2024, 4, 1, 10, tzinfo=UTC)
    (before_s,) = same_wall_time(
        posix_seconds([noon_utc]), ZoneInfo("Europe/Amsterdam"), days_back=2
    ).tolist()
    assert before_s == datetime(2024, 3, 30, 11, tzinfo=UTC).timestamp()
