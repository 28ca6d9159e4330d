"""Dialects out of their files: shipped under config/chargers/, or one of the installer's own."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from v2g_daemon.adapters.ocpp.dialects.dialect import Dialect, Quirks
from v2g_daemon.domain.errors import ConfigurationError

_FOLDER = "config/chargers"


def shipped_ids() -> tuple[str, ...]:
    """The ids of the dialects that come with the daemon."""
    folder = resources.files("v2g_daemon") / _FOLDER
    names = (entry.name for entry in folder.iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


def shipped_dialects() -> tuple[Dialect, ...]:
    """All of them."""
    return tuple(load_dialect(one) for one in shipped_ids())


def load_dialect(name: str) -> Dialect:
    """A shipped dialect by its id, or the one in the file whose absolute path is given."""
    if name.endswith(".toml") and Path(name).is_absolute():
        return _own_dialect(Path(name))
    known = shipped_ids()
    if name not in known:
        near = get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"choose one of: {', '.join(known)}"
        raise ConfigurationError(
            f"there is no dialect {name!r}; {hint} (or give the absolute path of your own)"
        )
    source = f"{_FOLDER}/{name}.toml"
    text = (resources.files("v2g_daemon") / source).read_text(encoding="utf-8")
    dialect = parse_dialect(text, source=source)
    if dialect.id != name:
        raise ConfigurationError(f"{source}: dialect.id is {dialect.id!r}; write {name!r}")
    return dialect


def parse_dialect(text: str, *, source: str) -> Dialect:
    """A dialect from the text of its file; ConfigurationError names file, key, value and fix."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{source}: not TOML: {error}") from error
    head, facts = tables.pop("dialect", None), tables.pop("fact", [])
    if not isinstance(head, dict):
        raise ConfigurationError(f"{source}: there is no [dialect] table; add one")
    if not facts:
        raise ConfigurationError(f"{source}: there is no [[fact]]; add what is known")
    if tables or "facts" in head:
        extra = next(iter(tables), "dialect.facts")
        raise ConfigurationError(f"{source}: {extra} is unknown; known: [dialect] and [[fact]]")
    try:
        dialect = Dialect.model_validate({**head, "facts": facts})
    except ValidationError as error:
        raise _refusal(source, (_complaint(one) for one in error.errors())) from error
    complaints = list(_keys(dialect))
    if complaints:
        raise _refusal(source, complaints)
    return dialect


def _own_dialect(path: Path) -> Dialect:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path}: cannot be read ({error}); check the path") from error
    return parse_dialect(text, source=str(path))


def _keys(dialect: Dialect) -> Iterator[str]:
    """Complaints about keys that are unknown, said twice, or hold no value of theirs."""
    told = {fact.key: fact.value for fact in dialect.facts if fact.key is not None}
    for key, count in Counter(fact.key for fact in dialect.facts if fact.key).items():
        if key not in Quirks.model_fields:
            near = get_close_matches(key, Quirks.model_fields, n=1)
            known = ", ".join(Quirks.model_fields)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {known}"
            yield f"fact.key = {key!r} is unknown; {hint}"
            del told[key]
        elif count > 1:
            yield f"fact.key = {key!r} stands there {count} times; leave one"
    try:
        Quirks(**told)
    except ValidationError as error:
        yield from (f"the value of {_complaint(one)}" for one in error.errors())


def _refusal(source: str, complaints: Iterator[str] | list[str]) -> ConfigurationError:
    return ConfigurationError("\n".join(f"{source}: {one}" for one in complaints))


def _complaint(problem: Mapping[str, Any]) -> str:
    key = ""
    for part in problem["loc"]:
        key += f"[{part}]" if isinstance(part, int) else f".{part}"
    key = key.removeprefix(".").replace("facts[", "fact[")
    if problem["type"] == "extra_forbidden":
        return f"{key} is unknown; remove it"
    if problem["type"] == "missing":
        return f"{key} is missing; add it"
    message = str(problem["msg"]).removeprefix("Value error, ")
    said = message.removeprefix("Input should be ").removeprefix("Input should ")
    fix = said if said == message else f"write {said}"
    return f"{key} is {problem['input']!r}; {fix}"
