"""News of the carport (tests/builders.py), and several ticks of it in a row."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import time
from typing import Any

from tests.builders import (
    NOW,
    a_meter,
    a_policy,
    a_price_curve,
    ago,
    an_evse_status,
    commissioning,
)
from v2g_daemon.domain.goals import WeeklyDeparture, WeeklySchedule
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.snapshot import RecordingHealth
from v2g_daemon.step.house import House, Outcome, advance
from v2g_daemon.step.news import News


def some_news(now: Instant = NOW, **changes: Any) -> News:
    """A quiet tick: car plugged in, meter and recorder fresh, 48 hours of flat prices."""
    news = News(
        now=now,
        clock_trusted=True,
        meter=a_meter(observed_at=now),
        pv_power_w=None,
        evses=(an_evse_status(power_observed_at=now, registers_observed_at=now),),
        prices=FLAT_PRICES,
        plans=(),
        failed_plans=(),
        overrides=(),
        commissioning=commissioning(),
        recording=RecordingHealth(
            last_durable_at=now.later(-10.0), queue_full=False, records_lost=0
        ),
    )
    return replace(news, **changes)


FLAT_PRICES = a_price_curve(start_utc=ago(3600.0).utc)


def played(
    news: Iterable[News], *, policy: Policy | None = None, house: House | None = None
) -> tuple[House, list[Outcome]]:
    """The house after these ticks, and each tick's outcome."""
    house = House() if house is None else house
    policy = a_policy() if policy is None else policy
    outcomes = []
    for one in news:
        house, outcome = advance(house, one, policy)
        outcomes.append(outcome)
    return house, outcomes


DAILY = WeeklyDeparture(
    vehicle_id="car",
    weekdays=(0, 1, 2, 3, 4, 5, 6),
    ready_by=time(7, 30),
    returns_at=time(17, 30),
    soc=0.6,
    energy_wh=None,
    trip_wh=9000.0,
)


def a_commuters_policy(*departures: WeeklyDeparture) -> Policy:
    schedule = WeeklySchedule(timezone="Europe/Amsterdam", departures=departures or (DAILY,))
    return a_policy(schedule=schedule)
