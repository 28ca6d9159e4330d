"""Meter profiles: the shipped files, and what is refused in one."""

from __future__ import annotations

import pytest

from v2g_daemon.adapters.modbus.profile import (
    Family,
    MeterProfile,
    load_profile,
    parse_profile,
    shipped_profiles,
)
from v2g_daemon.domain.errors import ConfigurationError

GOOD = """
[profile]
id = "mine"
name = "My meter"
family = "sunspec"
sign = -1
word_order = "little"
function_code = 4
base_addresses = [50000]
"""


def test_every_shipped_profile_is_readable_and_named_like_its_file() -> None:
    assert set(shipped_profiles()) >= {"sunspec", "sunspec_inverted"}
    assert [load_profile(one).profile_id for one in shipped_profiles()] == list(shipped_profiles())


def test_the_two_sunspec_profiles_differ_in_sign() -> None:
    assert load_profile("sunspec").sign == 1
    assert load_profile("sunspec_inverted").sign == -1


def test_a_profile_says_everything_that_differs_between_meters() -> None:
    assert parse_profile(GOOD, source="mine.toml") == MeterProfile(
        profile_id="mine",
        name="My meter",
        family=Family.SUNSPEC,
        sign=-1,
        word_order="little",
        function_code=4,
        base_addresses=(50000,),
    )


@pytest.mark.parametrize(
    ("good", "bad", "complaint"),
    [
        ("sign = -1\n", "", "mine.toml: profile.sign is missing; add it"),
        ("sign = -1", "sign = 0", "mine.toml: profile.sign is 0; write 1 or -1"),
        ("sign = -1", "sign = true", "mine.toml: profile.sign is True; write 1 or -1"),
        ("sign = -1", 'sign = "-"', "mine.toml: profile.sign is '-'; write 1 or -1"),
        ('word_order = "little"\n', "", "mine.toml: profile.word_order is missing; add it"),
        ('"little"', '"middle"', "profile.word_order is 'middle'; write 'big' or 'little'"),
        ('"sunspec"', '"rtu"', "profile.family is 'rtu'; write 'sunspec'"),
        ("function_code = 4", "function_code = 6", "profile.function_code is 6; write 3 or 4"),
        ("[50000]", "[70000]", "profile.base_addresses is [70000]; write a list"),
        ("[50000]", "[]", "profile.base_addresses is []; write a list"),
        ("function_code", "funktion_code", "mine.toml: profile.funktion_code is unknown"),
        ('id = "mine"', 'id = ""', "mine.toml: profile.id is ''; write a text"),
        ("[profile]", "[meter]", "mine.toml: there is no [profile] table; add one"),
        ("[profile]", "[profile", "mine.toml: not TOML"),
    ],
)
def test_a_wrong_profile_names_file_key_value_and_fix(good: str, bad: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        parse_profile(GOOD.replace(good, bad), source="mine.toml")
    assert complaint in str(refused.value)


def test_a_misspelt_profile_gets_a_suggestion() -> None:
    with pytest.raises(ConfigurationError, match="did you mean 'sunspec'"):
        load_profile("sunspek")


def test_a_profile_id_is_not_a_path() -> None:
    with pytest.raises(ConfigurationError, match="choose one of: sunspec"):
        load_profile("../../secrets")
