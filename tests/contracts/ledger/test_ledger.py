"""What any ledger promises: rows come back as they went in, and fold to what is in force."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text

from v2g_daemon.adapters.database.reader import DatabaseReader
from v2g_daemon.adapters.database.writer import DatabaseLedger
from v2g_daemon.domain.errors import LedgerError
from v2g_daemon.domain.goals import DepartureGoal, OverrideKind, ToldDeparture
from v2g_daemon.domain.interval import Interval
from v2g_daemon.domain.ledger import (
    DecisionRow,
    DepartureEvent,
    EvseInterval,
    ForetoldRow,
    LatchEvent,
    OverrideEvent,
    PccInterval,
    SessionRow,
    SocDay,
    TelemetryRow,
)
from v2g_daemon.domain.memory import DischargeLatch
from v2g_daemon.domain.setpoint import Authority
from v2g_daemon.domain.snapshot import CommissioningRecord, CommissioningStep, DischargeCounters
from v2g_daemon.domain.vehicle import CarAnswer
from v2g_daemon.ports import LedgerReader, LedgerWriter

T0 = datetime(2024, 12, 11, 10, 0, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
DAY = Interval(start_utc=T0 - timedelta(hours=12), end_utc=T0 + timedelta(hours=12))
WAIT_S = 20.0


def pcc(number: int = 0, **changed) -> PccInterval:
    row = PccInterval(
        interval=Interval(start_utc=T0 + number * QUARTER, end_utc=T0 + (number + 1) * QUARTER),
        import_milliwh=250_001,
        export_milliwh=3,
        pv_milliwh=None,
        import_register_milliwh=9_007_199_254_740_993,
        export_register_milliwh=0,
        estimated=True,
        import_per_kwh=Decimal("0.873001"),
        export_per_kwh=Decimal("-0.5"),
        currency="EUR",
    )
    return replace(row, **changed)


def evse(number: int = 0, **changed) -> EvseInterval:
    row = EvseInterval(
        interval=Interval(start_utc=T0 + number * QUARTER, end_utc=T0 + (number + 1) * QUARTER),
        evse_id="garage",
        session_id=None,
        vehicle_id="car",
        charge_milliwh=0,
        discharge_milliwh=1_000,
        exported_milliwh=400,
        discharging_s=12.5,
        wear_cost=Decimal("0.000041"),
        end_soc=0.5,
        charge_register_milliwh=1,
        discharge_register_milliwh=None,
        estimated=False,
    )
    return replace(row, **changed)


SESSION = SessionRow(
    session_id="S1",
    evse_id="garage",
    vehicle_id="car",
    transaction_id="T1",
    plugged_in_utc=T0,
    plugged_out_utc=None,
    start_soc=0.5,
    end_soc=None,
    charge_milliwh=0,
    discharge_milliwh=0,
)


@pytest.fixture
def ledger(database_url: str) -> Iterator[DatabaseLedger]:
    opened = DatabaseLedger(database_url, now_utc=T0)
    yield opened
    opened.close()


def stored(ledger: DatabaseLedger, *rows) -> DatabaseReader:
    ledger.commit(rows).result(WAIT_S)
    return ledger.reader()


def test_writer_and_reader_are_the_ports(ledger: DatabaseLedger) -> None:
    writer: LedgerWriter = ledger
    reader: LedgerReader = ledger.reader()
    assert (writer.commit([]).result(WAIT_S), reader.commissioning()) == (None, ())


def test_the_last_stored_time_is_the_newest_that_was_metered(ledger: DatabaseLedger) -> None:
    hour = timedelta(hours=1)
    assert ledger.reader().last_stored_utc() is None
    assert stored(ledger, pcc()).last_stored_utc() == T0 + QUARTER
    minute = TelemetryRow(
        minute_utc=T0 + hour, pcc_power_w=1.0, evse_power_w=None, soc=None, target_w=None
    )
    assert stored(ledger, minute).last_stored_utc() == T0 + hour
    decision = DecisionRow(
        at_utc=T0 + 2 * hour,
        evse_id="garage",
        target_w=0.0,
        authority=Authority.PLAN,
        rule="plan",
        detail="as planned",
    )
    assert stored(ledger, decision).last_stored_utc() == T0 + 2 * hour


def test_the_last_stored_time_is_no_time_of_seeded_rows_or_of_a_users_word(
    ledger: DatabaseLedger,
) -> None:
    seeded = pcc(100, simulated=True)
    asked = OverrideEvent(
        at_utc=T0 + timedelta(days=1),
        evse_id="garage",
        kind="stop",
        until_utc=T0 + timedelta(days=2),
        confirmed=False,
    )
    assert stored(ledger, pcc(), seeded, asked).last_stored_utc() == T0 + QUARTER


def test_interval_rows_come_back_exactly(ledger: DatabaseLedger) -> None:
    reader = stored(ledger, evse(session_id="S1"), pcc(), SESSION)
    assert reader.pcc_intervals(DAY) == (pcc(),)
    assert reader.evse_intervals(DAY) == (evse(session_id="S1"),)
    assert reader.pcc_intervals(DAY)[0].interval.start_utc.tzinfo is UTC


def test_an_interval_is_half_open(ledger: DatabaseLedger) -> None:
    reader = stored(ledger, pcc(0), pcc(1), pcc(2))
    asked = Interval(start_utc=T0 + QUARTER, end_utc=T0 + 2 * QUARTER)
    assert reader.pcc_intervals(asked) == (pcc(1),)


def test_a_row_written_again_replaces_itself(ledger: DatabaseLedger) -> None:
    ledger.commit([pcc(), SESSION]).result(WAIT_S)
    ended = replace(SESSION, plugged_out_utc=T0 + QUARTER, end_soc=0.6)
    reader = stored(ledger, pcc(import_milliwh=7), ended)
    assert [row.import_milliwh for row in reader.pcc_intervals(DAY)] == [7]
    assert reader.sessions(DAY) == (ended,)


def test_sessions_are_found_by_the_time_they_touch(ledger: DatabaseLedger) -> None:
    reader = stored(ledger, replace(SESSION, plugged_out_utc=T0 + QUARTER))
    after = Interval(start_utc=T0 + QUARTER, end_utc=T0 + 2 * QUARTER)
    within = Interval(start_utc=T0 + QUARTER / 3, end_utc=T0 + QUARTER / 2)
    assert reader.sessions(after) == ()
    assert len(reader.sessions(within)) == 1


def test_an_open_session_has_the_energy_of_its_rows(ledger: DatabaseLedger) -> None:
    rows = [evse(n, session_id="S1", charge_milliwh=10) for n in range(3)]
    (session,) = stored(ledger, SESSION, *rows).open_sessions()
    assert (session.charge_milliwh, session.discharge_milliwh) == (30, 3_000)


def test_the_last_metered_rows_are_where_a_restart_goes_on(ledger: DatabaseLedger) -> None:
    reader = ledger.reader()
    assert (reader.last_pcc(), reader.last_evses()) == (None, ())
    other = evse(0, evse_id="yard")
    reader = stored(ledger, pcc(0), pcc(1), pcc(2, simulated=True), evse(0), evse(1), other)
    assert reader.last_pcc() == pcc(1)
    assert reader.last_evses() == (evse(1), other)


def test_history_is_the_house_without_its_chargers(ledger: DatabaseLedger) -> None:
    # 250 Wh in, 50 Wh out, the car took 100 Wh: 100 Wh in a quarter hour is 400 W; PV 75 Wh, 300 W.
    seen = pcc(import_milliwh=250_000, export_milliwh=50_000, pv_milliwh=75_000)
    reader = stored(ledger, seen, evse(charge_milliwh=100_000, discharge_milliwh=0))
    (row,) = reader.history(since_utc=T0)
    assert (row.start_utc, row.net_load_w, row.pv_w) == (T0, 400.0, 300.0)
    assert reader.history(since_utc=T0 + QUARTER) == ()


def test_a_quarter_hour_of_two_rows_is_one_row_of_history(ledger: DatabaseLedger) -> None:
    middle = T0 + QUARTER / 3
    first = pcc(
        interval=Interval(start_utc=T0, end_utc=middle), import_milliwh=100_000, export_milliwh=0
    )
    second = pcc(
        interval=Interval(start_utc=middle, end_utc=T0 + QUARTER),
        import_milliwh=150_000,
        export_milliwh=0,
    )
    (row,) = stored(ledger, first, second).history(since_utc=T0)
    assert row.net_load_w == 1000.0


def test_seeded_history_feeds_forecasts_but_no_counter_and_no_restart(
    ledger: DatabaseLedger,
) -> None:
    seeded = pcc(simulated=True, import_milliwh=100_000)
    ledger.seed_history([seeded, evse(simulated=True)]).result(WAIT_S)
    reader = ledger.reader()
    assert len(reader.history(since_utc=T0)) == 1
    assert reader.last_pcc() is None
    assert reader.last_evses() == ()
    counters = reader.counters("car", now_utc=T0, timezone="Europe/Amsterdam")
    assert counters.discharged_life_wh == 0.0
    with pytest.raises(LedgerError, match="marked simulated"):
        ledger.seed_history([pcc()])


def test_counters_sum_the_cars_own_rows_by_noon_day_month_and_life(ledger: DatabaseLedger) -> None:
    # Noon in Amsterdam is 11:00 UTC: four quarter hours after T0.
    month_before = timedelta(days=-12)
    old = evse(
        interval=Interval(start_utc=T0 + month_before, end_utc=T0 + month_before + QUARTER),
        discharge_milliwh=500_000,
    )
    guest = evse(5, evse_id="yard", vehicle_id=None)
    reader = stored(ledger, old, evse(3), evse(4), evse(5), guest)
    assert reader.counters(
        "car", now_utc=T0 + 6 * QUARTER, timezone="Europe/Amsterdam"
    ) == DischargeCounters(
        vehicle_id="car",
        exported_today_wh=0.8,
        discharged_month_wh=3.0,
        discharged_life_wh=503.0,
        discharging_life_s=50.0,
    )


def test_a_latch_holds_until_an_event_clears_it(ledger: DatabaseLedger) -> None:
    latch = DischargeLatch(evse_id="garage", rule="sign", detail="Größe \x00?", since_utc=T0)
    other = DischargeLatch(evse_id="garage", rule="breach", detail="", since_utc=T0)
    events = [LatchEvent(at_utc=T0, latch=one, cleared=False) for one in (latch, other)]
    reader = stored(ledger, *events)
    assert {one.rule for one in reader.latches()} == {"sign", "breach"}
    reader = stored(ledger, LatchEvent(at_utc=T0 + QUARTER, latch=latch, cleared=True))
    assert reader.latches() == (other,)
    reader = stored(ledger, LatchEvent(at_utc=T0 + 2 * QUARTER, latch=latch, cleared=False))
    assert {(one.rule, one.detail) for one in reader.latches()} == {
        ("sign", "Größe ??"),
        ("breach", ""),
    }


def test_the_last_word_on_an_evse_is_its_override(ledger: DatabaseLedger) -> None:
    def word(minutes: int, kind: str) -> OverrideEvent:
        return OverrideEvent(
            at_utc=T0 + timedelta(minutes=minutes),
            evse_id="garage",
            kind=kind,
            until_utc=T0 + timedelta(hours=5),
            confirmed=True,
        )

    reader = stored(ledger, word(0, "charge"), word(1, "stop"))
    (override,) = reader.overrides(now_utc=T0 + timedelta(hours=1))
    assert (override.kind, override.confirmed) == (OverrideKind.STOP, True)
    assert reader.overrides(now_utc=T0 + timedelta(hours=5)) == ()
    assert stored(ledger, word(2, "auto")).overrides(now_utc=T0 + timedelta(hours=1)) == ()


def test_departures_come_back_until_they_are_over_or_taken_back(ledger: DatabaseLedger) -> None:
    def told(leaves_h: float, back_h: float | None, minutes: int = 0) -> ToldDeparture:
        goal = DepartureGoal(
            ready_by_utc=T0 + timedelta(hours=leaves_h),
            soc=0.6,
            energy_wh=None if back_h is None else 9000.0,
            returns_at_utc=None if back_h is None else T0 + timedelta(hours=back_h),
            trip_wh=8000.0,
        )
        at_utc = T0 + timedelta(minutes=minutes)
        return ToldDeparture(vehicle_id="leaf", told_at_utc=at_utc, goal=goal)

    away, leaving, other = told(0.0, 5.0), told(3.0, None, 1), told(9.0, 12.0, 1)
    reader = stored(ledger, *(DepartureEvent(told=one) for one in (leaving, away, other)))
    found = reader.told_departures(now_utc=T0 + timedelta(hours=1))
    assert found[0] == away
    assert set(found) == {away, leaving, other}
    assert reader.told_departures(now_utc=T0 + timedelta(hours=5)) == (other,)
    reader = stored(ledger, DepartureEvent(told=away, taken_back_utc=T0 + QUARTER))
    assert set(reader.told_departures(now_utc=T0 + timedelta(hours=1))) == {leaving, other}


def test_the_owners_last_word_on_a_car_comes_back(ledger: DatabaseLedger) -> None:
    def word(minutes: int, session_id: str, vehicle_id: str | None) -> CarAnswer:
        return CarAnswer(
            answered_at_utc=T0 + timedelta(minutes=minutes),
            evse_id="garage",
            session_id=session_id,
            vehicle_id=vehicle_id,
        )

    assert ledger.reader().car_answers() == ()
    assert stored(ledger, word(0, "S1", "leaf"), word(1, "S2", None)).car_answers() == (
        word(1, "S2", None),
    )


def test_what_was_foretold_comes_back_and_the_last_word_on_a_quarter_hour_holds(
    ledger: DatabaseLedger,
) -> None:
    def row(lead_h: int, net_load_w: float, pv_w: float | None = None) -> ForetoldRow:
        return ForetoldRow(start_utc=T0, lead_h=lead_h, net_load_w=net_load_w, pv_w=pv_w)

    reader = stored(ledger, row(6, 400.0), row(1, 300.0, 200.0), row(6, 450.0, 0.0))
    assert reader.foretold(since_utc=T0) == (row(1, 300.0, 200.0), row(6, 450.0, 0.0))
    assert reader.foretold(since_utc=T0 + timedelta(seconds=1)) == ()


def test_what_was_foretold_of_days_long_past_goes_with_telemetry(ledger: DatabaseLedger) -> None:
    old, new = (
        ForetoldRow(start_utc=T0 + timedelta(days=days), lead_h=1, net_load_w=1.0, pv_w=None)
        for days in (0, 2)
    )
    stored(ledger, old, new)
    ledger.drop_telemetry_before(T0 + timedelta(days=1)).result(timeout=10.0)
    assert ledger.reader().foretold(since_utc=T0) == (new,)


def hours_from(first: int, last: int) -> Interval:
    """[T0 + first, T0 + last) in hours."""
    return Interval(start_utc=T0 + timedelta(hours=first), end_utc=T0 + timedelta(hours=last))


def test_records_days_decisions_and_telemetry_come_back(ledger: DatabaseLedger) -> None:
    record = CommissioningRecord(
        step=CommissioningStep.SIGN_TEST,
        evse_serial="SIM-1",
        recorded_at_utc=T0,
        recorded_by="demo",
        evidence="saw it",
        simulated=True,
    )
    day = SocDay(
        day=date(2024, 12, 11),
        vehicle_id="car",
        soc_min=0.3,
        soc_mean=0.5,
        soc_max=0.8,
        observed_s=86_400.0,
    )
    decision = DecisionRow(
        at_utc=T0,
        evse_id="garage",
        target_w=None,
        authority=Authority.SAFETY,
        rule="watch",
        detail="stage watch",
        changes_count=7,
    )
    later = replace(decision, at_utc=T0 + timedelta(hours=1), target_w=-3000.0)
    reader = stored(ledger, record, day, later, decision)
    assert reader.decisions(hours_from(0, 2)) == (decision, later)
    assert reader.decisions(hours_from(0, 1)) == (decision,)
    assert reader.commissioning() == (record,)
    assert reader.soc_days("car") == (day,)
    assert reader.soc_days("other") == ()


def test_a_row_the_database_refuses_fails_alone(ledger: DatabaseLedger) -> None:
    refused = ledger.commit([pcc(0, import_milliwh=2**70)])
    orphan = ledger.commit([evse(session_id="nobody's")])
    good = ledger.commit([pcc(1)])
    with pytest.raises(LedgerError):
        refused.result(WAIT_S)
    with pytest.raises(LedgerError):
        orphan.result(WAIT_S)
    good.result(WAIT_S)
    assert ledger.reader().pcc_intervals(DAY) == (pcc(1),)
    assert ledger.rows_lost == 2


def test_telemetry_waits_for_five_minutes_or_for_a_row_of_record(ledger: DatabaseLedger) -> None:
    def minute(number: float) -> TelemetryRow:
        return TelemetryRow(
            minute_utc=T0 + timedelta(minutes=number),
            pcc_power_w=1.0,
            evse_power_w=None,
            soc=None,
            target_w=None,
        )

    ledger.commit([minute(0)]).result(WAIT_S)
    waiting = ledger.commit([minute(4.5)])
    ledger.commit([minute(5)]).result(WAIT_S)
    waiting.result(WAIT_S)
    again = ledger.commit([minute(6)])
    ledger.commit([pcc()]).result(WAIT_S)
    again.result(WAIT_S)


def test_a_second_daemon_is_told_to_stay_away(ledger: DatabaseLedger, database_url: str) -> None:
    with pytest.raises(LedgerError, match="another daemon"):
        DatabaseLedger(database_url, now_utc=T0)
    ledger.commit([pcc()]).result(WAIT_S)


def test_a_closed_ledger_opens_again_with_what_it_held(database_url: str) -> None:
    first = DatabaseLedger(database_url, now_utc=T0)
    first.commit([pcc()])
    first.close()
    with pytest.raises(LedgerError, match="closed"):
        first.commit([pcc()]).result(WAIT_S)
    second = DatabaseLedger(database_url, now_utc=T0)
    assert second.repair is None
    assert second.reader().pcc_intervals(DAY) == (pcc(),)
    second.close()
    assert DatabaseReader.at(database_url).pcc_intervals(DAY) == (pcc(),)


def test_a_reader_cannot_write(ledger: DatabaseLedger) -> None:
    reader = stored(ledger, pcc())
    with pytest.raises(LedgerError, match="read"):
        reader._read(text("DELETE FROM pcc_interval"))
    assert reader.pcc_intervals(DAY) == (pcc(),)
