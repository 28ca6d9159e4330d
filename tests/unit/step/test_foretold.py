"""What plans say of quarter hours to come is written down once, to be held against what comes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from tests.builders import NOW, a_plan, ago
from tests.unit.step.news import played, some_news
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.interval import Interval
from v2g_daemon.domain.ledger import ForetoldRow
from v2g_daemon.domain.plan import Plan
from v2g_daemon.step.foretold import foretold, with_foretold
from v2g_daemon.step.history import KEPT
from v2g_daemon.step.house import Outcome
from v2g_daemon.step.pasts import Past

HOUR = timedelta(hours=1)


def plan(made_at: Instant = NOW, **changes: object) -> Plan:
    """Two days of hours: 100 W of net load in the first, 200 W in the next; PV half of that."""
    (slot, *_) = a_plan().slots
    slots = tuple(
        replace(
            slot,
            interval=Interval(start_utc=NOW.utc + n * HOUR, end_utc=NOW.utc + (n + 1) * HOUR),
            net_load_w=100.0 * (n + 1),
            pv_w=50.0 * (n + 1),
        )
        for n in range(48)
    )
    return replace(a_plan(slots=slots), made_at=made_at, **changes)  # type: ignore[arg-type]


def row(lead_h: int, net_load_w: float, pv_w: float | None) -> ForetoldRow:
    start_utc = NOW.utc + timedelta(hours=lead_h)
    return ForetoldRow(start_utc=start_utc, lead_h=lead_h, net_load_w=net_load_w, pv_w=pv_w)


def said(outcome: Outcome) -> list[ForetoldRow]:
    return [one for one in outcome.rows if isinstance(one, ForetoldRow)]


def test_a_plan_foretells_one_six_and_twenty_four_hours_ahead() -> None:
    assert foretold([plan()], NOW, stale_s=7200.0) == (
        row(1, 200.0, 100.0),
        row(6, 700.0, 350.0),
        row(24, 2500.0, 1250.0),
    )


def test_a_stale_plan_says_nothing_and_keeps_nobody_from_speaking() -> None:
    old = plan(ago(7200.0), slots=a_plan().slots)
    assert foretold([old], NOW, stale_s=7200.0) == ()
    assert foretold([old, plan()], NOW, stale_s=7200.0)[0] == row(1, 200.0, 100.0)


def test_of_two_plans_none_speaks_for_each_leaves_load_to_the_other() -> None:
    assert foretold([plan(ago(3600.0)), plan()], NOW, stale_s=7200.0) == ()


def test_a_plan_without_slots_or_without_that_hour_says_nothing_of_it() -> None:
    assert foretold([plan(slots=())], NOW, stale_s=7200.0) == ()
    short = plan(slots=plan().slots[:3])
    assert [one.lead_h for one in foretold([short], NOW, stale_s=7200.0)] == [1]


def test_the_house_writes_it_down_once_in_a_quarter_hour() -> None:
    ticks = [some_news(plans=(plan(),)), *(some_news(NOW.later(60.0 * n)) for n in range(1, 17))]
    house, outcomes = played(ticks)
    assert [len(said(one)) for one in outcomes] == [3, *[0] * 14, 3, 0]
    assert said(outcomes[15])[0].start_utc == NOW.utc + timedelta(hours=1, minutes=15)
    assert len(house.past.foretold) == 6
    assert outcomes[-1].past == house.past


def test_under_a_clock_that_nobody_trusts_nothing_is_written_down() -> None:
    _, (outcome,) = played([some_news(plans=(plan(),), clock_trusted=False)])
    assert said(outcome) == []


def test_what_is_long_past_is_forgotten_and_a_later_word_replaces_an_earlier() -> None:
    past = with_foretold(Past(), (row(1, 200.0, None), row(6, 300.0, None)), NOW.utc)
    past = with_foretold(past, (row(6, 400.0, None),), NOW.utc)
    assert past.foretold == (row(1, 200.0, None), row(6, 400.0, None))
    later_utc = NOW.utc + KEPT + 2 * HOUR
    assert with_foretold(past, (row(24, 1.0, None),), later_utc).foretold == (
        row(6, 400.0, None),
        row(24, 1.0, None),
    )
