"""A calendar's bytes to the trips that it speaks of (RFC 5545); pure.

Events recur by the wall clock of their own zone. Times without a zone are the calendar's
(X-WR-TIMEZONE), else the house's; whole days begin when the house says that it leaves.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr
from icalendar import Calendar

from v2g_daemon.domain.errors import DeviceProtocolError
from v2g_daemon.domain.needs import Need, Share, Unclear, needs_in, says_only_needs

# A trip that began longer ago is not looked for.
LOOK_BACK = timedelta(days=62)
LOOK_AHEAD = timedelta(days=8)
MOST_OUTINGS = 100
MOST_RECURRENCES = 40_000  # daily since 1915
LONGEST_TEXT = 2000
# No car leaves every hour, and a rule of seconds could be searched for ever.
RECURS = frozenset({"DAILY", "WEEKLY", "MONTHLY", "YEARLY"})
# Beside days or weeks these may never come true, and each day to the end of time would be tried.
SEARCHED = frozenset({"BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYSETPOS"})

_Event = Mapping[str, Any]

# What the library raises for an event that it cannot make sense of. An OSError is a time zone that
# is the name of a folder of zones, such as "Europe".
_ODD = (ValueError, KeyError, TypeError, AttributeError, OverflowError, OSError)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarRules:
    """Which events count: one of the words stands in the title, or is a category."""

    words: tuple[str, ...]
    timezone: str
    all_day_from: time


@dataclass(frozen=True, slots=True, kw_only=True)
class Outing:
    """One trip of an event: from leaving to return, and the needs in its text, as they stand.

    `doubts` say what of the text may be meant as a need and is not taken for one.
    """

    leaves_utc: datetime
    returns_at_utc: datetime | None
    needs: tuple[Need, ...]
    doubts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outings:
    """What a calendar speaks of, in time order; `odd_count` events could not be understood."""

    outings: tuple[Outing, ...]
    odd_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """Where and when an event is looked at."""

    rules: CalendarRules
    zone: tzinfo
    from_utc: datetime
    until_utc: datetime


def outings(
    data: bytes, rules: CalendarRules, *, now_utc: datetime, may_be_empty: bool = False
) -> Outings:
    """The trips of the days ahead, and those under way; raises DeviceProtocolError.

    Something without any calendar in it is an error, unless it `may_be_empty`.
    """
    try:
        calendars = Calendar.from_ical(data, multiple=True)
    except _ODD as error:
        raise DeviceProtocolError("is no calendar (RFC 5545)") from error
    whole = data.rstrip().upper().endswith(b"END:VCALENDAR")
    if not (whole or (may_be_empty and not data.strip())):
        raise DeviceProtocolError("is no calendar (RFC 5545), or was cut off")
    found: list[Outing] = []
    odd_count = 0
    for calendar in calendars:
        frame = _Frame(
            rules=rules,
            zone=_zone_of(calendar, rules),
            from_utc=now_utc - LOOK_BACK,
            until_utc=now_utc + LOOK_AHEAD,
        )
        for series in _series(calendar.walk("VEVENT")):
            try:
                found += _outings_of(series, frame)
            except _ODD:
                odd_count += 1
    ahead = (one for one in found if (one.returns_at_utc or one.leaves_utc) > now_utc)
    in_order = sorted(ahead, key=lambda one: one.leaves_utc)
    return Outings(outings=tuple(in_order[:MOST_OUTINGS]), odd_count=odd_count)


def _zone_of(calendar: Mapping[str, Any], rules: CalendarRules) -> tzinfo:
    """The zone of times without any."""
    try:
        return ZoneInfo(str(calendar["X-WR-TIMEZONE"]))
    except (KeyError, ValueError, OSError):  # none, or none that is known
        return ZoneInfo(rules.timezone)


def _series(events: Iterable[Any]) -> Iterator[list[_Event]]:
    """The events of one UID together: a series and those of its occurrences that differ."""
    by_uid: dict[str, list[_Event]] = {}
    for number, event in enumerate(events):
        by_uid.setdefault(str(event.get("UID", f"none {number}")), []).append(event)
    yield from by_uid.values()


def _outings_of(series: list[_Event], frame: _Frame) -> list[Outing]:
    """The trips of a series; an occurrence that differs stands for itself."""
    found: list[Outing] = []
    replaced = {
        _key(event["RECURRENCE-ID"].dt, frame.zone) for event in series if "RECURRENCE-ID" in event
    }
    for event in series:
        if not _counts(event, frame.rules):
            continue
        start = event["DTSTART"].dt
        left_out = set() if "RECURRENCE-ID" in event else replaced
        for wall in _starts(event, start, frame, left_out):
            outing = _outing(event, start, wall, frame)
            if frame.from_utc <= outing.leaves_utc <= frame.until_utc:
                found.append(outing)
    return found


def _counts(event: _Event, rules: CalendarRules) -> bool:
    """Whether it is about the car, and was not called off."""
    if str(event.get("STATUS", "")).upper() == "CANCELLED":
        return False
    title = str(event.get("SUMMARY", ""))
    categories = {
        str(one).casefold() for group in _listed(event.get("CATEGORIES")) for one in group.cats
    }
    return any(
        word.casefold() in categories
        or re.search(rf"(?<!\w){re.escape(word)}(?!\w)", title, re.IGNORECASE) is not None
        for word in rules.words
    )


def _starts(
    event: _Event, start: date, frame: _Frame, left_out: set[date | datetime]
) -> Iterator[datetime]:
    """When the event begins, each time, by its own wall clock."""
    zone, first = _zone(start, frame.zone), _wall(start)
    last = frame.until_utc.astimezone(zone).replace(tzinfo=None)
    walls = set() if "RRULE" in event else {first}
    for rule in _listed(event.get("RRULE")):
        walls.update(_recurrences(rule, first, zone, last))
    extra = (one.dt for dates in _listed(event.get("RDATE")) for one in dates.dts)
    walls.update(_wall(one[0] if isinstance(one, tuple) else one, zone) for one in extra)
    left_out = left_out | {
        _key(one.dt, zone) for dates in _listed(event.get("EXDATE")) for one in dates.dts
    }
    for wall in sorted(walls):
        if (
            wall.date() not in left_out
            and wall.replace(tzinfo=zone).astimezone(UTC) not in left_out
        ):
            yield wall


def _recurrences(
    rule: Mapping[str, Any], first: datetime, zone: tzinfo, last: datetime
) -> Iterator[datetime]:
    """Up to `last`; ValueError for a rule that no trip follows."""
    parts = {name.upper(): value for name, value in rule.items()}
    frequency = str(parts["FREQ"][0]).upper()
    if frequency not in RECURS:
        raise ValueError("no trip recurs within a day")
    if any(int(each) < 1 for each in _listed(parts.get("INTERVAL"))):
        raise ValueError("an interval of nothing")
    if frequency in ("DAILY", "WEEKLY") and not SEARCHED.isdisjoint(parts):
        raise ValueError("no trip recurs on days that are to be searched")
    for until in parts.pop("UNTIL", ()):
        ends = datetime.combine(until, time.max) if type(until) is date else _wall(until, zone)
        last = min(last, ends)
    text = ";".join(
        f"{name}={','.join(str(one) for one in _listed(value))}" for name, value in parts.items()
    )
    for wall in islice(rrulestr(text, dtstart=first), MOST_RECURRENCES):
        if wall > last:
            return
        yield wall


def _outing(event: _Event, start: date, wall: datetime, frame: _Frame) -> Outing:
    zone = _zone(start, frame.zone)
    length = _length(event, start, zone)
    leaves = (
        wall if isinstance(start, datetime) else datetime.combine(wall, frame.rules.all_day_from)
    )
    needs, doubts = _said(event)
    return Outing(
        leaves_utc=leaves.replace(tzinfo=zone).astimezone(UTC),
        returns_at_utc=None
        if length is None
        else (wall + length).replace(tzinfo=zone).astimezone(UTC),
        needs=needs,
        doubts=doubts,
    )


def _said(event: _Event) -> tuple[tuple[Need, ...], tuple[str, ...]]:
    """The needs in title and description, and the doubts about what may be meant as one.

    Between other words of a description per cent are anything, such as a discount: they are doubted
    where nothing else says the need.
    """
    title, description = (
        str(event.get(name, ""))[:LONGEST_TEXT] for name in ("SUMMARY", "DESCRIPTION")
    )
    found, beside = [*needs_in(title)], list[str]()
    for line in description.splitlines():
        only_needs = says_only_needs(line)
        for one in needs_in(line):
            if isinstance(one, Share) and not only_needs:
                beside.append(_beside_words(one))
            else:
                found.append(one)
    needs = tuple(one for one in found if not isinstance(one, Unclear))
    unclear = [one.why for one in found if isinstance(one, Unclear)]
    return needs, tuple(unclear if needs else unclear + beside)


def _beside_words(share: Share) -> str:
    return (
        f"{share.soc * 100.0:g} % between other words of a description is not taken for a need; "
        "write a need into the title, or on a line of its own"
    )


def _length(event: _Event, start: date, zone: tzinfo) -> timedelta | None:
    """How long by the wall clock; None where the return is not told."""
    if "DTEND" in event:
        length = _wall(event["DTEND"].dt, zone) - _wall(start)
    elif "DURATION" in event:
        length = timedelta(0) + event["DURATION"].dt
    else:
        length = timedelta(0) if isinstance(start, datetime) else timedelta(days=1)
    return length if length > timedelta(0) else None


def _zone(start: date, of_calendar: tzinfo) -> tzinfo:
    """The zone in which an event is told."""
    told = start.tzinfo if isinstance(start, datetime) else None
    return of_calendar if told is None else told


def _wall(moment: date, zone: tzinfo | None = None) -> datetime:
    """The wall time of a moment, in its own zone or in that; a day begins at midnight."""
    if not isinstance(moment, datetime):
        return datetime.combine(moment, time(0))
    if zone is not None and moment.tzinfo is not None:
        moment = moment.astimezone(zone)
    return moment.replace(tzinfo=None)


def _key(moment: date, zone: tzinfo) -> date | datetime:
    """By which an occurrence is named: a day, or a moment in UTC."""
    if not isinstance(moment, datetime):
        return moment
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)).astimezone(UTC)


def _listed(value: Any) -> list[Any]:
    """A property that stands once, several times or not at all."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
