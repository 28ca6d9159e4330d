"""No wish bothers a charger more often than its budgets allow, and no budget delays less power."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import exp, sqrt
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import (
    NOW,
    a_cadence,
    a_capability,
    a_policy,
    a_setpoint,
    a_situation,
    an_evse,
    an_evse_memory,
    an_evse_status,
)
from v2g_daemon.accounting import commands
from v2g_daemon.control.budgets import daily_use
from v2g_daemon.control.shape import remember_change, shape, smallest_change_w
from v2g_daemon.control.situation import Situation
from v2g_daemon.control.wish import Wish
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.power import PowerRange
from v2g_daemon.domain.setpoint import Authority, Reason

ZONE = ZoneInfo("Europe/Amsterdam")
# 00:00 in Amsterdam.
MIDNIGHT = NOW.later(-18.0 * 3600.0 - 3600.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One tick: what was wished and permitted, and what the charger was told before and now."""

    at_s: float
    wish: Wish
    permitted: PowerRange
    before: Situation
    last_w: float
    target_w: float

    @property
    def changed(self) -> bool:
        return self.target_w != self.last_w

    @property
    def more(self) -> bool:
        """Whether the charger was told more power, or power the other way."""
        return abs(self.target_w) > abs(self.last_w) or self.target_w * self.last_w < 0.0


def wish(target_w: float, authority: Authority = Authority.PLAN) -> Wish:
    return Wish(target_w=target_w, reason=Reason(authority=authority, rule="wish", detail="so"))


def a_house(*, closings: int = 12, writes: int | None = None, least_w: float = 1400.0) -> Policy:
    """The carport; `writes` None: they wear nothing."""
    cadence = a_cadence(
        closings_per_day=closings,
        writes_per_day=300 if writes is None else writes,
        writes_wear_flash=writes is not None,
    )
    return a_policy(
        evses=(an_evse(cadence=cadence, min_charge_w=least_w, min_discharge_w=least_w),)
    )


def told(policy: Policy, moments: Iterator[tuple[float, Wish, PowerRange]]) -> Iterator[Told]:
    """A day from midnight on: the commands, counted as they are given."""
    status = an_evse_status(capability=a_capability(min_charge_w=0.0, min_discharge_w=0.0))
    situation = a_situation(status=status, memory=an_evse_memory(), policy=policy)
    situation = replace(situation, memory=an_evse_memory(), evse=policy.evses[0])
    count = commands.begun("carport", (), now_utc=MIDNIGHT.utc, zone=ZONE)
    for at_s, wished, permitted in moments:
        now = MIDNIGHT.later(at_s)
        shown = commands.shown(count)
        use = daily_use(policy.evses[0].cadence, status, shown)
        situation = replace(situation, told=shown, use=use)
        memory = situation.memory
        target_w = shape(wished, permitted, situation, now, policy)
        command = replace(
            a_setpoint(0.0),
            target_w=target_w,
            permitted=permitted,
            issued_at=now,
            expires_at=now.later(90.0),
        )
        yield Told(
            at_s=at_s,
            wish=wished,
            permitted=permitted,
            before=situation,
            last_w=0.0 if memory.last is None else memory.last.target_w,
            target_w=target_w,
        )
        memory = remember_change(
            memory,
            command,
            now,
            wanted_w=permitted.clamp(wished.target_w),
            smallest_w=smallest_change_w(situation, policy),
        )
        situation = replace(situation, memory=memory)
        count = commands.counted(count, command, now_utc=now.utc, trusted=True, zone=ZONE)


def restless(seed: int, ticks: int) -> Iterator[tuple[float, Wish, PowerRange]]:
    """Anybody wishes anything at any time, and limits come and go."""
    rng, at_s = Random(seed), 0.0
    powers_w = [0.0, 0.0, 1400.0, -1400.0, 3000.0, -3000.0, 7400.0, -7400.0]
    authorities = [Authority.FALLBACK, Authority.PLAN, Authority.PLAN, Authority.COMMUTE,
                   Authority.USER, Authority.SITE]  # fmt: skip
    for _ in range(ticks):
        at_s += rng.choice([1.0, 1.0, 30.0, 300.0, 700.0])
        if at_s >= 86_400.0:
            return
        target_w = rng.choice([*powers_w, rng.uniform(-7400.0, 7400.0)])
        permitted = PowerRange(
            lowest_w=rng.choice([-7400.0, -7400.0, rng.uniform(-7400.0, 0.0), 0.0]),
            highest_w=rng.choice([7400.0, 7400.0, rng.uniform(0.0, 7400.0), 0.0]),
        )
        yield at_s, wish(target_w, rng.choice(authorities)), permitted


SEEDS = st.integers(min_value=0, max_value=2**32)


@settings(max_examples=60)
@given(SEEDS, st.integers(1, 12), st.integers(1, 40))
def test_no_wishes_make_more_starts_or_writes_than_a_day_has(
    seed: int, closings: int, writes: int
) -> None:
    day = list(told(a_house(closings=closings, writes=writes), restless(seed, 400)))
    starts = [one for one in day if one.last_w == 0.0 and one.target_w != 0.0]
    assert len(starts) <= closings
    assert sum(1 for one in day if one.more) <= writes
    by_plan = [one for one in starts if one.wish.reason.authority <= Authority.PLAN]
    assert len(by_plan) <= closings - -(-closings // 4)


@settings(max_examples=60)
@given(SEEDS, st.integers(1, 4), st.integers(1, 8))
def test_no_budget_delays_a_decrease_or_a_limit(seed: int, closings: int, writes: int) -> None:
    policy = a_house(closings=closings, writes=writes)
    free = a_house(closings=100_000, writes=None)
    for one in told(policy, restless(seed, 300)):
        assert one.permitted.contains(one.target_w)
        unbudgeted = replace(one.before, evse=free.evses[0])
        free_w = shape(one.wish, one.permitted, unbudgeted, MIDNIGHT.later(one.at_s), free)
        less = abs(free_w) <= abs(one.last_w) and free_w * one.last_w >= 0.0
        assert (
            one.target_w == free_w
            if less
            else abs(one.target_w) <= max(abs(free_w), abs(one.last_w))
        )


@settings(max_examples=30)
@given(SEEDS)
def test_the_budgets_bind_nobody_who_has_not_used_them(seed: int) -> None:
    policy, free = a_house(), a_house(closings=100_000)
    for one in told(policy, restless(seed, 12)):
        unbudgeted = replace(one.before, evse=free.evses[0])
        now = MIDNIGHT.later(one.at_s)
        assert one.target_w == shape(one.wish, one.permitted, unbudgeted, now, free)


# A day of noisy load.

STEP_S = 4
HUM_W, HUM_S = 60.0, 60.0


def noisy_day(seed: int) -> list[float]:
    """The house's own load: a hum that wanders within a minute, a fridge, an oven, kettles."""
    rng, hum_w = Random(seed), 0.0
    kettles = [rng.uniform(0.0, 86_400.0) for _ in range(12)]
    kept, found = exp(-STEP_S / HUM_S), []
    for at_s in range(0, 86_400, STEP_S):
        hum_w = kept * hum_w + rng.gauss(0.0, HUM_W * sqrt(1.0 - kept * kept))
        fridge_w = 90.0 if at_s % 2700 < 900 else 0.0
        oven_w = 2000.0 if 61_200 <= at_s < 66_600 and at_s % 90 < 40 else 0.0
        kettle_w = 2200.0 if any(0.0 <= at_s - start_s < 150.0 for start_s in kettles) else 0.0
        found.append(450.0 + hum_w + rng.gauss(0.0, 20.0) + fridge_w + oven_w + kettle_w)
    return found


def served(policy: Policy, loads_w: list[float]) -> tuple[int, int, float]:
    """Writes, starts, and the share of the load above 100 W that the car serves in a day of V2H."""

    def moments() -> Iterator[tuple[float, Wish, PowerRange]]:
        for number, load_w in enumerate(loads_w):
            spare_w = max(load_w - 100.0, 0.0)
            permitted = PowerRange(lowest_w=-spare_w, highest_w=7400.0)
            yield float(STEP_S * number), wish(-spare_w), permitted

    writes = starts = 0
    wanted_wh = served_wh = 0.0
    for one in told(policy, moments()):
        writes += 1 if one.changed else 0
        starts += 1 if one.last_w == 0.0 and one.target_w != 0.0 else 0
        wanted_wh -= one.wish.target_w * STEP_S / 3600.0
        served_wh -= one.target_w * STEP_S / 3600.0
        assert one.target_w >= one.permitted.lowest_w
    return writes, starts, served_wh / wanted_wh


@pytest.mark.parametrize(
    ("writes_per_day", "most_writes", "least_share"),
    [(None, 4500, 0.8), (300, 300, 0.3)],
    ids=["nothing wears", "flash wears"],
)
def test_a_day_of_noisy_load_bothers_the_charger_rarely_and_is_served_all_the_same(
    writes_per_day: int | None, most_writes: int, least_share: float
) -> None:
    policy = a_house(writes=writes_per_day, least_w=0.0)
    writes, starts, share = served(policy, noisy_day(1))
    print(f"{writes} writes, {starts} starts, {share:.0%} of the load above 100 W served")
    assert writes <= most_writes
    assert starts <= 12
    assert share >= least_share
