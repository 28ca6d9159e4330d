"""A lossless 60 kWh car, and days of a house small enough to be worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from v2g_daemon.domain.loss import LossCurve
from v2g_daemon.planning.plan import advise
from v2g_daemon.rehearsal.days import Days, Stay
from v2g_daemon.rehearsal.job import Job, Ran, run
from v2g_daemon.rehearsal.knowledge import Knowledge
from v2g_daemon.rehearsal.plant import Plant
from v2g_daemon.rehearsal.policies import Terms, of_a_plant
from v2g_daemon.rehearsal.strategies import Strategy
from v2g_daemon.rehearsal.virtual_house import Planner

LOSSLESS = LossCurve(constant_w=0.0, linear=0.0, quadratic_per_w=0.0)
START_UTC = datetime(2024, 1, 1, 23, tzinfo=UTC)  # midnight of Tuesday the 2nd in Amsterdam
ZONE = "Europe/Amsterdam"


def a_plant(**changes: Any) -> Plant:
    """Floor 12 and ceiling 54 of 60 kWh; 1.4 to 7.4 kW both ways; 11 kW in and 5 kW out."""
    plant = Plant(
        pack_wh=60_000.0,
        floor_wh=12_000.0,
        ceiling_wh=54_000.0,
        taper_above_wh=60_000.0,
        max_charge_w=7400.0,
        max_discharge_w=7400.0,
        min_charge_w=1400.0,
        min_discharge_w=1400.0,
        loss=LOSSLESS,
        import_limit_w=11_000.0,
        export_limit_w=5000.0,
        curtails=True,
    )
    return replace(plant, **changes)


def days_of(
    prices: Sequence[float],
    *,
    stays: Sequence[Stay] = (),
    sold: Sequence[float] | None = None,
    load_w: float = 0.0,
    pv_w: Sequence[float] | None = None,
    **changes: Any,
) -> Days:
    """As many quarter hours as there are prices, from midnight on; exports earn nothing."""
    count = len(prices)
    days = Days(
        start_utc=START_UTC,
        timezone=ZONE,
        currency="EUR",
        load_w=(load_w,) * count,
        pv_w=(0.0,) * count if pv_w is None else tuple(pv_w),
        import_per_kwh=tuple(prices),
        export_per_kwh=(0.0,) * count if sold is None else tuple(sold),
        stays=tuple(stays),
    )
    return replace(days, **changes)


def stay(first: int, end: int, *, trip_wh: float = 0.0, target_wh: float | None = None) -> Stay:
    """A stay in the slots [first, end)."""
    return Stay(first=first, end=end, trip_wh=trip_wh, target_wh=target_wh)


def a_job(days: Days, *, plant: Plant | None = None, **changes: Any) -> Job:
    """Our V1G through these days, departures told, from 20 kWh on."""
    plant = a_plant() if plant is None else plant
    terms = Terms(currency="EUR", timezone=ZONE, wear_per_kwh=0.05, unmet_goal_per_kwh=5.0)
    job = Job(
        strategy=Strategy.V1G,
        knowledge=Knowledge.TOLD,
        days=days,
        plant=plant,
        policy=of_a_plant(plant, terms),
        published=None,
        start_wh=20_000.0,
        end_per_kwh=0.2,
    )
    return replace(job, **changes)


def planned(job: Job, planner: Planner = advise) -> Ran:
    """The job done."""
    return run(job, planner=planner, foresight=lambda job: (), progress=lambda slots: None)
