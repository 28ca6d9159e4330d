"""The clocked intervals of the meter that is billed by."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from v2g_daemon.domain.billing_meter import BillingMeter

NOON = datetime(2024, 12, 11, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("interval_s", "offset_s", "at_min", "end_min"),
    [
        (900, 0, 0.0, 15.0),
        (900, 0, 14.9, 15.0),
        (900, 60, 0.5, 1.0),
        (900, -60, 14.5, 29.0),
        (300, 0, 5.0, 10.0),
        (3600, 0, 59.0, 60.0),
    ],
)
def test_an_interval_ends_after_every_moment_that_it_holds(
    interval_s: int, offset_s: int, at_min: float, end_min: float
) -> None:
    meter = BillingMeter(interval_s=interval_s, boundary_offset_s=offset_s)
    moment_utc, end_utc = NOON + timedelta(minutes=at_min), NOON + timedelta(minutes=end_min)
    assert meter.settlement_end(moment_utc) == end_utc
    assert meter.settlement_interval(moment_utc).end_utc == end_utc
    assert meter.settlement_interval(moment_utc).seconds_s == interval_s
