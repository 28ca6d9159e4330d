"""Profiles out of their files: shipped under config/meters/, or one of the installer's own."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from v2g_daemon.adapters.modbus.profile import MeterProfile
from v2g_daemon.domain.errors import ConfigurationError

_TOP = ("profile", "block", "point", "require", "bounds")


def shipped_profiles() -> tuple[str, ...]:
    """The ids of the profiles that come with the daemon."""
    folder = resources.files("v2g_daemon") / "config" / "meters"
    names = (entry.name for entry in folder.iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


def load_profile(name: str) -> MeterProfile:
    """A shipped profile by its id, or the one in the file whose absolute path is given."""
    if name.endswith(".toml") and Path(name).is_absolute():
        return _own_profile(Path(name))
    known = shipped_profiles()
    if name not in known:
        near = get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"choose one of: {', '.join(known)}"
        raise ConfigurationError(
            f"there is no meter profile {name!r}; {hint} (or give the absolute path of your own)"
        )
    path = resources.files("v2g_daemon") / "config" / "meters" / f"{name}.toml"
    profile = parse_profile(path.read_text(encoding="utf-8"), source=f"config/meters/{path.name}")
    if profile.id != name:
        raise ConfigurationError(
            f"config/meters/{path.name}: profile.id is {profile.id!r}; write {name!r}"
        )
    return profile


def parse_profile(text: str, *, source: str) -> MeterProfile:
    """A profile from the text of its file; ConfigurationError names file, key, value and fix."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{source}: not TOML: {error}") from error
    head = tables.get("profile")
    if not isinstance(head, dict):
        raise ConfigurationError(f"{source}: there is no [profile] table; add one")
    for key in tables:
        if key not in _TOP:
            raise ConfigurationError(f"{source}: [{key}] is unknown; known here: {', '.join(_TOP)}")
    for key in _TOP[1:]:
        if key in head:
            raise ConfigurationError(f"{source}: profile.{key} is a table; write [{key}] below")
    rest = {key: value for key, value in tables.items() if key != "profile"}
    try:
        return MeterProfile.model_validate({**head, **rest})
    except ValidationError as error:
        lines = [f"{source}: {_complaint(problem)}" for problem in error.errors(include_url=False)]
        raise ConfigurationError("\n".join(lines)) from error


def _own_profile(path: Path) -> MeterProfile:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path}: cannot be read ({error}); check the path") from error
    return parse_profile(text, source=str(path))


def _complaint(problem: Mapping[str, Any]) -> str:
    path = problem["loc"]
    key = ""
    for part in path:
        key += f"[{part}]" if isinstance(part, int) else f".{part}"
    if not path or path[0] not in _TOP:
        key = f".profile{key}"
    key = key.removeprefix(".")
    if problem["type"] == "extra_forbidden":
        return f"{key} is unknown; remove it"
    if problem["type"] == "missing":
        return f"{key} is missing; add it"
    message = str(problem["msg"]).removeprefix("Value error, ")
    if problem["type"] == "value_error" and not path:
        return message
    said = message.removeprefix("Input should be ").removeprefix("Input should ")
    fix = said if said == message else f"write {said}"
    return f"{key} is {problem['input']!r}; {fix}"
