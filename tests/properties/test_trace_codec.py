"""Whatever the house may hold survives pipe and trace to the last bit."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from math import inf
from typing import get_args

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from v2g_daemon.domain.decision import Decision
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.interval import Interval
from v2g_daemon.domain.memory import Memory
from v2g_daemon.domain.plan import Plan, PlanProblem
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.power import PowerRange
from v2g_daemon.domain.prices import PriceCurve, PriceSlot
from v2g_daemon.domain.setpoint import Limit, Reason, Setpoint
from v2g_daemon.domain.snapshot import Snapshot
from v2g_daemon.trace.codec import (
    MemoryBefore,
    Tick,
    TraceEncoder,
    decode_plan,
    decode_problem,
    decode_trace,
    encode_plan,
    encode_problem,
)

FLOATS = st.floats(allow_nan=False)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
MOMENTS = st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=36_000)).map(
    lambda since: datetime(2001, 1, 1, tzinfo=UTC) + since
)
SECONDS = st.floats(min_value=-1e9, max_value=1e9)
INSTANTS = st.builds(Instant, utc=MOMENTS, monotonic_s=SECONDS)
AROUND_ZERO = st.builds(
    PowerRange,
    lowest_w=st.one_of(st.just(-inf), st.floats(min_value=-1e6, max_value=0.0)),
    highest_w=st.one_of(st.just(inf), st.floats(min_value=0.0, max_value=1e6)),
)


@st.composite
def intervals(draw: st.DrawFn) -> Interval:
    start = draw(MOMENTS)
    length = draw(st.timedeltas(min_value=timedelta(seconds=1), max_value=timedelta(days=2)))
    return Interval(start_utc=start, end_utc=start + length)


@st.composite
def curves(draw: st.DrawFn) -> PriceCurve:
    start = draw(MOMENTS)
    prices = draw(st.lists(st.tuples(FINITE, FINITE), max_size=4))
    quarter = timedelta(minutes=15)
    slots = tuple(
        PriceSlot(
            interval=Interval(start_utc=start + k * quarter, end_utc=start + (k + 1) * quarter),
            import_per_kwh=bought,
            export_per_kwh=sold,
        )
        for k, (bought, sold) in enumerate(prices)
    )
    return PriceCurve(currency=draw(st.text(max_size=3)), slots=slots)


@st.composite
def setpoints(draw: st.DrawFn) -> Setpoint:
    permitted = draw(AROUND_ZERO)
    issued_at = draw(INSTANTS)
    return Setpoint(
        target_w=permitted.clamp(draw(st.floats(min_value=-1e5, max_value=1e5))),
        permitted=permitted,
        reason=draw(st.from_type(Reason)),
        issued_at=issued_at,
        expires_at=issued_at.later(draw(st.floats(min_value=1.0, max_value=1e4))),
    )


def few(cls: object) -> st.SearchStrategy[tuple[object, ...]]:
    """Short tuples: a snapshot of long ones takes longer to draw than to write."""
    return st.lists(st.from_type(get_args(cls)[0]), max_size=2).map(tuple)


st.register_type_strategy(tuple, few)
st.register_type_strategy(float, FLOATS)
st.register_type_strategy(datetime, MOMENTS)
st.register_type_strategy(time, st.times())
st.register_type_strategy(Instant, INSTANTS)
st.register_type_strategy(Interval, intervals())
st.register_type_strategy(PriceCurve, curves())
st.register_type_strategy(PowerRange, AROUND_ZERO)
st.register_type_strategy(Setpoint, setpoints())
st.register_type_strategy(
    Limit, st.builds(Limit, permitted=AROUND_ZERO, reason=st.from_type(Reason))
)

FEW = settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@FEW
@given(st.from_type(PlanProblem))
def test_any_problem_crosses_the_pipe_unchanged(problem: PlanProblem) -> None:
    read = decode_problem(encode_problem(problem))
    assert read == problem
    assert repr(read) == repr(problem)


@FEW
@given(st.from_type(Plan))
def test_any_plan_crosses_the_pipe_unchanged(plan: Plan) -> None:
    read = decode_plan(encode_plan(plan))
    assert read == plan
    assert repr(read) == repr(plan)


@FEW
@given(st.from_type(Snapshot), st.from_type(Decision), st.from_type(Policy), st.from_type(Memory))
def test_any_tick_comes_back_to_the_last_bit(
    snapshot: Snapshot, decision: Decision, policy: Policy, memory: Memory
) -> None:
    encoder = TraceEncoder(versions={})
    lines = encoder.lines(snapshot, decision, policy=policy, memory=memory, memory_after=memory)
    _, before, tick = decode_trace(lines)
    assert before == MemoryBefore(memory=memory)
    assert tick == Tick(policy=policy, snapshot=snapshot, decision=decision)
    assert repr(tick) == repr(Tick(policy=policy, snapshot=snapshot, decision=decision))
