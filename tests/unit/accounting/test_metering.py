"""Registers into rows: what is booked, where, to whom, and when it is called an estimate."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tests.builders import a_capability
from tests.unit.accounting.house import (
    NOBODY,
    T0,
    at,
    decided,
    empty_outlet,
    interval,
    meter,
    plugged,
    policy,
    prices,
    snapshot,
)
from v2g_daemon.accounting.metering import (
    Metering,
    advance,
    close,
    discharge_counters,
    resume,
    running_rows,
)
from v2g_daemon.domain.faults import FaultCode
from v2g_daemon.domain.ledger import (
    DecisionRow,
    EvseInterval,
    LedgerRow,
    PccInterval,
    SessionRow,
    SocDay,
    TelemetryRow,
)
from v2g_daemon.domain.loss import LossCurve
from v2g_daemon.domain.power import PowerRange
from v2g_daemon.domain.readings import EvseStatus
from v2g_daemon.domain.snapshot import DischargeCounters

CURVE = prices((0.25, 0.10), (0.35, 0.20))
NO_COUNTERS = DischargeCounters(
    vehicle_id="car",
    exported_today_wh=0.0,
    discharged_month_wh=0.0,
    discharged_life_wh=0.0,
    discharging_life_s=0.0,
)


def play(ticks, *, metering=None, house=None) -> tuple[Metering, list[LedgerRow]]:
    """Fold (snapshot, decision) pairs."""
    state = metering if metering is not None else Metering()
    rows: list[LedgerRow] = []
    for one, decision in ticks:
        state, more = advance(state, one, decision, house if house is not None else policy())
        rows.extend(more)
    return state, rows


def counted(state: Metering) -> tuple[DischargeCounters, ...]:
    """The counters as shown where no car stands."""
    return discharge_counters(state, (), at(0.0), policy())


def of(kind, rows):
    return [row for row in rows if isinstance(row, kind)]


def read(seconds_s: float, imported: int, exported: int = 0):
    pcc = meter(seconds_s, imported=imported, exported=exported)
    return snapshot(seconds_s, pcc=pcc, curve=CURVE), NOBODY


def test_a_boundary_between_two_readings_is_interpolated_and_used_by_both_rows() -> None:
    state, rows = play([read(890.0, 1_000), read(910.0, 1_041), read(1800.0, 2_000)])
    first, second = of(PccInterval, rows)
    # 41 mWh in 20 s; at 10 s it is 20.5, rounded up once: 21 before the boundary, 20 after it.
    assert (first.interval, first.import_milliwh) == (interval(890.0, 900.0), 21)
    assert (second.interval, second.import_milliwh) == (interval(900.0, 1800.0), 20 + 959)
    assert (first.import_register_milliwh, second.import_register_milliwh) == (1_021, 2_000)
    assert not first.estimated
    assert not second.estimated
    assert state.faults == ()


def test_a_boundary_between_readings_more_than_a_minute_apart_marks_both_rows() -> None:
    _, rows = play([read(0.0, 0), read(870.0, 10), read(931.0, 20), read(1800.0, 30)])
    assert [row.estimated for row in of(PccInterval, rows)] == [True, True]


def test_a_long_gap_inside_a_row_leaves_its_boundaries_exact() -> None:
    _, rows = play([read(0.0, 0), read(100.0, 10), read(500.0, 20), read(900.0, 30)])
    assert [row.estimated for row in of(PccInterval, rows)] == [False]


def test_in_time_lapse_three_ticks_are_no_gap() -> None:
    ticks = [read(0.0, 0), read(850.0, 10), read(958.0, 20), read(1800.0, 30)]
    _, rows = play(ticks, house=policy(tick_s=36.0))
    assert [row.estimated for row in of(PccInterval, rows)] == [False, False]


def test_a_gap_of_an_hour_is_spread_over_its_rows_and_marked() -> None:
    _, rows = play([read(0.0, 0), read(900.0, 900), read(4500.0, 4_500)])
    booked = [(row.import_milliwh, row.estimated) for row in of(PccInterval, rows)]
    assert booked == [(900, False), (900, True), (900, True), (900, True), (900, True)]


def test_a_row_carries_the_prices_of_its_own_time() -> None:
    ticks = [read(0.0, 0), read(2690.0, 100), read(3590.0, 200), read(3610.0, 300)]
    _, rows = play(ticks)
    last = of(PccInterval, rows)[-1]
    assert last.interval == interval(2700.0, 3600.0)
    assert (last.import_per_kwh, last.export_per_kwh) == (Decimal("0.25"), Decimal("0.1"))
    assert last.currency == "EUR"


def test_a_price_nobody_knew_stays_unknown() -> None:
    ticks = [
        (snapshot(0.0, pcc=meter(0.0, imported=0)), NOBODY),
        (snapshot(900.0, pcc=meter(900.0, imported=100)), NOBODY),
    ]
    (row,) = of(PccInterval, play(ticks)[1])
    assert (row.import_per_kwh, row.export_per_kwh) == (None, None)


@pytest.mark.parametrize("after", [500, 10_000_000_000])
def test_a_register_that_goes_back_or_leaps_is_not_booked_but_told(after: int) -> None:
    state, rows = play([read(0.0, 1_000), read(450.0, 2_000), read(460.0, after)])
    assert [fault.code for fault in state.faults] == [FaultCode.REGISTER_RESET]
    state, rows = play([read(900.0, after + 7), read(1800.0, after + 9)], metering=state)
    first, second = of(PccInterval, rows)
    assert (first.import_milliwh, first.estimated) == (1_000 + 7, True)
    assert (second.import_milliwh, second.estimated) == (2, False)
    assert second.import_register_milliwh == after + 9
    assert state.faults == ()


def test_pv_energy_is_its_power_held_over_time_and_unknown_where_it_was_not_seen() -> None:
    def tick(s, pv_power_w):
        return snapshot(s, pcc=meter(s, imported=0), pv_power_w=pv_power_w), NOBODY

    _, rows = play([tick(60.0 * k, None if k == 16 else 3000.0) for k in range(46)])
    # 3 kW for a quarter hour is 750 Wh.
    assert [row.pv_milliwh for row in of(PccInterval, rows)] == [750_000, None, 750_000]


def test_closing_books_the_running_row_up_to_its_last_reading() -> None:
    state, _ = play([read(0.0, 0), read(300.0, 77)])
    (row,) = of(PccInterval, close(state, policy()))
    assert (row.interval, row.import_milliwh) == (interval(0.0, 300.0), 77)
    assert row.import_per_kwh == Decimal("0.25")


def resumed(*, pcc=None, evses=(), sessions=(), counters=(NO_COUNTERS,), days=()) -> Metering:
    return resume(
        pcc=pcc,
        evses=evses,
        sessions=sessions,
        soc_days=days,
        decisions=(),
        counters_read=counters,
        now_utc=at(500.0).utc,
        timezone="Europe/Amsterdam",
    )


def test_after_a_restart_the_gap_is_booked_from_the_last_stored_register() -> None:
    before, _ = play([read(0.0, 0), read(300.0, 77)])
    (stored,) = of(PccInterval, close(before, policy()))
    _, rows = play(
        [read(500.0, 100), read(900.0, 150), read(1800.0, 200)], metering=resumed(pcc=stored)
    )
    first, second = of(PccInterval, rows)
    assert (first.interval, first.import_milliwh) == (interval(300.0, 900.0), 73)
    assert first.estimated
    assert (second.import_milliwh, second.estimated) == (50, False)


def test_nothing_is_booked_while_the_clock_is_untrusted_and_nothing_is_lost() -> None:
    untrusted = snapshot(400.0, pcc=meter(400.0, imported=40), clock_trusted=False)
    _, rows = play([read(0.0, 0), (untrusted, NOBODY), read(900.0, 90)])
    assert [row.import_milliwh for row in of(PccInterval, rows)] == [90]


def car_tick(seconds_s: float, *, charged=0, discharged=0, exported=0, power_w=0.0, **plug):
    status = plugged(seconds_s, charged=charged, discharged=discharged, power_w=power_w, **plug)
    pcc = meter(seconds_s, imported=0, exported=exported)
    return snapshot(seconds_s, pcc=pcc, evses=[status], curve=CURVE), decided(seconds_s, soc=0.5)


def test_the_exported_share_is_the_smaller_of_discharge_and_export_reading_by_reading() -> None:
    ticks = [
        car_tick(0.0),
        car_tick(450.0, discharged=300_000, exported=100_000, power_w=-2400.0),
        car_tick(900.0, discharged=400_000, exported=900_000, power_w=-800.0),
    ]
    (row,) = of(EvseInterval, play(ticks)[1])
    # 100 of 300 Wh in the first half, 100 of 100 Wh in the second: not min(400, 900).
    assert (row.discharge_milliwh, row.exported_milliwh) == (400_000, 200_000)


def test_without_an_export_register_all_of_a_discharge_counts_as_exported() -> None:
    ticks = [
        (snapshot(s, evses=[plugged(s, discharged=d, power_w=-1000.0)]), decided(s))
        for s, d in [(0.0, 0), (900.0, 250_000)]
    ]
    (row,) = of(EvseInterval, play(ticks)[1])
    assert row.exported_milliwh == 250_000
    assert of(PccInterval, play(ticks)[1]) == []


def test_wear_is_paid_for_what_left_the_pack() -> None:
    loss = LossCurve(constant_w=150.0, linear=0.03, quadratic_per_w=0.000003)
    ticks = [
        car_tick(s, discharged=round(4000.0 * s / 3.6), power_w=-4000.0) for s in range(0, 901, 30)
    ]
    (row,) = of(EvseInterval, play(ticks, house=policy(loss=loss))[1])
    # 4 kW for a quarter hour: 1 kWh; loss 150 + 120 + 48 = 318 W: 0.0795 kWh; at 0.04: 0.04318.
    assert row.discharge_milliwh == 1_000_000
    assert row.discharging_s == 900.0
    assert row.wear_cost == Decimal("0.043180")


def test_a_guest_wears_at_its_owners_cost() -> None:
    ticks = [
        (snapshot(s, evses=[plugged(s, discharged=d)]), decided(s, vehicle_id=None))
        for s, d in [(0.0, 0), (900.0, 100_000)]
    ]
    (row,) = of(EvseInterval, play(ticks)[1])
    assert (row.vehicle_id, row.wear_cost) == (None, Decimal(0))


def test_a_discharge_whose_power_nobody_saw_counts_the_seconds_of_full_power() -> None:
    ticks = [car_tick(0.0), car_tick(900.0, discharged=740_000)]
    (row,) = of(EvseInterval, play(ticks)[1])
    assert row.discharging_s == 360.0


def test_an_empty_outlet_still_has_its_rows() -> None:
    ticks = [(snapshot(s, evses=[empty_outlet()]), NOBODY) for s in (0.0, 880.0, 901.0)]
    (row,) = of(EvseInterval, play(ticks)[1])
    assert (row.interval, row.charge_milliwh, row.session_id) == (interval(0.0, 900.0), 0, None)
    assert not row.estimated


def test_another_car_in_the_same_quarter_hour_gets_a_row_of_its_own() -> None:
    ticks = [
        car_tick(0.0, charged=0),
        car_tick(100.0, charged=100),
        (snapshot(200.0, evses=[empty_outlet(charged=100, discharged=0)]), NOBODY),
        car_tick(300.0, charged=100, session_id="S2"),
        car_tick(900.0, charged=160, session_id="S2"),
    ]
    first, second = of(EvseInterval, play(ticks)[1])
    assert (first.session_id, first.interval, first.charge_milliwh) == (
        "S1",
        interval(0.0, 200.0),
        100,
    )
    assert (second.session_id, second.interval) == ("S2", interval(200.0, 900.0))
    assert second.charge_milliwh == 60


def test_a_session_is_written_at_its_start_on_change_and_at_its_end() -> None:
    def tick(s, *, charged, transaction=None, soc=None):
        status = plugged(s, charged=charged, transaction_id=transaction)
        return snapshot(s, evses=[status]), decided(s, soc=soc)

    ticks = [
        tick(0.0, charged=0),
        tick(1.0, charged=0, transaction="T1", soc=0.5),
        tick(500.0, charged=300_000, transaction="T1", soc=0.505),
        (snapshot(600.0, evses=[empty_outlet(charged=400_000, discharged=0)]), NOBODY),
    ]
    begun, changed, ended = of(SessionRow, play(ticks)[1])
    assert (begun.session_id, begun.transaction_id, begun.start_soc) == ("S1", None, None)
    assert (changed.transaction_id, changed.start_soc) == ("T1", 0.5)
    assert (ended.end_soc, ended.charge_milliwh) == (0.505, 400_000)
    assert (ended.plugged_in_utc, ended.plugged_out_utc) == (T0, at(600.0).utc)


def test_a_session_goes_on_after_a_restart_and_one_that_ended_meanwhile_is_closed() -> None:
    _, rows = play([car_tick(0.0)])
    (stored,) = of(SessionRow, rows)
    _, same = play([car_tick(500.0)], metering=resumed(sessions=[stored]))
    assert of(SessionRow, same) == []
    _, other = play([car_tick(500.0, session_id="S2")], metering=resumed(sessions=[stored]))
    ended, begun = of(SessionRow, other)
    assert (ended.session_id, ended.plugged_out_utc) == ("S1", at(500.0).utc)
    assert begun.session_id == "S2"


def test_a_silent_station_ends_no_session() -> None:
    state, _ = play([car_tick(0.0)])
    _, rows = play([(snapshot(60.0), NOBODY)], metering=state)
    assert of(SessionRow, rows) == []


def test_an_end_that_was_told_holds_though_the_link_closed_in_the_same_tick() -> None:
    def gone(s, **told):
        away = replace(empty_outlet(charged=100, discharged=0), connected=False, **told)
        return snapshot(s, evses=[away]), NOBODY

    state, _ = play([car_tick(0.0)])
    _, rows = play([gone(60.0)], metering=state)
    assert of(SessionRow, rows) == []
    _, rows = play([gone(60.0, ended_session_id="S0")], metering=state)
    assert of(SessionRow, rows) == []
    _, rows = play([gone(60.0, ended_session_id="S1"), gone(120.0)], metering=state)
    (ended,) = of(SessionRow, rows)
    assert (ended.session_id, ended.plugged_out_utc) == ("S1", at(60.0).utc)


def test_a_session_that_a_lost_link_told_of_is_not_the_one_before() -> None:
    state, _ = play([car_tick(0.0)])
    _, rows = play([car_tick(60.0, session_id="S2", connected=False)], metering=state)
    ended, begun = of(SessionRow, rows)
    assert (ended.session_id, ended.plugged_out_utc) == ("S1", at(60.0).utc)
    assert (begun.session_id, begun.plugged_out_utc) == ("S2", None)


def test_a_second_transaction_of_one_plug_in_ends_the_first_when_it_comes() -> None:
    began = {"plugged_in_at_utc": T0}
    state, _ = play([car_tick(0.0, **began)])
    _, rows = play([car_tick(60.0, session_id="S2", **began)], metering=state)
    ended = of(SessionRow, rows)[0]
    assert (ended.session_id, ended.plugged_out_utc) == ("S1", at(60.0).utc)


def test_decisions_are_written_when_their_rule_or_direction_changes() -> None:
    def tick(s, target_w, rule="plan"):
        return snapshot(s), decided(s, target_w=target_w, rule=rule)

    ticks = [
        tick(0.0, 1000.0),
        tick(1.0, 1040.0),  # less than 50 W
        tick(2.0, 1200.0),  # a target alone waits five minutes
        tick(20.0, 1200.0, rule="main_fuse"),
        tick(21.0, -1400.0, rule="main_fuse"),  # a direction does not wait
        tick(321.0, -2000.0, rule="main_fuse"),
    ]
    written = [(row.at_utc, row.target_w, row.rule) for row in of(DecisionRow, play(ticks)[1])]
    assert written == [
        (at(0.0).utc, 1000.0, "plan"),
        (at(20.0).utc, 1200.0, "main_fuse"),
        (at(21.0).utc, -1400.0, "main_fuse"),
        (at(321.0).utc, -2000.0, "main_fuse"),
    ]


def test_telemetry_is_the_mean_of_its_minute() -> None:
    ticks = [
        (
            snapshot(s, pcc=meter(s, imported=0, power_w=w), evses=[plugged(s, power_w=e)]),
            decided(s, soc=0.4, target_w=7000.0),
        )
        for s, w, e in [(0.0, 100.0, 10.0), (30.0, 300.0, 30.0), (60.0, 900.0, 90.0)]
    ]
    (row,) = of(TelemetryRow, play(ticks)[1])
    assert (row.minute_utc, row.pcc_power_w, row.evse_power_w) == (T0, 200.0, 20.0)
    assert (row.soc, row.target_w) == (0.4, 7000.0)


def test_the_soc_day_weighs_each_soc_by_its_time() -> None:
    state, _ = play(
        [(snapshot(s), decided(s, soc=soc)) for s, soc in [(0.0, 0.4), (45.0, 0.8), (60.0, 0.2)]]
    )
    (row,) = of(SocDay, close(state, policy()))
    # 45 s at 0.4 and 15 s at 0.8.
    assert (row.soc_min, row.soc_max, row.observed_s) == (0.2, 0.8, 60.0)
    assert row.soc_mean == pytest.approx(0.5)


def test_a_new_local_day_begins_a_new_soc_log() -> None:
    midnight_s = (datetime(2024, 12, 11, 23, 0, tzinfo=UTC) - T0).total_seconds()
    ticks = [
        (snapshot(s), decided(s, soc=soc))
        for s, soc in [(midnight_s - 1.0, 0.4), (midnight_s, 0.6)]
    ]
    state, rows = play(ticks)
    (ended,) = of(SocDay, rows)
    (begun,) = of(SocDay, close(state, policy()))
    assert (ended.day.isoformat(), ended.soc_max) == ("2024-12-11", 0.4)
    assert (begun.day.isoformat(), begun.soc_min) == ("2024-12-12", 0.6)


def test_counters_hold_the_stored_rows_the_booked_rows_and_the_running_one() -> None:
    stored = DischargeCounters(
        vehicle_id="car",
        exported_today_wh=1000.0,
        discharged_month_wh=2000.0,
        discharged_life_wh=5000.0,
        discharging_life_s=100.0,
    )
    ticks = [
        car_tick(0.0),
        car_tick(900.0, discharged=200_000, exported=150_000, power_w=-800.0),
        car_tick(950.0, discharged=210_000, exported=155_000, power_w=-800.0),
    ]
    state, _ = play(ticks, metering=resumed(counters=[stored]))
    (shown,) = counted(state)
    assert shown.exported_today_wh == 1155.0
    assert shown.discharged_month_wh == 2210.0
    assert shown.discharged_life_wh == 5210.0
    # 30 s of each span are believed, but 200 Wh at 7.4 kW took 97.297 s.
    assert shown.discharging_life_s == pytest.approx(100.0 + 97.297 + 30.0)
    (running,) = running_rows(state, policy())
    assert running.exported_milliwh == 5_000


def test_the_export_counter_begins_anew_at_local_noon() -> None:
    noon_s = (datetime(2024, 12, 11, 11, 0, tzinfo=UTC) - T0).total_seconds()
    stored = DischargeCounters(
        vehicle_id="car",
        exported_today_wh=9000.0,
        discharged_month_wh=9000.0,
        discharged_life_wh=9000.0,
        discharging_life_s=0.0,
    )
    before, _ = play([car_tick(noon_s - 1.0)], metering=resumed(counters=[stored]))
    assert counted(before)[0].exported_today_wh == 9000.0
    after, _ = play([car_tick(noon_s)], metering=before)
    assert counted(after)[0].exported_today_wh == 0.0
    assert counted(after)[0].discharged_month_wh == 9000.0


def test_a_discharge_that_nobody_could_count_leaves_the_counters_unreadable() -> None:
    state, _ = play([car_tick(0.0)], metering=resumed(counters=[NO_COUNTERS]))
    told = plugged(0.0)

    def readable(status: EvseStatus, seconds_s: float) -> bool:
        (one,) = discharge_counters(state, (status,), at(seconds_s), policy())
        known = (one.exported_today_wh, one.discharged_month_wh, one.discharged_life_wh)
        assert len({value is None for value in known}) == 1
        return one.exported_today_wh is not None

    assert readable(told, 120.0)
    assert not readable(told, 120.1)
    assert not readable(replace(told, discharge_milliwh=None), 0.0)
    assert not readable(replace(told, registers_observed_at=None), 0.0)
    assert readable(replace(told, evse_id="yard", discharge_milliwh=None), 0.0)
    assert readable(empty_outlet(), 0.0)
    only_charges = a_capability(power=PowerRange(lowest_w=0.0, highest_w=7400.0))
    assert readable(replace(told, discharge_milliwh=None, capability=only_charges), 0.0)
    both_ways = a_capability(power=PowerRange(lowest_w=-7400.0, highest_w=7400.0))
    assert not readable(replace(told, discharge_milliwh=None, capability=both_ways), 0.0)


def test_an_unreadable_counter_stays_unreadable() -> None:
    unknown = DischargeCounters(
        vehicle_id="car",
        exported_today_wh=None,
        discharged_month_wh=None,
        discharged_life_wh=None,
        discharging_life_s=None,
    )
    ticks = [car_tick(0.0), car_tick(900.0, discharged=1000, power_w=-800.0)]
    state, _ = play(ticks, metering=resumed(counters=[unknown]))
    assert counted(state) == (unknown,)


def test_a_clock_that_leaps_for_months_begins_anew_and_says_so() -> None:
    state, rows = play([read(0.0, 0), read(100 * 86_400.0, 5)])
    assert of(PccInterval, rows) == []
    assert [fault.code for fault in state.faults] == [FaultCode.REGISTER_RESET]
