"""A day's figures against sums on paper, plain charging included."""

from __future__ import annotations

from dataclasses import replace
from datetime import time
from decimal import Decimal
from typing import Any

import pytest

from tests.builders import LOSSLESS
from tests.unit.accounting.house import at, car, every_day, interval, policy
from v2g_daemon.accounting.counterfactual import PlugIn, Quarter, plain_charging
from v2g_daemon.accounting.statement import PlainTarget, neutral_price, statement
from v2g_daemon.domain.ledger import EvseInterval, PccInterval, SessionRow
from v2g_daemon.domain.loss import LossCurve


def pcc(quarter: int, *, imported: int = 0, exported: int = 0, buy="0.30", sell="0.20", **more):
    return PccInterval(
        interval=interval(900.0 * quarter, 900.0 * (quarter + 1)),
        import_milliwh=imported,
        export_milliwh=exported,
        pv_milliwh=None,
        import_register_milliwh=None,
        export_register_milliwh=None,
        estimated=more.get("estimated", False),
        import_per_kwh=None if buy is None else Decimal(buy),
        export_per_kwh=None if sell is None else Decimal(sell),
        currency="EUR",
        simulated=more.get("simulated", False),
    )


def evse(quarter: int, *, charged: int = 0, discharged: int = 0, exported: int = 0, **more):
    return EvseInterval(
        interval=interval(900.0 * quarter, 900.0 * (quarter + 1)),
        evse_id="garage",
        session_id="S1",
        vehicle_id=more.get("vehicle_id", "car"),
        charge_milliwh=charged,
        discharge_milliwh=discharged,
        exported_milliwh=exported,
        discharging_s=900.0 if discharged else 0.0,
        wear_cost=Decimal(more.get("wear", "0")),
        end_soc=more.get("soc"),
        charge_register_milliwh=None,
        discharge_register_milliwh=None,
        estimated=False,
        simulated=more.get("simulated", False),
    )


def session(**more) -> SessionRow:
    return SessionRow(
        session_id="S1",
        evse_id="garage",
        vehicle_id=more.get("vehicle_id", "car"),
        transaction_id=None,
        plugged_in_utc=at(more.get("plugged_in_s", 0.0)).utc,
        plugged_out_utc=None,
        start_soc=more.get("start_soc", 0.5),
        end_soc=None,
        charge_milliwh=0,
        discharge_milliwh=0,
    )


# An hour: the car discharges 1 kWh while the house draws 0.25 kWh a quarter, then charges it back.
HOUSE = [
    pcc(0, exported=750_000, sell="0.60"),
    pcc(1, imported=250_000),
    pcc(2, imported=250_000),
    pcc(3, imported=1_250_000, buy="0.10"),
]
CAR = [
    evse(0, discharged=1_000_000, exported=750_000, wear="0.04", soc=0.4833),
    evse(1, soc=0.4833),
    evse(2, soc=0.4833),
    evse(3, charged=1_000_000, soc=0.5),
]


def of_the_hour(**changed):
    given: dict[str, Any] = {
        "pcc_rows": HOUSE,
        "evse_rows": CAR,
        "sessions": [session()],
        "policy": policy(),
        "target": PlainTarget.SOC_REACHED,
        "neutral_per_kwh": Decimal("0.20"),
    }
    return statement(interval(0.0, 3600.0), **(given | changed))


def test_a_statement_adds_up_energy_money_and_wear() -> None:
    one = of_the_hour()
    assert (one.import_milliwh, one.export_milliwh) == (1_750_000, 750_000)
    assert (one.charge_milliwh, one.discharge_milliwh, one.exported_milliwh) == (
        1_000_000,
        1_000_000,
        750_000,
    )
    # 0.25 × 0.30 × 2 + 1.25 × 0.10 = 0.275; 0.75 × 0.60 = 0.45
    assert (one.import_cost, one.export_revenue) == (Decimal("0.275"), Decimal("0.45"))
    assert one.energy_cost == Decimal("-0.175")
    assert one.net_cost == Decimal("-0.135")
    assert (one.wear.low, one.wear.high) == (Decimal("0.01"), Decimal("0.09"))
    assert one.intervals_count == 4
    assert one.incomplete == ()


def test_plain_charging_of_a_car_that_ended_where_it_began_is_the_house_alone() -> None:
    one = of_the_hour()
    # 0.25 × (0.30 + 0.30 + 0.30 + 0.10)
    assert one.plain_charging_cost == Decimal("0.25")
    assert one.saved == Decimal("0.385")
    assert one.plain_charge_milliwh == 0


def test_what_plain_charging_leaves_in_the_pack_is_credited() -> None:
    # The car gives 1 kWh and keeps it away: plain charging ends 1 kWh ahead, worth 0.20.
    rows = [evse(0, discharged=1_000_000, soc=0.5 - 1.0 / 60.0)]
    one = of_the_hour(pcc_rows=[pcc(0, exported=750_000)], evse_rows=rows)
    assert one.plain_ahead_wh == pytest.approx(1000.0)
    # The house alone: 0.25 × 0.30 − 0.20 × 1.0
    assert one.plain_charging_cost == Decimal("-0.125")


def test_the_end_energy_is_credited_to_both() -> None:
    one, without = of_the_hour(end_energy_wh=30_000.0), of_the_hour()
    assert one.net_cost == Decimal("-6.135")
    assert one.plain_charging_cost == Decimal("-5.75")
    assert one.saved == without.saved


def test_plain_charging_goes_to_the_goal_in_force_else_to_the_ceiling() -> None:
    # From 50 % of 60 kWh at 7.4 kW without loss, an hour is 7.4 kWh: both targets lie beyond it.
    # 51 % is 0.6 kWh away.
    to_goal = policy(departures=(every_day(ready_by=time(7, 30), soc=0.51),))
    one = of_the_hour(policy=to_goal, target=PlainTarget.GOAL_ELSE_CEILING)
    assert one.plain_charge_milliwh == pytest.approx(600_000, abs=1)
    one = of_the_hour(target=PlainTarget.GOAL_ELSE_CEILING)
    assert one.plain_charge_milliwh == 7_400_000


def test_an_energy_goal_is_charged_on_top_of_what_is_there() -> None:
    house = policy(departures=(every_day(ready_by=time(7, 30), soc=None, energy_wh=3000.0),))
    one = of_the_hour(policy=house, target=PlainTarget.GOAL_ELSE_CEILING)
    assert one.plain_charge_milliwh == pytest.approx(3_000_000, abs=4)


def test_a_car_without_soc_is_charged_the_same_energy_at_once() -> None:
    rows = [evse(3, charged=1_000_000, vehicle_id=None)]
    one = of_the_hour(
        pcc_rows=[pcc(n, imported=1_000_000 if n == 3 else 0) for n in range(4)],
        evse_rows=rows,
        sessions=[session(vehicle_id=None, start_soc=None)],
    )
    assert one.plain_charge_milliwh == pytest.approx(1_000_000, abs=1)
    assert one.plain_ahead_wh == pytest.approx(0.0)


def test_the_soc_at_midnight_comes_from_the_row_before() -> None:
    rows = [evse(-1, soc=0.45), evse(0, charged=1_000_000, soc=0.45 + 1.0 / 60.0)]
    stay = session(plugged_in_s=-7200.0, start_soc=0.3)
    one = of_the_hour(evse_rows=rows, sessions=[stay])
    assert one.plain_charge_milliwh == pytest.approx(1_000_000, abs=4)
    assert one.charge_milliwh == 1_000_000


def test_simulated_history_never_counts() -> None:
    seeded = [pcc(n, imported=9_000_000, simulated=True) for n in range(4)]
    one = of_the_hour(pcc_rows=[*seeded, *HOUSE])
    assert one.import_milliwh == 1_750_000
    assert of_the_hour(pcc_rows=seeded).energy_cost is None


def test_gaps_estimates_and_missing_prices_are_named() -> None:
    rows = [pcc(0, imported=1_000, estimated=True), pcc(1, imported=1_000, buy=None), pcc(2)]
    one = of_the_hour(pcc_rows=rows, evse_rows=[], sessions=[])
    assert one.incomplete == (
        "15 minutes are not recorded",
        "1 quarter hours have no price and are left out",
        "1 interval rows are estimated across a gap",
    )


def test_without_a_meter_no_money_is_claimed() -> None:
    one = of_the_hour(pcc_rows=[])
    assert (one.energy_cost, one.net_cost, one.saved) == (None, None, None)
    assert one.discharge_milliwh == 1_000_000
    assert "no meter" in one.incomplete[0]


def test_the_neutral_price_is_the_mean_of_the_known_ones() -> None:
    assert neutral_price(HOUSE) == Decimal("0.25")
    assert neutral_price([pcc(0, buy=None)]) == 0


def quarter(number: int, *, baseload: int, buy: str, sell: str = "0.05") -> Quarter:
    return Quarter(
        start_utc=at(900.0 * number).utc,
        baseload_milliwh=baseload,
        import_per_kwh=Decimal(buy),
        export_per_kwh=Decimal(sell),
    )


def stay(
    start_s: float, end_s: float, *, start_wh: float, end_wh: float, target_wh: float, loss=LOSSLESS
):
    return PlugIn(
        car="car",
        interval=interval(start_s, end_s),
        start_wh=start_wh,
        end_wh=end_wh,
        target_wh=target_wh,
        max_charge_w=7200.0,
        loss=loss,
    )


def test_plain_charging_eats_the_surplus_first() -> None:
    # 7.2 kW for a quarter hour is 1.8 kWh; 1 kWh of it is surplus that earned 0.05.
    house = [quarter(0, baseload=-1_000_000, buy="0.40")]
    plain = plain_charging(house, [stay(0.0, 900.0, start_wh=0.0, end_wh=1800.0, target_wh=9e9)])
    assert plain.energy_cost == Decimal("0.32")


def test_plain_charging_stops_within_a_quarter_hour() -> None:
    # 2.7 kWh at 7.2 kW: 22.5 minutes.
    house = [quarter(n, baseload=0, buy=price) for n, price in enumerate(["0.10", "0.20", "0.30"])]
    plain = plain_charging(house, [stay(0.0, 2700.0, start_wh=0.0, end_wh=0.0, target_wh=2700.0)])
    assert plain.charge_milliwh == 2_700_000
    assert plain.energy_cost == Decimal("0.36")
    assert plain.ahead_wh == 2700.0


def test_plain_charging_pays_for_the_loss() -> None:
    # 7.2 kW loses 1.2 kW: 6 kW into the pack; 1.5 kWh take a quarter hour and 1.8 kWh.
    loss = LossCurve(constant_w=480.0, linear=0.1, quadratic_per_w=0.0)
    house = [quarter(0, baseload=0, buy="1.00"), quarter(1, baseload=0, buy="1.00")]
    plain = plain_charging(
        house, [stay(0.0, 1800.0, start_wh=0.0, end_wh=1500.0, target_wh=1500.0, loss=loss)]
    )
    assert plain.energy_cost == Decimal("1.8")


def test_a_trip_takes_from_the_plain_car_what_it_took_from_ours() -> None:
    # Ours left with 10 and came back with 4 kWh (6 driven); the plain one left with 12: it has 6.
    stays = [
        stay(0.0, 3600.0, start_wh=9000.0, end_wh=10_000.0, target_wh=12_000.0),
        stay(7200.0, 10_800.0, start_wh=4000.0, end_wh=5000.0, target_wh=7000.0),
    ]
    house = [quarter(n, baseload=0, buy="0.10") for n in range(12)]
    plain = plain_charging(house, stays)
    assert plain.charge_milliwh == 3_000_000 + 1_000_000
    assert plain.ahead_wh == 2000.0


def test_charging_where_no_meter_row_stands_is_counted_as_left_out() -> None:
    plain = plain_charging([], [stay(0.0, 900.0, start_wh=0.0, end_wh=0.0, target_wh=1800.0)])
    assert (plain.energy_cost, plain.unpriced_count) == (Decimal(0), 1)


def test_a_car_slower_than_its_charger_sets_the_power() -> None:
    slow = policy(cars=(replace(car(), max_charge_w=3600.0),))
    one = of_the_hour(policy=slow, target=PlainTarget.GOAL_ELSE_CEILING)
    assert one.plain_charge_milliwh == 3_600_000
