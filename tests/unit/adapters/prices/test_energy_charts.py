"""Answers of a price service: what becomes a series, and what is refused whole."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from v2g_daemon.adapters.prices.energy_charts import EnergyCharts
from v2g_daemon.adapters.prices.translate import server_time_utc
from v2g_daemon.domain.errors import PriceSourceError
from v2g_daemon.domain.interval import Interval
from v2g_daemon.market.series import SeriesPrice

DUTCH = EnergyCharts(bzn="NL", currency="EUR")
MIDNIGHT_S = 1_733_871_600  # 2024-12-10 23:00 UTC, midnight in Amsterdam
MIDNIGHT = datetime(2024, 12, 10, 23, tzinfo=UTC)


def answer(stamps: object, prices: object, unit: object = "EUR / MWh") -> bytes:
    return json.dumps(
        {"license_info": "x", "unix_seconds": stamps, "price": prices, "unit": unit}
    ).encode()


def slot(start_min: int, length_min: int, per_kwh: str) -> SeriesPrice:
    start_utc = MIDNIGHT + timedelta(minutes=start_min)
    return SeriesPrice(
        interval=Interval(start_utc=start_utc, end_utc=start_utc + timedelta(minutes=length_min)),
        per_kwh=Decimal(per_kwh),
    )


def hourly(count: int) -> list[int]:
    return [MIDNIGHT_S + 3600 * index for index in range(count)]


def test_hourly_prices_become_exact_prices_per_kwh() -> None:
    payload = answer(hourly(3), [98.41, -500, 872.96])
    assert DUTCH.series(payload) == (
        slot(0, 60, "0.09841"),
        slot(60, 60, "-0.5"),
        slot(120, 60, "0.87296"),
    )


@pytest.mark.parametrize("minutes", [15, 30, 60])
def test_the_step_is_read_from_the_stamps_and_ends_the_last_slot(minutes: int) -> None:
    stamps = [MIDNIGHT_S, MIDNIGHT_S + 60 * minutes, MIDNIGHT_S + 120 * minutes]
    assert DUTCH.series(answer(stamps, [1, 2, 3])) == (
        slot(0, minutes, "0.001"),
        slot(minutes, minutes, "0.002"),
        slot(2 * minutes, minutes, "0.003"),
    )


def test_a_missing_hour_stays_a_gap() -> None:
    stamps = [MIDNIGHT_S, MIDNIGHT_S + 3600, MIDNIGHT_S + 10800, MIDNIGHT_S + 14400]
    assert DUTCH.series(answer(stamps, [10, 20, 40, 50])) == (
        slot(0, 60, "0.01"),
        slot(60, 60, "0.02"),
        slot(180, 60, "0.04"),
        slot(240, 60, "0.05"),
    )


def test_a_price_that_is_null_stays_a_gap_and_is_never_zero() -> None:
    payload = answer(hourly(3), [10, None, 30])
    assert DUTCH.series(payload) == (slot(0, 60, "0.01"), slot(120, 60, "0.03"))


@pytest.mark.parametrize("count", [23, 25])
def test_days_of_23_and_25_hours_pass(count: int) -> None:
    series = DUTCH.series(answer(hourly(count), list(range(count))))
    assert len(series) == count
    assert series[-1].interval.end_utc == MIDNIGHT + timedelta(hours=count)


@pytest.mark.parametrize("unit", ["EUR / MWh", "EUR/MWh", "eur/mwh"])
def test_the_unit_may_be_spelt_in_more_than_one_way(unit: str) -> None:
    assert len(DUTCH.series(answer(hourly(2), [1, 2], unit))) == 2


@pytest.mark.parametrize(
    ("payload", "complaint"),
    [
        (b"<!DOCTYPE html><html></html>", "not JSON"),
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[1, 2]", "not an object"),
        (b'{"error": "no data"}', "prices in None"),
        (answer([], []), "only 0 stamps"),
        (answer(hourly(1), [10]), "only 1 stamps"),
        (answer(hourly(3), [10, 20]), "not one price for each of 3 stamps"),
        (answer(hourly(2), None), "not one price"),
        (answer(hourly(2), [None, None]), "no prices"),
        (answer(hourly(2), [1, 2], None), "prices in None"),
        (answer(hourly(2), [1, 2], "EUR"), "prices in 'EUR'"),
        (answer(hourly(2), [1, 2], "GBP / MWh"), "prices in 'GBP / MWh'"),
        (answer([MIDNIGHT_S, MIDNIGHT_S], [1, 2]), "stamps repeat"),
        (answer(hourly(3)[::-1], [1, 2, 3]), "run backwards"),
        (answer([MIDNIGHT_S, MIDNIGHT_S + 60], [1, 2]), "starts no five minutes"),
        (answer([MIDNIGHT_S * 1000, MIDNIGHT_S * 1000 + 3600], [1, 2]), "starts no five minutes"),
        (answer([0, 3600], [1, 2]), "starts no five minutes"),
        (answer([MIDNIGHT_S, MIDNIGHT_S + 7200], [1, 2]), "a usual step of 7200 s"),
        (answer(["2024-12-11", "2024-12-12"], [1, 2]), "no list of whole seconds"),
        (answer([True, False], [1, 2]), "no list of whole seconds"),
        (answer(hourly(2), ["10", 20]), "a price of '10'"),
        (answer(hourly(2), [True, 20]), "a price of True"),
        (answer(hourly(2), [float("nan"), 20]), "a price of NaN"),
        (answer(hourly(2), [float("inf"), 20]), "a price of Infinity"),
        (answer(hourly(2), [25_000.01, 20]), "at most 25"),
        (answer(hourly(2), [-25_000.01, 20]), "at most 25"),
        (answer(hourly(2), [1, 2]).replace(b"[1, 2]", b"[1e999999999, 2]"), "a price of 1E"),
    ],
)
def test_an_answer_that_cannot_be_trusted_is_refused_whole(payload: bytes, complaint: str) -> None:
    with pytest.raises(PriceSourceError, match=complaint.replace("(", r"\(")):
        DUTCH.series(payload)


def test_a_spike_of_25_per_kwh_is_still_a_price() -> None:
    series = DUTCH.series(answer(hourly(2), [25_000, -25_000]))
    assert [price.per_kwh for price in series] == [Decimal(25), Decimal(-25)]


def test_a_zone_is_asked_for_days() -> None:
    request = DUTCH.request(date(2024, 12, 11), date(2024, 12, 12))
    assert request.url == "https://api.energy-charts.info/price"
    assert request.query == {"bzn": "NL", "start": "2024-12-11", "end": "2024-12-12"}


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_no_bytes_raise_anything_but_a_price_source_error(payload: bytes) -> None:
    try:
        series = DUTCH.series(payload)
    except PriceSourceError:
        return
    assert series


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=4),
        max_leaves=8,
    ),
    st.lists(st.none() | st.integers() | st.floats() | st.text(max_size=3), max_size=4),
)
def test_no_json_of_the_right_shape_raises_anything_else(stamps: object, prices: object) -> None:
    try:
        series = DUTCH.series(answer(stamps, prices))
    except PriceSourceError:
        return
    assert series


@pytest.mark.parametrize(
    ("date", "age", "told"),
    [
        ("Wed, 11 Dec 2024 16:30:02 GMT", None, datetime(2024, 12, 11, 16, 30, 2, tzinfo=UTC)),
        ("Wed, 11 Dec 2024 17:30:02 +0100", None, datetime(2024, 12, 11, 16, 30, 2, tzinfo=UTC)),
        ("Wed, 11 Dec 2024 16:30:02 -0000", None, datetime(2024, 12, 11, 16, 30, 2, tzinfo=UTC)),
        # A cache kept it for ten minutes.
        ("Wed, 11 Dec 2024 16:30:02 GMT", "600", datetime(2024, 12, 11, 16, 40, 2, tzinfo=UTC)),
        ("Wed, 11 Dec 2024 16:30:02 GMT", "a while", None),
        ("Wed, 11 Dec 2024 16:30:02 GMT", "9" * 30, None),
        ("Fri, 31 Dec 9999 23:59:59 -0100", None, None),
        ("soon", None, None),
        ("", None, None),
        (None, "600", None),
    ],
)
def test_the_servers_time_is_its_date_and_what_a_cache_added(
    date: str | None, age: str | None, told: datetime | None
) -> None:
    assert server_time_utc(date, age) == told
