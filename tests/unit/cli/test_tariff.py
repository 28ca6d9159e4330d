"""`v2g tariff check|show` and `v2g prices show` as they are typed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.unit.cli.conftest import V2g
from tests.unit.settings.files import SMALLEST, written
from v2g_daemon.adapters.prices.cache import Known, PriceCache, Provenance
from v2g_daemon.domain.interval import Interval
from v2g_daemon.market.series import SeriesPrice

# Hours of 29 March 2026 in Amsterdam, of which there are 23; the noon is paid for.
SPOT = "\n".join(
    [
        "time_utc,price_eur_per_kwh",
        *(
            f"{datetime(2026, 3, 28, 23, tzinfo=UTC) + timedelta(hours=hour):%Y-%m-%dT%H:%M:%SZ},"
            + ("-0.2000" if hour == 11 else "0.1000")
            for hour in range(23)
        ),
        "",
    ]
)
COLUMNS = 80


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("V2G_PASSWORD_GARAGE", "secret-word")


def test_a_good_tariff_is_said_in_words_with_its_doubts(v2g: V2g) -> None:
    said = v2g("tariff", "check", "us-fleet-demand")
    assert (said.status, said.err) == (0, "")
    lines = said.out.splitlines()
    assert lines[0] == "us-fleet-demand: the tariff can be used."
    assert "import = 0.13064 to 0.23223 by time of use, export = 0.08, paid in cash." in lines[1]
    assert lines[2] == (
        "Demand charge: 10.00 USD a month for each kW of the highest 15 minutes, and no month "
        "less than 50 % of the highest of the 11 before."
    )
    assert lines[-1].startswith("Doubt: us-fleet-demand: its amounts are not verified")


def test_a_check_is_json_for_programs(v2g: V2g) -> None:
    found = json.loads(v2g("tariff", "check", "flat", "--json").out)
    assert found["file"] == "flat"
    assert len(found["doubts"]) == 1


def test_a_bad_tariff_is_refused_with_file_key_and_fix(v2g: V2g, tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text('[tariff]\nid = "x"\ncurrency = "EUR"\nimprot = 1\n')
    said = v2g("tariff", "check", path)
    assert (said.status, said.out) == (78, "")
    assert f"{path}: tariff.improt = 1: unknown key; did you mean import?" in said.err


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            'currency = "eur"\n',
            "tariff.currency = 'eur': no currency; write its three letters, such as \"EUR\"",
        ),
        (
            'currency = "EUR"\nholidays = { country = "XX" }\n',
            "tariff.holidays: no holidays are known of XX; write the codes of ISO 3166, "
            "or the dates",
        ),
    ],
)
def test_what_cannot_be_known_is_refused_in_words(
    v2g: V2g, tmp_path: Path, text: str, problem: str
) -> None:
    path = tmp_path / "bad.toml"
    head = '[tariff]\nid = "x"\ntimezone = "Europe/Berlin"\n'
    path.write_text(head + text + 'import.energy = { kind = "flat", value = "0.3" }\n')
    said = v2g("tariff", "check", path)
    assert (said.status, said.out) == (78, "")
    assert f"{path}: {problem}" in said.err


def test_a_doubt_that_asks_ends_in_its_question(v2g: V2g, tmp_path: Path) -> None:
    path = tmp_path / "cents.toml"
    path.write_text(
        '[tariff]\nid = "x"\ncurrency = "EUR"\ntimezone = "Europe/Berlin"\n'
        'import.energy = { kind = "flat", value = "30" }\n'
    )
    lines = v2g("tariff", "check", path).out.splitlines()
    assert lines[-1].endswith("is a lot; is it in hundredths (ct, p) or per MWh?")


def test_a_spring_day_is_drawn_hour_by_hour_at_80_columns(v2g: V2g, tmp_path: Path) -> None:
    (tmp_path / "spot.csv").write_text(SPOT)
    said = v2g(
        "tariff", "show", "nl-dynamic", "--day", "2026-03-29", "--prices", tmp_path / "spot.csv"
    )
    lines = said.out.splitlines()
    assert max(len(line) for line in lines) <= COLUMNS
    assert lines[0] == "nl-dynamic, Sunday 29 March 2026, Europe/Amsterdam"
    assert lines[1] == "23 hours: the clock is put forward, and an hour is missing."
    assert lines[2] == "EUR per kWh:  = energy  + energy_tax  v VAT  o export"
    hours = [line.split()[0] for line in lines[4:]]
    assert hours[:3] == ["00:00", "01:00", "03:00"]
    assert len(hours) == 23
    # (0.10 + 0.02 + 0.1088) × 1.21; 0.10 − 0.01
    assert lines[4].split()[1:3] == ["0.2768", "0.0900"]
    # (−0.20 + 0.02 + 0.1088) × 1.21; −0.20 − 0.01: the bar and the mark lie left of the axis.
    noon = next(line for line in lines if line.startswith("12:00"))
    assert noon.split()[1:3] == ["-0.0862", "-0.2100"]
    bar = noon[25:]
    assert bar.index("o") < bar.index("|")
    assert "=" in bar[: bar.index("|")]


def test_a_day_is_json_with_every_step_and_component(v2g: V2g, tmp_path: Path) -> None:
    (tmp_path / "spot.csv").write_text(SPOT)
    said = v2g(
        "tariff", "show", "nl-dynamic", "--day", "2026-03-29",
        "--prices", f"energy-charts:NL={tmp_path / 'spot.csv'}", "--json",
    )  # fmt: skip
    found = json.loads(said.out)
    assert (found["hours"], len(found["steps"]), found["unknown_sources"]) == (23.0, 23, [])
    first = found["steps"][0]
    assert first["start_local"] == "2026-03-29T00:00:00+01:00"
    assert Decimal(first["import_per_kwh"]) == Decimal("0.276848")
    assert {name: Decimal(part) for name, part in first["components"].items()} == {
        "energy": Decimal("0.12"),
        "energy_tax": Decimal("0.1088"),
    }


def test_an_autumn_day_has_an_hour_twice(v2g: V2g) -> None:
    lines = v2g("tariff", "show", "flat", "--day", "2026-10-25").out.splitlines()
    assert lines[1] == "25 hours: the clock is put back, and an hour is there twice (*)."
    assert [line[:6].strip() for line in lines[4:9]] == [
        "00:00",
        "01:00",
        "02:00",
        "02:00*",
        "03:00",
    ]
    assert len(lines[4:]) == 25


def test_without_prices_what_is_known_is_drawn(v2g: V2g) -> None:
    lines = v2g("tariff", "show", "de-dynamic-modul3", "--day", "2026-01-15").out.splitlines()
    assert (
        "? energy-charts:DE-LU is not known all day; give its prices with --prices FILE." in lines
    )
    four, seventeen = (next(x for x in lines if x.startswith(wall)) for wall in ("04:00", "17:00"))
    assert "?" in four
    assert seventeen.count("+") > 4 * four.count("+") > 0


def test_quarter_hours_are_shown_by_their_mean(v2g: V2g, tmp_path: Path) -> None:
    start = datetime(2026, 1, 14, 23, tzinfo=UTC)
    lines = ["time_utc,price_eur_per_kwh"]
    for quarter in range(96):
        stamp = start + timedelta(minutes=15 * quarter)
        lines.append(f"{stamp:%Y-%m-%dT%H:%M:%SZ},{0.1 + 0.1 * (quarter % 4):.1f}")
    (tmp_path / "spot.csv").write_text("\n".join(lines))
    shown = v2g(
        "tariff", "show", "nl-dynamic", "--day", "2026-01-15", "--prices", tmp_path / "spot.csv"
    )
    assert "~ marks the mean of prices that change within the step." in shown.out
    # (0.25 + 0.1288) × 1.21 = 0.458348
    assert "00:00   0.4583~  0.2400~" in shown.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("flat", "--prices", "gbp.csv"), "--prices: the tariff needs no prices; leave them out"),
        (
            ("nl-dynamic", "--prices", "x=spot.csv"),
            "the tariff has no source 'x'; it has energy-charts:NL",
        ),
        (("nl-dynamic", "--prices", "gbp.csv"), "0 columns of prices in EUR; leave one"),
        (("de-dynamic-modul3", "--day", "2030-01-01"), "no version is valid on 2030-01-01"),
        (("nl-dynamic", "--prices", "nowhere.csv"), "nowhere.csv: cannot be read"),
    ],
)
def test_a_day_that_cannot_be_shown_says_why(
    v2g: V2g, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gbp.csv").write_text(SPOT.replace("eur", "gbp"))
    found = v2g("tariff", "show", *arguments)
    assert found.status in (1, 78)
    assert said in found.err


@pytest.mark.parametrize("name", ["us-pge-ev2a-nbt", "us-sce-tou-ev-4", "us-fleet-demand", "flat"])
def test_every_shipped_day_that_needs_no_prices_fits_into_80_columns(v2g: V2g, name: str) -> None:
    said = v2g("tariff", "show", name, "--day", "2025-07-04")
    assert said.status == 0
    assert max(len(line) for line in said.out.splitlines()) <= COLUMNS
    assert "?" not in said.out


def house(tmp_path: Path) -> Path:
    text = SMALLEST + f'[prices]\ndirectory = "{tmp_path / "prices"}"\n'
    clock = "[clock]\nstart = 2024-12-11T17:30:00+01:00\nspeed = 1.0\n"
    return written(tmp_path, text + clock)


def keep(tmp_path: Path) -> None:
    start = datetime(2024, 12, 10, 23, tzinfo=UTC)
    series = tuple(
        SeriesPrice(
            interval=Interval(
                start_utc=start + timedelta(hours=hour), end_utc=start + timedelta(hours=hour + 1)
            ),
            per_kwh=Decimal("0.10"),
        )
        for hour in range(48)
    )
    told = Provenance(
        origin="http://127.0.0.1/price",
        retrieved_utc=datetime(2024, 12, 11, 12, 3, tzinfo=UTC),
        sha256="0" * 64,
        prices_count=48,
        first_utc=start,
        end_utc=series[-1].interval.end_utc,
        step_s=3600,
    )
    PriceCache(tmp_path / "prices").save("energy-charts:NL", Known(series=series, answers=(told,)))


def test_known_prices_are_shown_with_where_they_are_from_and_until_when(
    v2g: V2g, tmp_path: Path
) -> None:
    keep(tmp_path)
    lines = v2g("prices", "show", "--config", house(tmp_path)).out.splitlines()
    assert lines[:3] == [
        "energy-charts:NL: known until Fri 13 Dec 00:00.",
        "  From http://127.0.0.1/price, Wed 11 Dec 13:03: 48 prices of 60 minutes.",
        "The house knows its prices until Fri 13 Dec 00:00.",
    ]
    assert max(len(line) for line in lines) <= COLUMNS
    # (0.10 + 0.1288) × 1.21, and no export
    assert lines[6].startswith("Wed 17:00    0.2768  0.0000  o====")
    assert lines[-1].split() == ["04:00", "?", "?"]


def test_known_prices_are_json_for_programs(v2g: V2g, tmp_path: Path) -> None:
    keep(tmp_path)
    found = json.loads(v2g("prices", "show", "--config", house(tmp_path), "--json").out)
    assert found["known_until_utc"] == "2024-12-12T23:00:00+00:00"
    (source,) = found["sources"]
    assert (source["prices"], source["step_s"], source["sha256"]) == (48, 3600, "0" * 64)
    assert len(found["slots"]) == 48


def test_a_house_that_knows_nothing_says_so(v2g: V2g, tmp_path: Path) -> None:
    lines = v2g("prices", "show", "--config", house(tmp_path)).out.splitlines()
    assert lines == [
        f"energy-charts:NL: nothing is kept in {tmp_path / 'prices'} yet.",
        "The house knows no price for now: it charges for the trip only.",
        "",
        "No price is known for the hours ahead.",
    ]
