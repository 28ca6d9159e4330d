"""Scores: money by component, switches, nights, warranty and carbon, with the sums by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.unit.rehearsal.toys import START_UTC, a_plant, days_of, stay
from v2g_daemon.domain.billing_meter import BillingMeter
from v2g_daemon.domain.interval import Interval
from v2g_daemon.domain.vehicle import WarrantyTerms
from v2g_daemon.market.rated import rated
from v2g_daemon.market.series import SeriesPrice
from v2g_daemon.market.tariff import Component, Export, SeriesRate, Stack, Tariff, TariffBook
from v2g_daemon.rehearsal.contest import Case
from v2g_daemon.rehearsal.days import Days
from v2g_daemon.rehearsal.job import Ran
from v2g_daemon.rehearsal.knowledge import Knowledge
from v2g_daemon.rehearsal.policies import Terms, in_virtual_time, of_a_plant
from v2g_daemon.rehearsal.score import Market, Score, nights, scored, switches
from v2g_daemon.rehearsal.strategies import Strategy

QUARTER = timedelta(minutes=15)


def a_market(days: Days, **changes: Any) -> Market:
    """Prices as the days have them, in cash."""
    interval = Interval(start_utc=days.start_utc, end_utc=days.end_utc)
    tariff = Tariff(
        id="toy",
        currency="EUR",
        timezone=days.timezone,
        imports=Stack(components=(Component(name="import", rate=SeriesRate(source="in")),)),
        export=Export(
            stack=Stack(components=(Component(name="energy", rate=SeriesRate(source="out")),))
        ),
    )
    series = {"in": series_of(days.import_per_kwh), "out": series_of(days.export_per_kwh)}
    market = Market(
        versions=rated(TariffBook(versions=(tariff,)), series, interval),
        meter=BillingMeter(),
        end_per_kwh=Decimal("0.2"),
    )
    return replace(market, **changes)


def series_of(values: tuple[float, ...]) -> tuple[SeriesPrice, ...]:
    return tuple(
        SeriesPrice(
            interval=Interval(
                start_utc=START_UTC + slot * QUARTER, end_utc=START_UTC + (slot + 1) * QUARTER
            ),
            per_kwh=Decimal(repr(value)),
        )
        for slot, value in enumerate(values)
    )


def a_case(days: Days, **market: Any) -> Case:
    plant = a_plant()
    terms = Terms(currency="EUR", timezone=days.timezone, wear_per_kwh=0.04, unmet_goal_per_kwh=5.0)
    return Case(
        name="toy",
        days=days,
        plant=plant,
        policy=of_a_plant(plant, terms),
        published=None,
        market=a_market(days, **market),
        start_wh=30_000.0,
        miss_per_kwh=1.0,
        notes=(),
    )


def a_run(days: Days, **changes: Any) -> Ran:
    """Nothing moves, but for what is changed."""
    nothing = (0,) * days.count
    idle = Ran(
        setpoint_w=(0.0,) * days.count,
        power_w=(0.0,) * days.count,
        pack_wh=(0.0,) * days.count,
        energy_wh=(30_000.0,) * days.count,
        import_milliwh=nothing,
        export_milliwh=nothing,
        charge_milliwh=nothing,
        discharge_milliwh=nothing,
        departure_slots=(),
        missing_wh=(),
        stranded_wh=0.0,
    )
    return replace(idle, **changes)


def score_of(days: Days, ran: Ran, case: Case | None = None) -> Score:
    case = a_case(days) if case is None else case
    return scored(case.job(Strategy.V2G, Knowledge.TOLD), ran, case.market)


def test_money_is_import_export_wear_and_the_energy_left() -> None:
    days = days_of([0.30, 0.10, 0.50, 0.20], sold=[0.05, 0.05, 0.40, 0.05])
    ran = a_run(
        days,
        import_milliwh=(1_000_000, 2_000_000, 0, 0),
        export_milliwh=(0, 0, 1_500_000, 0),
        pack_wh=(0.0, 1800.0, -1700.0, 0.0),
        energy_wh=(30_000.0, 31_800.0, 30_100.0, 30_100.0),
    )
    score = score_of(days, ran)
    assert {line.name: line.amount for line in score.lines} == {
        "import": Decimal("0.5"),  # 1 × 0.30 + 2 × 0.10
        "export_energy": Decimal("-0.6"),  # 1.5 × 0.40
    }
    assert score.energy_cost == Decimal("-0.1")
    assert score.wear.default == Decimal("0.068")  # 1.7 kWh × 0.04
    assert (score.wear.low, score.wear.high) == (Decimal("0.017"), Decimal("0.153"))
    assert score.end_credit == Decimal("0.02")  # 0.1 kWh × 0.2
    assert score.net_cost == Decimal("-0.052")
    assert score.net_cost_at(score.wear.high) == Decimal("0.033")
    assert score.cycles == pytest.approx(1.7 / 60.0)


def test_what_is_rounded_on_a_bill_is_exact_here() -> None:
    days = days_of([0.12345] * 96)
    ran = a_run(days, import_milliwh=(1_001,) * 96)
    assert score_of(days, ran).energy_cost == Decimal("0.0118630512")  # 96.096 Wh


def test_a_start_and_a_reversal_are_switches_and_a_change_of_power_is_none() -> None:
    assert switches([0.0, 3000.0, 5000.0, 0.0, -2000.0, 2000.0, 2000.0, 0.0]) == 3


def test_nights_run_from_noon_to_noon_and_count_once() -> None:
    # Tuesday 02:00 to 11:00 is Monday's night; 13:00 to Wednesday 14:00 are two more.
    days = days_of([0.3] * 300, stays=(stay(8, 44), stay(52, 152)))
    assert len(nights(days)) == 3
    assert len(nights(days_of([0.3] * 300, stays=(stay(8, 20), stay(24, 30))))) == 1


def test_departures_are_met_within_a_tenth_of_a_kwh() -> None:
    days = days_of([0.3] * 8)
    ran = a_run(days, departure_slots=(2, 4, 6), missing_wh=(0.0, 100.0, 2500.0))
    score = score_of(days, ran)
    assert (score.departures_count, score.departures_met_count) == (3, 2)
    assert score.missed_wh == 2600.0


def test_the_warranty_is_used_by_what_these_days_may_use_of_it() -> None:
    days = days_of([0.3] * 96)
    case = a_case(days)
    terms = WarrantyTerms(
        acknowledged=True, years=1.0, start_date=date(2024, 1, 1), discharge_wh=3_652_500.0
    )
    car = replace(case.policy.vehicles[0], warranty=terms)
    case = replace(case, policy=in_virtual_time(replace(case.policy, vehicles=(car,))))
    ran = a_run(days, pack_wh=(-5000.0,) + (0.0,) * 95, power_w=(-7400.0,) + (0.0,) * 95)
    use = score_of(days, ran, case).warranty
    assert use is not None
    assert use.energy_share == pytest.approx(0.5)  # 10 kWh a day are paced
    assert (use.hours_share, use.cycles_share) == (None, None)


def test_carbon_counts_import_and_export_apart() -> None:
    days = days_of([0.3] * 4)
    case = a_case(days, carbon_g_per_kwh=(100.0, 200.0, 300.0, 400.0))
    ran = a_run(
        days, import_milliwh=(2_000_000, 0, 1_000_000, 0), export_milliwh=(0, 500_000, 0, 0)
    )
    carbon = score_of(days, ran, case).carbon
    assert carbon is not None
    assert (carbon.import_kg, carbon.export_kg) == pytest.approx((0.5, 0.1))
    assert score_of(days, ran).carbon is None
