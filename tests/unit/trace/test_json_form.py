"""The JSON form: exact, strict, and readable by hand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from math import copysign, inf, nan

import pytest

from tests.unit.trace.house import REASON, START
from v2g_daemon.domain.goals import DepartureGoal
from v2g_daemon.domain.power import PowerRange
from v2g_daemon.domain.setpoint import Command, HandsOff, Limit, Setpoint
from v2g_daemon.trace.json_form import CONVERTER, TraceError, dump, parse, structure, unstructure


def written(command: Command) -> object:
    """A command as a field of type Command is written."""
    return CONVERTER.unstructure(command, unstructure_as=Command)


def read_command(text: bytes) -> Command:
    """A command as a field of type Command is read, inside a one-element tuple."""
    return structure(parse(b"[" + text + b"]"), tuple[Command, ...])[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One field of every plain kind."""

    power_w: float
    steps_count: int
    name: str
    plugged_in: bool
    day: date
    wall: time
    length: timedelta
    soc: float | None
    rows: tuple[tuple[float, ...], ...]


SAMPLE = Sample(
    power_w=0.1,
    steps_count=7,
    name="Zo\u00eb",
    plugged_in=True,
    day=date(2024, 12, 11),
    wall=time(7, 30),
    length=timedelta(seconds=1, microseconds=5),
    soc=None,
    rows=((1.5, inf), ()),
)
SAMPLE_TEXT = (
    b'{"power_w":0.1,"steps_count":7,"name":"Zo\\u00eb","plugged_in":true,"day":"2024-12-11",'
    b'"wall":"07:30:00","length":1000005,"soc":null,"rows":[[1.5,"inf"],[]]}'
)


def test_plain_kinds_are_written_as_the_format_says() -> None:
    assert dump(unstructure(SAMPLE, Sample)) == SAMPLE_TEXT


def test_plain_kinds_are_read_back() -> None:
    assert structure(parse(SAMPLE_TEXT), Sample) == SAMPLE


def test_an_instant_is_a_pair_of_utc_and_monotonic_seconds() -> None:
    assert dump(unstructure(START, type(START))) == b'["2024-12-11T16:30:00.000000Z",100.25]'


def test_a_time_in_another_zone_is_written_in_utc() -> None:
    amsterdam_winter = timezone(timedelta(hours=1))
    goal = DepartureGoal(ready_by_utc=datetime(2024, 12, 12, 7, 30, tzinfo=amsterdam_winter))
    assert b'"ready_by_utc":"2024-12-12T06:30:00.000000Z"' in dump(unstructure(goal, DepartureGoal))


def test_a_time_without_a_zone_is_refused() -> None:
    goal = DepartureGoal(ready_by_utc=datetime(2024, 12, 12, 7, 30))  # noqa: DTZ001
    with pytest.raises(TraceError, match="has no time zone"):
        unstructure(goal, DepartureGoal)


def test_a_command_says_its_type() -> None:
    hands_off = HandsOff(permitted=PowerRange(lowest_w=-inf, highest_w=0.0), reason=REASON)
    assert dump(written(hands_off)) == (
        b'{"type":"hands_off","permitted":{"lowest_w":"-inf","highest_w":0.0},'
        b'"reason":{"authority":2,"rule":"plan","detail":"0.873 per kWh is worth it"}}'
    )


def test_both_commands_are_read_back_as_themselves() -> None:
    permitted = PowerRange(lowest_w=-10.0, highest_w=10.0)
    commands: list[Command] = [
        HandsOff(permitted=permitted, reason=REASON),
        Setpoint(
            target_w=-5.0,
            permitted=permitted,
            reason=REASON,
            issued_at=START,
            expires_at=START.later(90.0),
        ),
    ]
    read = [read_command(dump(written(command))) for command in commands]
    assert read == commands


@pytest.mark.parametrize(
    "value_w", [0.1 + 0.2, 5e-324, 1.7976931348623157e308, 1e22, -7400.000000000001]
)
def test_a_float_keeps_every_bit(value_w: float) -> None:
    assert structure(parse(dump(unstructure(value_w, float))), float) == value_w


def test_minus_zero_keeps_its_sign() -> None:
    read = structure(parse(dump(unstructure(-0.0, float))), float)
    assert copysign(1.0, read) == -1.0


def test_nan_is_neither_written_nor_read() -> None:
    with pytest.raises(TraceError, match="NaN"):
        unstructure(nan, float)
    with pytest.raises(TraceError, match="NaN"):
        parse(b'{"power_w":NaN}')


@pytest.mark.parametrize("text", [b"{", b"", b"[1e999]", b"\xff", b"Infinity", b"[" * 100_000])
def test_what_is_no_array_of_numbers_is_refused(text: bytes) -> None:
    with pytest.raises(TraceError):
        structure(parse(text), tuple[float, ...])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b'"steps_count":7', b'"steps_count":7.0', "steps_count"),
        (b'"steps_count":7', b'"steps_count":true', "steps_count"),
        (b'"power_w":0.1', b'"power_w":"0.1"', "power_w"),
        (b'"power_w":0.1', b'"power_w":true', "power_w"),
        (b'"power_w":0.1', b'"power_w":null', "power_w"),
        (b'"plugged_in":true', b'"plugged_in":1', "plugged_in"),
        (b'"name":"Zo\\u00eb"', b'"name":null', "name"),
        (b'"day":"2024-12-11"', b'"day":"11.12.2024"', "day"),
        (b'"wall":"07:30:00"', b'"wall":"07:30:00+01:00"', "wall"),
        (b'"rows":[[1.5,"inf"],[]]', b'"rows":["x"]', "rows"),
        (b'"rows":[[1.5,"inf"],[]]', b'"rows":"ab"', "rows"),
        (b'"soc":null', b'"soc":null,"sco":0.5', "sco"),
        (b'"soc":null,', b"", "soc"),
    ],
)
def test_a_wrong_type_or_key_is_refused_by_name(old: bytes, new: bytes, said: str) -> None:
    assert old in SAMPLE_TEXT
    with pytest.raises(TraceError, match=said):
        structure(parse(SAMPLE_TEXT.replace(old, new)), Sample)


@pytest.mark.parametrize(
    "text", [b'{"type":"nudge"}', b'{"permitted":1}', b"[]", b'{"type":["setpoint"]}']
)
def test_an_unknown_command_is_refused(text: bytes) -> None:
    with pytest.raises(TraceError):
        read_command(text)


def test_what_a_domain_type_refuses_is_refused_here() -> None:
    text = (
        b'{"permitted":{"lowest_w":5.0,"highest_w":9.0},'
        b'"reason":{"authority":8,"rule":"r","detail":"d"}}'
    )
    with pytest.raises(TraceError, match="does not contain 0 W"):
        structure(parse(text), Limit)


def test_a_utc_time_needs_its_z() -> None:
    with pytest.raises(TraceError, match="ending in Z"):
        structure("2024-12-11T16:30:00+00:00", datetime)
    assert structure("2024-12-11T16:30:00Z", datetime) == datetime(2024, 12, 11, 16, 30, tzinfo=UTC)
