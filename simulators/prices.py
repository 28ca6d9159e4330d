"""Day-ahead prices as a web service publishes them: tomorrow appears in the afternoon."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from simulators.clock import ScaledClock, utc_from_s
from simulators.faults import PRICES, FaultBoard
from simulators.recorded import epoch_s, number, resolve, rows
from simulators.scenario import PricesTable

HANG_S = 60.0
LICENSE_INFO = "Simulated service over recorded prices; see simulators/data/README.md"
LONGEST_RANGE_DAYS = 400
GARBAGE = "<!DOCTYPE html><html><body><h1>Down for maintenance</h1></body></html>"


class NotPublished(Exception):
    """None of the asked days has prices yet."""


class BadRequest(Exception):
    """The question makes no sense; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A price from an instant on."""

    at_s: float
    eur_per_mwh: float


class PriceService:
    """Answers for one bidding zone; published days only."""

    def __init__(
        self, *, table: PricesTable, base: Path, clock: ScaledClock, faults: FaultBoard
    ) -> None:
        """Read the recorded prices."""
        self._table = table
        self._clock = clock
        self._faults = faults
        self._zone = ZoneInfo(table.timezone)
        missing = {hour.timestamp() for hour in table.missing_hours}
        path = resolve(table.file, base)
        self._quotes: list[Quote] = []
        for row in rows(path, ("time_utc", "price_eur_per_kwh")):
            at_s = epoch_s(row["time_utc"], path)
            price = number(row["price_eur_per_kwh"], path)
            if at_s not in missing and price is not None:
                self._quotes.append(Quote(at_s=at_s, eur_per_mwh=round(price * 1000.0, 3)))

    def shows(self, kind: str) -> bool:
        """Say whether a fault is active now."""
        return kind in self._faults.active(PRICES, self._clock.now_s())

    def answer(self, *, zone: str, start: str, end: str) -> dict[str, object]:
        """Return the published part of [start, end], both local days inclusive."""
        if zone != self._table.zone:
            raise BadRequest(f"bzn {zone!r} is not served; use {self._table.zone!r}")
        first, last = _day(start, "start"), _day(end, "end")
        if last < first or (last - first).days > LONGEST_RANGE_DAYS:
            raise BadRequest("end must not lie before start, nor 400 days after it")
        published = min(last, self._last_published_day())
        from_s, to_s = self._midnight_s(first), self._midnight_s(published + timedelta(days=1))
        quotes = [quote for quote in self._quotes if from_s <= quote.at_s < to_s]
        if not quotes:
            raise NotPublished(f"no prices for {first} to {last}")
        if self.shows("partial"):
            quotes = quotes[: len(quotes) // 2]
        nulls = self.shows("nulls")
        return {
            "license_info": LICENSE_INFO,
            "unix_seconds": [int(quote.at_s) for quote in quotes],
            "price": [
                None if nulls and index % 4 == 3 else quote.eur_per_mwh
                for index, quote in enumerate(quotes)
            ],
            "unit": "EUR / MWh",
            "deprecated": False,
        }

    def _last_published_day(self) -> date:
        """Return the last local day whose prices are out."""
        now = utc_from_s(self._clock.now_s()).astimezone(self._zone)
        publication = datetime.combine(now.date(), self._table.publish_local_time, self._zone)
        is_out = now.astimezone(UTC) >= publication.astimezone(UTC) + timedelta(
            seconds=self._table.late_s
        )
        tomorrow = is_out and not self.shows("unpublished")
        return now.date() + timedelta(days=1 if tomorrow else 0)

    def _midnight_s(self, day: date) -> float:
        return datetime.combine(day, time(0), self._zone).timestamp()


def _day(text: str, name: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadRequest(f"{name} {text!r} is not a day; write YYYY-MM-DD") from error
