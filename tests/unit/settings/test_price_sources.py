"""How the sources of a tariff are asked: what is refused, and where tokens come from."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.settings.files import SMALLEST, written
from v2g_daemon.adapters.prices.energy_charts import EnergyCharts
from v2g_daemon.adapters.prices.listed import CsvRows, JsonRows, Stamps
from v2g_daemon.adapters.prices.octopus import Octopus
from v2g_daemon.adapters.prices.tibber import Tibber
from v2g_daemon.app.price_sources import price_rules
from v2g_daemon.domain.errors import ConfigurationError
from v2g_daemon.ports import LedgerReader
from v2g_daemon.settings import Settings, exposed_secrets, load_settings


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("V2G_PASSWORD_GARAGE", "secret-word")


def house(tmp_path: Path, source: str, more: str = "") -> Path:
    text = SMALLEST.replace("energy-charts:NL", source)
    if source != "energy-charts:NL":
        text = text.replace('vat = "0.21"', 'vat = "0.21"\ntimezone = "Europe/Amsterdam"')
    return written(tmp_path, text + more)


def refused(path: Path) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(path)
    return str(caught.value)


@pytest.mark.parametrize(
    ("source", "more", "said"),
    [
        (
            "my-supplier",
            "",
            "prices.source.name = 'my-supplier': nothing says how this source of the tariff is "
            'asked; add a [[prices.source]] of that name with kind = "json" or "csv"',
        ),
        ("tibber", "", "kind 'tibber' needs token; add token_file or token_env"),
        (
            "octopus:AGILE",
            "",
            'product and tariff are missing; name it as "octopus:PRODUCT/TARIFF"',
        ),
        (
            "x",
            '[[prices.source]]\nname = "x"\nkind = "json"\nurl = "https://x.org"\n'
            'unit = "EUR/MWh"\nstart = "t"\n',
            "prices.source.value = 'x': kind 'json' needs value; add value",
        ),
        (
            "x",
            '[[prices.source]]\nname = "x"\nkind = "csv"\n',
            "it has neither or both of url and file; give one of them",
        ),
        (
            "energy-charts:NL",
            '[[prices.source]]\nname = "energy-charts:BE"\n',
            "the tariff has no such source; it has energy-charts:NL",
        ),
        (
            "energy-charts:NL",
            '[[prices.source]]\nname = "energy-charts:NL"\n' * 2,
            "prices.source[1].name = 'energy-charts:NL': another one has this name; remove one",
        ),
        (
            "energy-charts:NL",
            '[[prices.source]]\nname = "energy-charts:NL"\nevery_s = 1\n',
            "prices.source[0].every_s = 1: does not fit; it should be greater than or equal to 60",
        ),
        (
            "energy-charts:NL",
            '[[prices.source]]\nname = "energy-charts:NL"\nreal_time_s = 300\n',
            "prices.source.real_time_s = 'energy-charts:NL': its prices are published ahead; "
            "remove it",
        ),
        (
            "x",
            '[[prices.source]]\nname = "x"\nkind = "csv"\nfile = "spot.csv"\n'
            "real_time_s = 300\nevery_s = 300\n",
            "a real-time market is asked in each interval; remove publication and every_s",
        ),
        (
            "x",
            '[[prices.source]]\nname = "x"\nkind = "csv"\nfile = "spot.csv"\n'
            'real_time_s = 300\nend = "until"\n',
            "it already tells where a price ends; remove end",
        ),
        (
            "x",
            '[[prices.source]]\nname = "x"\nkind = "csv"\nfile = "spot.csv"\nreal_time_s = 60\n',
            "prices.source[0].real_time_s = 60",
        ),
    ],
)
def test_a_source_that_nobody_could_ask_is_refused(
    tmp_path: Path, source: str, more: str, said: str
) -> None:
    assert said in refused(house(tmp_path, source, more))


def test_a_real_time_source_tells_how_long_each_of_its_prices_holds(tmp_path: Path) -> None:
    more = (
        '[[prices.source]]\nname = "aemo:NSW1"\nkind = "csv"\nfile = "spot.csv"\n'
        'stamps = "end"\nreal_time_s = 300\n'
    )
    source = only_source(load_settings(house(tmp_path, "aemo:NSW1", more)))
    assert source.real_time_s == 300
    assert isinstance(source.shape, CsvRows)
    assert (source.shape.length_s, source.shape.stamps) == (300, Stamps.END)


TIBBER = '[[prices.source]]\nname = "tibber:home-1"\ntoken_env = "V2G_TOKEN_TIBBER"\n'


def test_a_token_comes_from_a_variable_and_is_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("V2G_TOKEN_TIBBER", "very-secret")
    settings = load_settings(house(tmp_path, "tibber:home-1", TIBBER))
    assert "very-secret" not in repr(settings)
    shape = shape_of(settings)
    assert shape == Tibber(home="home-1", currency="EUR", token="very-secret")


def test_an_unset_variable_is_told(tmp_path: Path) -> None:
    said = refused(house(tmp_path, "tibber:home-1", TIBBER))
    assert "token_env = 'V2G_TOKEN_TIBBER': is empty; set that environment variable" in said


def test_a_token_variable_that_no_source_names_is_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("V2G_TOKEN_OTHER", "x")
    assert "environment variable V2G_TOKEN_OTHER: no setting" in refused(written(tmp_path))


def test_a_token_file_lies_beside_the_configuration(tmp_path: Path) -> None:
    path = house(tmp_path, "tibber", '[[prices.source]]\nname = "tibber"\ntoken_file = "t"\n')
    assert "write the token into that file" in refused(path)
    (tmp_path / "t").write_text("\n")
    assert "token_file = 't': is empty" in refused(path)
    (tmp_path / "t").write_text("from-file\n")
    assert shape_of(load_settings(path)) == Tibber(home="", currency="EUR", token="from-file")


def test_a_token_under_a_misspelt_key_is_not_shown(tmp_path: Path) -> None:
    more = (
        '[[prices.source]]\nname = "energy-charts:NL"\ntokne = "very-secret"\ntoken_ = "secret2"\n'
    )
    said = refused(house(tmp_path, "energy-charts:NL", more))
    assert "secret2" not in said


def shape_of(settings: Settings) -> object:
    return only_source(settings).shape


def only_source(settings: Settings):
    """The one source of a house; no ledger is asked for it."""
    reader: LedgerReader = None  # type: ignore[assignment]
    (source,) = price_rules(settings, reader).sources
    return source


def test_the_known_kinds_need_nothing_but_their_name(tmp_path: Path) -> None:
    source = only_source(load_settings(written(tmp_path)))
    assert source.shape == EnergyCharts(bzn="NL", currency="EUR")
    assert (source.timezone, f"{source.publication:%H:%M}") == ("Europe/Amsterdam", "13:00")
    text = SMALLEST.replace("energy-charts:NL", "octopus:AGILE-24/E-1R-AGILE-24-A")
    text = text.replace('currency = "EUR"', 'currency = "GBP"\ntimezone = "Europe/London"')
    agile = only_source(load_settings(written(tmp_path, text)))
    assert agile.shape == Octopus(product="AGILE-24", tariff="E-1R-AGILE-24-A")
    assert (agile.timezone, f"{agile.publication:%H:%M}") == ("Europe/London", "16:00")


def test_rows_of_json_and_csv_are_described_by_their_fields(tmp_path: Path) -> None:
    more = (
        '[[prices.source]]\nname = "x"\nkind = "json"\nurl = "https://x.org/{first}"\n'
        'unit = "EUR/MWh"\nstart = "t"\nend = "u"\nvalue = "p"\nrows = "data"\ntoken = "abc"\n'
        'publication = "14:00"\n'
    )
    source = only_source(load_settings(house(tmp_path, "x", more)))
    assert isinstance(source.shape, JsonRows)
    assert (source.shape.rows, source.shape.end) == ("data", "u")
    place = source.shape.place
    assert place.headers == {"Authorization": "Bearer abc"}
    more = '[[prices.source]]\nname = "x"\nkind = "csv"\nfile = "/x.csv"\nstamps = "end"\n'
    source = only_source(load_settings(house(tmp_path, "x", more)))
    assert isinstance(source.shape, CsvRows)
    assert source.shape.stamps is Stamps.END
    assert (source.publication, source.every_s) == (None, 900.0)


def test_a_source_with_a_pace_of_its_own_has_no_publication(tmp_path: Path) -> None:
    more = '[[prices.source]]\nname = "energy-charts:NL"\nevery_s = 300\n'
    source = only_source(load_settings(house(tmp_path, "energy-charts:NL", more)))
    assert (source.publication, source.every_s) == (None, 300.0)


def test_a_token_that_everybody_may_read_is_warned_of(tmp_path: Path) -> None:
    more = '[[prices.source]]\nname = "tibber"\ntoken_file = "t"\n'
    (tmp_path / "t").write_text("from-file\n")
    (tmp_path / "t").chmod(0o644)
    path = house(tmp_path, "tibber", more)
    (warning,) = exposed_secrets(path, load_settings(path))
    assert warning.startswith(f"{tmp_path / 't'} holds a token and everybody on this machine")
    (tmp_path / "t").chmod(0o600)
    assert exposed_secrets(path, load_settings(path)) == ()
    path = house(tmp_path, "tibber", '[[prices.source]]\nname = "tibber"\ntoken = "abc"\n')
    path.chmod(0o644)
    assert f"{path} holds a token" in exposed_secrets(path, load_settings(path))[0]
