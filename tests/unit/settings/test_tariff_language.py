"""The tariff language: what it says, what it refuses, and the tariffs that are shipped."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tests.unit.settings.files import SMALLEST, written
from v2g_daemon.app.tariffs import book_of, load_book
from v2g_daemon.domain.errors import ConfigurationError
from v2g_daemon.market.tariff import SeriesRate, Settles, TouRate
from v2g_daemon.settings import load_settings
from v2g_daemon.settings.tariff_file import load_tariff, shipped_tariffs
from v2g_daemon.settings.tariff_lints import doubts

WHOLE = """\
[tariff]
id = "de-dyn-2026"
currency = "EUR"
timezone = "Europe/Berlin"
valid_from = 2026-01-01
valid_to = 2026-12-31
vat = "0.19"
fixed_per_day = "0.35"
fixed_per_month = "12.90"
[tariff.import.energy]
kind = "series"
source = "energy-charts:DE-LU"
mult = "1.0"
adder = "0.018"
floor = ""
cap = ""
[[tariff.import.component]]
name = "grid_fee"
kind = "tou"
default = "0.0812"
periods = [
  {months=[1,2,3,10,11,12], days="all", from="17:00", to="21:00", value="0.1390"},
  {months=[1,2,3], days="all", from="00:00", to="05:00", value="0.0201"},
]
[tariff.import.tiers]
billing_day = 1
steps = [["500", "0"], ["", "0.05"]]
[tariff.import.demand]
rate_per_kw_month = "0"
interval_s = 900
windows = [["16:00","21:00"]]
ratchet_pct = 0
[tariff.export]
kind = "series"
source = "energy-charts:DE-LU"
mult = "1.0"
adder = "-0.005"
negative_price_rule = "pay"
settles = "cash"
credit_expiry = ""
vintage = 2026
lock_years = 0
[tariff.relief]
components = ["grid_fee"]
basis = "quarter_hour_returned_kwh"
"""
FLAT = """\
[tariff]
id = "x"
currency = "EUR"
timezone = "Europe/Berlin"
[tariff.import.energy]
kind = "flat"
value = "0.30"
"""


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("V2G_PASSWORD_GARAGE", "secret-word")


def file_of(folder: Path, text: str) -> str:
    path = folder / "tariff.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def refused(folder: Path, text: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load_tariff(file_of(folder, text))
    return str(caught.value)


def test_a_whole_tariff_is_read_as_it_is_written(tmp_path: Path) -> None:
    (tariff,) = load_book(file_of(tmp_path, WHOLE)).versions
    assert (tariff.valid_from, tariff.valid_to) == (date(2026, 1, 1), date(2026, 12, 31))
    energy, grid_fee = tariff.imports.components
    assert energy.rate == SeriesRate(
        source="energy-charts:DE-LU", mult=Decimal(1), adder=Decimal("0.018")
    )
    assert (energy.floor, energy.cap) == (None, None)
    assert isinstance(grid_fee.rate, TouRate)
    high, low = grid_fee.rate.periods
    assert (high.value, high.period.from_min, high.period.to_min) == (Decimal("0.1390"), 1020, 1260)
    assert sorted(low.period.months) == [1, 2, 3]
    assert [step.upper_milliwh for step in tariff.tiers] == [500_000_000, None]
    (demand,) = tariff.demands
    assert [(one.from_min, one.to_min) for one in demand.windows] == [(960, 1260)]
    assert tariff.export is not None
    assert tariff.export.settles is Settles.CASH
    assert tariff.relieved == ("grid_fee",)


def test_an_amount_written_as_a_number_keeps_its_digits(tmp_path: Path) -> None:
    (tariff,) = load_tariff(file_of(tmp_path, FLAT.replace('"0.30"', "0.29999999999999999")))
    assert tariff.imports.energy.value == Decimal("0.29999999999999999")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"0.30"', '"30 ct"', "tariff.import.energy.value = '30 ct': does not fit; it should be a"),
        ('value = "0.30"', "", "kind 'flat' needs value; add it"),
        ('kind = "flat"', 'kind = "tou"', "kind 'tou' has no value; remove it, or change the kind"),
        ('kind = "flat"', 'kind = "spot"', "tariff.import.energy.kind = 'spot': does not fit"),
        ('"0.30"', '"0.30"\nvalu = "1"', "energy.valu = '1': unknown key; did you mean value?"),
        ('"0.30"', "true", "true and false are no values for this key"),
        ('"0.30"', '"NaN"', "tariff.import.energy.value = 'NaN'"),
        ('id = "x"', "", "tariff.id: is missing; add it"),
        ('currency = "EUR"', 'currency = "euro"', "tariff.currency = 'euro'"),
        ('"Europe/Berlin"', '"Berlin"', "no such time zone; write an IANA name"),
        ('id = "x"', 'id = "x"\nvat = "19"', "tariff.vat = '19': does not fit; it should be less"),
        ('id = "x"', 'id = "x"\nvalid_from = 2026-02-01\nvalid_to = 2026-01-01', "exchange them"),
        ('id = "x"', 'id = "x"\nbilling_day = 31', "tariff.billing_day = 31: does not fit"),
        ("[tariff.import.energy]", "[tariff.imports.energy]", "unknown key; did you mean import?"),
    ],
)
def test_what_cannot_be_is_refused_with_key_and_fix(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    assert old in FLAT
    assert said in refused(tmp_path, FLAT.replace(old, new, 1))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ('[tariff.export]\nkind = "series"\n', "kind 'series' needs source; add it"),
        ('[tariff.export]\nkind = "table576"\nvalues = [[["0"]]]\n', "12 months of 2 kinds of day"),
        (
            '[tariff.export]\nkind = "flat"\nvalue = "0"\ncredit_expiry = "annual:04"\n',
            "belongs to",
        ),
        (
            '[tariff.export]\nkind = "flat"\nvalue = "0"\nsettles = "bill_credit"\n'
            'credit_expiry = "yearly"\n',
            'no expiry; write it as "annual:04"',
        ),
        ('[tariff.import.tiers]\nsteps = [["500", "0"]]\n', 'the last step has an end; write ""'),
        ('[tariff.import.tiers]\nsteps = [["5", "0"], ["5", "1"], ["", "2"]]\n', "do not rise"),
        ('[tariff.import.tiers]\nsteps = [["", "0"], ["", "2"]]\n', "do not rise"),
        (
            '[tariff.import.demand]\nrate_per_kw_month = "1"\ninterval_s = 700\n',
            "does not divide an hour",
        ),
        (
            '[tariff.import.demand]\nrate_per_kw_month = "1"\nwindows = [["16:00", "16:00"]]\n',
            "begins when it ends",
        ),
        (
            '[tariff.import.demand]\nrate_per_kw_month = "1"\nwindows = ["16:00"]\n',
            "windows[0]",
        ),
        (
            '[[tariff.import.component]]\nname = "a"\nkind = "tou"\nperiods = []\n',
            "kind 'tou' needs periods or a default",
        ),
        (
            '[[tariff.import.component]]\nname = "a"\nkind = "tou"\n'
            'periods = [{ from = "25:00", value = "1" }]\n',
            'no wall time; write it as "17:30"',
        ),
        (
            '[[tariff.import.component]]\nname = "a"\nkind = "tou"\n'
            'periods = [{ days = "workday", value = "1" }]\n',
            "no kind of day is called 'workday'; known are all, weekday, weekend, holiday",
        ),
        (
            '[[tariff.import.component]]\nname = "a"\nkind = "tou"\n'
            'periods = [{ days = [], value = "1" }]\n',
            "no days; write a word or a list of words",
        ),
        (
            '[[tariff.import.component]]\nname = "a"\nkind = "tou"\n'
            'periods = [{ months = [13], value = "1" }]\n',
            "months",
        ),
        (
            '[[tariff.import.component]]\nname = "vat"\nkind = "flat"\nvalue = "0"\n',
            "another line of the bill has this name; give it a name of its own",
        ),
        (
            '[[tariff.import.demand]]\nrate_per_kw_month = "1"\n'
            '[[tariff.import.demand]]\nrate_per_kw_month = "2"\n',
            "tariff.import.demand[1].name = 'demand': another line of the bill has this name",
        ),
        (
            '[tariff.relief]\ncomponents = ["grid_fee"]\n',
            "no component of the import has this name; name one of energy",
        ),
        ('[tariff.relief]\ncomponents = ["energy"]\nbasis = "yearly"\n', "tariff.relief.basis"),
        ("[prices]\ntimeout_s = 1\n", "a tariff file holds [tariff], or [[tariff]] for each"),
    ],
)
def test_tables_that_cannot_be_are_refused(tmp_path: Path, more: str, said: str) -> None:
    assert said in refused(tmp_path, FLAT + more)


def test_a_tiered_price_needs_its_tiers(tmp_path: Path) -> None:
    text = FLAT.replace('kind = "flat"\nvalue = "0.30"', 'kind = "tiered"')
    assert "needs [tariff.import.tiers]; add it" in refused(tmp_path, text)


def test_two_billing_days_are_one_too_many(tmp_path: Path) -> None:
    text = FLAT.replace('id = "x"', 'id = "x"\nbilling_day = 5')
    tiers = '[tariff.import.tiers]\nsteps = [["", "0"]]\nbilling_day = 6\n'
    assert "two billing_days; keep the one of [tariff]" in refused(tmp_path, text + tiers)


def test_a_file_that_tells_no_time_zone_needs_one(tmp_path: Path) -> None:
    text = FLAT.replace('timezone = "Europe/Berlin"\n', "")
    assert 'tariff.timezone: is missing; add it, such as "Europe/Amsterdam"' in refused(
        tmp_path, text
    )


def test_a_bidding_zone_tells_the_time_zone(tmp_path: Path) -> None:
    text = WHOLE.replace('timezone = "Europe/Berlin"\n', "")
    assert load_book(file_of(tmp_path, text)).timezone == "Europe/Berlin"


def versions(first: str, second: str, *, zone: str = "Europe/Berlin") -> str:
    one = FLAT.replace("[tariff]", "[[tariff]]", 1).replace('id = "x"', f'id = "one"\n{first}')
    other = FLAT.replace("[tariff]", "[[tariff]]", 1).replace('id = "x"', f'id = "two"\n{second}')
    return one + other.replace("Europe/Berlin", zone)


def test_versions_follow_one_another_in_time(tmp_path: Path) -> None:
    text = versions("valid_from = 2026-07-01", "valid_to = 2026-06-30")
    assert [one.id for one in load_book(file_of(tmp_path, text)).versions] == ["two", "one"]


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ("valid_to = 2026-07-01", "valid_from = 2026-07-01", "are both valid on 2026-07-01"),
        ("", "valid_from = 2026-07-01", "have no end or no beginning between them"),
        ("valid_to = 2026-07-01", "", "have no end or no beginning between them"),
    ],
)
def test_versions_that_overlap_are_refused(
    tmp_path: Path, first: str, second: str, said: str
) -> None:
    assert said in refused(tmp_path, versions(first, second))


def test_versions_of_two_time_zones_are_two_tariffs(tmp_path: Path) -> None:
    text = versions("valid_to = 2026-06-30", "valid_from = 2026-07-01", zone="Europe/Paris")
    assert "tariff.timezone: differs between versions" in refused(tmp_path, text)


def test_a_file_that_is_not_there_or_no_toml_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.toml: there is no such file"):
        load_tariff(str(tmp_path / "nowhere.toml"))
    with pytest.raises(ConfigurationError, match="did you mean flat"):
        load_tariff("flatt")
    assert "not TOML" in refused(tmp_path, "[tariff")


@pytest.mark.parametrize("name", shipped_tariffs())
def test_every_shipped_tariff_can_be_used_and_says_where_it_is_from(name: str) -> None:
    (version,) = load_tariff(name)
    assert version.id == name
    assert not version.verified
    assert version.source
    assert version.source_date == date(2026, 11, 22)
    assert load_book(name).currency == version.currency


def test_nine_tariffs_are_shipped() -> None:
    assert len(shipped_tariffs()) == 9


OLD = """\
[tariff]
bzn = "NL"
import_adders_per_kwh = ["0.02", "0.1088"]
vat = "0.21"
export_adder_per_kwh = "-0.005"
export_factor = "1"
[prices]
url = "http://127.0.0.1/price"
publication = "13:00"
"""


def test_keys_of_an_earlier_version_are_refused_with_what_says_the_same_now(
    tmp_path: Path,
) -> None:
    path = written(tmp_path, SMALLEST.split("[tariff]", maxsplit=1)[0] + OLD)
    with pytest.raises(ConfigurationError) as caught:
        load_settings(path)
    said = str(caught.value).splitlines()
    assert [line.split(": ")[1].split(" = ")[0] for line in said] == [
        "prices.url",
        "prices.publication",
        "tariff.bzn",
        "tariff.import_adders_per_kwh",
        "tariff.export_adder_per_kwh",
        "tariff.export_factor",
    ]
    assert 'source = "energy-charts:NL" (docs/tariffs.md)' in said[2]


def test_a_house_may_name_a_file_beside_it(tmp_path: Path) -> None:
    file_of(tmp_path, FLAT)
    text = SMALLEST.split("[tariff]", maxsplit=1)[0] + '[tariff]\nfile = "tariff.toml"\n'
    settings = load_settings(written(tmp_path, text))
    assert [one.id for one in book_of(settings).versions] == ["x"]
    assert (settings.timezone, settings.currency) == ("Europe/Berlin", "EUR")


def test_a_fault_in_that_file_names_it(tmp_path: Path) -> None:
    name = file_of(tmp_path, FLAT.replace("0.30", "x"))
    text = SMALLEST.split("[tariff]", maxsplit=1)[0] + '[tariff]\nfile = "tariff.toml"\n'
    with pytest.raises(ConfigurationError, match=f"{name}: tariff.import.energy.value"):
        load_settings(written(tmp_path, text))


def test_a_house_without_a_tariff_is_refused(tmp_path: Path) -> None:
    text = SMALLEST.split("[tariff]", maxsplit=1)[0]
    with pytest.raises(ConfigurationError, match="tariff: is missing; add it"):
        load_settings(written(tmp_path, text))


def test_a_house_needs_a_time_zone_from_site_or_tariff(tmp_path: Path) -> None:
    text = SMALLEST.replace("energy-charts:NL", "energy-charts:XX")
    with pytest.raises(ConfigurationError, match=r"site\.timezone: is missing, and the tariff"):
        load_settings(written(tmp_path, text))


def test_the_example_of_the_page_can_be_used(tmp_path: Path) -> None:
    page = Path(__file__).resolve().parents[3] / "docs" / "tariffs.md"
    example = page.read_text(encoding="utf-8").split("```toml\n")[1].split("```")[0]
    (version,) = load_tariff(file_of(tmp_path, example))
    assert version.id == "my-supplier-2026"
    assert doubts([version], today=date(2026, 5, 1)) == ()
