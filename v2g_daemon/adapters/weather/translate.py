"""What all answers of weather services have in common: JSON, stamps, and quarter hours from spans.

An answer is refused whole where anything in it cannot be trusted. A gap is never filled.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from typing import NoReturn

from v2g_daemon.adapters.weather.request import Irradiance
from v2g_daemon.domain.errors import WeatherSourceError
from v2g_daemon.domain.interval import QUARTER_HOUR_S

# 2000-01-01 and 2100-01-01.
EARLIEST_S, LATEST_S = 946_684_800, 4_102_444_800
# Above the solar constant at its nearest: no sky gives more for minutes.
MOST_W_PER_M2 = 1500.0
DECIMALS = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The mean irradiance from one POSIX second to another."""

    start_s: int
    end_s: int
    irradiance_w_per_m2: float


def parsed(payload: bytes) -> dict[str, object]:
    """The JSON object of an answer."""
    try:
        answer: object = json.loads(payload, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise WeatherSourceError(f"not JSON, but {payload[:40]!r}") from error
    if not isinstance(answer, dict):
        raise WeatherSourceError(f"no JSON object, but {payload[:40]!r}")
    return answer


def number(value: object) -> float:
    """A number of the answer."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise WeatherSourceError(f"a value of {value!r}")
    return float(value)


def checked_stamp_s(seconds: object) -> int:
    """Whole POSIX seconds of this century."""
    if type(seconds) is not int or not EARLIEST_S <= seconds < LATEST_S:
        raise WeatherSourceError(f"a stamp of {seconds!r}")
    return seconds


def stamp_s(text: object) -> int:
    """POSIX seconds of an ISO 8601 stamp with its offset; a local time tells no moment."""
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        moment = None
    if moment is None:
        raise WeatherSourceError(f"a stamp of {text!r}")
    if moment.tzinfo is None:
        raise WeatherSourceError(f"a stamp of {text!r}, which tells no offset from UTC")
    return checked_stamp_s(int(moment.timestamp()))


def by_quarter_hours(spans: Iterable[Span]) -> Irradiance:
    """The means of those quarter hours that are told from start to end."""
    told_s: defaultdict[int, int] = defaultdict(int)
    summed: defaultdict[int, float] = defaultdict(float)
    for span in spans:
        _check(span)
        first_s = span.start_s - span.start_s % QUARTER_HOUR_S
        for quarter_s in range(first_s, span.end_s, QUARTER_HOUR_S):
            within_s = min(span.end_s, quarter_s + QUARTER_HOUR_S) - max(span.start_s, quarter_s)
            told_s[quarter_s] += within_s
            summed[quarter_s] += within_s * span.irradiance_w_per_m2
    if any(seconds > QUARTER_HOUR_S for seconds in told_s.values()):
        raise WeatherSourceError("values that overlap")
    found = {
        datetime.fromtimestamp(quarter_s, tz=UTC): round(summed[quarter_s] / seconds, DECIMALS)
        for quarter_s, seconds in sorted(told_s.items())
        if seconds == QUARTER_HOUR_S
    }
    if not found:
        raise WeatherSourceError("no values in the answer")
    return found


def _check(span: Span) -> None:
    if not 0.0 <= span.irradiance_w_per_m2 <= MOST_W_PER_M2:
        raise WeatherSourceError(
            f"a sun of {span.irradiance_w_per_m2:g} W/m²; from 0 to {MOST_W_PER_M2:g}"
        )
    if span.end_s <= span.start_s:
        raise WeatherSourceError(f"stamps repeat or run backwards at {span.end_s}")


def _refuse_constant(name: str) -> NoReturn:
    raise WeatherSourceError(f"a value of {name}")
