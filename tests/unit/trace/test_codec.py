"""The lines of a trace."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.builders import a_feed, a_sun, an_unplugged_feed
from tests.unit.trace.house import START, House, recorded_house
from v2g_daemon.domain.memory import Memory
from v2g_daemon.domain.prices import PriceCurve
from v2g_daemon.trace.codec import Header, MemoryBefore, Tick, TraceEncoder, decode_trace
from v2g_daemon.trace.json_form import TraceError

VERSIONS = {"v2g-daemon": "0.1.0"}


@pytest.fixture
def house() -> House:
    return recorded_house()


@pytest.fixture
def encoder() -> TraceEncoder:
    return TraceEncoder(versions=VERSIONS)


def lines_of(encoder: TraceEncoder, house: House) -> list[bytes]:
    """One tick that leaves the memory as it was."""
    return encoder.lines(
        house.snapshot,
        house.decision,
        policy=house.policy,
        memory=house.memory,
        memory_after=house.memory,
    )


def kinds(lines: list[bytes]) -> list[str]:
    """What each line is, in a word."""
    parsed = [json.loads(line) for line in lines]
    return [f"put {one['put']}" if "put" in one else next(iter(one)) for one in parsed]


def later(house: House, seconds_s: float) -> House:
    """The same house some seconds on; all else is the same objects."""
    now = house.snapshot.now.later(seconds_s)
    return replace(house, snapshot=replace(house.snapshot, now=now))


def test_the_first_tick_brings_header_policy_memory_and_all_it_refers_to(
    house: House, encoder: TraceEncoder
) -> None:
    lines = lines_of(encoder, house)
    assert kinds(lines) == [
        "trace", "put policy", "memory", "put prices", "put plan", "put goals",
        "put commissioning", "snapshot",
    ]  # fmt: skip
    assert lines[0] == b'{"trace":1,"versions":{"v2g-daemon":"0.1.0"}}'


def test_a_house_without_a_weather_service_has_no_word_of_it(
    house: House, encoder: TraceEncoder
) -> None:
    assert b'"sun"' not in lines_of(encoder, house)[-1]


def test_what_a_weather_service_told_is_written_once_and_comes_back(
    house: House, encoder: TraceEncoder
) -> None:
    sun = a_sun(irradiance_w_per_m2=(400.0, None, 0.0))
    sunny = replace(house, snapshot=replace(house.snapshot, sun=sun))
    lines = lines_of(encoder, sunny)
    assert b'"irradiance_w_per_m2":[400.0,null,0.0]' in lines[kinds(lines).index("put sun")]
    lines += lines_of(encoder, later(sunny, 1.0))
    assert kinds(lines)[-2:] == ["snapshot", "snapshot"]
    ticks = [record for record in decode_trace(lines) if isinstance(record, Tick)]
    assert [tick.snapshot.sun for tick in ticks] == [sun, sun]


def test_the_next_tick_is_one_line(house: House, encoder: TraceEncoder) -> None:
    lines_of(encoder, house)
    assert kinds(lines_of(encoder, later(house, 1.0))) == ["snapshot"]


def test_an_equal_thing_is_not_written_again(house: House, encoder: TraceEncoder) -> None:
    lines_of(encoder, house)
    snapshot = replace(house.snapshot, goals=tuple(replace(one) for one in house.snapshot.goals))
    assert snapshot.goals[0] is not house.snapshot.goals[0]
    assert kinds(lines_of(encoder, replace(house, snapshot=snapshot))) == ["snapshot"]


def test_a_thing_that_comes_back_is_not_written_again(house: House, encoder: TraceEncoder) -> None:
    lines_of(encoder, house)
    without = replace(house, snapshot=replace(house.snapshot, plans=(), prices=None))
    assert kinds(lines_of(encoder, without)) == ["snapshot"]
    assert kinds(lines_of(encoder, house)) == ["snapshot"]


def test_a_changed_policy_is_written_before_its_tick(house: House, encoder: TraceEncoder) -> None:
    lines_of(encoder, house)
    changed = replace(house, policy=replace(house.policy, commute_margin_fraction=0.2))
    assert kinds(lines_of(encoder, changed)) == ["put policy", "snapshot"]


def test_memory_that_decide_itself_left_is_not_written(house: House, encoder: TraceEncoder) -> None:
    encoder.lines(
        house.snapshot,
        house.decision,
        policy=house.policy,
        memory=Memory(),
        memory_after=house.memory,
    )
    assert kinds(lines_of(encoder, later(house, 1.0))) == ["snapshot"]


def test_memory_changed_from_outside_is_written(house: House, encoder: TraceEncoder) -> None:
    lines_of(encoder, house)
    changed = replace(house, memory=Memory(meter_good_since=START))
    lines = lines_of(encoder, changed)
    assert kinds(lines) == ["memory", "snapshot"]
    assert b'"meter_good_since":["2024-12-11T16:30:00.000000Z",100.25]' in lines[0]


def test_a_new_utc_day_starts_a_file_that_reads_alone(house: House, encoder: TraceEncoder) -> None:
    lines_of(encoder, house)
    next_day = later(house, 8 * 3600.0)
    records = list(decode_trace(lines_of(encoder, next_day)))
    assert records == [
        Header(trace=1, versions=VERSIONS),
        MemoryBefore(memory=house.memory),
        Tick(policy=house.policy, snapshot=next_day.snapshot, decision=house.decision),
    ]


def test_the_ticks_come_back_as_they_were(house: House, encoder: TraceEncoder) -> None:
    houses = [house, later(house, 1.0), later(house, 2.0)]
    lines = [line for one in houses for line in lines_of(encoder, one)]
    ticks = [record for record in decode_trace(lines) if isinstance(record, Tick)]
    assert [tick.snapshot for tick in ticks] == [one.snapshot for one in houses]
    assert ticks[0].snapshot.prices is ticks[2].snapshot.prices


def test_a_trace_of_before_a_field_came_is_read_with_its_default(
    house: House, encoder: TraceEncoder
) -> None:
    lines = lines_of(encoder, house)
    tick = json.loads(lines[-1])
    assert tick["snapshot"].pop("vehicle_feeds") == []
    older = [*lines[:-1], json.dumps(tick).encode()]
    *_, read = decode_trace(older)
    assert isinstance(read, Tick)
    assert read.snapshot == house.snapshot


def test_a_trace_of_before_there_were_grid_programs_has_a_car_without_any(
    house: House, encoder: TraceEncoder
) -> None:
    lines = [json.loads(line) for line in lines_of(encoder, house)]
    (policy,) = (line["value"] for line in lines if line.get("put") == "policy")
    for car in policy["vehicles"]:
        assert (car.pop("commitments"), car.pop("availability")) == ([], [])
    *_, read = decode_trace([json.dumps(line).encode() for line in lines])
    assert isinstance(read, Tick)
    assert read.policy == house.policy


def test_what_the_cars_clouds_told_comes_back_as_it_was(
    house: House, encoder: TraceEncoder
) -> None:
    feeds = (a_feed("car"), an_unplugged_feed("van", trouble="https://c.example does not answer"))
    told = replace(house, snapshot=replace(house.snapshot, vehicle_feeds=feeds))
    *_, read = decode_trace(lines_of(encoder, told))
    assert isinstance(read, Tick)
    assert read.snapshot.vehicle_feeds == feeds


def edited(lines: list[bytes], index: int, old: bytes, new: bytes) -> list[bytes]:
    """The lines with one text replaced in one of them."""
    assert old in lines[index]
    return [*lines[:index], lines[index].replace(old, new), *lines[index + 1 :]]


@pytest.mark.parametrize(
    ("index", "old", "new", "said"),
    [
        (0, b'"trace":1', b'"trace":2', "line 1: trace format 2; this version reads 1"),
        (0, b'"trace"', b'"track"', "line 1: a trace starts with its header"),
        (1, b'"put":"policy"', b'"put":"poem"', "line 2: no known kind of thing: 'poem'"),
        (2, b'"memory"', b'"memoir"', "line 3: no known kind of line"),
        (3, b'"import_per_kwh":0.91', b'"import_per_kwh":"x"', r"line 4: .*import_per_kwh"),
        (7, b'"soc_sigma"', b'"sigma"', "line 8: .*sigma"),
        (7, b'"clock_trusted":true,', b"", "line 8: snapshot"),
        (7, b'"policy":"', b'"policy":"f', "line 8: policy 'f.*' was never put"),
        (7, b'"plans":["', b'"plans":["f', "line 8: plan 'f.*' was never put"),
        (7, b'"plans":[', b'"plans":{},"x":[', "line 8: snapshot"),
    ],
)
def test_a_damaged_trace_is_refused_by_line(
    house: House, encoder: TraceEncoder, index: int, old: bytes, new: bytes, said: str
) -> None:
    lines = edited(lines_of(encoder, house), index, old, new)
    with pytest.raises(TraceError, match=said):
        list(decode_trace(lines))


def test_a_line_that_is_no_object_is_refused() -> None:
    with pytest.raises(TraceError, match="line 1: not a JSON object"):
        list(decode_trace([b"[]"]))


def test_a_price_curve_that_cannot_be_written_is_an_error_and_not_a_line(
    house: House, encoder: TraceEncoder
) -> None:
    assert house.snapshot.prices is not None
    slot = replace(house.snapshot.prices.slots[0], import_per_kwh=float("nan"))
    broken = replace(house.snapshot, prices=PriceCurve(currency="EUR", slots=(slot,)))
    with pytest.raises(TraceError, match="prices cannot be written: NaN"):
        lines_of(encoder, replace(house, snapshot=broken))
