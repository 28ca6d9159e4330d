"""A matrix: each combination once, kept, gone on with, and refused where it cannot be ranked."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from tests.unit.app.backtest.test_house import HOUSE, MARCH
from v2g_daemon.app.backtest import compare as module
from v2g_daemon.app.backtest.compare import Matrix, compare, fingerprint, matrix
from v2g_daemon.app.backtest.run import rehearse
from v2g_daemon.domain.errors import ConfigurationError, RehearsalFailed
from v2g_daemon.rehearsal.knowledge import Knowledge
from v2g_daemon.rehearsal.ranking import Combination
from v2g_daemon.settings import load_settings

ONE_DAY = replace(MARCH, first_day=date(2024, 3, 29), last_day=date(2024, 3, 29))


def a_matrix(tmp_path: Path, *, tariffs: tuple[str, ...] = ("flat", "nl-dynamic")) -> Matrix:
    path = tmp_path / "house.toml"
    path.write_text(HOUSE)
    return matrix(
        load_settings(path),
        ONE_DAY,
        knowledge=Knowledge.TOLD,
        tariffs=tariffs,
        cars=(),
        chargers=(),
        drivers=(),
    )


def test_what_is_not_named_is_the_houses_own(tmp_path: Path) -> None:
    found = a_matrix(tmp_path, tariffs=()).combinations()
    house = Combination(tariff="the house's", car="car", charger="garage", driver="schedule")
    assert found == (house,)


def test_prices_of_sources_that_a_tariff_lacks_are_left_out(tmp_path: Path) -> None:
    asked = a_matrix(tmp_path)
    given = replace(asked.files, prices=("energy-charts:NL=a.csv", "octopus:X=b.csv", "c.csv"))
    asked = replace(asked, files=given)
    flat, dynamic = (asked.files_of(one).prices for one in asked.combinations())
    assert flat == ()
    assert dynamic == ("energy-charts:NL=a.csv", "c.csv")


def test_tariffs_of_two_currencies_are_not_ranked(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="EUR and USD, which cannot be ranked"):
        a_matrix(tmp_path, tariffs=("nl-dynamic", "us-pge-ev2a-nbt"))


async def test_what_was_done_before_an_interruption_is_not_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, stop, told = a_matrix(tmp_path), asyncio.Event(), list[str]()

    def stopped_after_one(one: Combination) -> None:
        told.append(one.tariff)
        stop.set()

    folder = tmp_path / "kept"
    first = await compare(asked, folder, cores=1, watch=stopped_after_one, stop=stop)
    assert [one.combination.tariff for one in first] == ["flat"]
    assert told == ["flat"]
    # A file that is not whole is done again; the other one is not.
    (folder / "partly.partial").write_text("{")
    rehearsed: list[str] = []
    real = rehearse

    async def noted(*arguments: object, **named: object) -> object:
        rehearsed.append("one")
        return await real(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "rehearse", noted)
    whole = await compare(asked, folder, cores=2, watch=lambda one: None, stop=asyncio.Event())
    assert [one.combination.tariff for one in whole] == ["flat", "nl-dynamic"]
    assert rehearsed == ["one"]
    assert whole[0] == first[0]


def test_a_changed_configuration_tariff_or_file_is_rehearsed_anew(tmp_path: Path) -> None:
    asked = a_matrix(tmp_path)
    flat, dynamic = asked.combinations()
    vehicle = asked.settings.vehicle[0].model_copy(update={"wear_cost_per_kwh_discharged": 0.5})
    others = (vehicle, *asked.settings.vehicle[1:])
    changed = replace(asked, settings=asked.settings.model_copy(update={"vehicle": others}))
    load = tmp_path / "load.csv"
    load.write_text("time_utc,load_w\n2024-03-28T23:00:00Z,300\n")
    loaded = replace(asked, files=replace(asked.files, load=load))
    found = [fingerprint(one, flat, one.files_of(flat)) for one in (asked, changed, loaded)]
    load.write_text("time_utc,load_w\n2024-03-28T23:00:00Z,400\n")
    found.append(fingerprint(loaded, flat, loaded.files_of(flat)))
    found.append(fingerprint(asked, dynamic, asked.files_of(dynamic)))
    assert len(set(found)) == 5
    assert fingerprint(asked, flat, asked.files_of(flat)) == found[0]


async def test_a_strategy_that_fails_ends_the_matrix_with_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def failing(*arguments: object, **named: object) -> object:
        raise RehearsalFailed("v2g: exit status 9: out of memory")

    monkeypatch.setattr(module, "rehearse", failing)
    with pytest.raises(RehearsalFailed, match="out of memory"):
        await compare(
            a_matrix(tmp_path), tmp_path, cores=2, watch=lambda one: None, stop=asyncio.Event()
        )
