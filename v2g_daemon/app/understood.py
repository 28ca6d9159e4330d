"""Settings completed by the profiles and dialects they name; what cannot be used is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from v2g_daemon.adapters.modbus.link import Link
from v2g_daemon.app import meters
from v2g_daemon.app.charger_dialects import with_dialects
from v2g_daemon.app.chargers import charger_plans, with_chargers
from v2g_daemon.domain.errors import ConfigurationError
from v2g_daemon.settings import Settings, load_settings


def load(path: Path) -> Settings:
    """The settings of a file, understood; ConfigurationError names file, key and fix."""
    settings = load_settings(path)
    try:
        return understood(settings)
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {error}") from error


def understood(settings: Settings) -> Settings:
    """The settings as the daemon runs with them; what the file says stands above all else."""
    found = meters.with_periods(with_chargers(with_dialects(settings)))
    _refuse_two_ways_to_one_place(found)
    return found


def _refuse_two_ways_to_one_place(settings: Settings) -> None:
    """One place has one bus, and a bus one way of talking."""
    links: dict[tuple[str, int], Link] = {}
    for name, link in _links(settings):
        first = links.setdefault(link.place, link)
        if first != link:
            raise ConfigurationError(
                f"{name}: another device is spoken to at {link.name} in another way; "
                "give both the same link, with baud and parity in it"
            )


def _links(settings: Settings) -> Iterator[tuple[str, Link]]:
    for meter in meters.meter_plans(settings):
        if isinstance(meter.source, meters.ModbusSource):
            yield f"meter {meter.meter_id}", meter.source.link
    for charger in charger_plans(settings):
        yield f"charger {charger.evse_id}", charger.link
