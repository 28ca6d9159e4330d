"""Profiles out of their files: shipped under config/, or one of the installer's own."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from v2g_daemon.adapters.modbus.chargers.profile import ChargerProfile
from v2g_daemon.adapters.modbus.profile import MeterProfile
from v2g_daemon.domain.errors import ConfigurationError

Profile = TypeVar("Profile", MeterProfile, ChargerProfile)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf(Generic[Profile]):
    """The profiles of one kind of device: where they lie, and which tables a file has."""

    folder: str
    kind: str
    model: type[Profile]
    tables: tuple[str, ...]

    def shipped(self) -> tuple[str, ...]:
        """The ids of the profiles that come with the daemon."""
        names = (entry.name for entry in self._place.iterdir())
        return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))

    def load(self, name: str) -> Profile:
        """A shipped profile by its id, or the one in the file whose absolute path is given."""
        if name.endswith(".toml") and Path(name).is_absolute():
            return self._own(Path(name))
        known = self.shipped()
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"choose one of: {', '.join(known)}"
            raise ConfigurationError(
                f"there is no {self.kind} profile {name!r}; {hint} "
                "(or give the absolute path of your own)"
            )
        source = f"config/{self.folder}/{name}.toml"
        text = (self._place / f"{name}.toml").read_text(encoding="utf-8")
        profile = self.parse(text, source=source)
        if profile.id != name:
            raise ConfigurationError(f"{source}: profile.id is {profile.id!r}; write {name!r}")
        return profile

    def parse(self, text: str, *, source: str) -> Profile:
        """A profile from the text of its file; ConfigurationError names file, key, value, fix."""
        try:
            tables = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ConfigurationError(f"{source}: not TOML: {error}") from error
        head = tables.get("profile")
        if not isinstance(head, dict):
            raise ConfigurationError(f"{source}: there is no [profile] table; add one")
        known = ("profile", *self.tables)
        for key in tables:
            if key not in known:
                raise ConfigurationError(
                    f"{source}: [{key}] is unknown; known here: {', '.join(known)}"
                )
        for key in self.tables:
            if key in head:
                raise ConfigurationError(f"{source}: profile.{key} is a table; write [{key}] below")
        rest = {key: value for key, value in tables.items() if key != "profile"}
        try:
            return self.model.model_validate({**head, **rest})
        except ValidationError as error:
            problems = error.errors(include_url=False)
            lines = [f"{source}: {_complaint(one, self.tables)}" for one in problems]
            raise ConfigurationError("\n".join(lines)) from error

    @property
    def _place(self) -> Traversable:
        place = resources.files("v2g_daemon") / "config"
        for part in self.folder.split("/"):
            place = place / part
        return place

    def _own(self, path: Path) -> Profile:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"{path}: cannot be read ({error}); check the path") from error
        return self.parse(text, source=str(path))


METERS = Shelf(
    folder="meters",
    kind="meter",
    model=MeterProfile,
    tables=("block", "point", "require", "bounds"),
)
CHARGERS = Shelf(
    folder="chargers/modbus",
    kind="charger",
    model=ChargerProfile,
    tables=("point", "block", "states", "watchdog", "discharge", "identity"),
)


def shipped_profiles() -> tuple[str, ...]:
    """The ids of the meter profiles that come with the daemon."""
    return METERS.shipped()


def load_profile(name: str) -> MeterProfile:
    """A shipped meter profile by its id, or the one in the file whose absolute path is given."""
    return METERS.load(name)


def parse_profile(text: str, *, source: str) -> MeterProfile:
    """A meter profile from the text of its file; ConfigurationError names file, key and fix."""
    return METERS.parse(text, source=source)


def _complaint(problem: Mapping[str, Any], tables: tuple[str, ...]) -> str:
    path = problem["loc"]
    key = ""
    for part in path:
        key += f"[{part}]" if isinstance(part, int) else f".{part}"
    if not path or path[0] not in ("profile", *tables):
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
