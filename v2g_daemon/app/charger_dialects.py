"""Which dialects the chargers may speak, and what the house takes from those it names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from v2g_daemon.adapters.ocpp.dialects.dialect import Dialect
from v2g_daemon.adapters.ocpp.dialects.dialect_file import load_dialect, shipped_dialects
from v2g_daemon.adapters.ocpp.dialects.quirks import OF_HOUSE, Dialects
from v2g_daemon.domain.errors import ConfigurationError
from v2g_daemon.settings import Charger, Settings


def dialects_of(settings: Settings) -> Dialects:
    """The shipped ones, and those that the chargers name; ConfigurationError names the key."""
    return Dialects(known=shipped_dialects(), named=_named(settings))


def with_dialects(settings: Settings) -> Settings:
    """The settings with what a named dialect says of the house, where they say nothing."""
    named = _named(settings)
    chargers = tuple(_charger(one, named.get(one.station_id)) for one in settings.charger)
    return settings.model_copy(update={"charger": chargers})


def dialect_lines(settings: Settings, dialects: Dialects) -> Iterator[str]:
    """For people: which dialect a charger speaks, what that means, and what nobody has verified."""
    for station_id in dict.fromkeys(charger.station_id for charger in settings.stations):
        dialect = dialects.named.get(station_id)
        if dialect is None:
            yield f"Station {station_id}: its dialect is told by its make, once it has connected."
        else:
            yield f"Station {station_id} speaks the dialect {dialect.id} ({dialect.name})."
            yield from _facts(dialect)


def _named(settings: Settings) -> dict[str, Dialect]:
    """By station."""
    named = {}
    for number, charger in enumerate(settings.charger):
        if charger.dialect is not None:
            try:
                named[charger.station_id] = load_dialect(charger.dialect)
            except ConfigurationError as error:
                raise ConfigurationError(
                    f"charger[{number}].dialect = {charger.dialect!r}: {error}"
                ) from error
    return named


def _charger(charger: Charger, dialect: Dialect | None) -> Charger:
    if dialect is None:
        return charger
    quirks = dialect.quirks(named=True)
    said: dict[str, Any] = {
        name: getattr(quirks, name) for name in OF_HOUSE if name not in charger.model_fields_set
    }
    said = {name: value for name, value in said.items() if value is not None}
    return charger.model_copy(update=said)


def _facts(dialect: Dialect) -> Iterator[str]:
    for fact in dialect.facts:
        told = "" if fact.key is None else f"{fact.key} = {fact.value!r}"
        said = ": ".join(part for part in (told, fact.note) if part)
        doubt = "" if fact.verified else "; not verified"
        yield f"  {said} ({fact.source}{doubt})."
