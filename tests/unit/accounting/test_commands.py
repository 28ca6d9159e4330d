"""What a charger was told today: counted as it is told, and again from the rows of record."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import NOW, a_policy, a_setpoint, a_snapshot, ago, decided
from v2g_daemon.accounting import commands, decision_log
from v2g_daemon.accounting.commands import CommandCount
from v2g_daemon.accounting.decision_log import DecisionLog
from v2g_daemon.domain.decision import Decision
from v2g_daemon.domain.ledger import DecisionRow
from v2g_daemon.domain.power import ONLY_ZERO
from v2g_daemon.domain.setpoint import Authority, Command, HandsOff, Reason

ZONE = ZoneInfo("Europe/Amsterdam")
HANDS_OFF = HandsOff(
    permitted=ONLY_ZERO,
    reason=Reason(authority=Authority.FALLBACK, rule="no_car", detail="no car is plugged in"),
)
BEFORE_MIDNIGHT_UTC = datetime(2024, 12, 11, 22, 59, 59, tzinfo=UTC)


def command_of(target_w: float | None) -> Command:
    return HANDS_OFF if target_w is None else a_setpoint(target_w)


def count_of(*targets_w: float | None) -> CommandCount:
    count = commands.begun("carport", (), now_utc=NOW.utc, zone=ZONE)
    for target_w in targets_w:
        count = commands.counted(
            count, command_of(target_w), now_utc=NOW.utc, trusted=True, zone=ZONE
        )
    return count


@pytest.mark.parametrize(
    ("targets_w", "changes", "closings"),
    [
        ((), 0, 0),
        ((None, None), 0, 0),
        ((0.0,), 1, 0),
        ((3000.0,), 1, 1),
        ((3000.0, 3000.0, 2000.0), 2, 1),
        ((3000.0, -3000.0), 2, 1),  # the power turns round with the contactor closed
        ((3000.0, 0.0, -3000.0), 3, 2),
        ((3000.0, None, 3000.0), 2, 2),
        ((0.0, None, 0.0), 2, 0),
    ],
)
def test_new_setpoints_are_changes_and_those_from_0_w_closings(
    targets_w: tuple[float | None, ...], changes: int, closings: int
) -> None:
    count = count_of(*targets_w)
    assert (count.changes_count, count.closings_count) == (changes, closings)


def test_a_local_day_begins_at_nothing_but_knows_what_runs() -> None:
    count = replace(
        commands.begun("carport", (), now_utc=BEFORE_MIDNIGHT_UTC, zone=ZONE),
        changes_count=7,
        closings_count=3,
        target_w=3000.0,
    )
    midnight_utc = BEFORE_MIDNIGHT_UTC + timedelta(seconds=1)

    def at(now_utc: datetime, *, trusted: bool = True) -> tuple[int, int]:
        after = commands.counted(
            count, a_setpoint(3000.0), now_utc=now_utc, trusted=trusted, zone=ZONE
        )
        return after.changes_count, after.closings_count

    assert at(BEFORE_MIDNIGHT_UTC) == (7, 3)
    assert at(midnight_utc) == (0, 0)
    assert at(midnight_utc, trusted=False) == (7, 3)


def test_what_the_snapshot_carries() -> None:
    shown = commands.shown(count_of(3000.0, 0.0, 3000.0))
    assert (shown.evse_id, shown.changes_today, shown.closings_today) == ("carport", 3, 2)
    assert shown.day_ends_utc == datetime(2024, 12, 11, 23, 0, tzinfo=UTC)


# From the rows.


def row(target_w: float | None, *, hours_ago: float, changes: int, evse_id: str = "carport"):
    return DecisionRow(
        at_utc=ago(hours_ago * 3600.0).utc,
        evse_id=evse_id,
        target_w=target_w,
        authority=Authority.PLAN,
        rule="plan",
        detail="as planned",
        changes_count=changes,
    )


def test_rows_of_today_are_summed_and_the_last_of_yesterday_tells_how_it_began() -> None:
    # It is 19:00 in Amsterdam.
    rows = (
        row(3000.0, hours_ago=20.0, changes=9),  # yesterday, still running at midnight
        row(2000.0, hours_ago=18.0, changes=4),
        row(0.0, hours_ago=10.0, changes=1),
        row(-3000.0, hours_ago=2.0, changes=2),
        row(7000.0, hours_ago=1.0, changes=50, evse_id="yard"),
    )
    count = commands.begun("carport", rows, now_utc=NOW.utc, zone=ZONE)
    assert (count.changes_count, count.closings_count) == (7, 1)
    assert count.target_w is None


def told(
    log: DecisionLog, at_s: float, target_w: float | None
) -> tuple[DecisionLog, list[DecisionRow]]:
    """The log after one tick, and its rows."""
    snapshot = a_snapshot(now=NOW.later(at_s))
    evse = replace(decided(a_snapshot()), command=command_of(target_w))
    decision = Decision(evses=(evse,), faults=())
    log = decision_log.counted(log, snapshot, decision, a_policy())
    log, rows = decision_log.noted(log, snapshot, decision)
    return log, list(rows)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([0.0, 0.0, 1400.0, 3000.0, 3040.0, -2000.0, None]),
            st.sampled_from([1.0, 5.0, 30.0, 400.0]),
        ),
        max_size=60,
    )
)
def test_the_rows_of_a_day_say_the_same_as_the_running_count(
    ticks: list[tuple[float | None, float]],
) -> None:
    log, rows, at_s = DecisionLog(), [], 0.0
    for target_w, length_s in ticks:
        log, new = told(log, at_s, target_w)
        rows += new
        at_s += length_s
    rows += decision_log.closing_rows(log)
    restored = decision_log.resumed(rows, now_utc=NOW.utc, zone=ZONE)
    for before, after in zip(log.told, restored.told, strict=True):
        assert after.changes_count == before.changes_count
        assert after.closings_count == before.closings_count
