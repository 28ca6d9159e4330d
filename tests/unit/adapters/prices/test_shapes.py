"""Answers in the shapes that are published: what becomes a series, and what is refused whole."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from v2g_daemon.adapters.prices.energy_charts import EnergyCharts
from v2g_daemon.adapters.prices.listed import CsvRows, JsonRows, Place, Stamps
from v2g_daemon.adapters.prices.octopus import Octopus
from v2g_daemon.adapters.prices.request import FileRequest, HttpRequest, Shape
from v2g_daemon.adapters.prices.tibber import Tibber
from v2g_daemon.adapters.prices.translate import Unit
from v2g_daemon.domain.errors import PriceSourceError
from v2g_daemon.market.series import SeriesPrice

ANSWERS = Path(__file__).parent / "answers"
AGILE = Octopus(product="AGILE-24-10-01", tariff="E-1R-AGILE-24-10-01-A")
HOME = Tibber(home="home", currency="EUR", token="secret-token")
FILE = Place(file=Path("prices.csv"))
AWATTAR = JsonRows(
    place=Place(url="https://example.org/marketdata?start={first}&end={last}"),
    currency="EUR",
    unit="EUR/MWh",
    rows="data",
    start="start_timestamp",
    end="end_timestamp",
    value="marketprice",
)
TABLE = CsvRows(place=FILE, currency="EUR")


def answer(name: str) -> bytes:
    return (ANSWERS / name).read_bytes()


def shown(series: tuple[SeriesPrice, ...]) -> list[tuple[str, float, str]]:
    """(start, minutes, per kWh) of each price."""
    return [
        (
            f"{price.interval.start_utc:%Y-%m-%dT%H:%MZ}",
            price.interval.seconds_s / 60.0,
            str(price.per_kwh.normalize()),
        )
        for price in series
    ]


def test_energy_charts_by_the_quarter_hour_with_a_gap() -> None:
    series = EnergyCharts(bzn="NL", currency="EUR").series(answer("energy_charts.json"))
    assert shown(series) == [
        ("2024-12-10T23:00Z", 15.0, "0.09841"),
        ("2024-12-10T23:15Z", 15.0, "0.09005"),
        ("2024-12-10T23:45Z", 15.0, "-0.0005"),
    ]


def test_octopus_newest_first_in_pence_without_vat() -> None:
    assert shown(AGILE.series(answer("octopus.json"))) == [
        ("2024-12-11T15:00Z", 30.0, "0.14"),
        ("2024-12-11T15:30Z", 30.0, "-0.015"),
        ("2024-12-11T16:00Z", 30.0, "0.332"),
        ("2024-12-11T16:30Z", 30.0, "0.1973"),
    ]


def test_octopus_is_asked_for_whole_british_days() -> None:
    request = AGILE.request(date(2026, 3, 28), date(2026, 3, 29))
    assert request.url == (
        "https://api.octopus.energy/v1/products/AGILE-24-10-01/electricity-tariffs"
        "/E-1R-AGILE-24-10-01-A/standard-unit-rates/"
    )
    # The spring day of 2026 ends at 23:00 UTC.
    assert request.query["period_from"] == "2026-03-28T00:00Z"
    assert request.query["period_to"] == "2026-03-29T23:00Z"


def test_tibber_takes_the_energy_price_of_the_home_over_midnight() -> None:
    assert shown(HOME.series(answer("tibber.json"))) == [
        ("2024-12-11T22:30Z", 15.0, "0.0984"),
        ("2024-12-11T22:45Z", 15.0, "0.0871"),
        ("2024-12-11T23:00Z", 15.0, "-0.0021"),
    ]
    anywhere = replace(HOME, home="")
    assert len(anywhere.series(answer("tibber.json"))) == 3


def test_a_token_goes_in_a_header_and_is_never_shown() -> None:
    request = HOME.request(date(2024, 12, 11), date(2024, 12, 12))
    assert request.headers["Authorization"] == "Bearer secret-token"
    assert request.body is not None
    assert b"QUARTER_HOURLY" in request.body
    assert "secret-token" not in repr(request) + repr(HOME)


def test_rows_of_any_json_by_the_names_of_their_fields() -> None:
    assert shown(AWATTAR.series(answer("awattar.json"))) == [
        ("2024-12-10T23:00Z", 60.0, "0.09841"),
        ("2024-12-11T00:00Z", 60.0, "-0.0032"),
    ]
    request = AWATTAR.request(date(2024, 12, 11), date(2024, 12, 12))
    assert isinstance(request, HttpRequest)
    assert request.url == "https://example.org/marketdata?start=2024-12-11&end=2024-12-12"


def test_stamps_that_mark_the_end_are_set_back_by_a_step() -> None:
    spot = CsvRows(
        place=FILE,
        currency="AUD",
        start="settlement",
        value="rrp",
        unit="AUD/MWh",
        stamps=Stamps.END,
    )
    assert shown(spot.series(answer("aemo.csv"))) == [
        ("2024-12-31T14:00Z", 5.0, "0.13803"),
        ("2024-12-31T14:05Z", 5.0, "17.5"),
        ("2024-12-31T14:10Z", 5.0, "-1"),
    ]


CSV = (
    b"time_utc,price_eur_per_kwh\n"
    b"2024-12-10T23:00:00Z,0.09841\n2024-12-11T00:00:00Z,\n2024-12-11T01:00:00Z,-0.5\n"
)


@pytest.mark.parametrize("packed", [False, True])
def test_a_csv_tells_its_unit_in_its_header_and_leaves_gaps(packed: bool) -> None:
    payload = gzip.compress(CSV) if packed else CSV
    assert shown(TABLE.series(payload)) == [
        ("2024-12-10T23:00Z", 60.0, "0.09841"),
        ("2024-12-11T01:00Z", 60.0, "-0.5"),
    ]
    assert TABLE.request(date(2024, 1, 1), date(2024, 1, 1)) == FileRequest(path=Path("prices.csv"))


def test_a_csv_may_have_seconds_and_ends_of_its_own() -> None:
    table = replace(TABLE, start="from", end="to", value="price", unit="ct/kWh")
    payload = b"from,to,price\n1733871600,1733875200,9.8\n1733878800,1733882400,10\n"
    assert shown(table.series(payload)) == [
        ("2024-12-10T23:00Z", 60.0, "0.098"),
        ("2024-12-11T01:00Z", 60.0, "0.1"),
    ]


@pytest.mark.parametrize(
    ("text", "per_unit"),
    [
        ("EUR/MWh", "0.001"),
        ("eur / kwh", "1"),
        ("ct/kWh", "0.01"),
        ("öre/kWh", "0.01"),
        ("p/kWh", "0.01"),
    ],
)
def test_units_are_read(text: str, per_unit: str) -> None:
    assert Unit.of(text, currency="EUR").per_unit == Decimal(per_unit)


@pytest.mark.parametrize("text", ["GBP/MWh", "EUR", "EUR/GWh", "", "ct/GWh"])
def test_other_units_are_refused(text: str) -> None:
    with pytest.raises(PriceSourceError, match="not in EUR/MWh or EUR/kWh"):
        Unit.of(text, currency="EUR")


def octopus(*rates: dict[str, Any], **changes: Any) -> bytes:
    return json.dumps({"results": rates, "next": None} | changes).encode()


def rate(start: str, end: str | None, value: Any = 10.0) -> dict[str, Any]:
    day = "2024-12-11T"
    return {
        "valid_from": f"{day}{start}Z",
        "valid_to": None if end is None else f"{day}{end}Z",
        "value_exc_vat": value,
    }


@pytest.mark.parametrize(
    ("payload", "complaint"),
    [
        (b"<html>", "not JSON"),
        (b"[]", "no list of rates"),
        (b'{"detail": "Not found."}', "no list of rates"),
        (octopus(), "no prices in the answer"),
        (octopus(rate("10:00", None)), 'this tariff is fixed, write it as kind = "flat"'),
        (octopus(rate("10:00", "10:30"), rate("10:15", "10:45")), "prices overlap at"),
        (octopus(rate("10:00", "10:30"), rate("10:00", "10:30", 5)), "stands there twice"),
        (octopus(rate("10:30", "10:00")), "ends before it begins"),
        (octopus(rate("10:00", "10:30", "10")), "a price of '10'"),
        (octopus(rate("10:00", "10:30", 2600)), "a price of 26.00 GBP per kWh; at most 25"),
        (octopus(rate("10:07", "10:30")), "starts no five minutes"),
        (octopus({"valid_to": "x"}), "a stamp of None"),
        (octopus("rate"), "a rate of 'rate'"),  # type: ignore[arg-type]
        (octopus(rate("10:00", "10:30"), next="https://x?page=2"), "more than the 1500 rates"),
    ],
)
def test_rates_that_cannot_be_trusted_are_refused_whole(payload: bytes, complaint: str) -> None:
    with pytest.raises(PriceSourceError) as caught:
        AGILE.series(payload)
    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    ("payload", "complaint"),
    [
        (b'{"errors": [{"message": "invalid token"}]}', "the service said 'invalid token'"),
        (b'{"errors": ["no"]}', "the service said 'an error'"),
        (b'{"data": {"viewer": {"homes": []}}}', "no prices for home 'home'"),
        (b'{"data": null}', "no prices for home 'home'"),
        (answer("tibber.json").replace(b'"home"', b'"hut"'), "no prices for home 'home'"),
        (answer("tibber.json").replace(b"EUR", b"SEK"), "prices in 'SEK', not in EUR"),
        (answer("tibber.json").replace(b"+01:00", b""), "which tells no offset from UTC"),
        (answer("tibber.json").replace(b"2024-12-11T23:30", b"yesterday"), "a stamp of 'yesterday"),
    ],
)
def test_a_home_without_prices_is_refused(payload: bytes, complaint: str) -> None:
    with pytest.raises(PriceSourceError) as caught:
        HOME.series(payload)
    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    ("payload", "complaint"),
    [
        (b"", "an empty table"),
        (b"when,price_eur_per_kwh\n", "no column 'time_utc' among when, price_eur_per_kwh"),
        (b"\xff\xfe\x00", "neither text nor gzip"),
        (gzip.compress(CSV, mtime=0)[:-20], "neither text nor gzip"),
        (b"\x1f\x8b\x08\x00garbage here and more", "neither text nor gzip"),
        (b"time_utc,price\n2024-12-10T23:00:00Z,1\n", "0 columns whose names end in a unit"),
        (b"time_utc,a_eur_per_kwh,b_eur_per_kwh\n", "2 columns whose names end in a unit"),
        (CSV.replace(b"eur", b"gbp"), "prices in 'gbp/kwh'"),
        (CSV.replace(b"0.09841", b"9,8"), "line 2: 3 fields, the header has 2"),
        (CSV.replace(b"0.09841", b"9.8 ct"), "line 2: a price of '9.8 ct'"),
        (CSV.replace(b"0.09841", b"nan"), "line 2: a price of NaN"),
        (CSV.replace(b"2024-12-11T01:00:00Z", b"11/12/2024 01:00"), "line 4: a stamp of '11/12"),
        (CSV.replace(b"T01:00", b"T00:00"), "stands there twice"),
        (b"time_utc,price_eur_per_kwh\n2024-12-10T23:00:00Z,1\n", "only one stamp in the answer"),
        (CSV.replace(b"per_kwh", b"per_kwh").replace(b"0.09841", b"98.41"), "at most 25"),
    ],
)
def test_a_table_that_cannot_be_trusted_is_refused_whole(payload: bytes, complaint: str) -> None:
    with pytest.raises(PriceSourceError) as caught:
        TABLE.series(payload)
    assert complaint in str(caught.value)


def test_rows_that_are_not_where_they_should_be_are_refused() -> None:
    for payload, complaint in (
        (b'{"rows": []}', "no list at 'data'"),
        (b'{"data": [1]}', "a row of 1"),
    ):
        with pytest.raises(PriceSourceError, match=complaint):
            AWATTAR.series(payload)


def test_a_column_without_a_unit_needs_one() -> None:
    table = replace(TABLE, value="price")
    with pytest.raises(PriceSourceError, match="does not end in its unit; give the unit"):
        table.series(b"time_utc,price\n2024-12-10T23:00:00Z,1\n")


@pytest.mark.parametrize("quarters", [92, 96, 100])
def test_days_of_23_24_and_25_hours_pass(quarters: int) -> None:
    start_utc = datetime(2026, 3, 28, 23, tzinfo=UTC)
    stamps = [start_utc + timedelta(minutes=15 * number) for number in range(quarters)]
    lines = [f"{stamp:%Y-%m-%dT%H:%M:%SZ},0.1" for stamp in stamps]
    series = TABLE.series("\n".join(["time_utc,price_eur_per_kwh", *lines]).encode())
    assert len(series) == quarters


SHAPES: list[Shape] = [AGILE, HOME, AWATTAR, TABLE, EnergyCharts(bzn="NL", currency="EUR")]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: type(shape).__name__)
def test_no_bytes_raise_anything_but_a_price_source_error(shape: Shape) -> None:
    check = refusing(shape)
    given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))(check)()
    leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4)
    keys = st.sampled_from(
        ["data", "results", "viewer", "homes", "today", "valid_from", "valid_to", "unit", "price"]
    )
    values = st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
        max_leaves=10,
    )
    given(values.map(lambda value: json.dumps(value).encode()))(check)()


def refusing(shape: Shape) -> Callable[[bytes], None]:
    def check(payload: bytes) -> None:
        try:
            assert shape.series(payload)
        except PriceSourceError:
            return

    return check


SPOT = CsvRows(
    place=Place(file=Path("spot.csv")),
    currency="AUD",
    start="settlement",
    value="rrp",
    unit="AUD/MWh",
    stamps=Stamps.END,
    length_s=300,
)


def test_a_lone_price_whose_length_is_known_needs_no_neighbour() -> None:
    lone = b"settlement,rrp\n2025-01-01T00:10:00+10:00,17500\n"
    assert shown(SPOT.series(lone)) == [("2024-12-31T14:05Z", 5.0, "17.5")]
    as_json = JsonRows(
        place=Place(file=Path("spot.json")),
        currency="AUD",
        unit="AUD/MWh",
        start="at",
        value="rrp",
        length_s=300,
    )
    lone = b'[{"at": "2025-01-01T00:10:00+10:00", "rrp": -1000}]'
    assert shown(as_json.series(lone)) == [("2024-12-31T14:10Z", 5.0, "-1")]


def test_a_gap_between_prices_of_known_length_stays_one() -> None:
    answer_with_gap = (
        b"settlement,rrp\n2025-01-01T00:05:00+10:00,10\n2025-01-01T00:35:00+10:00,20\n"
    )
    assert shown(SPOT.series(answer_with_gap)) == [
        ("2024-12-31T14:00Z", 5.0, "0.01"),
        ("2024-12-31T14:30Z", 5.0, "0.02"),
    ]
