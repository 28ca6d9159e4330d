"""From the errors of a validation to complaints that name key, value, problem and fix."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_type_hints

from pydantic import BaseModel, ValidationError

from v2g_daemon.domain.errors import ConfigurationError
from v2g_daemon.settings.complaint import Complaint

# Keys of an earlier version by their table, and what says the same now.
_MOVED = {
    ("meter", "host"): 'write link = "tcp://HOST:PORT"',
    ("meter", "port"): 'write link = "tcp://HOST:PORT"',
}
_SECRET_WORDS = ("pass", "pwd", "secret", "token")  # a misspelt password is one too


def refusal(complaints: Iterable[Complaint], path: Path) -> ConfigurationError:
    """All complaints about one file as one error."""
    return ConfigurationError("\n".join(complaint.text(path) for complaint in complaints))


def explained(
    error: ValidationError, root: type[BaseModel], *, above: tuple[int | str, ...] = ()
) -> list[Complaint]:
    """The complaints of a validation; `above` is where the root stands in the file."""
    return [
        _explained(one["type"], one["loc"], one["input"], one["msg"], root, above)
        for one in error.errors()
    ]


def unknown_key(name: str, value: object, model: type[BaseModel] | None, key: str) -> Complaint:
    """A key that its table does not have; the nearest one that it has is named."""
    names = [] if model is None else [*keys_of(model)]
    close = get_close_matches(name, names, n=1)
    fix = f"did you mean {close[0]}?" if close else f"known here: {', '.join(names)}"
    return Complaint(key=key, value=shown(key, value), problem="unknown key", fix=fix)


def keys_of(model: type[BaseModel]) -> Mapping[str, Any]:
    """The keys of a table as they are written, with their types."""
    hints = get_type_hints(model)
    return {info.alias or name: hints[name] for name, info in model.model_fields.items()}


def is_list(hint: object) -> bool:
    """Whether an annotation is a tuple of something."""
    return getattr(hint, "__origin__", None) is tuple


def model_in(hint: object) -> type[BaseModel] | None:
    """The section behind an annotation, through `tuple[...]` and `| None`."""
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return hint
    if isinstance(hint, UnionType) or is_list(hint):
        for inner in get_args(hint):
            found = model_in(inner)
            if found is not None:
                return found
    return None


def shown(key: str, value: object) -> str:
    """A value for people's eyes; secrets and whole tables are not shown."""
    if any(word in key.lower() for word in _SECRET_WORDS) or isinstance(value, dict | list):
        return "(not shown)"
    if isinstance(value, str) and "://" in value and "@" in value:
        return "(not shown)"  # user and password of an address
    return repr(value)


def dotted(loc: tuple[int | str, ...]) -> str:
    """The path of a key: `charger[0].max_charge_w`."""
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def _explained(
    kind: str,
    loc: tuple[int | str, ...],
    value: object,
    message: str,
    root: type[BaseModel],
    above: tuple[int | str, ...],
) -> Complaint:
    key = dotted((*above, *loc))
    moved = _MOVED.get((str(loc[0]), str(loc[-1]))) if loc else None
    if kind == "extra_forbidden" and moved is not None:
        return Complaint(key=key, value=shown(key, value), problem="unknown key", fix=moved)
    if kind == "extra_forbidden":
        return unknown_key(str(loc[-1]), value, _table_at(loc[:-1], root), key)
    if kind == "missing":
        return Complaint(key=key, value=None, problem="is missing", fix="add it")
    problem, fix = message.removeprefix("Value error, "), "change it"
    if problem.startswith("Input should "):
        problem, fix = "does not fit", f"it should {problem.removeprefix('Input should ')}"
    elif "; " in problem:
        problem, fix = problem.split("; ", 1)
    return Complaint(key=key, value=shown(key, value), problem=problem, fix=fix)


def _table_at(loc: tuple[int | str, ...], root: type[BaseModel]) -> type[BaseModel] | None:
    model: type[BaseModel] | None = root
    for part in loc:
        if isinstance(part, str) and model is not None:
            model = model_in(keys_of(model).get(part))
    return model
