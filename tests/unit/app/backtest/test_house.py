"""A house's configuration and its files as a case, and what is said of what is missing."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from v2g_daemon.app.backtest.house import Files, case_of_house
from v2g_daemon.app.backtest.request import Request, case_of
from v2g_daemon.domain.errors import ConfigurationError, SeriesFileError
from v2g_daemon.domain.policy import ExportPolicy
from v2g_daemon.rehearsal.contest import Case
from v2g_daemon.settings import Settings, load_settings

ROOT = Path(__file__).resolve().parents[4]
SPOT = ROOT / "simulators/data/price_dayahead_nl_hourly_2023_2024.csv.gz"
YEAR = ROOT / "tests/benchmarks/years/nl2024pv"
HOUSE = """\
[site]
timezone = "Europe/Amsterdam"
main_fuse_a = 25
largest_other_load_a = 9
export_limit_w = 5000
[[charger]]
id = "garage"
station_id = "NOT-BOUGHT-YET"
password = "not-bought-yet-not-bought"
max_charge_w = 7400
min_charge_w = 1400
[[charger]]
id = "big"
station_id = "NOT-BOUGHT-EITHER"
password = "not-bought-yet-not-bought"
max_charge_w = 11000
max_discharge_w = 11000
min_charge_w = 4140
[[vehicle]]
id = "car"
capacity_wh = 60000
[[vehicle]]
id = "van"
capacity_wh = 90000
[[departure]]
vehicle = "car"
ready_by = "07:30"
returns_at = "17:30"
weekdays = ["mon", "tue", "wed", "thu", "fri"]
soc = 0.6
trip_wh = 9000
[tariff]
file = "nl-dynamic"
"""
MARCH = Files(
    prices=(str(SPOT),), first_day=date(2024, 3, 29), last_day=date(2024, 4, 1)
)  # a Friday to Easter Monday, with the day of 23 hours


@pytest.fixture
def house(tmp_path: Path) -> Settings:
    path = tmp_path / "house.toml"
    path.write_text(HOUSE)
    return load_settings(path)


def case_from(house: Settings, files: Files) -> Case:
    return case_of_house(house, files, name="house")


def test_local_days_are_rehearsed_with_the_hour_that_is_missing(house: Settings) -> None:
    days = case_from(house, MARCH).days
    assert days.count == 4 * 96 - 4
    assert f"{days.start_utc:%Y-%m-%d %H:%M}" == "2024-03-28 23:00"


def test_prices_are_the_tariffs_for_a_kwh_more(house: Settings) -> None:
    case = case_from(house, MARCH)
    # The tariff's own words: (spot + 0.02 + 0.1088) × 1.21 in, spot − 0.01 out.
    for bought, sold in zip(case.days.import_per_kwh, case.days.export_per_kwh, strict=True):
        assert bought == pytest.approx((sold + 0.01 + 0.02 + 0.1088) * 1.21, abs=1e-6)
    assert case.published is not None
    assert f"{case.published:%H}" == "13"


def test_stays_are_those_of_the_departures(house: Settings) -> None:
    stays = case_from(house, MARCH).days.stays
    # Friday until 07:30, then from 17:30 over the weekend to Monday 07:30, an hour less.
    assert [(one.first, one.end) for one in stays[:2]] == [(0, 30), (70, 3 * 96 - 4 + 30)]
    assert (stays[0].target_wh, stays[1].trip_wh) == (36_000.0, 9000.0)


def test_what_was_assumed_is_told(house: Settings) -> None:
    case = case_from(house, MARCH)
    assert case.plant.max_discharge_w == 7400.0
    assert case.policy.export_policy is ExportPolicy.ALLOWED
    said = "\n".join(case.notes)
    assert "as if 7400 W could also be discharged" in said
    assert 'export.policy is "never": our V2G is rehearsed as if it were "allowed"' in said
    assert "a standard profile of 3500 kWh a year stands in for it" in said
    assert "only charger garage and car car are rehearsed" in said


def test_another_charger_and_another_car_go_the_same_ways(house: Settings) -> None:
    case = case_from(house, replace(MARCH, car="van", charger="big"))
    assert (case.plant.pack_wh, case.plant.max_charge_w) == (90_000.0, 11_000.0)
    assert len(case.days.stays) == len(case_from(house, MARCH).days.stays)
    assert "are rehearsed" not in "\n".join(case.notes).replace("is rehearsed", "")


def test_files_of_the_house_are_its_days(house: Settings) -> None:
    files = replace(
        MARCH,
        load=YEAR / "load.csv.gz",
        pv=YEAR / "pv.csv.gz",
        sessions=YEAR / "sessions.csv.gz",
    )
    case = case_from(house, files)
    assert max(case.days.pv_w) > 1000.0
    assert len(set(case.days.load_w)) > 300
    assert case.policy.schedule.departures == ()


def test_export_prices_of_a_file_are_paid_in_cash(house: Settings, tmp_path: Path) -> None:
    flat = tmp_path / "sold.csv"
    rows = [f"2024-0{month}-{day:02d}T{hour:02d}:00:00Z,0.07" for month in (3, 4)
            for day in range(1, 31 if month == 4 else 32) for hour in range(24)]  # fmt: skip
    flat.write_text("time_utc,price_eur_per_kwh\n" + "\n".join(rows) + "\n")
    case = case_from(house, replace(MARCH, export_prices=flat))
    assert case.days.export_per_kwh == pytest.approx([0.07] * case.days.count)


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        (replace(MARCH, prices=()), "needs prices of energy-charts:NL; give them with --prices"),
        (replace(MARCH, last_day=None), "--from and --to go together"),
        (replace(MARCH, last_day=date(2024, 3, 1)), "lies before --from"),
        (Files(tariff="flat"), "nothing says which days to rehearse"),
        (
            replace(MARCH, car="lorry"),
            r"no \[\[vehicle\]\] with id = 'lorry'; configured: car",
        ),
        (replace(MARCH, charger="roof"), r"no \[\[charger\]\] with id = 'roof'"),
    ],
)
def test_what_is_missing_is_asked_for(house: Settings, files: Files, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        case_from(house, files)


def test_a_year_that_no_file_reaches_is_refused(house: Settings) -> None:
    days = replace(MARCH, first_day=date(2023, 1, 1), last_day=date(2024, 12, 31))
    with pytest.raises(SeriesFileError, match="does not reach over"):
        case_from(house, replace(days, load=YEAR / "load.csv.gz"))


def test_a_house_without_departures_is_asked_when_the_car_is_there(tmp_path: Path) -> None:
    path = tmp_path / "house.toml"
    before, _, after = HOUSE.partition("[[departure]]")
    path.write_text(before + "[tariff]" + after.partition("[tariff]")[2])
    with pytest.raises(ConfigurationError, match="nothing says when the car is there"):
        case_from(load_settings(path), MARCH)


def test_a_pairing_takes_no_files_beside_it() -> None:
    files = Files(tariff="flat", load=YEAR / "load.csv.gz")
    with pytest.raises(ConfigurationError, match="leave out --tariff, --load"):
        case_of(Request(config=Path("none.toml"), pairing=YEAR, files=files))


def test_a_part_of_a_pairing_is_what_from_and_to_say() -> None:
    files = Files(first_day=date(2024, 12, 20))
    days = case_of(Request(config=Path("none.toml"), pairing=YEAR, files=files)).days
    assert f"{days.start_utc:%Y-%m-%d %H:%M}" == "2024-12-19 23:00"
    with pytest.raises(SeriesFileError, match="nothing of what --from and --to ask for"):
        case_of(
            Request(config=Path("none.toml"), pairing=YEAR, files=Files(last_day=date(2020, 1, 1)))
        )


def with_carbon_price(tmp_path: Path, price_per_t: str) -> Settings:
    path = tmp_path / "carbon-house.toml"
    path.write_text(f"{HOUSE}[economics]\ncarbon_price_per_t = {price_per_t}\n")
    return load_settings(path)


def test_carbon_has_its_price_where_factors_are_given(tmp_path: Path, house: Settings) -> None:
    factors = tmp_path / "carbon.csv"
    rows = [f"2024-03-{day}T{hour:02}:00:00Z,200" for day in (28, 29, 30, 31) for hour in range(24)]
    rows += [f"2024-04-01T{hour:02}:00:00Z,200" for hour in range(24)]
    factors.write_text("time_utc,carbon_g_per_kwh\n" + "\n".join(rows) + "\n")
    files = replace(MARCH, carbon=factors)
    priced = case_from(with_carbon_price(tmp_path, "50"), files)
    assert priced.days.carbon_per_kwh is not None
    assert priced.days.carbon_per_kwh[-1] == pytest.approx(0.01)
    assert any("carbon at 50 EUR per tonne" in note for note in priced.notes)
    assert case_from(house, files).days.carbon_per_kwh is None


def test_a_carbon_price_without_factors_says_that_it_counts_nothing(tmp_path: Path) -> None:
    case = case_from(with_carbon_price(tmp_path, "50"), MARCH)
    assert case.days.carbon_per_kwh is None
    assert "economics.carbon_price_per_t counts with --carbon FILE only" in case.notes
