"""A JSON answer -> whether the car is plugged in, by JSON pointers (RFC 6901); answers in a row.

Also how long a service asks to be left alone (RFC 9110, Retry-After).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isfinite

from v2g_daemon.domain.errors import DeviceProtocolError
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.json_pointer import pointed_at
from v2g_daemon.domain.vehicle import VehicleFeedStatus

Word = bool | int | str
# 2000-01-01 and 2100-01-01; beyond it a number of seconds is one of milliseconds.
EARLIEST_S, LATEST_S = 946_684_800.0, 4_102_444_800.0
AHEAD_S = 120.0  # a cloud's clock may be as far ahead of ours
LONGEST_REST_S = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointers:
    """Where the values stand, and the words for both states; any other word tells nothing.

    `observed_at`: a time with its offset, or seconds or milliseconds since 1970; None: not told.
    """

    plugged_in: str
    plugged_in_when: tuple[Word, ...] = (True,)
    unplugged_when: tuple[Word, ...] = (False,)
    observed_at: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One answer: asked at `asked_at`, of when the car was so at `observed_at`."""

    plugged_in: bool
    observed_at: Instant
    asked_at: Instant


def told(answer: bytes, *, pointers: Pointers, asked_at: Instant) -> Told:
    """One answer; raises DeviceProtocolError where it tells neither plugged in nor unplugged."""
    try:
        document = json.loads(answer)
    except (ValueError, RecursionError) as error:
        raise DeviceProtocolError("the answer is no JSON") from error
    word = pointed_at(document, pointers.plugged_in)
    return Told(
        plugged_in=_plugged_in(word, pointers),
        observed_at=asked_at
        if pointers.observed_at is None
        else _observed_at(
            pointed_at(document, pointers.observed_at), pointers.observed_at, asked_at
        ),
        asked_at=asked_at,
    )


def followed(before: VehicleFeedStatus, news: Told) -> VehicleFeedStatus:
    """The status with one more answer; one that is older than what is known says nothing new."""
    known_at = before.observed_at
    if known_at is not None and news.observed_at.seconds_since(known_at) < 0.0:
        return replace(before, asked_at=news.asked_at, trouble=None)
    since, opposite_at = before.since, before.opposite_at
    if before.plugged_in is not None and before.plugged_in is not news.plugged_in:
        since, opposite_at = news.observed_at, before.asked_at
    return VehicleFeedStatus(
        vehicle_id=before.vehicle_id,
        plugged_in=news.plugged_in,
        observed_at=news.observed_at,
        asked_at=news.asked_at,
        since=since,
        opposite_at=opposite_at,
    )


def retry_after_s(header: str | None, *, date: str | None, now_utc: datetime) -> float | None:
    """The seconds to leave a service alone; None where it does not say, a day at most.

    A time is compared with the service's own clock, where the answer tells it.
    """
    if header is None:
        return None
    if header.strip().isdecimal():
        return min(float(header), LONGEST_REST_S)
    until_utc, told_utc = _http_date(header), None if date is None else _http_date(date)
    if until_utc is None:
        return None
    rest_s = (until_utc - (told_utc or now_utc)).total_seconds()
    return min(max(rest_s, 0.0), LONGEST_REST_S)


def _plugged_in(word: object, pointers: Pointers) -> bool:
    if _is_one_of(word, pointers.plugged_in_when):
        return True
    if _is_one_of(word, pointers.unplugged_when):
        return False
    if word is None:
        raise DeviceProtocolError(f"there is nothing at {pointers.plugged_in}")
    raise DeviceProtocolError(
        f"{str(word)[:40]!r} at {pointers.plugged_in} is neither plugged_in_when nor unplugged_when"
    )


def _is_one_of(word: object, words: tuple[Word, ...]) -> bool:
    """Exactly, but for the case of letters; true is no 1."""
    if isinstance(word, str):
        return any(isinstance(one, str) and one.casefold() == word.casefold() for one in words)
    return any(type(one) is type(word) and one == word for one in words)


def _observed_at(stamp: object, pointer: str, asked_at: Instant) -> Instant:
    """When the car was so, on both clocks; a little ahead of ours is now."""
    told_utc = _time_utc(stamp)
    if told_utc is None:
        raise DeviceProtocolError(f"there is no time at {pointer}")
    ahead_s = (told_utc - asked_at.utc).total_seconds()
    if ahead_s > AHEAD_S:
        raise DeviceProtocolError(f"the time at {pointer} lies {ahead_s:.0f} s ahead")
    return asked_at.later(min(ahead_s, 0.0))


def _time_utc(stamp: object) -> datetime | None:
    """A time with its offset, or seconds or milliseconds since 1970."""
    if isinstance(stamp, str) and not stamp.replace(".", "", 1).isdecimal():
        try:
            found = datetime.fromisoformat(stamp)
        except ValueError:
            return None
        return None if found.tzinfo is None else found.astimezone(UTC)
    if isinstance(stamp, bool) or not isinstance(stamp, int | float | str):
        return None
    try:
        seconds_s = float(stamp)
    except OverflowError:
        return None
    if seconds_s > LATEST_S:
        seconds_s /= 1000.0
    if not isfinite(seconds_s) or not EARLIEST_S <= seconds_s <= LATEST_S:
        return None
    return datetime.fromtimestamp(seconds_s, UTC)


def _http_date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (TypeError, ValueError, OverflowError):
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
