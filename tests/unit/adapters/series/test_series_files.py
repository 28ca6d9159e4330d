"""Series files as they are met: each trap is refused with file, line and fix, or taken and told."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from v2g_daemon.adapters.series.table import read_bytes
from v2g_daemon.adapters.series.translate import SeriesFile, series_of
from v2g_daemon.domain.errors import SeriesFileError

NAME = "house.csv"
LOAD = """\
time_utc,load_w
2024-01-01T00:00:00Z,300
2024-01-01T00:15:00Z,310.5
2024-01-01T00:30:00Z,
2024-01-01T00:45:00Z,290
"""


def read(text: str, zone: str | None = None) -> SeriesFile:
    return series_of(text.encode(), name=NAME, zone=None if zone is None else ZoneInfo(zone))


def refused(text: str, zone: str | None = None) -> str:
    with pytest.raises(SeriesFileError) as caught:
        read(text, zone)
    return str(caught.value)


@pytest.mark.parametrize("packed", [False, True])
def test_a_file_is_read_plain_or_packed(packed: bool) -> None:
    payload = gzip.compress(LOAD.encode()) if packed else LOAD.encode()
    found = series_of(payload, name=NAME)
    assert (found.start_utc, found.step_s) == (datetime(2024, 1, 1, tzinfo=UTC), 900)
    assert found.amounts == {"load_w": (300.0, 310.5, None, 290.0)}
    assert found.interval.end_utc == datetime(2024, 1, 1, 1, tzinfo=UTC)
    assert found.notes == ("house.csv: 1 of 4 fields of load_w are empty: missing, not 0",)


PRICES = """\
time_utc,import_price_eur_per_kwh,export_price_eur_per_kwh
2023-07-02T11:00:00Z,-0.50,-0.51
2023-07-02T12:00:00Z,,0.10
2023-07-02T13:00:00Z,9.03,17.5
"""


def test_prices_are_exact_and_gaps_stay_gaps() -> None:
    found = read(PRICES)
    assert found.prices["import_price_eur_per_kwh"] == (Decimal("-0.50"), None, Decimal("9.03"))
    series = found.price_series("import_price_eur_per_kwh")
    assert [price.interval.start_utc.hour for price in series] == [11, 13]
    assert [price.per_kwh for price in series] == [Decimal("-0.50"), Decimal("9.03")]


def wall_clock_sun(zone: str, offset_h: int, *, honest: bool) -> str:
    """Four weeks of half-hourly sun around 11 March 2012, noon at 12:10 standard time.

    Dishonest stamps carry the winter's offset and show what the clock on the wall showed.
    """
    place = ZoneInfo(zone)
    start = datetime(2012, 2, 26, tzinfo=UTC) - timedelta(hours=offset_h)
    lines = ["time_utc,pv_w"]
    for number in range(28 * 48):
        moment = start + timedelta(minutes=30 * number)
        shown = (
            moment
            if honest
            else moment
            - (
                (place.utcoffset(moment.astimezone(place)) or timedelta(0))
                - timedelta(hours=offset_h)
            )
        )
        standard = shown + timedelta(hours=offset_h)
        from_noon_h = standard.hour + standard.minute / 60.0 - 12.17
        power_w = max(0.0, 3000.0 * (1.0 - (from_noon_h / 5.0) ** 2))
        lines.append(f"{moment:%Y-%m-%dT%H:%M:%SZ},{power_w:.0f}")
    return "\n".join(lines) + "\n"


def test_trap_1_stamps_of_one_offset_that_follow_the_wall_clock_are_refused() -> None:
    said = refused(wall_clock_sun("America/Denver", -7, honest=False), "America/Denver")
    assert said == (
        "house.csv: line 660: the sun's noon moves by +1.0 h on 2012-03-11, as the clock does; "
        "its stamps are wall times: read them as America/Denver and write UTC"
    )
    honest = read(wall_clock_sun("America/Denver", -7, honest=True), "America/Denver")
    assert honest.steps_count == 1344


def test_trap_2_doubled_stamps_are_refused_though_the_count_is_right() -> None:
    # Four lines for four hours, but one stands there twice and one is missing.
    said = refused(
        "time_utc,price_eur_per_kwh\n"
        "2024-10-27T00:00:00Z,0.1\n2024-10-27T01:00:00Z,0.1\n2024-10-27T01:00:00Z,0.1\n"
        "2024-10-27T03:00:00Z,0.1\n"
    )
    assert said == (
        "house.csv: line 4: 2024-10-27T01:00:00Z stands there twice; write UTC: an hour that "
        "the clock repeats has two different ones"
    )


def test_trap_2_missing_stamps_are_refused() -> None:
    said = refused(
        "time_utc,price_eur_per_kwh\n"
        "2024-03-31T00:00:00Z,0.1\n2024-03-31T02:00:00Z,0.1\n2024-03-31T03:00:00Z,0.1\n"
        "2024-03-31T04:00:00Z,0.1\n"
    )
    assert said.startswith("house.csv: line 3: 1 line is missing before it; insert them with")


def test_trap_3_hours_counted_by_their_end_are_refused() -> None:
    said = refused("time_utc,price_usd_per_kwh\n01/01/2022 24:00,0.03\n01/02/2022 01:00,0.03\n")
    assert said == (
        "house.csv: line 2: '01/01/2022 24:00' counts hours by their end; write the UTC start of "
        "each interval, or name the column end_utc"
    )


def test_trap_3_a_column_of_ends_is_set_back_by_a_step() -> None:
    found = read(
        "end_utc,price_aud_per_kwh\n2024-12-31T14:05:00Z,0.138\n2024-12-31T14:10:00Z,0.134\n"
    )
    assert found.start_utc == datetime(2024, 12, 31, 14, tzinfo=UTC)
    assert found.notes == ("house.csv: stamps mark the end of each interval: set back by 300 s",)


def test_trap_4_two_ways_of_writing_a_date_are_refused() -> None:
    said = refused("time_utc,price_eur_per_kwh\n2023-12-31T22:00:00Z,0.1\n31/12/2023 23:00,0.1\n")
    assert said == (
        "house.csv: line 3: '31/12/2023 23:00' is not ISO 8601; write it as 2024-12-31T23:00:00Z"
    )


def test_trap_5_a_sentinel_is_no_measurement() -> None:
    said = refused(LOAD.replace("load_w", "pv_w").replace("310.5", "-1000000"))
    assert said == (
        "house.csv: line 3: pv_w = -1000000 lies outside 0 to 500000; leave what was not "
        "measured empty"
    )


def test_trap_5_a_long_flat_run_is_kept_and_told() -> None:
    found = read(minutes("load_w", ["301"] * 10 + ["360"] * 401 + ["299"]))
    assert found.notes == (
        "house.csv: lines 12 to 412: load_w stays at exactly 360 for 401 minutes: probably a gap "
        "that somebody filled; kept",
    )
    assert read(minutes("load_w", ["0"] * 600 + ["299"])).notes == ()


def minutes(column: str, values: Iterable[str]) -> str:
    start_utc = datetime(2008, 6, 1, tzinfo=UTC)
    stamps = (start_utc + timedelta(minutes=number) for number in range(10_000))
    lines = [
        f"{moment:%Y-%m-%dT%H:%M:%SZ},{value}"
        for moment, value in zip(stamps, values, strict=False)
    ]
    return "\n".join([f"time_utc,{column}", *lines, ""])


def test_trap_6_gaps_of_the_sun_between_zeros_are_nights() -> None:
    found = read(
        "time_utc,pv_w\n2024-06-01T20:00:00Z,40\n2024-06-01T21:00:00Z,0\n"
        "2024-06-01T22:00:00Z,\n2024-06-01T23:00:00Z,\n2024-06-02T00:00:00Z,0\n"
        "2024-06-02T01:00:00Z,\n2024-06-02T02:00:00Z,30\n"
    )
    assert found.amounts["pv_w"] == (40.0, 0.0, 0.0, 0.0, 0.0, None, 30.0)
    assert found.notes == (
        "house.csv: 2 empty pv_w fields between zeros are nights: taken as 0 W",
        "house.csv: 1 of 7 fields of pv_w are empty: missing, not 0",
    )


def test_trap_9_prices_per_mwh_are_refused() -> None:
    said = refused(PRICES.replace("9.03", "98.41"))
    assert said == (
        "house.csv: line 4: a price of 98.41 EUR per kWh, at most 25; divide prices per MWh by "
        "1000; leave gaps empty"
    )


@pytest.mark.parametrize(
    ("quarters", "day"), [(92, "2026-03-28"), (96, "2026-06-01"), (100, "2026-10-24")]
)
def test_days_of_23_24_and_25_hours_pass(quarters: int, day: str) -> None:
    midnight = datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(hours=22)
    lines = [
        f"{midnight + timedelta(minutes=15 * number):%Y-%m-%dT%H:%M:%SZ},0.1"
        for number in range(quarters)
    ]
    assert read("\n".join(["time_utc,price_eur_per_kwh", *lines])).steps_count == quarters


def test_an_hour_that_the_clock_repeats_has_two_stamps_in_utc_and_passes() -> None:
    found = read(
        "time_utc,price_eur_per_kwh\n2026-10-25T02:00:00+02:00,0.1\n2026-10-25T02:00:00+01:00,0.2\n"
        "2026-10-25T03:00:00+01:00,0.3\n"
    )
    assert found.start_utc == datetime(2026, 10, 25, tzinfo=UTC)
    assert found.step_s == 3600


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: there are no rows"),
        ("time_utc,load_w\n", "line 1: there are no rows"),
        (LOAD.replace("time_utc", "when"), "line 1: there is no column time_utc"),
        (LOAD.replace("load_w", "load"), "column load ends in no known unit; known are _g_per_kwh"),
        (LOAD.replace(",load_w", "").replace(",300", "").replace(",310.5", "").replace(",\n", "\n")
         .replace(",290", ""), "there is nothing beside the stamps"),
        (LOAD.replace("310.5", "310,5"), "line 3: 3 fields, the header has 2; write decimals with"),
        (LOAD.replace("310.5", "a lot"), "line 3: 'a lot' is no number; write digits and a point"),
        (LOAD.replace("310.5", "nan"), "line 3: 'nan' is no number; leave the field empty"),
        (LOAD.replace("310.5", "1e999999999"), "line 3: load_w = 1e999999999 lies outside"),
        (LOAD.replace("00:15:00Z", "00:15:00"), "line 3: '2024-01-01T00:15:00' tells no offset"),
        (LOAD.replace("00:15:00Z", "00:20:00Z"), "line 4: it begins 600 s after the line before"),
        (LOAD.replace("00:45:00Z", "00:10:00Z"), "line 5: 2024-01-01T00:10:00Z runs backwards"),
        ("time_utc,load_w\n2024-01-01T00:00:00Z,1\n", "one line alone does not tell its length"),
        ('time_utc,load_w\n"2024', "no CSV"),
        (PRICES.replace("9.03", "-9,03"), "line 4: 4 fields, the header has 3"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_line_and_fix(text: str, said: str) -> None:
    assert f"house.csv: {said}" in refused(text) or said in refused(text)


def test_a_file_that_is_no_text_or_not_there_is_refused(tmp_path: Path) -> None:
    for payload in (b"\xff\xfe\x00", gzip.compress(LOAD.encode())[:-9]):
        with pytest.raises(SeriesFileError, match="neither text nor gzip"):
            series_of(payload, name=NAME)
    with pytest.raises(SeriesFileError, match="cannot be read: No such file"):
        read_bytes(tmp_path / "nowhere.csv")
    (tmp_path / NAME).write_text(LOAD)
    assert read_bytes(tmp_path / NAME) == LOAD.encode()


@given(
    st.binary(max_size=300)
    | st.text(max_size=300).map(lambda text: ("time_utc,load_w\n" + text).encode())
)
def test_no_bytes_raise_anything_but_a_series_file_error(payload: bytes) -> None:
    try:
        assert series_of(payload, name=NAME).steps_count > 0
    except SeriesFileError:
        return
