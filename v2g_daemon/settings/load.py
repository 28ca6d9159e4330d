"""From a path to Settings, or to a ConfigurationError that names file, key, value and fix."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from types import UnionType
from typing import get_args, get_type_hints

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_settings import SettingsError

from v2g_daemon.domain.errors import ConfigurationError
from v2g_daemon.settings.complaint import Complaint
from v2g_daemon.settings.contradictions import contradictions
from v2g_daemon.settings.relays import relay_contradictions, with_relay_files
from v2g_daemon.settings.sections import Charger, Settings

SHORTEST_PASSWORD = 8  # stations that allow fewer than OCPP's 16 exist (A00.FR.205)
_PREFIX = "V2G_"
_PASSWORD_PREFIX = "V2G_PASSWORD_"  # noqa: S105 the name of variables, not a password
_SECRET_WORDS = ("pass", "pwd", "secret", "token")  # a misspelt password is one too
_OF_OUR_TESTS = frozenset({"V2G_REQUIRE_PEERS"})


def load_settings(path: Path, *, overrides: Mapping[str, object] | None = None) -> Settings:
    """The settings of a file; `overrides` are tables laid over the file's, key by key.

    Passwords named by file or variable are read here; every fault raises ConfigurationError.
    """
    table = _laid_over(_table(path), overrides or {})
    complaints = list(_unknown_variables(table))
    if complaints:
        raise _refusal(complaints, path)
    settings = None
    # The settings library takes leading underscores for options of its own.
    private = [key for key in table if key.startswith("_")]
    complaints += [_unknown_key((key,), key, table.pop(key)) for key in private]
    try:
        settings = Settings(**table)  # type: ignore[arg-type]  # checking them is its job
    except ValidationError as error:
        complaints += [
            _explained(one["type"], one["loc"], one["input"], one["msg"]) for one in error.errors()
        ]
    except SettingsError as error:
        complaints.append(_unreadable_variable(error))
    if settings is not None:
        complaints += [*contradictions(settings), *relay_contradictions(settings)]
    if settings is None or complaints:
        raise _refusal(complaints, path)
    return with_relay_files(_with_files(_with_passwords(settings, path), path), path)


def _refusal(complaints: list[Complaint], path: Path) -> ConfigurationError:
    return ConfigurationError("\n".join(complaint.text(path) for complaint in complaints))


def _table(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"{path}: there is no such file; copy v2g-daemon.example.toml there, or name another"
        ) from error
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ConfigurationError(f"{path}: not TOML: {error}") from error


def _laid_over(table: Mapping[str, object], over: Mapping[str, object]) -> dict[str, object]:
    merged = dict(table)
    for key, value in over.items():
        below = merged.get(key)
        if isinstance(value, Mapping) and isinstance(below, Mapping):
            merged[key] = _laid_over(below, value)
        else:
            merged[key] = value
    return merged


def _unknown_variables(table: Mapping[str, object]) -> Iterator[Complaint]:
    known = set(_known_variables())
    named = {
        charger.get("password_env")
        for charger in _list_of(table.get("charger"))
        if isinstance(charger, Mapping)
    }
    for name in sorted(os.environ):
        if not name.startswith(_PREFIX) or name in known | _OF_OUR_TESTS:
            continue
        if name.startswith(_PASSWORD_PREFIX) and name in named:
            continue
        close = get_close_matches(name, known, n=1)
        yield Complaint(
            key=f"environment variable {name}",
            value=None,
            problem="no setting has this name",
            fix=f"did you mean {close[0]}?" if close else "unset it",
        )


def _list_of(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _known_variables() -> Iterator[str]:
    """V2G_SECTION__KEY for every plain table; lists of tables stand in the file only."""
    for section, hint in get_type_hints(Settings).items():
        model = _model_in(hint)
        if model is not None and not _is_list(hint):
            for key in model.model_fields:
                yield f"{_PREFIX}{section}__{key}".upper()


def _is_list(hint: object) -> bool:
    return getattr(hint, "__origin__", None) is tuple


def _model_in(hint: object) -> type[BaseModel] | None:
    """The section behind an annotation, through `tuple[...]` and `| None`."""
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return hint
    if isinstance(hint, UnionType) or _is_list(hint):
        for inner in get_args(hint):
            found = _model_in(inner)
            if found is not None:
                return found
    return None


def _explained(kind: str, loc: tuple[int | str, ...], value: object, message: str) -> Complaint:
    key = _dotted(loc)
    if kind == "extra_forbidden":
        return _unknown_key(loc, key, value)
    if kind == "missing":
        return Complaint(key=key, value=None, problem="is missing", fix="add it")
    problem, fix = message.removeprefix("Value error, "), "change it"
    if problem.startswith("Input should "):
        problem, fix = "does not fit", f"it should {problem.removeprefix('Input should ')}"
    elif "; " in problem:
        problem, fix = problem.split("; ", 1)
    return Complaint(key=key, value=_shown(key, value), problem=problem, fix=fix)


def _shown(key: str, value: object) -> str:
    if any(word in key.lower() for word in _SECRET_WORDS) or isinstance(value, dict | list):
        return "(not shown)"
    return repr(value)


def _dotted(loc: tuple[int | str, ...]) -> str:
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def _unknown_key(loc: tuple[int | str, ...], key: str, value: object) -> Complaint:
    model: type[BaseModel] | None = Settings
    for part in loc[:-1]:
        if isinstance(part, str) and model is not None:
            model = _model_in(get_type_hints(model).get(part))
    names = list(model.model_fields) if model is not None else []
    close = get_close_matches(str(loc[-1]), names, n=1)
    fix = f"did you mean {close[0]}?" if close else f"known here: {', '.join(names)}"
    return Complaint(key=key, value=_shown(key, value), problem="unknown key", fix=fix)


def _unreadable_variable(error: SettingsError) -> Complaint:
    return Complaint(
        key="environment", value=None, problem=str(error), fix="set V2G_SECTION__KEY variables only"
    )


def _with_passwords(settings: Settings, path: Path) -> Settings:
    chargers = tuple(
        charger.model_copy(update={"password": _password(charger, number, path)})
        for number, charger in enumerate(settings.charger)
    )
    return settings.model_copy(update={"charger": chargers})


def _with_files(settings: Settings, path: Path) -> Settings:
    """The files that ocpp and certificates name, relative to the configuration's folder."""
    ocpp, certificates = settings.ocpp, settings.certificates
    named = {
        key: path.parent / file
        for key in ("tls_certificate_file", "tls_key_file", "client_ca_file")
        if (file := getattr(ocpp, key)) is not None
    }
    directory = {"directory": path.parent / certificates.directory}
    return settings.model_copy(
        update={
            "ocpp": ocpp.model_copy(update=named),
            "certificates": certificates.model_copy(update=directory),
        }
    )


def _password(charger: Charger, number: int, path: Path) -> SecretStr | None:
    """None: this station comes without one, by certificate or by permission."""
    where = f"{path}: charger[{number}]"
    if charger.password is not None:
        where = f"{where}.password"
        found = charger.password.get_secret_value()
        fix = "write the station's password there"
    elif charger.password_env is not None:
        found = os.environ.get(charger.password_env, "")
        where = f"{where}.password_env = {charger.password_env!r}"
        fix = "set that environment variable"
    elif charger.password_file is None:
        return None
    else:
        file = path.parent / charger.password_file
        where = f"{where}.password_file = {str(charger.password_file)!r}"
        fix = "write the station's password into that file"
        try:
            found = file.read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"{where}: cannot be read ({error}); {fix}") from error
    if len(found) < SHORTEST_PASSWORD:
        raise ConfigurationError(
            f"{where}: shorter than {SHORTEST_PASSWORD} characters; {fix}, of 16 to 40 characters"
        )
    return SecretStr(found)
