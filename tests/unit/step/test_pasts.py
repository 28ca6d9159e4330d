"""The past: quarter hours of the house without its chargers, whatever order their rows come in."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.builders import a_pcc_row, a_vehicle
from v2g_daemon.domain.interval import Interval
from v2g_daemon.domain.ledger import (
    EvseInterval,
    LedgerRow,
    PccInterval,
    SessionRow,
    TelemetryRow,
)
from v2g_daemon.domain.plan import HistoryRow, PastStay
from v2g_daemon.domain.prices import PriceCurve
from v2g_daemon.step.history import KEPT, by_days
from v2g_daemon.step.pasts import SESSIONS_KEPT, Past, remembered, stays_of, with_prices

T0 = datetime(2024, 12, 11, 18, 0, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


def span(number: float, minutes: float = 15.0) -> Interval:
    start_utc = T0 + number * QUARTER
    return Interval(start_utc=start_utc, end_utc=start_utc + timedelta(minutes=minutes))


def pcc(number: float = 0, *, minutes: float = 15.0, **changes: Any) -> PccInterval:
    """1200 Wh imported, 200 Wh exported: 4000 W over a quarter hour."""
    row = a_pcc_row(span(number, minutes), import_milliwh=1_200_000, export_milliwh=200_000)
    return replace(row, **changes)


def evse(number: float = 0, *, minutes: float = 15.0, **changes: Any) -> EvseInterval:
    """750 Wh charged: 3000 W over a quarter hour."""
    row = EvseInterval(
        interval=span(number, minutes),
        evse_id="carport",
        session_id="s1",
        vehicle_id="car",
        charge_milliwh=750_000,
        discharge_milliwh=0,
        exported_milliwh=0,
        discharging_s=0.0,
        wear_cost=Decimal(0),
        end_soc=None,
        charge_register_milliwh=None,
        discharge_register_milliwh=None,
        estimated=False,
    )
    return replace(row, **changes)


def after(*ticks: tuple[LedgerRow, ...], past: Past | None = None) -> Past:
    """The past after these ticks, ten seconds apart."""
    past = Past() if past is None else past
    for number, rows in enumerate(ticks):
        past = remembered(past, rows, T0 + QUARTER + number * timedelta(seconds=10))
    return past


def quarters(past: Past) -> tuple[HistoryRow, ...]:
    return tuple(row for day in past.history for row in day)


def net_load_w(past: Past) -> dict[datetime, float]:
    return {row.start_utc: row.net_load_w for row in quarters(past)}


def test_a_quarter_hour_is_closed_when_the_next_ones_row_arrives() -> None:
    assert after((pcc(0), evse(0))).history == ()
    past = after((pcc(0), evse(0)), (pcc(1),))
    assert quarters(past) == (HistoryRow(start_utc=T0, net_load_w=1000.0),)


def test_an_evse_row_that_comes_a_tick_later_is_taken_out_all_the_same() -> None:
    assert net_load_w(after((pcc(0),), (evse(0),), (pcc(1),))) == {T0: 1000.0}


def test_a_discharge_is_added_back_to_what_the_house_drew() -> None:
    gave = evse(charge_milliwh=0, discharge_milliwh=500_000)
    assert net_load_w(after((pcc(0), gave), (pcc(1),))) == {T0: 6000.0}


def test_rows_that_a_change_of_car_cut_in_two_are_both_taken_out() -> None:
    first = evse(0, minutes=5.0, charge_milliwh=250_000)
    second = evse(1 / 3, minutes=10.0, charge_milliwh=500_000, session_id="s2")
    assert net_load_w(after((pcc(0), first, second), (pcc(1),))) == {T0: 1000.0}


def test_a_quarter_hour_that_a_restart_cut_in_two_is_one_row() -> None:
    first = pcc(0, minutes=6.0, import_milliwh=300_000, export_milliwh=0, pv_milliwh=30_000)
    second = pcc(0.4, minutes=9.0, import_milliwh=450_000, export_milliwh=0, pv_milliwh=45_000)
    past = after((first,), (second,), (pcc(1),))
    assert quarters(past) == (HistoryRow(start_utc=T0, net_load_w=3000.0, pv_w=300.0),)


def test_the_end_of_a_quarter_hour_replaces_what_was_read_of_it_at_the_start() -> None:
    stored = Past(history=by_days((HistoryRow(start_utc=T0, net_load_w=9.0),)))
    assert net_load_w(after((pcc(0.4, minutes=9.0),), (pcc(1),), past=stored)) == {
        T0: pytest.approx(6666.667)
    }


def test_less_than_five_minutes_say_nothing_of_a_quarter_hour() -> None:
    assert after((pcc(0.7, minutes=4.5),), (pcc(1),)).history == ()


def test_charging_that_is_read_while_the_meter_is_away_is_kept_for_the_meters_row() -> None:
    past = after((evse(0),), (evse(1),), (evse(2),), (pcc(0), pcc(1)), (pcc(2),), (pcc(3),))
    assert net_load_w(past) == {
        T0: 1000.0,
        T0 + QUARTER: 1000.0,
        T0 + 2 * QUARTER: 1000.0,
    }
    assert past.open_rows == (pcc(3),)


def test_charging_that_comes_to_light_hours_later_corrects_the_past() -> None:
    past = after((pcc(0),), (pcc(1),), (pcc(2),))
    assert net_load_w(past) == {T0: 4000.0, T0 + QUARTER: 4000.0}
    past = after((evse(0),), past=past)
    assert net_load_w(past) == {T0: 1000.0, T0 + QUARTER: 4000.0}
    assert past.open_rows == (pcc(2),)


def test_charging_of_a_quarter_hour_nobody_metered_is_forgotten() -> None:
    past = after((pcc(4),), (evse(0),))
    assert (past.history, past.open_rows) == ((), (pcc(4),))


def test_without_a_meter_charging_is_not_collected_for_ever() -> None:
    past = Past()
    for number in range(200):
        past = remembered(past, (evse(number),), T0 + (number + 1) * QUARTER)
    assert past.history == ()
    assert len(past.open_rows) == 96


def test_pv_is_known_only_where_each_row_of_the_quarter_hour_knows_it() -> None:
    first, second = pcc(0, minutes=6.0, pv_milliwh=1), pcc(0.4, minutes=9.0)
    assert quarters(after((first, second), (pcc(1),)))[0].pv_w is None


@pytest.mark.parametrize(
    ("days_old", "kept"),
    [
        ((28.25, 27.875), (28.25, 27.875)),
        ((28.25, 27.0), (27.0,)),
        ((29.5, 28.5, 27.0), (27.0,)),
        ((29.5,), ()),
    ],
)
def test_four_weeks_are_kept_and_what_is_older_is_forgotten_a_day_at_a_time(
    days_old: tuple[float, ...], kept: tuple[float, ...]
) -> None:
    old = Past(
        history=by_days(
            HistoryRow(start_utc=T0 - timedelta(days=days), net_load_w=1.0) for days in days_old
        )
    )
    past = after((pcc(0),), (pcc(1),), past=old)
    assert list(net_load_w(past)) == [*(T0 - timedelta(days=days) for days in kept), T0]


def test_rows_without_energy_change_nothing() -> None:
    telemetry = TelemetryRow(
        minute_utc=T0, pcc_power_w=1.0, evse_power_w=None, soc=None, target_w=None
    )
    past = after((pcc(0),))
    assert remembered(past, (telemetry,), T0) is past


def session(number: int, **changes: Any) -> SessionRow:
    """Plugged in for two hours, a day after the one before; 80 % at the end, 50 % at the start."""
    began_utc = T0 + timedelta(days=number)
    row = SessionRow(
        session_id=f"s{number}",
        evse_id="carport",
        vehicle_id="car",
        transaction_id=None,
        plugged_in_utc=began_utc,
        plugged_out_utc=began_utc + timedelta(hours=2),
        start_soc=0.5,
        end_soc=0.8,
        charge_milliwh=0,
        discharge_milliwh=0,
    )
    return replace(row, **changes)


def test_of_a_session_the_newest_row_counts() -> None:
    begun = remembered(Past(), (session(0, plugged_out_utc=None),), T0)
    assert [row.plugged_out_utc for row in begun.sessions] == [None]
    ended = remembered(begun, (session(0),), T0 + timedelta(hours=2))
    assert ended.sessions == (session(0),)


def test_sessions_are_kept_in_order_for_somewhat_more_than_a_year() -> None:
    past = remembered(Past(), (session(1), session(0)), T0)
    assert past.sessions == (session(0), session(1))
    later = remembered(past, (session(2),), T0 + SESSIONS_KEPT + timedelta(hours=12))
    assert later.sessions == (session(1), session(2))


def test_a_trip_took_what_was_missing_when_the_car_came_back() -> None:
    stays = stays_of((session(0), session(1, plugged_out_utc=None)), a_vehicle())
    assert stays == (
        PastStay(plugged_in_utc=T0, plugged_out_utc=T0 + timedelta(hours=2), trip_wh=None),
        PastStay(
            plugged_in_utc=T0 + timedelta(days=1),
            plugged_out_utc=None,
            trip_wh=pytest.approx(18_000.0),  # type: ignore[arg-type]
        ),
    )


def test_a_car_that_was_charged_elsewhere_took_no_trip() -> None:
    assert stays_of((session(0), session(1, start_soc=0.9)), a_vehicle())[1].trip_wh == 0.0


def test_without_a_soc_no_trip_is_known() -> None:
    rows = (session(0, end_soc=None), session(1), session(2, start_soc=None))
    assert [stay.trip_wh for stay in stays_of(rows, a_vehicle())] == [None, None, None]


def test_stays_of_other_cars_and_guests_teach_nothing() -> None:
    rows = (session(0, vehicle_id="other"), session(1, vehicle_id=None))
    assert stays_of(rows, a_vehicle()) == ()


def test_what_was_charged_after_the_last_reading_was_in_the_pack_too() -> None:
    # 30 kWh at the start, 20 kWh of 0.92 charged, 80 % = 48 kWh read last: 48.4 kWh it was.
    first = session(0, charge_milliwh=20_000_000, end_soc=0.8)
    stays = stays_of((first, session(1)), a_vehicle())
    assert stays[1].trip_wh == pytest.approx(18_400.0)


# --- what a real-time market asked

IN_REAL_TIME = PriceCurve(currency="AUD", slots=(), real_time_s=300)


def paid(number: float, import_per_kwh: str | None, **changes: Any) -> PccInterval:
    money = None if import_per_kwh is None else Decimal(import_per_kwh)
    return pcc(number, import_per_kwh=money, export_per_kwh=money, **changes)


def priced(past: Past) -> list[tuple[datetime, float]]:
    return [(slot.interval.start_utc, slot.import_per_kwh) for slot in past.prices]


def test_the_prices_of_metered_quarter_hours_are_remembered_in_real_time() -> None:
    rows = (paid(0, "0.1"), paid(1, None), paid(2, "-0.03"))
    past = with_prices(Past(), rows, IN_REAL_TIME, T0 + 3 * QUARTER)
    assert priced(past) == [(T0, 0.1), (T0 + 2 * QUARTER, -0.03)]
    later = with_prices(past, (paid(3, "17.5"),), IN_REAL_TIME, T0 + 4 * QUARTER)
    assert priced(later)[-1] == (T0 + 3 * QUARTER, 17.5)


def test_prices_that_are_published_ahead_are_not_remembered_twice() -> None:
    ahead = replace(IN_REAL_TIME, real_time_s=None)
    assert with_prices(Past(), (paid(0, "0.1"),), ahead, T0 + QUARTER) == Past()
    assert with_prices(Past(), (paid(0, "0.1"),), None, T0 + QUARTER) == Past()


def test_old_prices_are_forgotten_and_a_clock_that_steps_back_adds_none() -> None:
    past = with_prices(Past(), (paid(0, "0.1"), paid(1, "0.2")), IN_REAL_TIME, T0 + 2 * QUARTER)
    assert with_prices(past, (paid(0.5, "0.3"),), IN_REAL_TIME, T0 + 2 * QUARTER) == past
    much_later = T0 + KEPT + QUARTER
    kept = with_prices(past, (paid(KEPT / QUARTER, "0.4"),), IN_REAL_TIME, much_later)
    assert priced(kept) == [(T0 + QUARTER, 0.2), (T0 + KEPT, 0.4)]


def test_a_day_stays_the_same_until_a_quarter_hour_of_it_is_corrected() -> None:
    midnight = 24  # quarter hours after T0
    rows = [(pcc(number),) for number in range(midnight - 2, midnight + 3)]
    past = after(*rows)
    first, second = past.history
    assert (len(first), len(second)) == (2, 2)
    grown = after((pcc(midnight + 3),), past=past)
    assert grown.history[0] is first
    assert grown.history[1] == (*second, *quarters(grown)[-1:])
    corrected = after((evse(midnight - 1),), past=grown)
    assert corrected.history[1] is grown.history[1]
    assert [row.net_load_w for row in corrected.history[0]] == [4000.0, 1000.0]
    assert [row.net_load_w for row in first] == [4000.0, 4000.0]


def test_a_quarter_hour_that_comes_after_its_day_is_put_in_its_place() -> None:
    later = by_days((HistoryRow(start_utc=T0 + timedelta(days=2), net_load_w=2.0),))
    earlier = HistoryRow(start_utc=T0 - timedelta(days=2), net_load_w=1.0)
    past = Past(history=(*by_days((earlier,)), *later))
    found = net_load_w(after((pcc(0),), (pcc(1),), past=past))
    assert list(found.items())[1] == (T0, 4000.0)
    assert list(found) == sorted(found)
