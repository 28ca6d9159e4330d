"""An answer of a day-ahead price service -> spot series; refused whole, or with its gaps as gaps.

Shape: {"unix_seconds": [...], "price": [per MWh or null, ...], "unit": "EUR / MWh"}. A gap is never
filled: a price of 0 that nobody published buys power. The answer's header tells the server's time.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from itertools import pairwise
from typing import NoReturn

from v2g_daemon.domain.errors import PriceSourceError
from v2g_daemon.domain.interval import Interval
from v2g_daemon.market.spot import SpotPrice

STEPS_S = (900, 1800, 3600)
LARGEST_PER_MWH = Decimal(15_000)
_KWH_PER_MWH = 1000
# 2000-01-01 and 2100-01-01: stamps in milliseconds or from a clock at 1970 lie outside.
_EARLIEST_S, _LATEST_S = 946_684_800, 4_102_444_800


def spot_series(payload: bytes, *, currency: str) -> tuple[SpotPrice, ...]:
    """The prices of an answer in time order, per kWh; raises PriceSourceError."""
    answer = _parsed(payload)
    _check_unit(answer.get("unit"), currency=currency)
    stamps_s = _stamps(answer.get("unix_seconds"))
    prices = answer.get("price")
    if not isinstance(prices, list) or len(prices) != len(stamps_s):
        raise PriceSourceError(f"not one price for each of {len(stamps_s)} stamps")
    per_kwh = [_per_kwh(value) for value in prices]
    if all(value is None for value in per_kwh):
        raise PriceSourceError("no prices in the answer")
    return tuple(
        SpotPrice(interval=interval, per_kwh=value)
        for interval, value in zip(_intervals(stamps_s), per_kwh, strict=True)
        if value is not None
    )


def server_time_utc(date: str | None, age: str | None) -> datetime | None:
    """The server's clock by the headers Date and Age (RFC 9111, 5.1); None if they do not tell."""
    if date is None:
        return None
    try:
        made = parsedate_to_datetime(date)
        kept = timedelta(seconds=0 if age is None else int(age))
        # RFC 9110, 5.6.7: always GMT; without a zone it is the same.
        aware = made if made.tzinfo is not None else made.replace(tzinfo=UTC)
        return aware.astimezone(UTC) + kept
    except (ValueError, OverflowError):
        return None


def _parsed(payload: bytes) -> dict[str, object]:
    try:
        answer = json.loads(payload, parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise PriceSourceError(f"not JSON, but {payload[:40]!r}") from error
    if not isinstance(answer, dict):
        raise PriceSourceError(f"not an object of prices, but {payload[:40]!r}")
    return answer


def _refuse_constant(name: str) -> NoReturn:
    raise PriceSourceError(f"a price of {name}")


def _check_unit(unit: object, *, currency: str) -> None:
    expected = f"{currency}/MWh"
    if not isinstance(unit, str) or unit.replace(" ", "").casefold() != expected.casefold():
        raise PriceSourceError(f"prices in {unit!r}, not in {expected}")


def _stamps(value: object) -> list[int]:
    if not isinstance(value, list) or not all(type(one) is int for one in value):
        raise PriceSourceError("the stamps are no list of whole seconds")
    if len(value) < 2:
        # The length of a step is read from the stamps; one alone does not tell it.
        raise PriceSourceError(f"only {len(value)} stamps in the answer")
    for stamp_s in value:
        if not _EARLIEST_S <= stamp_s < _LATEST_S or stamp_s % STEPS_S[0] != 0:
            raise PriceSourceError(f"a stamp of {stamp_s}, which starts no quarter hour")
    for earlier_s, later_s in pairwise(value):
        if later_s <= earlier_s:
            raise PriceSourceError(f"stamps repeat or run backwards at {later_s}")
    return value


def _intervals(stamps_s: list[int]) -> list[Interval]:
    """Each stamp's interval: the usual step, or less where the next one starts before."""
    steps_s = [later_s - earlier_s for earlier_s, later_s in pairwise(stamps_s)]
    usual_s = Counter(steps_s).most_common(1)[0][0]
    if usual_s not in STEPS_S:
        raise PriceSourceError(f"a usual step of {usual_s} s, not 15, 30 or 60 minutes")
    return [
        Interval(
            start_utc=(start_utc := datetime.fromtimestamp(stamp_s, tz=UTC)),
            end_utc=start_utc + timedelta(seconds=min(step_s, usual_s)),
        )
        for stamp_s, step_s in zip(stamps_s, [*steps_s, usual_s], strict=True)
    ]


def _per_kwh(value: object) -> Decimal | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise PriceSourceError(f"a price of {value!r}")
    if not -LARGEST_PER_MWH <= value <= LARGEST_PER_MWH:
        raise PriceSourceError(f"a price of {value} per MWh; at most {LARGEST_PER_MWH}")
    return Decimal(value) / _KWH_PER_MWH
