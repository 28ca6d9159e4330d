"""Tibber: the prices of a home, for today and (once published) tomorrow.

Shape: {"data": {"viewer": {"homes": [{"id", "currentSubscription": {"priceInfo": {"today": [...],
"tomorrow": [...]}}}]}}}, each price {"energy", "tax", "total", "startsAt"} in the home's currency.
`energy` is taken: tax, grid fee and VAT are components of the house's own tariff.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from v2g_daemon.adapters.prices.request import HttpRequest
from v2g_daemon.adapters.prices.translate import Row, Unit, amount, parsed, series_of, stamp_s
from v2g_daemon.domain.errors import PriceSourceError
from v2g_daemon.market.series import SeriesPrice

URL = "https://api.tibber.com/v1-beta/gql"
PRICE = "energy tax total startsAt currency"
QUERY = (
    "{viewer{homes{id currentSubscription{priceInfo(resolution: QUARTER_HOURLY)"
    f"{{today{{{PRICE}}} tomorrow{{{PRICE}}}}}}}}}}}}}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tibber:
    """The prices of one home of an account; "" takes the first that has a subscription."""

    home: str
    currency: str
    token: str = field(repr=False)
    url: str = URL

    def request(self, first: date, last: date) -> HttpRequest:
        """Today and tomorrow, whatever was asked: the service gives no other days."""
        return HttpRequest(
            url=self.url,
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
            body=json.dumps({"query": QUERY}).encode(),
        )

    def series(self, payload: bytes) -> tuple[SeriesPrice, ...]:
        """The prices of an answer; raises PriceSourceError."""
        answer = parsed(payload)
        info = self._price_info(answer)
        rows = [self._row(one) for day in ("today", "tomorrow") for one in _list(info.get(day))]
        return series_of(rows, currency=self.currency)

    def _price_info(self, answer: object) -> dict[str, Any]:
        if isinstance(answer, dict) and answer.get("errors"):
            first = _list(answer["errors"])[:1]
            said = first[0].get("message") if first and isinstance(first[0], dict) else "an error"
            raise PriceSourceError(f"the service said {said!r}")
        for home in _list(_at(answer, "data", "viewer", "homes")):
            info = _at(home, "currentSubscription", "priceInfo")
            if isinstance(info, dict) and (not self.home or _at(home, "id") == self.home):
                return info
        raise PriceSourceError(
            f"no prices for home {self.home!r}" if self.home else "no home with a subscription"
        )

    def _row(self, price: object) -> Row:
        currency = _at(price, "currency")
        if currency not in (None, self.currency):
            raise PriceSourceError(f"prices in {currency!r}, not in {self.currency}")
        unit = Unit.of(f"{self.currency}/kWh", currency=self.currency)
        return Row(
            start_s=stamp_s(_at(price, "startsAt")),
            end_s=None,
            per_kwh=amount(_at(price, "energy"), unit),
        )


def _at(value: object, *path: str) -> object:
    """What stands at the end of a path of keys, None where it breaks off."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
