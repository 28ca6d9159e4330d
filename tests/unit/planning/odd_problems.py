"""Odd problems, by what is odd: those that are planned all the same, and those refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import inf, nan
from typing import Any

from tests.unit.planning.problems import REAL_LOSS, START_UTC, hourly_curve, plan_problem
from v2g_daemon.domain.budget import DischargeBudget
from v2g_daemon.domain.goals import DepartureGoal
from v2g_daemon.domain.interval import Interval
from v2g_daemon.domain.plan import HistoryRow, PastStay, PlanProblem
from v2g_daemon.domain.prices import PriceCurve
from v2g_daemon.domain.programs import AvailabilityPay, AvailabilityTerms, Commitment
from v2g_daemon.step.history import by_days

NOTHING = PriceCurve(currency="EUR", slots=())
DAY = [0.30, 0.25, 0.20, 0.10, 0.05, 0.10, 0.30, 0.50, 0.40, 0.30, 0.20, 0.10] * 2
BUDGET = DischargeBudget(
    name="warranty",
    whole_wh=10_000_000.0,
    whole_s=None,
    used_share=0.2,
    open_share=0.3,
    saved_share=0.5,
)


def house(**changes: Any) -> PlanProblem:
    """A day in quarter hours, a real charger and a 60 kWh car at half."""
    values: dict[str, Any] = {
        "step_s": (900,) * 96,
        "prices": hourly_curve(DAY, [price - 0.05 for price in DAY]),
        "soc": 0.5,
        "capacity_wh": 60_000.0,
        "soc_floor": 0.2,
        "soc_ceiling": 0.9,
        "max_charge_w": 7400.0,
        "max_discharge_w": 7400.0,
        "min_charge_w": 1400.0,
        "min_discharge_w": 1400.0,
        "loss": REAL_LOSS,
        "wear_cost_per_kwh_discharged": 0.04,
        "current_net_load_w": 500.0,
    }
    return plan_problem(**{**values, **changes})


def leaving(hours: float, soc: float, **changes: Any) -> DepartureGoal:
    ready_by_utc = START_UTC + timedelta(hours=hours)
    return DepartureGoal(ready_by_utc=ready_by_utc, soc=soc, **changes)


def past(days: int, load_w: float, pv_w: float | None = None) -> tuple[HistoryRow, ...]:
    return tuple(
        HistoryRow(
            start_utc=START_UTC - timedelta(minutes=15 * (96 * days - quarter)),
            net_load_w=load_w,
            pv_w=pv_w,
        )
        for quarter in range(96 * days)
    )


def stayed(hours_ago: float, hours: float | None, trip_wh: float | None = None) -> PastStay:
    came = START_UTC - timedelta(hours=hours_ago)
    went = None if hours is None else came + timedelta(hours=hours)
    return PastStay(plugged_in_utc=came, plugged_out_utc=went, trip_wh=trip_wh)


def promised(first: float = 6.0, **changes: Any) -> Commitment:
    """5 kW for three hours; what is missing costs a good deal."""
    starts_utc = START_UTC + timedelta(hours=first)
    plain = Commitment(
        name="reserve",
        interval=Interval(start_utc=starts_utc, end_utc=starts_utc + timedelta(hours=3)),
        discharge_w=5000.0,
        sustained_s=None,
        shortfall_per_kwh=5.0,
    )
    return replace(plain, **changes)


def available(**terms: Any) -> AvailabilityPay:
    """A month of which ten days are over, with a hundred hours plugged in."""
    begins_utc = START_UTC - timedelta(days=10)
    values: dict[str, Any] = {"name": "plugged in", "soc_at_least": 0.2, **terms}
    return AvailabilityPay(
        terms=AvailabilityTerms(**values),
        period=Interval(start_utc=begins_utc, end_utc=begins_utc + timedelta(days=31)),
        plugged_to_date_h=100.0,
    )


def at(moment_utc: datetime, steps: int = 100) -> dict[str, Any]:
    curve = hourly_curve([0.2] * 30, [0.1] * 30, moment_utc)
    return {"start_utc": moment_utc, "prices": curve, "step_s": (900,) * steps}


ODD: dict[str, PlanProblem] = {
    "a target above the pack": house(goals=(leaving(6.0, 1.5),)),
    "a target nobody can reach in time": house(soc=0.0, goals=(leaving(0.5, 1.0),)),
    "a departure in the past": house(goals=(leaving(-5.0, 0.8),)),
    "a departure at once": house(goals=(leaving(0.0, 0.8),)),
    "a departure within the first step": house(goals=(leaving(0.1, 0.8),)),
    "a departure beyond the horizon": house(goals=(leaving(100.0, 0.8),)),
    "a return before the departure": house(
        goals=(leaving(6.0, 0.8, returns_at_utc=START_UTC + timedelta(hours=2)),)
    ),
    "two departures at the same time": house(goals=(leaving(6.0, 0.8), leaving(6.0, 0.4))),
    "twenty departures in a day": house(
        goals=tuple(
            leaving(n, 0.5, returns_at_utc=START_UTC + timedelta(hours=n + 0.5), trip_wh=5000.0)
            for n in range(1, 21)
        )
    ),
    "a trip longer than the pack": house(
        goals=(leaving(4.0, 0.9, returns_at_utc=START_UTC + timedelta(hours=8), trip_wh=90_000.0),)
    ),
    "a goal for nothing": house(goals=(leaving(6.0, 0.0),)),
    "negative import prices": house(prices=hourly_curve([-0.3] * 24, [-0.35] * 24)),
    "negative export prices only": house(prices=hourly_curve(DAY, [-0.1] * 24)),
    "export above import": house(prices=hourly_curve([0.1] * 24, [0.4] * 24)),
    "prices of zero": house(prices=hourly_curve([0.0] * 24, [0.0] * 24)),
    "a price of a thousand": house(prices=hourly_curve([1000.0] * 24, [900.0] * 24)),
    "no price at all": house(prices=NOTHING),
    "prices of last year": house(prices=hourly_curve(DAY, DAY, START_UTC - timedelta(days=365))),
    "a price for one hour only": house(prices=hourly_curve([0.3], [0.1])),
    "prices from tomorrow on": house(
        prices=hourly_curve(DAY, DAY, START_UTC + timedelta(hours=20))
    ),
    "a SoC below zero": house(soc=-0.2),
    "a SoC above one": house(soc=1.3),
    "a SoC above the ceiling": house(soc=1.0),
    "a SoC below the floor": house(soc=0.05),
    "a floor above the ceiling": house(soc_floor=0.95, soc_ceiling=0.4),
    "a floor and a ceiling in one": house(soc_floor=0.5, soc_ceiling=0.5),
    "a pack of 1 Wh": house(capacity_wh=1.0),
    "a pack of 1 MWh": house(capacity_wh=1_000_000.0),
    "a charger that does nothing": house(max_charge_w=0.0, max_discharge_w=0.0),
    "a charger that only gives": house(max_charge_w=0.0),
    "a minimum above the maximum": house(min_charge_w=9000.0, min_discharge_w=9000.0),
    "load above the fuse": house(current_net_load_w=30_000.0),
    "a fuse of nothing": house(import_limit_w=0.0),
    "an export limit below nothing": house(export_limit_w=-2000.0),
    "more sun than may go out": house(current_net_load_w=-20_000.0, pv_throttled_above_w=5000.0),
    "a day of 23 hours": house(**at(datetime(2025, 3, 29, 23, tzinfo=UTC))),
    "a day of 25 hours": house(**at(datetime(2025, 10, 25, 22, tzinfo=UTC))),
    "a single step": house(step_s=(900,)),
    "steps of five minutes and of hours": house(step_s=(300,) * 12 + (3600,) * 23),
    "a step of a day": house(step_s=(86_400,)),
    "a history of one quarter hour": house(history=by_days(past(1, 300.0)[-1:])),
    "a history with holes": house(history=by_days(past(12, 300.0, 100.0)[::7])),
    "a history of long ago": house(
        history=by_days(
            replace(row, start_utc=row.start_utc - timedelta(days=300)) for row in past(3, 300.0)
        )
    ),
    "a stay that began in the future": house(stays=(stayed(-5.0, None),)),
    "stays that overlap": house(stays=(stayed(30.0, 20.0, 5000.0), stayed(20.0, 25.0, 9000.0))),
    "a stay that ended before it began": house(stays=(stayed(20.0, -5.0, 5000.0),)),
    "a trip that gave energy": house(
        stays=tuple(stayed(24.0 * n, 12.0, -8000.0) for n in range(40, 0, -1))
    ),
    "trips of a thousand packs": house(
        stays=tuple(stayed(24.0 * n, 12.0, 6e7) for n in range(40, 0, -1))
    ),
    "a trip of a goal that gave energy": house(
        goals=(leaving(5.0, 0.5, returns_at_utc=START_UTC + timedelta(hours=7), trip_wh=-5000.0),)
    ),
    "a departure without any wish": house(
        goals=(DepartureGoal(ready_by_utc=START_UTC + timedelta(hours=5)),)
    ),
    "a history backwards": house(history=by_days(past(2, 300.0)[::-1])),
    "a history told twice": house(history=by_days(past(2, 300.0) * 2)),
    "no reading of the house": house(current_net_load_w=None),
    "a power below nothing": house(max_charge_w=-1000.0, max_discharge_w=-1000.0),
    "a minimum below nothing": house(min_charge_w=-500.0, min_discharge_w=-500.0),
    "a fuse below nothing": house(import_limit_w=-5000.0),
    "a budget that is overdrawn": house(budgets=(replace(BUDGET, used_share=1.4),)),
    "a budget of nothing": house(budgets=(replace(BUDGET, whole_wh=0.0),)),
    "a budget whose counter cannot be read": house(budgets=(replace(BUDGET, used_share=None),)),
    "a commitment of a whole city": house(commitments=(promised(discharge_w=1e9),)),
    "a commitment that takes energy": house(commitments=(promised(discharge_w=-5000.0),)),
    "a commitment that pays for what is missing": house(
        commitments=(promised(shortfall_per_kwh=-5.0),)
    ),
    "a commitment of the past": house(commitments=(promised(-5.0),)),
    "commitments by the dozen": house(commitments=tuple(promised(0.5 * n) for n in range(12))),
    "a commitment sustained for less than nothing": house(
        commitments=(promised(sustained_s=-60.0),)
    ),
    "a commitment without a charger": house(commitments=(promised(),), max_discharge_w=0.0),
    "a bonus for more hours than a month has": house(
        availability=(available(bonus_money=30.0, threshold_h=9000.0),)
    ),
    "plugged in for less than nothing": house(
        availability=(replace(available(per_plugged_h=0.2, cap_h=5.0), plugged_to_date_h=-9.0),)
    ),
    "pay that costs": house(availability=(available(per_plugged_h=-1.0),)),
    "pay for a full pack only": house(
        availability=(available(per_plugged_h=1.0, soc_at_least=1.5),)
    ),
    "no limits at all": house(import_limit_w=inf, export_limit_w=inf, daily_export_wh=inf),
    "a day's export below nothing": house(daily_export_wh=-5.0),
    "more exported than the day may": house(exported_today_wh=1e9),
    "exported less than nothing": house(exported_today_wh=-500.0),
    "a charger that loses all": house(loss=replace(REAL_LOSS, linear=1.5)),
    "a charger that makes energy": house(loss=replace(REAL_LOSS, linear=-0.2)),
    "a standby above the charger's power": house(loss=replace(REAL_LOSS, constant_w=9000.0)),
    "wear that pays": house(wear_cost_per_kwh_discharged=-1.0),
    "wear of a thousand": house(wear_cost_per_kwh_discharged=1000.0),
    "a margin that pays": house(cycle_margin_per_kwh=-0.2),
    "a floor below nothing": house(soc_floor=-0.5),
    "a ceiling above the pack": house(soc_ceiling=1.7),
    "a ceiling of nothing": house(soc_ceiling=0.0),
    "a taper from the start": house(taper_above_soc=0.0),
    "sun throttled below nothing": house(pv_throttled_above_w=-100.0),
    "steps of a second": house(step_s=(1,) * 100),
    "a car away that nobody expects": house(plugged_in=False),
    "a car away of known habits": house(
        plugged_in=False, stays=tuple(stayed(24.0 * n, 12.0, 8000.0) for n in range(40, 0, -1))
    ),
}


# The message that names what is wrong, and a problem that cannot be planned.
REFUSED: dict[str, PlanProblem] = {
    "store.capacity_wh is 0.0: a pack without capacity": house(capacity_wh=0.0),
    "store.capacity_wh is -100.0: a pack without capacity": house(capacity_wh=-100.0),
    "store.capacity_wh is nan: it must be a number": house(capacity_wh=nan),
    "store.capacity_wh is inf: it must be a number": house(capacity_wh=inf),
    "store.soc is nan: it must be a number": house(soc=nan),
    "store.soc is 55.0: it is a fraction": house(soc=55.0),
    "store.soc_floor is 20.0: it is a fraction": house(soc_floor=20.0),
    "store.soc_ceiling is 80.0: it is a fraction": house(soc_ceiling=80.0),
    "store.taper_above_soc is nan: it must be": house(taper_above_soc=nan),
    "store.max_charge_w is inf: it must be a number": house(max_charge_w=inf),
    "store.max_discharge_w is 1000000000.0: no charger": house(max_discharge_w=1e9),
    "store.min_charge_w is nan: it must be": house(min_charge_w=nan),
    "store.loss.linear is nan: it must be a number": house(loss=replace(REAL_LOSS, linear=nan)),
    "store.wear_cost_per_kwh_discharged is nan": house(wear_cost_per_kwh_discharged=nan),
    "import price at 2024-01-10 05:00:00+00:00 is nan": house(
        prices=hourly_curve([*DAY[:5], nan, *DAY[6:]], DAY)
    ),
    "export price at 2024-01-10 00:00:00+00:00 is -inf": house(
        prices=hourly_curve(DAY, [-inf] * 24)
    ),
    "current_net_load_w is nan: it must be a number": house(current_net_load_w=nan),
    "current_pv_w is inf: it must be a number": house(current_pv_w=inf),
    "import_limit_w is nan: it must be a number": house(import_limit_w=nan),
    "export_limit_w is nan: it must be a number": house(export_limit_w=nan),
    "daily_export_wh is nan: it must be a number": house(daily_export_wh=nan),
    "exported_today_wh is inf: it must be a number": house(exported_today_wh=inf),
    "pv_throttled_above_w is nan: it must be": house(pv_throttled_above_w=nan),
    "cycle_margin_per_kwh is nan: it must be": house(cycle_margin_per_kwh=nan),
    "unmet_goal_per_kwh is 0.0: missing a goal must cost": house(unmet_goal_per_kwh=0.0),
    "unmet_later_per_kwh is -1.0: missing a goal must": house(unmet_later_per_kwh=-1.0),
    "goals[1].soc is nan: it must be a number": house(goals=(leaving(2.0, 0.6), leaving(9.0, nan))),
    "goals[0].trip_wh is inf: it must be a number": house(goals=(leaving(2.0, 0.6, trip_wh=inf),)),
    "commitments[0].discharge_w is nan: it must be a number": house(
        commitments=(promised(discharge_w=nan),)
    ),
    "commitments[0].sustained_s is inf: it must be a number": house(
        commitments=(promised(sustained_s=inf),)
    ),
    "availability[0].plugged_to_date_h is nan: it must be": house(
        availability=(replace(available(per_plugged_h=0.2), plugged_to_date_h=nan),)
    ),
    "availability[0].terms.cap_h is inf: it must be a number": house(
        availability=(available(per_plugged_h=0.2, cap_h=inf),)
    ),
    "availability[0].terms.soc_at_least is 30.0: it is a fraction": house(
        availability=(available(per_plugged_h=0.2, soc_at_least=30.0),)
    ),
    "budgets[0].whole_wh is nan: it must be a number": house(
        budgets=(replace(BUDGET, whole_wh=nan),)
    ),
    "stays[1].trip_wh is nan: it must be a number": house(
        stays=(stayed(50.0, 9.0, 5e3), stayed(30.0, 20.0, nan))
    ),
    "net load at 2024-01-09 23:45:00+00:00 is nan": house(history=by_days(past(1, nan)[-1:])),
    "PV at 2024-01-09 23:45:00+00:00 is inf": house(history=by_days(past(1, 300.0, inf)[-1:])),
    "timezone is 'Mars/Phobos': no such zone": house(timezone="Mars/Phobos"),
    "timezone is 'Europe': no such zone": house(timezone="Europe"),
    "start_utc is 2024-01-10 00:00:00: it must say": house(
        start_utc=START_UTC.replace(tzinfo=None)
    ),
}
