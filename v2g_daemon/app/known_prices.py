"""`v2g prices show`: which prices the house knows, from where, until when, and how they look."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from v2g_daemon.adapters.prices.cache import Known, PriceCache
from v2g_daemon.adapters.prices.desk import days_around
from v2g_daemon.adapters.reports.price_bars import price_bars
from v2g_daemon.app.tariffs import book_of
from v2g_daemon.domain.prices import PriceCurve
from v2g_daemon.market.curve import price_curve
from v2g_daemon.market.rated import rated
from v2g_daemon.settings import Settings
from v2g_daemon.settings.price_sources import asked_sources


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPrices:
    """What the cache of a house holds, and the curve that it makes."""

    now_utc: datetime
    zone: ZoneInfo
    directory: Path
    sources: dict[str, Known]
    curve: PriceCurve | None


def known_prices(settings: Settings, *, now_utc: datetime) -> KnownPrices:
    """Read what the daemon keeps; it need not run."""
    cache, book = PriceCache(settings.prices.directory), book_of(settings)
    sources = {one.name: cache.load(one.name) for one in asked_sources(settings)}
    series = {name: known.series for name, known in sources.items()}
    versions = rated(book, series, days_around(now_utc, book.timezone))
    return KnownPrices(
        now_utc=now_utc,
        zone=ZoneInfo(settings.timezone),
        directory=settings.prices.directory,
        sources=sources,
        curve=price_curve(versions) if versions else None,
    )


def known_text(found: KnownPrices) -> str:
    """The prices for people, at 80 columns."""
    lines: list[str] = []
    for name, known in found.sources.items():
        lines += _source(name, known, found)
    if not found.sources:
        lines.append("The tariff needs no prices from outside.")
    if found.curve is None:
        lines.append("No version of the tariff is valid today.")
    else:
        until = found.curve.known_until(found.now_utc)
        if until > found.now_utc:
            lines.append(f"The house knows its prices until {_wall(until, found.zone)}.")
        else:
            lines.append("The house knows no price for now: it charges for the trip only.")
        lines += ["", *price_bars(found.curve, now_utc=found.now_utc, zone=found.zone)]
    return "\n".join(lines)


def known_json(found: KnownPrices) -> str:
    """The same for programs."""
    curve = found.curve
    return json.dumps(
        {
            "now_utc": found.now_utc.isoformat(),
            "currency": None if curve is None else curve.currency,
            "known_until_utc": None
            if curve is None
            else curve.known_until(found.now_utc).isoformat(),
            "sources": [_source_json(name, known) for name, known in found.sources.items()],
            "slots": []
            if curve is None
            else [
                {
                    "start_utc": slot.interval.start_utc.isoformat(),
                    "end_utc": slot.interval.end_utc.isoformat(),
                    "import_per_kwh": slot.import_per_kwh,
                    "export_per_kwh": slot.export_per_kwh,
                }
                for slot in curve.slots
            ],
        },
        indent=2,
    )


def _source(name: str, known: Known, found: KnownPrices) -> list[str]:
    if not known.series:
        return [f"{name}: nothing is kept in {found.directory} yet."]
    last = known.series[-1].interval.end_utc
    lines = [f"{name}: known until {_wall(last, found.zone)}."]
    if known.answers:
        answer = known.answers[-1]
        lines.append(
            f"  From {answer.origin}, {_wall(answer.retrieved_utc, found.zone)}: "
            f"{answer.prices_count} prices of {answer.step_s // 60} minutes."
        )
    return lines


def _source_json(name: str, known: Known) -> dict[str, object]:
    answer = known.answers[-1] if known.answers else None
    return {
        "name": name,
        "prices": len(known.series),
        "known_until_utc": known.series[-1].interval.end_utc.isoformat() if known.series else None,
        "origin": None if answer is None else answer.origin,
        "retrieved_utc": None if answer is None else answer.retrieved_utc.isoformat(),
        "step_s": None if answer is None else answer.step_s,
        "sha256": None if answer is None else answer.sha256,
    }


def _wall(moment_utc: datetime, zone: ZoneInfo) -> str:
    return f"{moment_utc.astimezone(zone):%a %d %b %H:%M}"
