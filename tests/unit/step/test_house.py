"""The house as a fold: what each tick's news does to decisions, questions and rows."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from tests.builders import (
    NOW,
    a_meter,
    a_plan,
    a_policy,
    a_setpoint,
    a_told_departure,
    an_evse_memory,
    an_evse_status,
    an_override,
    in_hours,
    long_told,
)
from tests.unit.step.news import FLAT_PRICES, a_commuters_policy, played, some_news
from v2g_daemon.accounting.metering import resume
from v2g_daemon.domain.faults import Fault, FaultCode
from v2g_daemon.domain.goals import OverrideKind
from v2g_daemon.domain.ledger import (
    DepartureEvent,
    EvseInterval,
    LatchEvent,
    OverrideEvent,
    PccInterval,
    SessionRow,
)
from v2g_daemon.domain.memory import DischargeLatch, Evidence, LatchClearance, Memory
from v2g_daemon.domain.snapshot import DischargeCounters
from v2g_daemon.step.house import House, Outcome, closing_rows
from v2g_daemon.step.news import News
from v2g_daemon.step.questions import Answer


def overrides_in(outcome: Outcome) -> list[tuple[str, float]]:
    """Kind of each override row, and its seconds after NOW."""
    return [
        (row.kind, (row.at_utc - NOW.utc).total_seconds())
        for row in outcome.rows
        if isinstance(row, OverrideEvent)
    ]


# --- plans


def test_a_plug_in_poses_a_problem_once() -> None:
    _, (first, second) = played([some_news(), some_news(NOW.later(1.0))])
    assert [problem.evse_id for problem in first.problems] == ["carport"]
    assert second.problems == ()


def test_an_empty_outlet_poses_none() -> None:
    _, (outcome,) = played([some_news(evses=(an_evse_status(plugged_in=False),))])
    assert outcome.problems == ()


def test_a_plan_is_in_the_snapshot_of_the_tick_it_arrives_with_and_stays() -> None:
    house, outcomes = played(
        [some_news(), some_news(NOW.later(1.0), plans=(a_plan(),)), some_news(NOW.later(2.0))]
    )
    assert [one.snapshot.plans for one in outcomes] == [(), (a_plan(),), (a_plan(),)]
    assert house.questions[0].answer is Answer.PLANNED


def test_a_new_plan_replaces_the_one_of_its_own_evse_only() -> None:
    other = a_plan(evse_id="yard", plan_id="p9")
    newer = a_plan(plan_id="p2")
    _, (outcome,) = played([some_news(plans=(newer,))], house=House(plans=(a_plan(), other)))
    assert [plan.plan_id for plan in outcome.snapshot.plans] == ["p9", "p2"]


def test_a_failed_plan_leaves_the_last_good_one_and_is_asked_for_again() -> None:
    house, outcomes = played(
        [
            some_news(),
            some_news(NOW.later(1.0), plans=(a_plan(),)),
            some_news(NOW.later(3601.0)),
            some_news(NOW.later(3602.0), failed_plans=("carport",)),
            some_news(NOW.later(3662.0)),
        ]
    )
    assert [len(one.problems) for one in outcomes] == [1, 0, 1, 0, 1]
    assert outcomes[-1].snapshot.plans == (a_plan(),)
    assert house.questions[0].answer is Answer.PENDING


def test_a_planner_that_gave_nothing_is_a_fault_until_it_is_asked_again() -> None:
    _, outcomes = played(
        [
            some_news(),
            some_news(NOW.later(1.0), failed_plans=("carport",)),
            some_news(NOW.later(59.0)),
            some_news(NOW.later(60.0)),
        ]
    )
    shown = [
        [fault.evse_id for fault in one.faults if fault.code is FaultCode.PLAN_FAILED]
        for one in outcomes
    ]
    assert shown == [[], ["carport"], ["carport"], []]


def test_the_problem_knows_what_this_session_has_charged() -> None:
    start = an_evse_status(soc=None, soc_observed_at=None, power_observed_at=NOW)
    later = replace(start, charge_milliwh=7_500_000, registers_observed_at=NOW.later(3600.0))
    _, (_, second) = played(
        [some_news(evses=(start,)), some_news(NOW.later(3600.0), evses=(later,))]
    )
    # 2.5 of the 10 kWh that this driver usually takes.
    assert second.problems[0].store.soc == 0.25


# --- overrides


def test_an_override_is_written_once_with_the_moment_it_was_set() -> None:
    stop = an_override(OverrideKind.STOP, set_at_utc=NOW.utc)
    _, outcomes = played(
        [
            some_news(NOW.later(1.0), overrides=(stop,)),
            some_news(NOW.later(2.0), overrides=(stop,)),
        ]
    )
    assert [overrides_in(one) for one in outcomes] == [[("stop", 0.0)], []]
    (row,) = (one for one in outcomes[0].rows if isinstance(one, OverrideEvent))
    assert (row.evse_id, row.until_utc, row.confirmed) == ("carport", in_hours(2.0), False)


def test_going_back_to_automatic_is_written_when_it_is_seen() -> None:
    stop = an_override(set_at_utc=NOW.utc)
    _, outcomes = played([some_news(overrides=(stop,)), some_news(NOW.later(1.0))])
    assert overrides_in(outcomes[1]) == [("auto", 1.0)]


def test_an_override_that_replaces_another_is_one_row() -> None:
    stop = an_override(OverrideKind.STOP, set_at_utc=NOW.utc)
    charge = an_override(OverrideKind.CHARGE, set_at_utc=NOW.later(5.0).utc)
    _, outcomes = played(
        [some_news(overrides=(stop,)), some_news(NOW.later(6.0), overrides=(charge,))]
    )
    assert overrides_in(outcomes[1]) == [("charge", 5.0)]


def test_an_override_that_ended_by_itself_needs_no_row() -> None:
    stop = an_override(until_utc=NOW.later(10.0).utc)
    _, outcomes = played([some_news(overrides=(stop,)), some_news(NOW.later(10.0))])
    assert overrides_in(outcomes[1]) == []


# --- departures that the owner told


def departures_in(outcome: Outcome) -> list[DepartureEvent]:
    return [row for row in outcome.rows if isinstance(row, DepartureEvent)]


def test_a_departure_is_written_once_and_again_when_it_is_taken_back() -> None:
    told = a_told_departure()
    _, outcomes = played(
        [
            some_news(told=(told,)),
            some_news(NOW.later(1.0), told=(told,)),
            some_news(NOW.later(2.0)),
        ]
    )
    assert [departures_in(one) for one in outcomes] == [
        [DepartureEvent(told=told)],
        [],
        [DepartureEvent(told=told, taken_back_utc=NOW.later(2.0).utc)],
    ]


def test_an_absence_that_is_over_needs_no_row() -> None:
    told = a_told_departure(0.0, back_in=0.001)
    _, outcomes = played([some_news(told=(told,)), some_news(NOW.later(3.6))])
    assert departures_in(outcomes[1]) == []


def test_an_absence_is_news_for_the_plan_and_sure_from_leaving_to_return() -> None:
    told = a_told_departure(6.0, back_in=30.0)
    later = [some_news(NOW.later(9.0), plans=(a_plan(),)), some_news(NOW.later(61.0), told=(told,))]
    _, outcomes = played([some_news(), *later])
    assert outcomes[1].problems == ()
    (problem,) = outcomes[2].problems
    assert [(one.ready_by_utc, one.returns_at_utc) for one in problem.goals] == [
        (in_hours(6.0), in_hours(30.0))
    ]


def test_the_schedule_rests_while_the_car_is_away_and_holds_again_once_it_is_plugged_in() -> None:
    away = a_told_departure(0.0, back_in=20.0)
    gone = (an_evse_status(plugged_in=False, session_id=None, identity=None),)
    back = NOW.later(10.0)
    here = (an_evse_status(power_observed_at=back, registers_observed_at=back),)
    _, outcomes = played(
        [
            some_news(told=(away,), evses=gone),
            some_news(back, told=(away,), evses=here),
            some_news(NOW.later(11.0), told=(away,), evses=here),
        ],
        policy=a_commuters_policy(),
    )
    days = [[one.ready_by_utc.day for one in two.snapshot.goals[0].goals] for two in outcomes]
    assert days == [[13, 14], [13, 14], [12, 13, 14]]


# --- latches, counters, faults


LATCH = DischargeLatch(
    evse_id="carport", rule="wrong_direction", detail="it charged", since_utc=in_hours(-1.0)
)


def test_a_charger_that_runs_the_wrong_way_is_latched_and_the_latch_written_once() -> None:
    told = an_evse_memory(
        direction=long_told(
            evidence=Evidence(charged=True, since=NOW.later(-20.0), at=NOW.later(-20.0), samples=1)
        ),
        last=a_setpoint(-3000.0),
    )
    house = House(memory=Memory(evses=(told,), meter_good_since=NOW.later(-60.0)))
    wrong = an_evse_status(power_w=3000.0)
    ticks = [some_news(evses=(wrong,)), some_news(NOW.later(1.0), evses=(wrong,))]
    house, outcomes = played(ticks, house=house)
    rows = [row for one in outcomes for row in one.rows if isinstance(row, LatchEvent)]
    assert [(row.at_utc, row.latch.rule, row.cleared) for row in rows] == [
        (NOW.utc, "wrong_direction", False)
    ]
    assert [fault.code for fault in outcomes[1].faults].count(FaultCode.WRONG_DIRECTION) == 1


def test_a_latch_that_was_there_before_is_not_written_again() -> None:
    _, (outcome,) = played([some_news()], house=House(memory=Memory(latches=(LATCH,))))
    assert not any(isinstance(row, LatchEvent) for row in outcome.rows)
    assert outcome.memory_after.latches == (LATCH,)


def test_a_latch_that_a_person_clears_is_gone_and_the_reason_is_written() -> None:
    cleared = (LatchClearance(evse_id="carport", because="rewired"),)
    house, (outcome, after) = played(
        [some_news(cleared=cleared), some_news(NOW.later(1.0))],
        house=House(memory=Memory(latches=(LATCH,))),
    )
    rows = [row for row in outcome.rows if isinstance(row, LatchEvent)]
    assert [(row.at_utc, row.latch.evse_id, row.latch.rule) for row in rows] == [
        (NOW.utc, "carport", "wrong_direction")
    ]
    assert (rows[0].cleared, rows[0].latch.detail) == (True, "rewired")
    assert house.memory.latches == ()
    assert FaultCode.WRONG_DIRECTION not in {fault.code for fault in after.faults}
    assert not any(isinstance(row, LatchEvent) for row in after.rows)


def carport(seconds_s: float, discharge_milliwh: int, export_milliwh: int) -> News:
    """The carport gives 4 kW of which the house takes nothing, by its registers."""
    now = NOW.later(seconds_s)
    status = an_evse_status(
        power_w=-4000.0,
        power_observed_at=now,
        registers_observed_at=now,
        discharge_milliwh=1_000_000 + discharge_milliwh,
    )
    meter = a_meter(
        -4000.0, observed_at=now, import_milliwh=1_000, export_milliwh=1_000 + export_milliwh
    )
    return some_news(now, evses=(status,), meter=meter)


def a_metered_house() -> House:
    counted = DischargeCounters(
        vehicle_id="car",
        exported_today_wh=100.0,
        discharged_month_wh=100.0,
        discharged_life_wh=5000.0,
        discharging_life_s=60.0,
    )
    return House(
        metering=resume(
            pcc=None,
            evses=(),
            sessions=(),
            soc_days=(),
            decisions=(),
            counters_read=(counted,),
            now_utc=NOW.utc,
            timezone="Europe/Amsterdam",
        )
    )


def test_what_was_exported_until_now_is_in_the_next_snapshots_counters() -> None:
    ticks = [carport(0.0, 0, 0), carport(9.0, 10_000, 10_000), carport(18.0, 20_000, 20_000)]
    _, outcomes = played(ticks, house=a_metered_house())
    exported_wh = [one.snapshot.counters[0].exported_today_wh for one in outcomes]
    assert exported_wh == [100.0, 100.0, 110.0]
    assert outcomes[2].snapshot.counters[0].discharged_life_wh == 5010.0


def test_a_register_that_jumps_is_a_fault_beside_the_decisions_own() -> None:
    ticks = [carport(0.0, 0, 0), carport(1.0, 0, 900_000_000)]
    _, outcomes = played(ticks)
    assert FaultCode.REGISTER_RESET in {fault.code for fault in outcomes[1].faults}
    no_prices = replace(carport(2.0, 0, 900_000_000), prices=None)
    _, (outcome,) = played([no_prices], house=played(ticks)[0])
    codes = {fault.code for fault in outcome.faults}
    assert {FaultCode.REGISTER_RESET, FaultCode.PRICES_MISSING} <= codes


# --- rows and the past


def quarter_hours(number: int) -> Iterator[News]:
    """One news a minute from 18:00; the house draws 1200 W, the car takes 600 W of it."""
    for minute in range(number * 15 + 1):
        now = NOW.later(60.0 * minute)
        yield some_news(
            now,
            evses=(
                an_evse_status(
                    power_w=600.0,
                    power_observed_at=now,
                    registers_observed_at=now,
                    charge_milliwh=5_000_000 + minute * 10_000,
                ),
            ),
            meter=a_meter(
                1200.0, observed_at=now, import_milliwh=minute * 20_000, export_milliwh=0
            ),
        )


def test_a_finished_quarter_hour_is_a_row_of_record_and_then_history() -> None:
    house, outcomes = played(quarter_hours(2))
    rows = [row for one in outcomes for row in one.rows]
    assert [row.import_milliwh for row in rows if isinstance(row, PccInterval)] == [300_000] * 2
    assert [row.charge_milliwh for row in rows if isinstance(row, EvseInterval)] == [150_000] * 2
    ((row,),) = house.past.history
    assert (row.start_utc, row.net_load_w) == (NOW.utc, 600.0)


def test_sessions_stand_before_the_rows_that_refer_to_them() -> None:
    _, outcomes = played(quarter_hours(1))
    kinds = [type(row) for row in outcomes[0].rows]
    assert kinds[0] is SessionRow


def test_at_the_end_the_running_rows_are_handed_over() -> None:
    house, _ = played(list(quarter_hours(1))[:8])
    rows = closing_rows(house, a_policy())
    (pcc,) = (row for row in rows if isinstance(row, PccInterval))
    assert (pcc.import_milliwh, pcc.interval.end_utc) == (140_000, NOW.utc + timedelta(minutes=7))


def test_nothing_is_running_in_a_house_that_never_ticked() -> None:
    assert closing_rows(House(), a_policy()) == ()


# --- the fold itself


def test_the_same_news_lead_to_the_same_house() -> None:
    def a_day() -> list[News]:
        stop = an_override(set_at_utc=NOW.utc)
        ticks = list(quarter_hours(2))
        ticks[3] = replace(ticks[3], plans=(a_plan(),))
        ticks[9] = replace(ticks[9], overrides=(stop,))
        ticks[12] = replace(ticks[12], prices=None, failed_plans=("carport",))
        return ticks

    assert played(a_day()) == played(a_day())


def test_what_decide_remembered_is_what_it_starts_from_next() -> None:
    _, outcomes = played(quarter_hours(1))
    for earlier, later in itertools.pairwise(outcomes):
        assert later.memory_before is earlier.memory_after


def test_the_weekly_departures_are_the_snapshots_goals() -> None:
    _, (outcome,) = played([some_news()], policy=a_commuters_policy())
    (entry,) = outcome.snapshot.goals
    assert entry.vehicle_id == "car"
    assert entry.goals[0].ready_by_utc == in_hours(12.5)


def test_news_go_into_the_snapshot_as_they_came() -> None:
    news = some_news(pv_power_w=120.0, clock_trusted=False)
    _, (outcome,) = played([news])
    snapshot = outcome.snapshot
    assert (snapshot.now, snapshot.pv_power_w, snapshot.clock_trusted) == (NOW, 120.0, False)
    assert snapshot.prices is FLAT_PRICES
    assert snapshot.recording is news.recording


def test_a_fault_that_an_edge_sees_stands_beside_the_decisions_own() -> None:
    ends = Fault(code=FaultCode.CERTIFICATE_EXPIRING, detail="the server's certificate ends")
    _, (quiet, told) = played([some_news(), some_news(NOW.later(1.0), faults=(ends,))])
    assert told.faults == (*quiet.faults, ends)
    assert told.decision.faults == quiet.decision.faults


def test_what_a_charger_was_told_is_in_the_next_snapshot() -> None:
    """Stopped, then charged as people ask: one start, and the same again is no change."""
    stop = an_override(OverrideKind.STOP, set_at_utc=NOW.utc)
    charge = an_override(OverrideKind.CHARGE, set_at_utc=NOW.utc)
    asked = (stop, charge, charge, charge)
    _, outcomes = played(
        [some_news(NOW.later(at), overrides=(one,)) for at, one in enumerate(asked)]
    )
    seen = [
        [(one.changes_today, one.closings_today) for one in outcome.snapshot.command_counters]
        for outcome in outcomes
    ]
    assert seen == [[], [(1, 0)], [(2, 1)], [(2, 1)]]


def test_counters_that_were_never_read_are_absent() -> None:
    _, (outcome,) = played([some_news()])
    assert outcome.snapshot.counters == ()
