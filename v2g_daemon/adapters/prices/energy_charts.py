"""Energy-Charts: day-ahead prices of the European bidding zones.

Shape: {"unix_seconds": [...], "price": [per MWh or null, ...], "unit": "EUR / MWh"}.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from v2g_daemon.adapters.prices.request import HttpRequest
from v2g_daemon.adapters.prices.translate import Row, Unit, amount, parsed, series_of
from v2g_daemon.adapters.prices.translate import stamp_s as checked
from v2g_daemon.domain.errors import PriceSourceError
from v2g_daemon.market.series import SeriesPrice

URL = "https://api.energy-charts.info/price"


@dataclass(frozen=True, slots=True, kw_only=True)
class EnergyCharts:
    """The prices of one bidding zone."""

    bzn: str
    currency: str
    url: str = URL

    def request(self, first: date, last: date) -> HttpRequest:
        """A range of days, named by the zone's own calendar."""
        query = {"bzn": self.bzn, "start": first.isoformat(), "end": last.isoformat()}
        return HttpRequest(url=self.url, query=query)

    def series(self, payload: bytes) -> tuple[SeriesPrice, ...]:
        """The prices of an answer; raises PriceSourceError."""
        answer = parsed(payload)
        if not isinstance(answer, dict):
            raise PriceSourceError(f"not an object of prices, but {payload[:40]!r}")
        unit = answer.get("unit")
        if not isinstance(unit, str):
            raise PriceSourceError(f"prices in {unit!r}, not in {self.currency}/MWh")
        per_mwh = Unit.of(unit, currency=self.currency)
        stamps_s = _stamps(answer.get("unix_seconds"))
        prices = answer.get("price")
        if not isinstance(prices, list) or len(prices) != len(stamps_s):
            raise PriceSourceError(f"not one price for each of {len(stamps_s)} stamps")
        rows = [
            Row(start_s=start_s, end_s=None, per_kwh=amount(value, per_mwh))
            for start_s, value in zip(stamps_s, prices, strict=True)
        ]
        return series_of(rows, currency=self.currency)


def _stamps(value: object) -> list[int]:
    if not isinstance(value, list) or not all(type(one) is int for one in value):
        raise PriceSourceError("the stamps are no list of whole seconds")
    if len(value) < 2:
        raise PriceSourceError(f"only {len(value)} stamps in the answer")
    stamps_s = [checked(one) for one in value]
    for earlier_s, later_s in pairwise(stamps_s):
        if later_s <= earlier_s:
            raise PriceSourceError(f"stamps repeat or run backwards at {later_s}")
    return stamps_s
