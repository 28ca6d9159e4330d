"""From a path to Settings, or to a ConfigurationError that names file, key, value and fix."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import get_type_hints

from pydantic import SecretStr, ValidationError
from pydantic_settings import SettingsError

from v2g_daemon.domain.errors import ConfigurationError
from v2g_daemon.settings.calendars import with_secrets
from v2g_daemon.settings.complaint import Complaint
from v2g_daemon.settings.contradictions import contradictions
from v2g_daemon.settings.explanations import (
    explained,
    is_list,
    keys_of,
    model_in,
    refusal,
    unknown_key,
)
from v2g_daemon.settings.relays import relay_contradictions, with_relay_files
from v2g_daemon.settings.secret_files import secret_in
from v2g_daemon.settings.sections import Charger, PriceSource, Settings
from v2g_daemon.settings.tariff_file import load_tariff, tariff_versions
from v2g_daemon.settings.tariff_sections import TariffSection
from v2g_daemon.settings.vehicle_feed import with_token
from v2g_daemon.settings.weather import with_key

SHORTEST_PASSWORD = 8  # stations that allow fewer than OCPP's 16 exist (A00.FR.205)
_PREFIX = "V2G_"
_PASSWORD_PREFIX = "V2G_PASSWORD_"  # noqa: S105 the name of variables, not a password
_TOKEN_PREFIX = "V2G_TOKEN_"  # noqa: S105 the name of variables, not a token
_OF_OUR_TESTS = frozenset({"V2G_REQUIRE_PEERS"})


def load_settings(path: Path, *, overrides: Mapping[str, object] | None = None) -> Settings:
    """The settings of a file; `overrides` are tables laid over the file's, key by key.

    Passwords named by file or variable are read here; every fault raises ConfigurationError.
    """
    table = _laid_over(_table(path), overrides or {})
    complaints = [*_unknown_variables(table), *_earlier_meters(table)]
    if complaints:
        raise refusal(complaints, path)
    settings = None
    # The settings library takes leading underscores for options of its own.
    private = [key for key in table if key.startswith("_")]
    complaints += [unknown_key(key, table.pop(key), Settings, key) for key in private]
    complaints += _removed_of_prices(table.get("prices"))
    wrong: list[Complaint] = []
    if "tariff" in table:
        table["tariff"], wrong = _tariff(table["tariff"], path)
    try:
        settings = Settings(**table)  # type: ignore[arg-type]  # checking them is its job
    except ValidationError as error:
        complaints += explained(error, Settings)
    except SettingsError as error:
        complaints.append(_unreadable_variable(error))
    if settings is not None and not wrong:
        complaints += [*contradictions(settings), *relay_contradictions(settings)]
    complaints += wrong
    if settings is None or complaints:
        raise refusal(complaints, path)
    settings = with_relay_files(_with_files(_with_passwords(settings, path), path), path)
    return _with_tokens(settings, path)


def _tariff(raw: object, path: Path) -> tuple[tuple[TariffSection, ...], list[Complaint]]:
    """The versions of the house's tariff, from its file where it names one."""
    if isinstance(raw, Mapping) and set(raw) == {"file"}:
        return load_tariff(str(raw["file"]), beside=path.parent), []
    return tariff_versions(raw)


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
    prices = table.get("prices")
    sources = prices.get("source") if isinstance(prices, Mapping) else None
    named = {
        one.get(key)
        for key, tables in (("password_env", table.get("charger")), ("token_env", sources))
        for one in _list_of(tables)
        if isinstance(one, Mapping)
    }
    for name in sorted(os.environ):
        if not name.startswith(_PREFIX) or name in known | _OF_OUR_TESTS:
            continue
        if name.startswith((_PASSWORD_PREFIX, _TOKEN_PREFIX)) and name in named:
            continue
        close = get_close_matches(name, known, n=1)
        yield Complaint(
            key=f"environment variable {name}",
            value=None,
            problem="no setting has this name",
            fix=f"did you mean {close[0]}?" if close else "unset it",
        )


def _earlier_meters(table: Mapping[str, object]) -> Iterator[Complaint]:
    """[meter] and [pv_meter], as they were written before a house could have several."""
    for key, role in (("meter", "grid"), ("pv_meter", "pv")):
        old = table.get(key)
        if isinstance(old, Mapping):
            host, port = old.get("host", "HOST"), old.get("port", 502)
            yield Complaint(
                key=f"[{key}]",
                value=None,
                problem="a house has a list of meters now",
                fix=f'write [[meter]] with role = "{role}" and link = "tcp://{host}:{port}" '
                "in place of host and port",
            )


def _list_of(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _known_variables() -> Iterator[str]:
    """V2G_SECTION__KEY for every plain table; lists of tables stand in the file only."""
    for section, hint in get_type_hints(Settings).items():
        model = model_in(hint)
        if model is not None and not is_list(hint):
            for key in keys_of(model):
                yield f"{_PREFIX}{section}__{key}".upper()


def _unreadable_variable(error: SettingsError) -> Complaint:
    return Complaint(
        key="environment", value=None, problem=str(error), fix="set V2G_SECTION__KEY variables only"
    )


_REMOVED_OF_PRICES = {
    "url": '[[prices.source]] with name = "energy-charts:NL" (as the tariff calls it) and url',
    "publication": '[[prices.source]] with name = "energy-charts:NL" (as the tariff calls it) '
    "and publication",
}


def _removed_of_prices(prices: object) -> Iterator[Complaint]:
    """Keys of an earlier version; taken out, so that each is told once."""
    for key, now in _REMOVED_OF_PRICES.items():
        if isinstance(prices, dict) and key in prices:
            yield Complaint(
                key=f"prices.{key}",
                value=repr(prices.pop(key)),
                problem="this key is of an earlier version",
                fix=f"write {now}",
            )


def _with_tokens(settings: Settings, path: Path) -> Settings:
    sources = tuple(
        source.model_copy(update={"token": _token(source, number, path)})
        for number, source in enumerate(settings.prices.source)
    )
    prices = settings.prices.model_copy(update={"source": sources})
    vehicles = tuple(
        one.model_copy(update={"feed": with_token(one.feed, f"vehicle[{number}]", path)})
        for number, one in enumerate(settings.vehicle)
    )
    calendars = tuple(
        with_secrets(one, number, path) for number, one in enumerate(settings.calendar)
    )
    told = {
        "prices": prices,
        "vehicle": vehicles,
        "calendar": calendars,
        "weather": with_key(settings.weather, path),
    }
    return settings.model_copy(update=told)


def _token(source: PriceSource, number: int, path: Path) -> SecretStr | None:
    where = f"{path}: prices.source[{number}]"
    if source.token_env is not None:
        found = os.environ.get(source.token_env, "")
        if not found:
            raise ConfigurationError(
                f"{where}.token_env = {source.token_env!r}: is empty; set that environment variable"
            )
        return SecretStr(found)
    if source.token_file is not None:
        key = f"prices.source[{number}].token_file"
        return secret_in(source.token_file, where=key, what="the token", config=path)
    return source.token


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
        key, what = f"charger[{number}].password_file", "the station's password"
        secret = secret_in(charger.password_file, where=key, what=what, config=path)
        found = secret.get_secret_value()
        where = f"{where}.password_file = {str(charger.password_file)!r}"
        fix = f"write {what} into that file"
    if len(found) < SHORTEST_PASSWORD:
        raise ConfigurationError(
            f"{where}: shorter than {SHORTEST_PASSWORD} characters; {fix}, of 16 to 40 characters"
        )
    return SecretStr(found)
