"""Calendars as they come: zones, whole days, series with exceptions, and what is no calendar."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from v2g_daemon.adapters.calendars.caldav import calendars_in, question
from v2g_daemon.adapters.calendars.translate import CalendarRules, Outings, outings
from v2g_daemon.domain.errors import DeviceProtocolError
from v2g_daemon.domain.needs import Distance, Energy, Need, Share

# A Thursday, 13:00 in Amsterdam.
NOW_UTC = datetime(2026, 3, 26, 12, 0, tzinfo=UTC)
RULES = CalendarRules(words=("car", "EV"), timezone="Europe/Amsterdam", all_day_from=time(7, 0))
FRIDAY = (
    "DTSTART;TZID=Europe/Amsterdam:20260327T080000\nDTEND;TZID=Europe/Amsterdam:20260327T170000"
)


def calendar(*events: str, head: str = "") -> bytes:
    """A calendar of these events; lines end as RFC 5545 has them."""
    bodies = "".join(f"BEGIN:VEVENT\n{event}\nEND:VEVENT\n" for event in events)
    text = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:test\n{head}{bodies}END:VCALENDAR\n"
    return text.replace("\n", "\r\n").encode()


def read(*events: str, head: str = "") -> Outings:
    return outings(calendar(*events, head=head), RULES, now_utc=NOW_UTC)


def leaves(*events: str, head: str = "") -> list[str]:
    """When each trip begins, as month-day hour:minute in UTC."""
    return [f"{one.leaves_utc:%m-%d %H:%M}" for one in read(*events, head=head).outings]


@pytest.mark.parametrize(
    ("times", "leaves_utc", "returns_utc"),
    [
        (FRIDAY, (27, 7, 0), (27, 16, 0)),
        ("DTSTART:20260327T080000Z\nDTEND:20260327T170000Z", (27, 8, 0), (27, 17, 0)),
        ("DTSTART:20260327T080000\nDURATION:PT90M", (27, 7, 0), (27, 8, 30)),
        ("DTSTART:20260327T080000Z", (27, 8, 0), None),
        ("DTSTART:20260327T080000Z\nDTEND:20260327T070000Z", (27, 8, 0), None),
        # Over the night in which summer time begins the return is at 07:00 of the wall clock.
        (
            "DTSTART;TZID=Europe/Amsterdam:20260328T220000\n"
            "DTEND;TZID=Europe/Amsterdam:20260329T070000",
            (28, 21, 0),
            (29, 5, 0),
        ),
        (
            "DTSTART;TZID=W. Europe Standard Time:20260327T080000\nDURATION:PT1H",
            (27, 7, 0),
            (27, 8, 0),
        ),
        # An unknown zone is the house's.
        ("DTSTART;TZID=Mars/Base:20260327T080000\nDURATION:PT1H", (27, 7, 0), (27, 8, 0)),
        # A whole day: from when the house leaves to its end.
        ("DTSTART;VALUE=DATE:20260327", (27, 6, 0), (27, 23, 0)),
        ("DTSTART;VALUE=DATE:20260327\nDTEND;VALUE=DATE:20260330", (27, 6, 0), (29, 22, 0)),
    ],
)
def test_an_event_is_a_trip_from_leaving_to_return(
    times: str, leaves_utc: tuple[int, int, int], returns_utc: tuple[int, int, int] | None
) -> None:
    (trip,) = read(f"UID:1\nSUMMARY:Car\n{times}").outings
    assert trip.leaves_utc == datetime(2026, 3, *leaves_utc, tzinfo=UTC)
    assert trip.returns_at_utc == (
        None if returns_utc is None else datetime(2026, 3, *returns_utc, tzinfo=UTC)
    )


def test_times_without_a_zone_are_the_calendars_own_where_it_says_so() -> None:
    event = "UID:1\nSUMMARY:car\nDTSTART:20260327T080000\nDURATION:PT1H"
    assert leaves(event, head="X-WR-TIMEZONE:Europe/Lisbon\n") == ["03-27 08:00"]
    assert leaves(event, head="X-WR-TIMEZONE:../etc/passwd\n") == ["03-27 07:00"]


@pytest.mark.parametrize(
    ("lines", "counts"),
    [
        ("SUMMARY:Car to Utrecht", True),
        ("SUMMARY:ev: dentist", True),
        ("SUMMARY:Carpet and evening", False),
        ("SUMMARY:Dentist\nCATEGORIES:Work,EV", True),
        ("SUMMARY:Dentist\nDESCRIPTION:by car", False),
        ("SUMMARY:Car\nSTATUS:CANCELLED", False),
        ("SUMMARY:Car\nSTATUS:TENTATIVE", True),
        ("DESCRIPTION:nothing", False),
    ],
)
def test_events_about_the_car_count(lines: str, counts: bool) -> None:
    assert len(leaves(f"UID:1\n{FRIDAY}\n{lines}")) == counts


@pytest.mark.parametrize(
    ("lines", "needs"),
    [
        ("SUMMARY:car", ()),
        ("SUMMARY:EV 80 %", (Share(soc=0.8),)),
        ("SUMMARY:EV 80%\\, 150 km", (Share(soc=0.8), Distance(distance_km=150.0))),
        ("SUMMARY:EV\nDESCRIPTION:about 20 kWh\\nback late", (Energy(energy_wh=20_000.0),)),
        ("SUMMARY:EV\nDESCRIPTION:as ever\\n90 %\\nback late", (Share(soc=0.9),)),
        ("SUMMARY:EV 80 %\nDESCRIPTION:20% discount on tyres", (Share(soc=0.8),)),
        ("SUMMARY:EV\nDESCRIPTION:20% off\\n90 %", (Share(soc=0.9),)),
    ],
)
def test_the_needs_stand_in_the_text(lines: str, needs: tuple[Need, ...]) -> None:
    (trip,) = read(f"UID:1\n{FRIDAY}\n{lines}").outings
    assert trip.needs == needs
    assert trip.doubts == ()


def test_per_cent_between_other_words_of_a_description_are_doubted_and_no_need() -> None:
    lines = "SUMMARY:EV service\nDESCRIPTION:20% discount on tyres"
    (trip,) = read(f"UID:1\n{FRIDAY}\n{lines}").outings
    assert trip.needs == ()
    assert trip.doubts == (
        "20 % between other words of a description is not taken for a need; write a need into the "
        "title, or on a line of its own",
    )


def test_a_number_that_can_be_read_in_two_ways_is_doubted_and_no_need() -> None:
    (trip,) = read(f"UID:1\n{FRIDAY}\nSUMMARY:EV Rome 1.200 km\nDESCRIPTION:20 kWh").outings
    assert trip.needs == (Energy(energy_wh=20_000.0),)
    (doubt,) = trip.doubts
    assert doubt.startswith('"1.200 km" can be read in two ways')


WEEKLY = (
    "UID:w\nSUMMARY:car\nDTSTART;TZID=Europe/Amsterdam:20250103T073000\n"
    "DTEND;TZID=Europe/Amsterdam:20250103T083000\n"
)


def test_a_series_keeps_its_wall_time_over_summer_time() -> None:
    assert leaves(f"{WEEKLY}RRULE:FREQ=WEEKLY;BYDAY=FR,SU,MO") == [
        "03-27 06:30",
        "03-29 05:30",
        "03-30 05:30",
        "04-03 05:30",
    ]


@pytest.mark.parametrize(
    ("rest", "found"),
    [
        ("RRULE:FREQ=WEEKLY;UNTIL=20260327T063000Z", ["03-27 06:30"]),
        ("RRULE:FREQ=WEEKLY;UNTIL=20260327T062959Z", []),
        ("RRULE:FREQ=WEEKLY;UNTIL=20260327", ["03-27 06:30"]),
        ("RRULE:FREQ=WEEKLY;COUNT=2", []),
        ("RRULE:FREQ=WEEKLY;INTERVAL=2", ["03-27 06:30"]),
        ("RRULE:FREQ=MONTHLY;BYDAY=-1FR", ["03-27 06:30"]),
        (
            "RRULE:FREQ=WEEKLY\nEXDATE;TZID=Europe/Amsterdam:20260327T073000",
            ["04-03 05:30"],
        ),
        ("RRULE:FREQ=WEEKLY\nEXDATE:20260327T063000Z,20260403T053000Z", []),
        ("RRULE:FREQ=WEEKLY\nEXDATE;VALUE=DATE:20260327", ["04-03 05:30"]),
        ("RDATE;TZID=Europe/Amsterdam:20260328T100000", ["03-28 09:00"]),
    ],
)
def test_a_series_ends_and_leaves_out_as_it_says(rest: str, found: list[str]) -> None:
    assert leaves(WEEKLY + rest) == found


def test_an_occurrence_that_was_moved_called_off_or_renamed_stands_for_itself() -> None:
    series = f"{WEEKLY}RRULE:FREQ=WEEKLY;BYDAY=FR,MO"
    moved = (
        "UID:w\nSUMMARY:car\nRECURRENCE-ID:20260327T063000Z\n"
        "DTSTART;TZID=Europe/Amsterdam:20260328T100000\nDURATION:PT1H"
    )
    off = (
        "UID:w\nSUMMARY:car\nSTATUS:CANCELLED\n"
        "RECURRENCE-ID;TZID=Europe/Amsterdam:20260330T073000\n"
        "DTSTART;TZID=Europe/Amsterdam:20260330T073000\nDURATION:PT1H"
    )
    renamed = (
        "UID:w\nSUMMARY:by train\nRECURRENCE-ID;TZID=Europe/Amsterdam:20260403T073000\n"
        "DTSTART;TZID=Europe/Amsterdam:20260403T073000\nDURATION:PT1H"
    )
    assert leaves(series, moved, off, renamed) == ["03-28 09:00"]


def test_whole_days_recur_and_are_left_out_by_their_date() -> None:
    days = "UID:d\nSUMMARY:EV\nDTSTART;VALUE=DATE:20260101\nRRULE:FREQ=WEEKLY;BYDAY=SA,SU\n"
    assert leaves(f"{days}EXDATE;VALUE=DATE:20260329") == ["03-28 06:00"]


def test_what_is_over_is_gone_and_what_is_under_way_is_not() -> None:
    over = "UID:1\nSUMMARY:car\nDTSTART:20260326T080000Z\nDTEND:20260326T120000Z"
    under_way = "UID:2\nSUMMARY:car\nDTSTART:20260320T080000Z\nDTEND:20260326T120001Z"
    far = "UID:3\nSUMMARY:car\nDTSTART:20260601T080000Z\nDURATION:PT1H"
    assert leaves(over, under_way, far) == ["03-20 08:00"]


@pytest.mark.parametrize(
    "odd",
    [
        "DTSTART:whenever",
        "DESCRIPTION:no start at all",
        "DTSTART:20260327T080000Z\nRRULE:FREQ=SECONDLY",
        "DTSTART:20260327T080000Z\nRRULE:FREQ=HOURLY;COUNT=3",
        "DTSTART:20260327T080000Z\nRRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "DTSTART:20260327T080000Z\nRRULE:COUNT=3",
        "DTSTART:20260327T080000Z\nRRULE:FREQ=YEARLY;INTERVAL=0",
        "DTSTART:20260327T080000Z\nDTEND:soon",
    ],
)
def test_an_odd_event_is_counted_and_takes_no_other_away(odd: str) -> None:
    found = read(f"UID:odd\nSUMMARY:car\n{odd}", f"UID:2\nSUMMARY:car\n{FRIDAY}")
    assert (len(found.outings), found.odd_count) == (1, 1)


@pytest.mark.parametrize(
    "data", [b"", b"<html></html>", b"\xff\xfe\x00", b"END:VCALENDAR", calendar()[:-10]]
)
def test_what_is_no_calendar_is_refused_and_empties_nothing(data: bytes) -> None:
    with pytest.raises(DeviceProtocolError, match="is no calendar"):
        outings(data, RULES, now_utc=NOW_UTC)


def test_an_empty_calendar_is_one() -> None:
    assert read() == Outings(outings=(), odd_count=0)


BASE = calendar(f"{WEEKLY}RRULE:FREQ=WEEKLY;BYDAY=FR\nEXDATE:20260327T063000Z")


@settings(max_examples=150)
@given(st.integers(0, len(BASE) - 1), st.binary(max_size=6), st.integers(0, 12))
@example(96, b"", 10)  # the time zone is "Europe", a folder
def test_no_bytes_do_more_than_be_refused(place: int, put: bytes, cut: int) -> None:
    try:
        found = outings(BASE[:place] + put + BASE[place + cut :], RULES, now_utc=NOW_UTC)
    except DeviceProtocolError:
        return
    assert all((one.returns_at_utc or one.leaves_utc) > NOW_UTC for one in found.outings)


# --- CalDAV


def multistatus(*calendars: str) -> bytes:
    items = "".join(
        f"<d:response><d:href>/{number}.ics</d:href><d:propstat><d:prop><c:calendar-data>"
        f"{one}</c:calendar-data></d:prop></d:propstat></d:response>"
        for number, one in enumerate(calendars)
    )
    return (
        '<?xml version="1.0"?><d:multistatus xmlns:d="DAV:" '
        f'xmlns:c="urn:ietf:params:xml:ns:caldav">{items}</d:multistatus>'
    ).encode()


def test_a_collections_answer_holds_a_calendar_for_each_event() -> None:
    two = [calendar(f"UID:{uid}\nSUMMARY:car\n{FRIDAY}").decode() for uid in (1, 2)]
    data = calendars_in(multistatus(*two))
    assert len(outings(data, RULES, now_utc=NOW_UTC).outings) == 2
    nothing = calendars_in(multistatus())
    found = outings(nothing, RULES, now_utc=NOW_UTC, may_be_empty=True)
    assert found == Outings(outings=(), odd_count=0)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"<html></html>", "is no answer of a CalDAV collection"),
        (b"nothing", "is no answer of a CalDAV collection"),
        (b"\xff\xfe", "is no answer of a CalDAV collection"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "declares a document type"),
    ],
)
def test_an_answer_that_is_none_is_refused(answer: bytes, said: str) -> None:
    with pytest.raises(DeviceProtocolError, match=said):
        calendars_in(answer)


def test_a_collection_is_asked_for_the_days_that_count() -> None:
    asked = question(NOW_UTC).decode()
    assert '<C:time-range start="20260123T120000Z" end="20260403T120000Z"/>' in asked
