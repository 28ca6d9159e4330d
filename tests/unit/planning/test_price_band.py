"""What a real-time market may ask: the same wall time of the last days, and the present's part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from tests.unit.planning.problems import START_UTC, plan_problem
from v2g_daemon.domain.interval import Interval
from v2g_daemon.domain.plan import PlanProblem
from v2g_daemon.domain.prices import PriceCurve, PriceSlot
from v2g_daemon.planning import price_band, tables
from v2g_daemon.planning.case import Floats, PriceBand
from v2g_daemon.planning.plan import advise, solve
from v2g_daemon.planning.price_band import banded_prices
from v2g_daemon.planning.price_tail import StepPrices
from v2g_daemon.planning.wall import Steps

ZONE = ZoneInfo("Europe/Amsterdam")
QUARTER = timedelta(minutes=15)
DAY = 96
USUAL = 0.10


def slot(start_utc: datetime, per_kwh: float, length: timedelta = QUARTER) -> PriceSlot:
    return PriceSlot(
        interval=Interval(start_utc=start_utc, end_utc=start_utc + length),
        import_per_kwh=per_kwh + 0.05,
        export_per_kwh=per_kwh,
    )


def past_of(days: int, changed: dict[tuple[int, int], float] | None = None) -> list[PriceSlot]:
    """So many days at the usual price; `changed` at (days back, quarter hour from START_UTC's)."""
    first_utc = START_UTC - days * DAY * QUARTER
    prices = [USUAL] * (days * DAY)
    for (back, quarter), per_kwh in ({} if changed is None else changed).items():
        prices[(days - back) * DAY + quarter] = per_kwh
    return [slot(first_utc + number * QUARTER, price) for number, price in enumerate(prices)]


def band_of(
    past: Sequence[PriceSlot], present: float | None = USUAL, hours: int = 4
) -> tuple[StepPrices, PriceBand]:
    starts = tuple(START_UTC + number * QUARTER for number in range(4 * hours))
    now = None if present is None else slot(START_UTC, present, timedelta(minutes=5))
    steps = Steps.of(starts, (900,) * len(starts))
    return banded_prices(past, now, steps, ZONE, plugged_share=0.5)


def exports(band: PriceBand, step: int) -> Floats:
    return band.export_per_kwh[:, step]


def test_a_spike_of_one_day_stays_in_the_highest_of_equal_shares() -> None:
    prices, band = band_of(past_of(16, {(5, 8): 17.5}))
    # 16 days make 8 shares of two: the last is one usual price and the spike.
    assert exports(band, 8) == pytest.approx([USUAL] * 7 + [(USUAL + 17.5) / 2.0])
    assert prices.export_per_kwh[8] == pytest.approx((15 * USUAL + 17.5) / 16.0)
    assert exports(band, 7) == pytest.approx([USUAL] * 8)


def test_shares_of_days_that_do_not_divide_keep_their_mean() -> None:
    past = past_of(11, {(back, 8): float(back) for back in range(1, 12)})
    _, band = band_of(past)
    found = exports(band, 8)
    assert found.mean() == pytest.approx(6.0)
    assert (np.diff(found) > 0.0).all()


def test_both_prices_of_a_moment_stay_together() -> None:
    _, band = band_of(past_of(9, {(2, 8): -0.2, (4, 8): 3.0}))
    assert band.import_per_kwh == pytest.approx(band.export_per_kwh + 0.05)


def test_the_present_price_is_sure_and_how_far_it_is_from_the_usual_one_fades() -> None:
    days = {(back, quarter): 0.02 * back for back in range(1, 12) for quarter in range(16)}
    prices, band = band_of(past_of(11, days), present=0.16)
    assert exports(band, 0) == pytest.approx([0.16] * 8)
    _, calm = band_of(past_of(11, days), present=0.12)
    apart = exports(band, 8) - exports(calm, 8)
    assert apart == pytest.approx([0.04 * np.exp(-2.0 / price_band.PERSISTENCE_HOURS)] * 8)
    assert prices.is_forecast.tolist() == [False] + [True] * 15


def test_of_a_present_spike_no_more_than_its_usual_part_is_expected_to_go_on() -> None:
    days = {(back, quarter): 0.02 * back for back in range(1, 12) for quarter in range(16)}
    _, band = band_of(past_of(11, days), present=17.5)
    assert exports(band, 0) == pytest.approx([17.5] * 8)
    # Nine of ten days lie below 0.20, and the median is 0.12.
    _, usual = band_of(past_of(11, days), present=0.20)
    assert exports(band, 1) == pytest.approx(exports(usual, 1))


def test_a_wall_time_that_no_day_knows_may_cost_what_any_other_did() -> None:
    morning = past_of(1)[: DAY // 2]
    prices, _ = band_of([*morning[:2], replace(morning[2], export_per_kwh=0.4)], hours=4)
    assert prices.export_per_kwh[12] == pytest.approx((USUAL + USUAL + 0.4) / 3.0)


def test_without_a_past_the_present_price_goes_on_and_without_either_it_is_nothing() -> None:
    prices, _ = band_of([], present=0.3)
    assert prices.export_per_kwh == pytest.approx([0.3] * 16)
    prices, band = band_of([], present=None)
    assert prices.import_per_kwh.tolist() == [0.0] * 16
    assert prices.is_forecast.all()
    assert (band.export_per_kwh == 0.0).all()


def test_an_hour_may_cost_whatever_one_of_its_quarter_hours_did() -> None:
    spikes = {(back, 8): 4.0 for back in range(1, 5)}
    starts = tuple(START_UTC + timedelta(hours=hour) for hour in range(4))
    present = slot(START_UTC, USUAL)
    _, band = banded_prices(
        past_of(4, spikes), present, Steps.of(starts, (3600,) * 4), ZONE, plugged_share=0.5
    )
    # Four of sixteen quarter hours, in shares of two.
    assert exports(band, 2) == pytest.approx([USUAL] * 6 + [4.0] * 2)


# --- what a plan makes of it


def in_real_time(past: Sequence[PriceSlot], **changes: object) -> PlanProblem:
    now = slot(START_UTC, USUAL, timedelta(minutes=5))
    return plan_problem(
        prices=PriceCurve(currency="AUD", slots=(now,), real_time_s=300),
        past_prices=tuple(past),
        step_s=(300,) * 3 + (900,) * 27,
        **changes,
    )


def first_kwh_worth(problem: PlanProblem) -> float:
    """What the first energy of an empty pack still earns per kWh."""
    value = advise(problem).value
    first_kwh = value.soc_grid[1] * problem.store.capacity_wh / 1000.0
    return (value.rows[0][1] - value.rows[0][0]) / first_kwh


def test_what_waits_for_a_rare_spike_is_used_in_the_evening_where_none_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A landing on the floor is priced at the mean of the days; one of these levels leads there.
    monkeypatch.setattr(tables, "LEVELS", 12)
    evening = {(back, quarter): 1.0 for back in range(1, 17) for quarter in range(24, 28)}
    rare = past_of(16, evening | {(back, 20): 9.7 for back in (3, 9)})
    always = past_of(16, evening | {(back, 20): 1.3 for back in range(1, 17)})
    # The house draws what the car gives, at 0.05 more than the export price. On two days of
    # sixteen that is 9.75, and 1.05 on the others; the mean of both is 1.35 at any rate.
    spiked = in_real_time(rare, soc=0.0, max_charge_w=0.0)
    assert first_kwh_worth(spiked) == pytest.approx(0.125 * 9.75 + 0.875 * 1.05, abs=0.01)
    calm = in_real_time(always, soc=0.0, max_charge_w=0.0)
    assert first_kwh_worth(calm) == pytest.approx(1.35, abs=0.01)


def test_a_plan_says_that_its_prices_are_forecast_after_the_first_interval() -> None:
    plan = solve(in_real_time(past_of(16)))
    assert [one.price_is_forecast for one in plan.slots] == [False] + [True] * 29
    assert plan.slots[1].export_per_kwh == pytest.approx(USUAL)
