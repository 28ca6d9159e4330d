"""Dialects: files that are checked, makes that are told apart, words that stand above them."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from v2g_daemon.adapters.ocpp import EvseConfig, OcppVersion, StationConfig
from v2g_daemon.adapters.ocpp.config import ProfileDialect, VendorPower
from v2g_daemon.adapters.ocpp.dialects.dialect import ONLY_WHEN_NAMED, Dialect, Fact, Quirks
from v2g_daemon.adapters.ocpp.dialects.dialect_file import (
    load_dialect,
    parse_dialect,
    shipped_dialects,
)
from v2g_daemon.adapters.ocpp.dialects.lessons import Make
from v2g_daemon.adapters.ocpp.dialects.quirks import OF_HOUSE, OF_PROFILES, OF_STATION, Dialects
from v2g_daemon.domain.errors import ConfigurationError
from v2g_daemon.settings.sections import Charger

ROOT = Path(__file__).parents[3]
HEAD = '[dialect]\nid = "mine"\nname = "Mine"\n'
FACT = '[[fact]]\nnote = "a"\nsource = "b"\nverified = true\n'


def a_dialect(
    *, verified: bool = True, patterns: dict[str, Any] | None = None, **quirks: Any
) -> Dialect:
    facts = tuple(
        Fact(key=key, value=value, source="here", verified=verified)
        for key, value in quirks.items()
    )
    only_words = (Fact(note="nothing", source="here", verified=True),)
    made_for = patterns or {"vendors": ("V",)}
    return Dialect(id="mine", name="Mine", facts=facts or only_words, **made_for)


def a_station(**more: Any) -> StationConfig:
    evse = EvseConfig(evse_id="garage", static_safe_current_a=10.0, max_charge_w=7400.0)
    return StationConfig(**{"station_id": "S1", "password": None, "evses": (evse,), **more})


# The shipped files.


@pytest.mark.parametrize("dialect", shipped_dialects(), ids=lambda one: one.id)
def test_a_shipped_dialect_stands_on_the_page_with_its_name(dialect: Dialect) -> None:
    page = (ROOT / "docs" / "adding-a-charger.md").read_text(encoding="utf-8")
    assert f"`{dialect.id}`" in page
    assert dialect.name in page


def test_every_key_stands_on_the_page() -> None:
    page = (ROOT / "docs" / "adding-a-charger.md").read_text(encoding="utf-8")
    assert [key for key in Quirks.model_fields if f"`{key}`" not in page] == []


@pytest.mark.parametrize(
    ("vendor", "model", "found"),
    [
        ("ABB", "CDT_TACW22", "abb_terra_ac"),
        ("Wall Box Chargers", "PLP1-0-2-4", "wallbox_pulsar"),
        ("WALL BOX CHARGERS", "CPB1-S-2-5", "wallbox_pulsar"),
        (None, "ACChargePoint", "huawei_scharger"),
        ("FOXESS", "A022KP1-E-2", "foxess_a"),
        ("United Chargers", "GRS-*", "grizzl_e"),
        ("EV-BOX", "G3-M5320E", "evbox"),
        ("EVBox", "EVBox Livo", "evbox_livo"),
        ("StarCharge", "Artemis", "starcharge"),
        ("V", "M", None),
        (None, None, None),
    ],
)
def test_a_make_is_told_by_what_its_boot_says(
    vendor: str | None, model: str | None, found: str | None
) -> None:
    dialect = Dialects(known=shipped_dialects()).of("S1", Make(vendor=vendor, model=model))
    assert (None if dialect is None else dialect.id) == found


def test_no_two_shipped_dialects_speak_of_one_make_as_exactly() -> None:
    shipped = shipped_dialects()
    for dialect in shipped:
        for vendor in dialect.vendors:
            for model in dialect.models or ("",):
                make = Make(vendor=vendor.replace("*", ""), model=model.replace("*", ""))
                ranks = [rank for one in shipped if (rank := one.closeness(make)) is not None]
                assert ranks.count(max(ranks)) == 1, make


def test_nothing_that_discharges_or_loosens_a_rule_is_shipped_as_verified() -> None:
    assert [
        (dialect.id, fact.key)
        for dialect in shipped_dialects()
        for fact in dialect.facts
        if fact.key in {"negative_limit", "vendor_power"}
    ] == []


# The most exact one wins.


def test_a_pattern_of_the_firmware_goes_before_the_models_and_that_before_the_vendors() -> None:
    known = tuple(
        a_dialect(patterns={"vendors": ("V*",), **more}).model_copy(update={"id": name})
        for name, more in {
            "vendor": {},
            "model": {"models": ("M*",)},
            "closer": {"models": ("M1*",)},
            "firmware": {"firmwares": ("2.*",)},
        }.items()
    )
    dialects = Dialects(known=known)

    def found(model: str, firmware: str) -> str | None:
        dialect = dialects.of("S1", Make(vendor="V", model=model, firmware=firmware))
        return None if dialect is None else dialect.id

    assert found("X", "1.0") == "vendor"
    assert found("M2", "1.0") == "model"
    assert found("M12", "1.0") == "closer"
    assert found("M12", "2.0") == "firmware"


def test_a_dialect_without_vendors_can_only_be_named() -> None:
    alone = a_dialect(patterns={"models": ("*",)})
    assert Dialects(known=(alone,)).of("S1", Make(vendor="V", model="M")) is None
    assert Dialects(named={"S1": alone}).of("S1", Make()) is alone
    assert Dialects(named={"S1": alone}).of("S2", Make()) is None


# Whose word counts.


def test_the_installers_own_words_stand_above_the_dialect() -> None:
    dialect = a_dialect(
        ping_interval_s=5.0,
        remote_start=True,
        unknown_fields="refuse",
        rate_unit="A",
        phases_said=False,
    )
    dialects = Dialects(known=(dialect,))
    before = a_station(explicit=frozenset({"ping_interval_s", "unknown_fields"}))
    said = dialects.laid_under(before, dialect)
    assert (said.ping_interval_s, said.remote_start) == (20.0, True)
    assert said.unknown_fields == "tolerate"
    (evse,) = said.evses
    assert (evse.dialect.rate_unit, evse.dialect.phases_said) == ("A", False)


def test_what_nobody_has_verified_waits_until_the_dialect_is_named() -> None:
    dialect = a_dialect(verified=False, remote_start=True)
    assert not Dialects(known=(dialect,)).laid_under(a_station(), dialect).remote_start
    assert Dialects(named={"S1": dialect}).laid_under(a_station(), dialect).remote_start


def test_no_device_can_name_itself_into_a_discharge() -> None:
    words = {"vendor_id": "com.v", "data": "{power_w} for {duration_s}"}
    dialect = a_dialect(negative_limit=True, vendor_power=words, fail_state="idles")
    told = Dialects(known=(dialect,)).laid_under(a_station(), dialect).evses[0].dialect
    assert told == ProfileDialect()
    named = Dialects(named={"S1": dialect}).laid_under(a_station(), dialect).evses[0].dialect
    assert named.negative_limit
    assert named.vendor_power == VendorPower(vendor_id="com.v", data=words["data"])
    assert "fail_state" in ONLY_WHEN_NAMED


def test_every_key_has_a_reader() -> None:
    assert {*OF_STATION, *OF_PROFILES, *OF_HOUSE} == set(Quirks.model_fields)
    assert set(OF_STATION) <= {one.name for one in fields(StationConfig)}
    assert set(OF_PROFILES) <= {one.name for one in fields(ProfileDialect)}
    assert set(OF_HOUSE) <= set(Charger.model_fields)


def test_each_word_arrives_where_it_is_read() -> None:
    told: dict[str, Any] = {
        "prefers_version": OcppVersion.V1_6,
        "ping_interval_s": 5.0,
        "ping_timeout_s": 6.0,
        "boot_pending": True,
        "trigger_boot": False,
        "remote_start": True,
        "drops_link": True,
        "measurands": "SoC",
        "configuration_keys": {"HeartbeatInterval": "hb"},
        "unknown_fields": "refuse",
        "rate_unit": "A",
        "phases_said": False,
        "default_kind": "Relative",
        "lease_purpose": "TxDefaultProfile",
        "lease_level": 0,
        "least_limit_a": 5.0,
        "wears_flash": True,
        "pulls": True,
        "setpoint_bounds": True,
        "negative_limit": True,
    }
    dialect = a_dialect(**told)
    said = Dialects(named={"S1": dialect}).laid_under(a_station(), dialect)
    assert {name: getattr(said, name) for name in OF_STATION} == {
        name: told[name] for name in OF_STATION
    }
    profiles = [name for name in OF_PROFILES if name != "vendor_power"]
    assert {name: getattr(said.evses[0].dialect, name) for name in profiles} == {
        name: told[name] for name in profiles
    }


# Files of one's own.


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[dialect", "not TOML"),
        (FACT, "there is no [dialect] table; add one"),
        (HEAD + "[quirks]\n" + FACT, "quirks is unknown; known: [dialect] and [[fact]]"),
        (HEAD, "there is no [[fact]]; add what is known"),
        ('[dialect]\nid = "mine"\n' + FACT, "name is missing; add it"),
        (HEAD + "colour = 1\n" + FACT, "colour is unknown; remove it"),
        (HEAD + '[[fact]]\nsource = "b"\nverified = true\n', "says nothing"),
        (HEAD + '[[fact]]\nnote = "a"\nverified = true\n', "fact[0].source is missing; add it"),
        (
            HEAD + '[[fact]]\nkey = "rate_unit"\nsource = "b"\nverified = true\n',
            "key and value belong together",
        ),
        (
            HEAD + '[[fact]]\nkey = "rate_units"\nvalue = "A"\nsource = "b"\nverified = true\n',
            "fact.key = 'rate_units' is unknown; did you mean 'rate_unit'?",
        ),
        (
            HEAD + '[[fact]]\nkey = "rate_unit"\nvalue = "kW"\nsource = "b"\nverified = true\n',
            "the value of rate_unit is 'kW'; write 'A' or 'W'",
        ),
        (
            HEAD + '[[fact]]\nkey = "least_limit_a"\nvalue = 6.0\nsource = "b"\nverified = true\n',
            "the value of least_limit_a is 6.0; write less than 6",
        ),
        (
            HEAD + '[[fact]]\nkey = "least_limit_a"\nvalue = true\nsource = "b"\nverified = true\n',
            "true and false are no values for this key",
        ),
        (
            HEAD
            + '[[fact]]\nkey = "vendor_power"\nvalue = { vendor_id = "v", data = "{power_w}" }\n'
            + 'source = "b"\nverified = true\n',
            "would never end by itself; say {duration_s}",
        ),
        (
            HEAD
            + '[[fact]]\nkey = "vendor_power"\nvalue = { vendor_id = "v", data = "{duration_s}" }\n'
            + 'source = "b"\nverified = true\n',
            "would name no power",
        ),
        (
            HEAD + '[[fact]]\nkey = "pulls"\nvalue = true\nsource = "b"\nverified = true\n' * 2,
            "stands there 2 times; leave one",
        ),
    ],
)
def test_a_mistake_in_a_file_is_named_with_its_key_and_the_fix(text: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        parse_dialect(text, source="my.toml")
    assert str(refused.value).startswith("my.toml: ")
    assert complaint in str(refused.value)


def test_a_file_of_ones_own_is_taken_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(HEAD + FACT, encoding="utf-8")
    assert load_dialect(str(path)).id == "mine"
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_dialect(str(tmp_path / "none.toml"))


def test_an_unknown_name_is_answered_with_the_nearest_one() -> None:
    with pytest.raises(ConfigurationError, match=r"did you mean 'foxess_a'\?"):
        load_dialect("foxes_a")
    with pytest.raises(ConfigurationError, match=r"choose one of: abb_terra_ac, "):
        load_dialect("zzz")
