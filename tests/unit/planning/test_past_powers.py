"""The past as columns: what is unknown, what is missing, and what is no number."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from math import inf, nan

import numpy as np
import pytest

from v2g_daemon.domain.errors import ProblemRefused
from v2g_daemon.domain.plan import HistoryDay, HistoryRow
from v2g_daemon.planning.past_powers import past_powers
from v2g_daemon.planning.wall import QUARTER_S
from v2g_daemon.step.history import by_days

FIRST_UTC = datetime(2024, 5, 1, tzinfo=UTC)


def row(number: int, net_load_w: float = 500.0, pv_w: float | None = None) -> HistoryRow:
    start_utc = FIRST_UTC + number * timedelta(minutes=15)
    return HistoryRow(start_utc=start_utc, net_load_w=net_load_w, pv_w=pv_w)


def days(rows: Iterable[HistoryRow]) -> tuple[HistoryDay, ...]:
    """As a house keeps them, with a day before of which nothing is known."""
    return ((), *by_days(rows))


@pytest.mark.parametrize("missing", [None, 3])
def test_quarter_hours_are_told_with_and_without_a_gap(missing: int | None) -> None:
    quarters = [quarter for quarter in range(10) if quarter != missing]
    past, _ = past_powers(days(row(number) for number in quarters))
    starts_s = past.start_s - int(FIRST_UTC.timestamp())
    assert starts_s.tolist() == [QUARTER_S * number for number in quarters]
    assert past.start_s.dtype == np.int64


def test_days_follow_each_other_and_one_that_grew_is_read_anew() -> None:
    first, grown = days(row(number, number) for number in (94, 95, 96, 97)), row(98, 98.0)
    assert past_powers(first)[0].net_load_w.tolist() == [94.0, 95.0, 96.0, 97.0]
    *before, last = first
    later = (*before, (*last, grown))
    past, _ = past_powers(later)
    assert past.net_load_w.tolist() == [94.0, 95.0, 96.0, 97.0, 98.0]
    assert np.diff(past.start_s).tolist() == [QUARTER_S] * 4


def test_a_pv_that_nobody_metered_reads_0_and_is_told_to_be_unknown() -> None:
    past, known = past_powers(
        days((row(0, pv_w=300.0), row(1, net_load_w=-20.0), row(2, pv_w=0.0)))
    )
    assert known.tolist() == [True, False, True]
    assert past.pv_w.tolist() == [300.0, 0.0, 0.0]
    assert past.net_load_w.tolist() == [500.0, -20.0, 500.0]
    assert past.where(known).pv_w.tolist() == [300.0, 0.0]
    assert past.where(np.ones(3, dtype=np.bool_)) is past


@pytest.mark.parametrize(
    ("odd", "complaint"),
    [
        (row(1, net_load_w=nan), "the net load at 2024-05-01 00:15:00+00:00 is nan"),
        (row(1, net_load_w=inf), "the net load at 2024-05-01 00:15:00+00:00 is inf"),
        (row(1, pv_w=nan), "the PV at 2024-05-01 00:15:00+00:00 is nan"),
        (row(1, pv_w=-inf), "the PV at 2024-05-01 00:15:00+00:00 is -inf"),
    ],
)
def test_what_is_no_number_is_refused(odd: HistoryRow, complaint: str) -> None:
    with pytest.raises(ProblemRefused, match="it must be a number") as refused:
        past_powers(days((row(0), odd, row(2))))
    assert str(refused.value).startswith(complaint)
