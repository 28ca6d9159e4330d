"""Meter profiles: the shipped files, and what is refused in one."""

from __future__ import annotations

from pathlib import Path

import pytest

from v2g_daemon.adapters.modbus.profile import Block, Every, Family, Point, Points
from v2g_daemon.adapters.modbus.profile_file import (
    load_profile,
    parse_profile,
    shipped_profiles,
)
from v2g_daemon.adapters.modbus.values import Kind
from v2g_daemon.domain.errors import ConfigurationError

GOOD = """
[profile]
id = "mine"
name = "My meter"
sign = -1
word_order = "little"
function_code = 4
max_registers = 20
sources = ["one", "two"]

[[block]]
address = 0x10
count = 6
every = "fast"

[[block]]
address = 0x40
count = 4
every = "slow"
otherwise = 0x140

[[require]]
what = "the state"
address = 0x10
type = "uint16"
one_of = [1]
fix = "mend it"

[point]
power_w = { address = 0x12, type = "int32", per = 10 }
import_wh = { address = 0x40, type = "uint32", times = 100 }
"""


def test_every_shipped_profile_is_readable_and_named_like_its_file() -> None:
    assert len(shipped_profiles()) >= 25
    assert [load_profile(one).id for one in shipped_profiles()] == list(shipped_profiles())


def test_a_map_with_a_single_source_says_that_it_is_not_confirmed() -> None:
    single = {"eastron_sdm72_v1", "janitza_umg104", "schneider_iem3x55", "solaredge_se_mtr_3y"}
    doubted = {name for name in shipped_profiles() if load_profile(name).unverified is not None}
    assert single <= doubted


def test_the_two_sunspec_profiles_differ_in_sign() -> None:
    assert load_profile("sunspec").sign == 1
    assert load_profile("sunspec_inverted").sign == -1


def test_a_profile_says_everything_that_differs_between_meters() -> None:
    profile = parse_profile(GOOD, source="mine.toml")
    assert (profile.id, profile.sign, profile.word_order) == ("mine", -1, "little")
    assert profile.family is Family.REGISTERS
    assert profile.block == (
        Block(address=16, count=6, every=Every.FAST),
        Block(address=64, count=4, every=Every.SLOW, otherwise=320),
    )
    assert profile.point == Points(
        power_w=Point(address=(18,), type=Kind.INT32, per=10),
        import_wh=Point(address=(64,), type=Kind.UINT32, times=100),
    )
    assert [one.fix for one in profile.require] == ["mend it"]


@pytest.mark.parametrize(
    ("good", "bad", "complaint"),
    [
        ("sign = -1\n", "", "mine.toml: profile.sign is missing; add it"),
        ("sign = -1", "sign = 0", "mine.toml: profile.sign is 0; write 1 or -1"),
        ("sign = -1", "sign = true", "profile.sign is True; true and false are no values"),
        ("sign = -1", 'sign = "-"', "mine.toml: profile.sign is '-'; write 1 or -1"),
        ('word_order = "little"\n', "", "mine.toml: profile.word_order is missing; add it"),
        ('"little"', '"middle"', "profile.word_order is 'middle'; write 'big' or 'little'"),
        ("function_code = 4", "function_code = 6", "profile.function_code is 6; write 3 or 4"),
        ("function_code", "funktion_code", "mine.toml: profile.funktion_code is unknown"),
        ('id = "mine"', 'id = ""', "mine.toml: profile.id is ''"),
        ("[profile]", "[meter]", "mine.toml: there is no [profile] table; add one"),
        ("[profile]", "[profile", "mine.toml: not TOML"),
        ("[[require]]", "[[requires]]", "mine.toml: [requires] is unknown; known here: profile"),
        ("address = 0x10\ncount = 6", "address = 70000\ncount = 6", "block[0].address is 70000"),
        ("count = 6", "count = 126", "block[0].count is 126"),
        ("count = 6", "count = 30", "the block at 16 has 30 registers; max_registers is 20"),
        ("count = 6", "count = 4", "two blocks have the same count"),
        ('every = "fast"', 'every = "slow"', "point.power_w lies in no [[block]] with every"),
        ("address = 0x12", "address = 0x15", "point.power_w lies in no [[block]] with every"),
        ("address = 0x40, type", "address = 0x43, type", "import_wh at 67 lies in no [[block]]"),
        ("address = 0x10\ntype", "address = 0x20\ntype", "require 'the state' at 32 lies in no"),
        ('type = "int32"', 'type = "int24"', "point.power_w.type is 'int24'"),
        ("address = 0x12,", "address = [0x12, 0x14],", "point.power_w.address is one address"),
        ("power_w =", "phase_current_a =", "point.phase_current_a is unknown; remove it"),
        (
            'sources = ["one", "two"]',
            'sources = ["one"]',
            "fewer than two sources agree on this map; say so: unverified",
        ),
        ('name = "My', 'family = "sunspec"\nname = "My', "finds its registers itself"),
        ('name = "My', 'models = [203]\nname = "My', 'models belong to the family "sunspec"'),
    ],
)
def test_a_wrong_profile_names_file_key_value_and_fix(good: str, bad: str, complaint: str) -> None:
    assert good in GOOD
    with pytest.raises(ConfigurationError) as refused:
        parse_profile(GOOD.replace(good, bad), source="mine.toml")
    assert complaint in str(refused.value)
    assert str(refused.value).startswith("mine.toml: ")


def test_equal_counts_are_fine_where_every_frame_has_a_number() -> None:
    text = GOOD.replace("count = 6", "count = 4").replace(
        'name = "My', 'reachable_by = "network"\nname = "My'
    )
    assert parse_profile(text, source="mine.toml").reachable_by == "network"


def test_a_misspelt_profile_gets_a_suggestion() -> None:
    with pytest.raises(ConfigurationError, match="did you mean 'sunspec'"):
        load_profile("sunspek")


def test_a_profile_id_is_not_a_path() -> None:
    with pytest.raises(ConfigurationError, match="choose one of: abb_b2x"):
        load_profile("../../secrets")


def test_an_installers_own_profile_is_read_by_its_absolute_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(GOOD)
    assert load_profile(str(path)).id == "mine"
    with pytest.raises(ConfigurationError, match=r"other\.toml: cannot be read"):
        load_profile(str(tmp_path / "other.toml"))
