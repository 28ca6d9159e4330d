"""Meter profiles: what differs between meters, as data files under config/meters/."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum
from importlib import resources
from typing import Any, Literal

from v2g_daemon.adapters.modbus.link import READ_HOLDING_REGISTERS, READ_INPUT_REGISTERS
from v2g_daemon.adapters.modbus.sunspec import BASE_ADDRESSES
from v2g_daemon.domain.errors import ConfigurationError


class Family(Enum):
    """How the registers of a meter are found."""

    SUNSPEC = "sunspec"


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterProfile:
    """One meter; raw power × `sign` is positive on import."""

    profile_id: str
    name: str
    family: Family
    sign: Literal[1, -1]
    word_order: Literal["big", "little"]
    function_code: int = READ_HOLDING_REGISTERS
    base_addresses: tuple[int, ...] = BASE_ADDRESSES


_REQUIRED = ("id", "name", "family", "sign", "word_order")
_OPTIONAL = ("function_code", "base_addresses")


def shipped_profiles() -> tuple[str, ...]:
    """The ids of the profiles that come with the daemon."""
    folder = resources.files("v2g_daemon") / "config" / "meters"
    names = (entry.name for entry in folder.iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


def load_profile(profile_id: str) -> MeterProfile:
    """A shipped profile by its id; ConfigurationError names the ones there are."""
    known = shipped_profiles()
    if profile_id not in known:
        near = get_close_matches(profile_id, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"choose one of: {', '.join(known)}"
        raise ConfigurationError(f"there is no meter profile {profile_id!r}; {hint}")
    path = resources.files("v2g_daemon") / "config" / "meters" / f"{profile_id}.toml"
    return parse_profile(path.read_text(encoding="utf-8"), source=f"config/meters/{path.name}")


def parse_profile(text: str, *, source: str) -> MeterProfile:
    """A profile from the text of its file; ConfigurationError names file, key, value and fix."""
    try:
        table = tomllib.loads(text).get("profile")
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{source}: not TOML: {error}") from error
    if not isinstance(table, dict):
        raise ConfigurationError(f"{source}: there is no [profile] table; add one")
    for key in table:
        if key not in _REQUIRED + _OPTIONAL:
            raise ConfigurationError(f"{source}: profile.{key} is unknown; remove it")
    for key in _REQUIRED:
        if key not in table:
            raise ConfigurationError(f"{source}: profile.{key} is missing; add it")
    return MeterProfile(
        profile_id=_text(table, "id", source),
        name=_text(table, "name", source),
        family=Family(_one_of(table, "family", tuple(one.value for one in Family), source)),
        sign=_one_of(table, "sign", (1, -1), source),
        word_order=_one_of(table, "word_order", ("big", "little"), source),
        function_code=_one_of(
            {"function_code": READ_HOLDING_REGISTERS, **table},
            "function_code",
            (READ_HOLDING_REGISTERS, READ_INPUT_REGISTERS),
            source,
        ),
        base_addresses=_addresses(table.get("base_addresses", list(BASE_ADDRESSES)), source),
    )


def _one_of(table: dict[str, Any], key: str, allowed: tuple[Any, ...], source: str) -> Any:
    value = table[key]
    # True == 1 in Python, but `sign = true` is a mistake.
    if isinstance(value, bool) or value not in allowed:
        choices = " or ".join(repr(one) for one in allowed)
        raise ConfigurationError(f"{source}: profile.{key} is {value!r}; write {choices}")
    return value


def _text(table: dict[str, Any], key: str, source: str) -> str:
    value = table[key]
    if not isinstance(value, str) or not value:
        raise ConfigurationError(f"{source}: profile.{key} is {value!r}; write a text")
    return value


def _addresses(value: object, source: str) -> tuple[int, ...]:
    if isinstance(value, list) and value:
        addresses = [
            one
            for one in value
            if isinstance(one, int) and not isinstance(one, bool) and 0 <= one <= 0xFFFF
        ]
        if len(addresses) == len(value):
            return tuple(addresses)
    raise ConfigurationError(
        f"{source}: profile.base_addresses is {value!r}; write a list of addresses from 0 to 65535"
    )
