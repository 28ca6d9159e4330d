"""Whatever the house may hold survives pipe and trace to the last bit.

The values come from a seeded generator that follows the types: a snapshot drawn leaf by leaf
through hypothesis takes a second each, and nothing here is found by shrinking.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from math import inf
from random import Random
from typing import Any, get_args, get_origin, get_type_hints

from hypothesis import given, settings
from hypothesis import strategies as st

from v2g_daemon.domain.decision import Decision
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.interval import Interval, quarter_hour_start
from v2g_daemon.domain.memory import Memory
from v2g_daemon.domain.outlook import Outlook, OutlookStep
from v2g_daemon.domain.plan import Plan, PlanProblem, ValueFunction
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.power import PowerRange
from v2g_daemon.domain.prices import PriceCurve, PriceSlot
from v2g_daemon.domain.setpoint import Reason, Setpoint
from v2g_daemon.domain.snapshot import Snapshot
from v2g_daemon.domain.sun import SunForecast
from v2g_daemon.trace.codec import MemoryBefore, Tick, TraceEncoder, decode_trace
from v2g_daemon.trace.pipe import decode_plan, decode_problem, encode_plan, encode_problem

ODD_FLOATS = (0.0, -0.0, 5e-324, 1.7976931348623157e308, 0.1, 1e22, inf, -inf)
ODD_TEXTS = ("", "garage", "Zo\u00eb", '"\\\n\x00', "\u2028", "\U0001f697", "\ud800")


def a_float(rng: Random) -> float:
    return rng.choice([rng.choice(ODD_FLOATS), rng.uniform(-1e4, 1e4), rng.gauss(0.0, 1e-9)])


def a_moment(rng: Random) -> datetime:
    return datetime(2001, 1, 1, tzinfo=UTC) + timedelta(microseconds=rng.randrange(10**15))


def an_instant(rng: Random) -> Instant:
    return Instant(utc=a_moment(rng), monotonic_s=rng.uniform(-1e6, 1e6))


def an_interval(rng: Random) -> Interval:
    start = a_moment(rng)
    return Interval(start_utc=start, end_utc=start + timedelta(microseconds=rng.randint(1, 10**11)))


def a_range(rng: Random) -> PowerRange:
    return PowerRange(
        lowest_w=rng.choice([-inf, -0.0, rng.uniform(-1e5, 0.0)]),
        highest_w=rng.choice([inf, 0.0, rng.uniform(0.0, 1e5)]),
    )


def a_curve(rng: Random) -> PriceCurve:
    start, quarter = a_moment(rng), timedelta(minutes=15)
    slots = tuple(
        PriceSlot(
            interval=Interval(start_utc=start + k * quarter, end_utc=start + (k + 1) * quarter),
            import_per_kwh=a_float(rng),
            export_per_kwh=a_float(rng),
        )
        for k in range(rng.randrange(4))
    )
    return PriceCurve(currency=rng.choice(ODD_TEXTS), slots=slots)


def a_value(rng: Random) -> ValueFunction:
    steps, points = rng.randrange(4), rng.randrange(4)
    return ValueFunction(
        start_utc=a_moment(rng),
        step_s=tuple(rng.randrange(1, 3600) for _ in range(steps)),
        soc_grid=tuple(point / 8.0 for point in range(points)),
        rows=tuple(tuple(a_float(rng) for _ in range(points)) for _ in range(steps + 1)),
    )


def an_outlook(rng: Random) -> Outlook:
    start, hour = a_moment(rng), timedelta(hours=1)
    steps = tuple(
        OutlookStep(starts_at_utc=start + k * hour, limit_w=rng.choice([0.0, 4140.0, 1e-9]))
        for k in range(rng.randint(1, 4))
    )
    return Outlook(steps=steps, ends_at_utc=start + 4 * hour)


def a_setpoint(rng: Random) -> Setpoint:
    permitted, issued_at = a_range(rng), an_instant(rng)
    return Setpoint(
        target_w=permitted.clamp(rng.uniform(-1e5, 1e5)),
        permitted=permitted,
        reason=drawn(Reason, rng),
        issued_at=issued_at,
        expires_at=issued_at.later(rng.uniform(1.0, 1e4)),
    )


def a_sun(rng: Random) -> SunForecast:
    start_utc = quarter_hour_start(a_moment(rng))
    return SunForecast(**{**parts(SunForecast, rng), "start_utc": start_utc})


def a_problem(rng: Random) -> PlanProblem:
    steps = tuple(rng.randint(1, 2**40) for _ in range(rng.randint(1, 3)))
    return PlanProblem(**{**parts(PlanProblem, rng), "step_s": steps})


LEAVES: dict[object, Callable[[Random], object]] = {
    float: a_float,
    int: lambda rng: rng.randint(-(2**60), 2**60),
    bool: lambda rng: rng.random() < 0.5,
    str: lambda rng: rng.choice(ODD_TEXTS),
    types.NoneType: lambda _: None,
    datetime: a_moment,
    date: lambda rng: a_moment(rng).date(),
    time: lambda rng: a_moment(rng).time(),
    Instant: an_instant,
    Interval: an_interval,
    Outlook: an_outlook,
    PlanProblem: a_problem,
    PowerRange: a_range,
    PriceCurve: a_curve,
    Setpoint: a_setpoint,
    SunForecast: a_sun,
    ValueFunction: a_value,
}


def drawn(cls: Any, rng: Random) -> Any:
    """Any value of a type, by its annotations."""
    if cls in LEAVES:
        return LEAVES[cls](rng)
    if get_origin(cls) is tuple:
        return tuple(drawn(get_args(cls)[0], rng) for _ in range(rng.randrange(3)))
    if isinstance(cls, types.UnionType):
        return drawn(rng.choice(get_args(cls)), rng)
    if issubclass(cls, Enum):
        return rng.choice(list(cls))
    return cls(**parts(cls, rng))


def parts(cls: Any, rng: Random) -> dict[str, Any]:
    """What a dataclass is made of."""
    hints = get_type_hints(cls)
    return {one.name: drawn(hints[one.name], rng) for one in fields(cls) if one.init}


SEEDS = st.integers(min_value=0, max_value=2**32)
MANY = settings(max_examples=150, deadline=None)


@MANY
@given(SEEDS)
def test_any_problem_crosses_the_pipe_unchanged(seed: int) -> None:
    problem = drawn(PlanProblem, Random(seed))
    read = decode_problem(encode_problem(problem))
    assert read == problem
    assert same_text(read, problem)


@MANY
@given(SEEDS)
def test_any_plan_crosses_the_pipe_unchanged(seed: int) -> None:
    plan = drawn(Plan, Random(seed))
    read = decode_plan(encode_plan(plan))
    assert read == plan
    assert same_text(read, plan)


@MANY
@given(SEEDS)
def test_any_tick_comes_back_to_the_last_bit(seed: int) -> None:
    rng = Random(seed)
    snapshot, decision = drawn(Snapshot, rng), drawn(Decision, rng)
    policy, memory = drawn(Policy, rng), drawn(Memory, rng)
    encoder = TraceEncoder(versions={})
    lines = encoder.lines(snapshot, decision, policy=policy, memory=memory, memory_after=memory)
    _, before, tick = decode_trace(lines)
    assert before == MemoryBefore(memory=memory)
    assert tick == Tick(policy=policy, snapshot=snapshot, decision=decision)
    assert same_text(tick, Tick(policy=policy, snapshot=snapshot, decision=decision))


def same_text(read: object, written: object) -> bool:
    """Equal in what `==` does not see: −0.0, an enum member and its number."""
    return repr(read) == repr(written)
