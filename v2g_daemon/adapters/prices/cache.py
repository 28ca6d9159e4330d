"""What is known of each source, kept on disk: a restart in an outage knows what it knew before.

One JSON file a source: {"source", "prices": [[start, seconds, per kWh], ...], "answers": [...]}.
Amounts are decimal strings, stamps UTC. An unreadable file is as none.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from v2g_daemon.domain.interval import Interval
from v2g_daemon.market.series import SeriesPrice

ANSWERS_KEPT = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """One accepted answer: from where, when, and what it held. Nothing secret is in `origin`."""

    origin: str
    retrieved_utc: datetime
    sha256: str
    prices_count: int
    first_utc: datetime
    end_utc: datetime
    step_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The prices of one source and the answers they came with, newest last."""

    series: tuple[SeriesPrice, ...] = ()
    answers: tuple[Provenance, ...] = ()


class PriceCache:
    """A folder of what is known; OSError where it cannot be written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, source: str) -> Known:
        """What was known of the source; nothing where there is no readable file."""
        try:
            written = json.loads(self._path(source).read_text(encoding="utf-8"))
            return Known(
                series=tuple(_price(one) for one in written["prices"]),
                answers=tuple(_provenance(one) for one in written["answers"]),
            )
        except (OSError, ValueError, KeyError, TypeError, InvalidOperation):
            return Known()

    def save(self, source: str, known: Known) -> None:
        """Replace the file in one step, so that a power cut leaves the old one or the new one."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._path(source)
        beside = path.with_suffix(".new")
        with beside.open("w", encoding="utf-8") as file:
            json.dump(
                {
                    "source": source,
                    "prices": [_written(one) for one in known.series],
                    "answers": [_plain(one) for one in known.answers[-ANSWERS_KEPT:]],
                },
                file,
            )
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)

    def sources(self) -> tuple[str, ...]:
        """The sources of which anything is kept."""
        found = (_source_of(path) for path in sorted(self._folder.glob("*.json")))
        return tuple(name for name in found if name is not None)

    def _path(self, source: str) -> Path:
        return self._folder / f"{re.sub(r'[^A-Za-z0-9.-]', '_', source)}.json"


def step_s(series: Iterable[SeriesPrice]) -> int:
    """The shortest step of a series."""
    return min(round(price.interval.seconds_s) for price in series)


def _source_of(path: Path) -> str | None:
    try:
        source = json.loads(path.read_text(encoding="utf-8"))["source"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return source if isinstance(source, str) else None


def _written(price: SeriesPrice) -> list[str | int]:
    interval = price.interval
    return [_stamp(interval.start_utc), round(interval.seconds_s), str(price.per_kwh)]


def _price(written: Any) -> SeriesPrice:
    start, seconds, per_kwh = written
    start_utc = _moment(start)
    return SeriesPrice(
        interval=Interval(start_utc=start_utc, end_utc=start_utc + timedelta(seconds=seconds)),
        per_kwh=Decimal(per_kwh),
    )


def _plain(answer: Provenance) -> dict[str, object]:
    found = asdict(answer)
    return {
        key: _stamp(value) if isinstance(value, datetime) else value for key, value in found.items()
    }


def _provenance(written: Any) -> Provenance:
    return Provenance(
        origin=str(written["origin"]),
        retrieved_utc=_moment(written["retrieved_utc"]),
        sha256=str(written["sha256"]),
        prices_count=int(written["prices_count"]),
        first_utc=_moment(written["first_utc"]),
        end_utc=_moment(written["end_utc"]),
        step_s=int(written["step_s"]),
    )


def _stamp(moment_utc: datetime) -> str:
    return moment_utc.strftime("%Y-%m-%dT%H:%M:%SZ")


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=UTC)
