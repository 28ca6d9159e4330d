"""However readings fall, rows add up to last register less first and leave no hole."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from tests.unit.accounting.house import NOBODY, T0, at, decided, meter, plugged, policy, snapshot
from v2g_daemon.accounting.metering import Metering, advance, close, resume
from v2g_daemon.domain.ledger import EvseInterval, LedgerRow, PccInterval

HOUSE = policy()
# Seconds to the next reading; milliwatt-hours of import, export, charge and discharge until then,
# and the power told with them.
STEPS = st.lists(
    st.tuples(
        st.integers(1, 4000),
        st.integers(0, 200_000),
        st.integers(0, 200_000),
        st.integers(0, 200_000),
        st.integers(0, 200_000),
        st.floats(-25_000.0, 25_000.0),
    ),
    min_size=1,
    max_size=40,
)


def played(steps, *, restart_after: int | None) -> tuple[list[LedgerRow], int, tuple[int, ...]]:
    """Fold the readings, with a shutdown and a start in between; rows, seconds, sums."""
    rows: list[LedgerRow] = []
    state, seconds, sums, power_w = Metering(), 0, (0, 0, 0, 0), 0.0

    def tick(state: Metering) -> Metering:
        one = snapshot(
            float(seconds),
            pcc=meter(float(seconds), imported=sums[0], exported=sums[1], power_w=power_w),
            evses=[plugged(float(seconds), charged=sums[2], discharged=sums[3], power_w=power_w)],
        )
        state, more = advance(state, one, decided(soc=0.5), HOUSE)
        rows.extend(more)
        return state

    state = tick(state)
    for number, (passed_s, *moved, told_w) in enumerate(steps):
        power_w = told_w
        seconds += passed_s
        sums = tuple(a + b for a, b in zip(sums, moved, strict=True))
        state = tick(state)
        if number == restart_after:
            rows.extend(close(state, HOUSE))
            state = resume(
                pcc=[row for row in rows if isinstance(row, PccInterval)][-1],
                evses=[row for row in rows if isinstance(row, EvseInterval)][-1:],
                sessions=(),
                soc_days=(),
                decisions=(),
                counters_read=(),
                now_utc=at(seconds).utc,
                timezone="Europe/Amsterdam",
            )
    rows.extend(close(state, HOUSE))
    return rows, seconds, sums


@given(steps=STEPS, restart_after=st.none() | st.integers(0, 39))
@example(steps=[(1, 0, 0, 0, 0, 0.0)] * 3 + [(3688, 0, 58, 0, 61, 0.0)], restart_after=None)
def test_rows_add_up_to_the_registers_across_restarts(steps, restart_after) -> None:
    rows, _, sums = played(steps, restart_after=restart_after)
    pcc = [row for row in rows if isinstance(row, PccInterval)]
    evse = [row for row in rows if isinstance(row, EvseInterval)]
    assert sum(row.import_milliwh for row in pcc) == sums[0]
    assert sum(row.export_milliwh for row in pcc) == sums[1]
    assert sum(row.charge_milliwh for row in evse) == sums[2]
    assert sum(row.discharge_milliwh for row in evse) == sums[3]
    assert all(0 <= row.exported_milliwh <= row.discharge_milliwh for row in evse)


@given(steps=STEPS, restart_after=st.none() | st.integers(0, 39))
def test_rows_follow_each_other_without_hole_or_overlap(steps, restart_after) -> None:
    rows, seconds, _ = played(steps, restart_after=restart_after)
    for kind in (PccInterval, EvseInterval):
        found = [row for row in rows if isinstance(row, kind)]
        assert found[0].interval.start_utc == T0
        assert found[-1].interval.end_utc == T0 + timedelta(seconds=seconds)
        for one, following in pairwise(found):
            assert one.interval.end_utc == following.interval.start_utc
            assert one.interval.end_utc - one.interval.start_utc <= timedelta(minutes=15)


@given(steps=STEPS)
def test_the_registers_in_the_rows_tell_the_same_story(steps) -> None:
    rows, _, _ = played(steps, restart_after=None)
    found = [row for row in rows if isinstance(row, PccInterval)]
    for one, following in pairwise(found):
        assert one.import_register_milliwh is not None
        assert following.import_register_milliwh is not None
        moved = following.import_register_milliwh - one.import_register_milliwh
        assert moved == following.import_milliwh


def test_a_snapshot_without_meter_and_evses_books_nothing() -> None:
    state, rows = advance(Metering(), snapshot(0.0), NOBODY, HOUSE)
    assert rows == ()
    assert [row for row in close(state, HOUSE) if isinstance(row, PccInterval)] == []
