"""What all answers of price sources have in common: JSON, stamps, units, and what makes a series.

An answer is refused whole where anything in it cannot be trusted. A gap is never filled: a price of
0 that nobody published buys power.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime
from itertools import pairwise
from typing import NoReturn

from v2g_daemon.domain.errors import PriceSourceError
from v2g_daemon.domain.interval import Interval
from v2g_daemon.market.currencies import largest_per_kwh
from v2g_daemon.market.series import SeriesPrice

STEPS_S = (300, 900, 1800, 3600)
# 2000-01-01 and 2100-01-01: stamps of a clock at 1970 lie outside.
EARLIEST_S, LATEST_S = 946_684_800, 4_102_444_800
LARGEST_NUMBER = 1_000_000_000
_HUNDREDTHS = frozenset("c ct cent cents p pence øre öre ore gr".split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One price of an answer; `end_s` None: until the next row; `per_kwh` None: not published."""

    start_s: int
    end_s: int | None
    per_kwh: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """What the numbers of a source are in: a currency, and the kWh that one of them is for."""

    currency: str
    per_unit: Decimal

    @classmethod
    def of(cls, text: str, *, currency: str) -> Unit:
        """From "EUR/MWh", "GBP/kWh" or "ct/kWh"; PriceSourceError if it is not in the currency."""
        money, _, energy = text.replace(" ", "").partition("/")
        factor = {"kwh": Decimal(1), "mwh": Decimal("0.001")}.get(energy.casefold())
        if money.casefold() in _HUNDREDTHS and factor is not None:
            return cls(currency=currency, per_unit=factor / 100)
        if factor is None or money.upper() != currency:
            raise PriceSourceError(f"prices in {text!r}, not in {currency}/MWh or {currency}/kWh")
        return cls(currency=currency, per_unit=factor)


def parsed(payload: bytes) -> object:
    """The JSON value of an answer, decimals exact."""
    try:
        answer: object = json.loads(payload, parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise PriceSourceError(f"not JSON, but {payload[:40]!r}") from error
    return answer


def series_of(rows: Iterable[Row], *, currency: str) -> tuple[SeriesPrice, ...]:
    """The rows as a series in time order; raises PriceSourceError.

    Where no row tells its end, each lasts the usual step, or less where the next one starts before.
    """
    ordered = sorted(rows, key=lambda row: row.start_s)
    _check_stamps(ordered)
    if all(row.per_kwh is None for row in ordered):
        raise PriceSourceError("no prices in the answer")
    largest = largest_per_kwh(currency)
    found: list[SeriesPrice] = []
    for row, end_s in zip(ordered, _ends(ordered), strict=True):
        if row.per_kwh is None:
            continue
        if not -largest <= row.per_kwh <= largest:
            raise PriceSourceError(
                f"a price of {row.per_kwh} {currency} per kWh; at most {largest}, so check the unit"
            )
        found.append(SeriesPrice(interval=_interval(row.start_s, end_s), per_kwh=row.per_kwh))
    return tuple(found)


def amount(value: object, unit: Unit) -> Decimal | None:
    """A number of the answer per kWh; null is None, anything else is refused."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise PriceSourceError(f"a price of {value!r}")
    return _scaled(Decimal(value), unit)


def amount_of_text(text: str, unit: Unit) -> Decimal | None:
    """A number that is written as text; an empty field is None."""
    if not text.strip():
        return None
    try:
        value = Decimal(text.strip())
    except InvalidOperation as error:
        raise PriceSourceError(f"a price of {text!r}") from error
    return _scaled(value, unit)


def stamp_s(value: object) -> int:
    """POSIX seconds of a stamp: seconds, milliseconds, or ISO 8601 with its offset."""
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError as error:
            raise PriceSourceError(f"a stamp of {value!r}") from error
        if moment.tzinfo is None:
            raise PriceSourceError(f"a stamp of {value!r}, which tells no offset from UTC")
        seconds = int(moment.timestamp())
    elif type(value) is int:
        seconds = value // 1000 if value >= 1000 * EARLIEST_S else value
    else:
        raise PriceSourceError(f"a stamp of {value!r}")
    if not EARLIEST_S <= seconds < LATEST_S or seconds % STEPS_S[0] != 0:
        raise PriceSourceError(f"a stamp of {value}, which starts no five minutes")
    return seconds


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


def _scaled(value: Decimal, unit: Unit) -> Decimal:
    """Per kWh; what no unit could make a price of is refused before any arithmetic."""
    if not value.is_finite() or not -LARGEST_NUMBER <= value <= LARGEST_NUMBER:
        raise PriceSourceError(f"a price of {value}")
    return value * unit.per_unit


def _refuse_constant(name: str) -> NoReturn:
    raise PriceSourceError(f"a price of {name}")


def _check_stamps(rows: Sequence[Row]) -> None:
    if not rows:
        raise PriceSourceError("no prices in the answer")
    for earlier, later in pairwise(rows):
        if later.start_s == earlier.start_s:
            raise PriceSourceError(f"the stamp {_shown(later.start_s)} stands there twice")
        if earlier.end_s is not None and earlier.end_s > later.start_s:
            raise PriceSourceError(f"prices overlap at {_shown(later.start_s)}")
    for row in rows:
        if row.end_s is not None and row.end_s <= row.start_s:
            raise PriceSourceError(f"the price of {_shown(row.start_s)} ends before it begins")


def _ends(rows: Sequence[Row]) -> list[int]:
    given = [row.end_s for row in rows if row.end_s is not None]
    if len(given) == len(rows):
        return given
    if len(rows) < 2:
        # The length of a step is read from the stamps; one alone does not tell it.
        raise PriceSourceError("only one stamp in the answer, and it does not tell its end")
    steps_s = [later.start_s - earlier.start_s for earlier, later in pairwise(rows)]
    usual_s = Counter(steps_s).most_common(1)[0][0]
    if usual_s not in STEPS_S:
        raise PriceSourceError(f"a usual step of {usual_s} s, not 5, 15, 30 or 60 minutes")
    return [
        row.start_s + min(step_s, usual_s) if row.end_s is None else row.end_s
        for row, step_s in zip(rows, [*steps_s, usual_s], strict=True)
    ]


def _interval(start_s: int, end_s: int) -> Interval:
    return Interval(
        start_utc=datetime.fromtimestamp(start_s, tz=UTC),
        end_utc=datetime.fromtimestamp(end_s, tz=UTC),
    )


def _shown(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).isoformat()
