"""Octopus Energy: half-hourly unit rates of a tariff, in pence per kWh.

Shape: {"results": [{"value_exc_vat", "value_inc_vat", "valid_from", "valid_to"}, ...], "next"},
newest first, stamps in UTC. VAT belongs to the tariff of the house: the rate without it is taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from v2g_daemon.adapters.prices.request import HttpRequest
from v2g_daemon.adapters.prices.translate import Row, Unit, amount, parsed, series_of, stamp_s
from v2g_daemon.domain.errors import PriceSourceError
from v2g_daemon.domain.interval import at_local
from v2g_daemon.market.series import SeriesPrice

URL = "https://api.octopus.energy/v1"
ZONE = ZoneInfo("Europe/London")
CURRENCY = "GBP"
PENCE = Unit.of("p/kWh", currency=CURRENCY)
MOST_RESULTS = 1500


@dataclass(frozen=True, slots=True, kw_only=True)
class Octopus:
    """The unit rates of one tariff of a product."""

    product: str
    tariff: str
    url: str = URL

    def request(self, first: date, last: date) -> HttpRequest:
        """The rates that are in force from the first day's midnight to the last day's end."""
        return HttpRequest(
            url=f"{self.url}/products/{self.product}/electricity-tariffs/{self.tariff}"
            "/standard-unit-rates/",
            query={
                "period_from": _stamp(first),
                "period_to": _stamp(last + timedelta(days=1)),
                "page_size": str(MOST_RESULTS),
            },
        )

    def series(self, payload: bytes) -> tuple[SeriesPrice, ...]:
        """The rates of an answer; raises PriceSourceError."""
        answer = parsed(payload)
        results = answer.get("results") if isinstance(answer, dict) else None
        if not isinstance(results, list):
            raise PriceSourceError(f"no list of rates, but {payload[:40]!r}")
        if isinstance(answer, dict) and answer.get("next") is not None:
            raise PriceSourceError(f"more than the {MOST_RESULTS} rates that were asked for")
        return series_of([_row(one) for one in results], currency=CURRENCY)


def _row(result: object) -> Row:
    if not isinstance(result, dict):
        raise PriceSourceError(f"a rate of {result!r}")
    if result.get("valid_to") is None:
        raise PriceSourceError(
            'a rate without an end: this tariff is fixed, write it as kind = "flat"'
        )
    return Row(
        start_s=stamp_s(result.get("valid_from")),
        end_s=stamp_s(result["valid_to"]),
        per_kwh=amount(result.get("value_exc_vat"), PENCE),
    )


def _stamp(day: date) -> str:
    moment: datetime = at_local(day, time(0), ZONE)
    return f"{moment:%Y-%m-%dT%H:%MZ}"
