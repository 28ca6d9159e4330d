"""`v2g doctor`: every configured connection tried now, one line each with the fix."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx

from v2g_daemon.adapters.database.engine import parsed, sqlite_file
from v2g_daemon.adapters.database.reader import DatabaseReader
from v2g_daemon.adapters.prices.cache import Known
from v2g_daemon.adapters.prices.feed import SourceFeed
from v2g_daemon.adapters.system.clock import RealClock
from v2g_daemon.app.calendars import calendar_lines
from v2g_daemon.app.client import DaemonNotReached, ask
from v2g_daemon.app.composition import clock_of
from v2g_daemon.app.doctor_devices import charger_lines, meter_lines
from v2g_daemon.app.findings import Finding, bad, good, unknown
from v2g_daemon.app.price_sources import price_sources
from v2g_daemon.app.tariffs import book_of
from v2g_daemon.app.understood import load
from v2g_daemon.app.vehicle_feeds import feed_lines
from v2g_daemon.app.weather import weather_lines
from v2g_daemon.domain.errors import LedgerError, PriceSourceError
from v2g_daemon.domain.snapshot import CommissioningRecord
from v2g_daemon.runtime.latest_values import LatestValues
from v2g_daemon.settings import Settings

LEAST_FREE_BYTES = 300_000_000


async def doctor(path: Path) -> AsyncIterator[Finding]:
    """A finding for each thing that a house needs; ConfigurationError where the file is unusable.

    While a daemon runs, its devices are asked through it: many take one connection only.
    """
    settings = load(path)
    yield good("configuration", f"{path} can be used")
    status = _running(settings)
    if status is None:
        yield unknown("daemon", "does not run", "systemctl start v2g-daemon")
    else:
        yield good("daemon", f"runs; its last tick was at {status['at_utc']}")
    yield _clock()
    for finding in _disks(settings):
        yield finding
    records: tuple[CommissioningRecord, ...] = ()
    try:
        records = DatabaseReader.at(settings.database.url).commissioning()
        yield good("database", f"{settings.database.url} can be read")
    except LedgerError as error:
        yield _database(settings, error)
    async for finding in _prices(settings):
        yield finding
    async for finding in meter_lines(settings, records, status):
        yield finding
    async for finding in charger_lines(settings, records, status):
        yield finding
    async for finding in feed_lines(settings):
        yield finding
    async for finding in calendar_lines(settings):
        yield finding
    async for finding in weather_lines(settings):
        yield finding
    for fault in () if status is None else status["faults"]:
        yield bad("fault", f"{fault['code']}: {fault['detail']}", "docs/operations.md, Faults")


def _running(settings: Settings) -> dict[str, Any] | None:
    """The status of the daemon of this configuration, if one answers."""
    try:
        return ask(settings.api.socket, "GET", "/api/v1/status")
    except DaemonNotReached:
        return None


def _clock() -> Finding:
    if RealClock().trusted():
        return good("clock", "follows a time service")
    return bad(
        "clock",
        "follows no time service, so that nothing is done by price and nothing discharged",
        "timedatectl set-ntp true, and look at timedatectl status",
    )


def _disks(settings: Settings) -> Iterator[Finding]:
    file = sqlite_file(parsed(settings.database.url))
    places = {"trace": settings.trace.directory}
    if file is not None:
        places["database"] = file.parent
    for name, place in places.items():
        yield _disk(name, place, settings.trace.keep_bytes if name == "trace" else 0)


def _disk(name: str, place: Path, wanted_bytes: int) -> Finding:
    """Room for what is kept, in the nearest folder that exists."""
    there = next(one for one in (place.absolute(), *place.absolute().parents) if one.exists())
    if not os.access(there, os.W_OK):
        return bad(f"disk ({name})", f"{there} cannot be written", f"chown it, or move {name}")
    used = sum(one.stat().st_size for one in place.rglob("*") if one.is_file())
    free = shutil.disk_usage(there).free
    needed = LEAST_FREE_BYTES + max(wanted_bytes - used, 0)
    said = f"{free / 1e9:.1f} GB free at {there}"
    if free < needed:
        return bad(
            f"disk ({name})",
            f"{said}, and {needed / 1e9:.1f} GB may be needed",
            "make room, or lower trace.keep_bytes",
        )
    return good(f"disk ({name})", said)


def _database(settings: Settings, error: LedgerError) -> Finding:
    file = sqlite_file(parsed(settings.database.url))
    if file is not None and not file.exists():
        return unknown("database", f"there is no ledger at {file} yet", "v2g run begins one")
    return bad("database", str(error), "look at database.url, and at docs/operations.md, Files")


async def _prices(settings: Settings) -> AsyncIterator[Finding]:
    """Each source of prices, asked for today."""
    async with httpx.AsyncClient(follow_redirects=True, trust_env=False) as client:
        for source in price_sources(settings, book_of(settings)):
            feed = SourceFeed(
                source=source,
                known=Known(),
                clock=clock_of(settings),
                sink=LatestValues(evse_ids=()),
                on_known=_forgotten,
            )
            what = f"prices {source.name}"
            try:
                count = await feed.count_today(client)
            except PriceSourceError as error:
                yield bad(what, str(error), "look at prices.source, and at the network")
            else:
                yield good(what, f"{count} prices for today")


async def _forgotten(_source: str, _known: Known) -> None:
    """What was looked at is not kept."""
