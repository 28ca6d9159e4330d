"""Series put together, and tracks over them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from v2g_daemon.domain.interval import Interval
from v2g_daemon.market.calendar import bill_months
from v2g_daemon.market.series import SeriesPrice, covers, merged
from v2g_daemon.market.track import Track, constant, means, of_series, of_steps, summed

MIDNIGHT = datetime(2024, 12, 10, 23, tzinfo=UTC)
LONG_AGO = MIDNIGHT - timedelta(days=9)
T0 = int(MIDNIGHT.timestamp())


def span(start_min: int, end_min: int) -> Interval:
    return Interval(
        start_utc=MIDNIGHT + timedelta(minutes=start_min),
        end_utc=MIDNIGHT + timedelta(minutes=end_min),
    )


def price(start_min: int, end_min: int, per_kwh: str) -> SeriesPrice:
    return SeriesPrice(interval=span(start_min, end_min), per_kwh=Decimal(per_kwh))


def test_news_replaces_what_it_overlaps_and_keeps_the_rest() -> None:
    known = [price(0, 60, "0.1"), price(60, 120, "0.2"), price(120, 180, "0.3")]
    news = [price(60, 75, "0.9"), price(180, 240, "0.4")]
    assert merged(known, news, keep_from_utc=LONG_AGO) == (
        price(0, 60, "0.1"),
        price(60, 75, "0.9"),
        price(120, 180, "0.3"),
        price(180, 240, "0.4"),
    )


def test_a_gap_in_the_news_takes_no_known_price_away() -> None:
    known = [price(0, 60, "0.1"), price(60, 120, "0.2"), price(120, 180, "0.3")]
    news = [price(0, 60, "0.1"), price(120, 180, "0.3")]
    assert merged(known, news, keep_from_utc=LONG_AGO) == (*known,)
    assert merged(known, [], keep_from_utc=LONG_AGO) == (*known,)


def test_what_ended_long_ago_is_forgotten() -> None:
    known = [price(0, 60, "0.1"), price(60, 120, "0.2")]
    kept = merged(known, [], keep_from_utc=MIDNIGHT + timedelta(minutes=60))
    assert kept == (price(60, 120, "0.2"),)


def test_a_series_covers_an_interval_only_without_a_gap() -> None:
    series = [price(0, 60, "0.1"), price(60, 120, "0.2"), price(135, 180, "0.3")]
    assert covers(series, span(0, 120))
    assert covers(series, span(30, 110))
    assert not covers(series, span(0, 121))
    assert not covers(series, span(120, 180))
    assert not covers([], span(0, 60))


def test_a_series_becomes_a_track_with_its_gaps() -> None:
    series = [price(-60, 0, "9"), price(0, 60, "0.1"), price(120, 180, "0.3"), price(600, 660, "9")]
    track = of_series(series, span=(T0, T0 + 4 * 3600))
    assert [(start_s - T0) // 60 for start_s in track.starts_s] == [0, 60, 120, 180]
    assert track.values == (Decimal("0.1"), None, Decimal("0.3"), None)


def test_a_price_that_began_before_the_span_is_cut_at_it() -> None:
    track = of_series([price(-30, 30, "0.1")], span=(T0, T0 + 1800))
    assert (track.starts_s, track.values) == ((T0,), (Decimal("0.1"),))


def test_equal_neighbours_of_a_schedule_are_one_step() -> None:
    steps = [(T0 - 60, Decimal(1)), (T0, Decimal(2)), (T0 + 60, Decimal(2)), (T0 + 90, None)]
    track = of_steps(steps, span=(T0, T0 + 120))
    assert (track.starts_s, track.values) == ((T0, T0 + 90), (Decimal(2), None))
    # What begins after the end is left out.
    assert of_steps([(T0 + 120, Decimal(1))], span=(T0, T0 + 120)).values == (None,)


def test_a_sum_is_unknown_where_any_part_is() -> None:
    series = of_series([price(0, 60, "0.1")], span=(T0, T0 + 7200))
    total = summed([series, constant(Decimal("0.2"), span=(T0, T0 + 7200))])
    assert total.values == (Decimal("0.3"), None)


@pytest.mark.parametrize(
    ("start_min", "end_min", "mean"),
    [
        (0, 60, "1"),
        (30, 90, "2"),  # half an hour at 1, half an hour at 3
        (45, 75, "2"),
        (0, 120, "2"),
        (60, 120, "3"),
    ],
)
def test_a_mean_is_weighted_by_time(start_min: int, end_min: int, mean: str) -> None:
    track = of_series([price(0, 60, "1"), price(60, 120, "3")], span=(T0, T0 + 7200))
    assert means(track, [(T0 + 60 * start_min, T0 + 60 * end_min)]) == [Decimal(mean)]


def test_a_mean_over_anything_unknown_is_unknown() -> None:
    track = Track(starts_s=(T0, T0 + 60), values=(Decimal(1), None), end_s=T0 + 120)
    spans = [(T0 - 60, T0 + 30), (T0, T0 + 61), (T0 + 60, T0 + 90), (T0 + 90, T0 + 180)]
    assert means(track, spans) == [None] * 4


@pytest.mark.parametrize(
    ("moment", "billing_day", "begins", "ends"),
    [
        ("2026-01-20T12:00", 1, "2026-01-01", "2026-02-01"),
        ("2026-01-20T12:00", 20, "2026-01-20", "2026-02-20"),
        ("2026-01-19T23:59", 20, "2025-12-20", "2026-01-20"),
        ("2025-12-31T23:59", 28, "2025-12-28", "2026-01-28"),
        ("2026-03-29T12:00", 28, "2026-03-28", "2026-04-28"),
    ],
)
def test_a_bill_month_runs_from_local_midnight_to_local_midnight(
    moment: str, billing_day: int, begins: str, ends: str
) -> None:
    zone = ZoneInfo("America/Los_Angeles")
    at_s = int(datetime.fromisoformat(moment).replace(tzinfo=zone).timestamp())
    (month,) = bill_months((at_s, at_s + 1), zone, billing_day=billing_day)
    edges = [edge.astimezone(zone) for edge in (month.start_utc, month.end_utc)]
    assert [f"{edge:%Y-%m-%d}" for edge in edges] == [begins, ends]
    assert [edge.hour for edge in edges] == [0, 0]
