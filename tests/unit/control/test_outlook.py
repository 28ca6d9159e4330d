"""What a car shall do by itself, should the daemon die now."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.builders import (
    NOW,
    a_goal,
    a_memory,
    a_plan,
    a_policy,
    a_snapshot,
    an_evse,
    an_evse_status,
    an_override,
    goals,
    in_hours,
)
from v2g_daemon.control.decide import decide
from v2g_daemon.domain.goals import OverrideKind
from v2g_daemon.domain.memory import Memory
from v2g_daemon.domain.outlook import Outlook
from v2g_daemon.domain.plan import Plan
from v2g_daemon.domain.policy import FailState, Policy
from v2g_daemon.domain.snapshot import Snapshot

SAFE_W = 4140.0  # 6 A on three phases
# NOW is 18:00; the trip leaves at 06:00.
TRIP = goals(a_goal(12.0, 0.6))


def charging_at(*hours: float, plan: Plan | None = None) -> Plan:
    """A plan that charges in these hours from NOW on, each for an hour, and else waits."""
    plan = a_plan() if plan is None else plan
    spans = [(in_hours(start), in_hours(start + 1.0)) for start in hours]
    slots = tuple(
        replace(slot, power_w=7400.0)
        if any(start <= slot.interval.start_utc < end for start, end in spans)
        else replace(slot, power_w=-4400.0 if index < 8 else 0.0)
        for index, slot in enumerate(plan.slots)
    )
    return replace(plan, slots=slots)


NIGHT = charging_at(7.0, 8.0)


def outlook_of(
    *, policy: Policy | None = None, memory: Memory | None = None, **snapshot: Any
) -> Outlook | None:
    at_51 = (an_evse_status(soc=0.51),)
    whole = a_snapshot(**{"plans": (NIGHT,), "goals": TRIP, "evses": at_51, **snapshot})
    return (
        decide(
            a_memory() if memory is None else memory,
            whole,
            a_policy() if policy is None else policy,
        )[1]
        .evses[0]
        .outlook
    )


def steps_of(outlook: Outlook | None) -> list[tuple[str, float]]:
    assert outlook is not None
    return [(f"{step.starts_at_utc:%H:%M}", step.limit_w) for step in outlook.steps]


def test_it_waits_and_charges_as_the_plan_does_and_from_the_latest_safe_start_on() -> None:
    outlook = outlook_of()
    # From 50 % 6 kWh are missing: at nine tenths of 4140 W 1.9 h with the margin, so from 04:00 on.
    assert steps_of(outlook) == [
        ("18:00", 0.0),
        ("01:00", SAFE_W),
        ("03:00", 0.0),
        ("04:00", SAFE_W),
    ]
    assert outlook is not None
    assert outlook.ends_at_utc == in_hours(12.0)


def test_a_trip_that_has_its_energy_adds_nothing_to_the_plan() -> None:
    full = outlook_of(evses=(an_evse_status(soc=0.7),))
    assert steps_of(full) == [("18:00", 0.0), ("01:00", SAFE_W), ("03:00", 0.0)]


@pytest.mark.parametrize(
    "changes",
    [
        {"plans": ()},
        {"goals": ()},
        {"clock_trusted": False},
        {"plans": (charging_at(7.0, plan=a_plan(made_s_ago=36.0 * 3600.0 + 1.0)),)},
        {"evses": (an_evse_status(identity=None),)},
        {"evses": (an_evse_status(soc=0.25),)},
        {"goals": goals(a_goal(1.0, 0.6))},
    ],
    ids=["no plan", "no goal", "no clock", "an old plan", "a guest", "below the floor", "urgent"],
)
def test_where_nothing_may_be_waited_for_it_charges_as_the_default_does(
    changes: dict[str, Any],
) -> None:
    assert steps_of(outlook_of(**changes)) == [("18:00", SAFE_W)]


def test_without_a_soc_the_energy_still_wanted_is_charged_in_time() -> None:
    silent = an_evse_status(soc=None, soc_observed_at=None)
    early = charging_at(2.0)
    # 10 kWh at nine tenths of 4140 W are 3.2 h with the margin.
    wanted = outlook_of(evses=(silent,), plans=(early,))
    assert steps_of(wanted)[-1] == ("02:45", SAFE_W)
    # 8.5 kWh of this session count as 8: 2 kWh are left.
    charged = replace(silent, charge_milliwh=13_500_000)
    left = outlook_of(evses=(charged,), plans=(early,))
    assert steps_of(left)[-1] == ("05:15", SAFE_W)


# The charger.


def test_it_never_passes_what_the_charger_takes() -> None:
    small = a_policy(evses=(an_evse(max_charge_w=3700.0),))
    assert steps_of(outlook_of(policy=small))[1] == ("01:00", 3700.0)


@pytest.mark.parametrize(
    ("fail_state", "charges"),
    [(FailState.CHARGES, True), (FailState.UNKNOWN, True), (FailState.IDLES, False)],
)
def test_a_charger_that_idles_without_us_is_not_expected_to_charge(
    fail_state: FailState, *, charges: bool
) -> None:
    policy = a_policy(evses=(an_evse(fail_state=fail_state),))
    limits_w = {limit_w for _, limit_w in steps_of(outlook_of(policy=policy))}
    assert limits_w == ({0.0, SAFE_W} if charges else {0.0})


def test_a_safe_current_below_what_an_ev_needs_charges_nothing() -> None:
    policy = a_policy(evses=(an_evse(static_safe_current_a=0.0),))
    assert steps_of(outlook_of(policy=policy)) == [("18:00", 0.0)]


def test_what_is_not_commanded_has_no_outlook_of_ours() -> None:
    assert outlook_of(evses=(an_evse_status(plugged_in=False),)) is None
    assert outlook_of(evses=(an_evse_status(connected=False),)) is None


# A person's word.


@pytest.mark.parametrize(
    ("override", "steps"),
    [
        (
            an_override(OverrideKind.STOP, until_utc=in_hours(7.5)),
            [("18:00", 0.0), ("01:30", SAFE_W), ("03:00", 0.0), ("04:00", SAFE_W)],
        ),
        (
            an_override(OverrideKind.STOP, until_utc=in_hours(11.0)),
            [("18:00", 0.0), ("04:00", SAFE_W)],
        ),
        (
            an_override(OverrideKind.STOP, until_utc=in_hours(11.0), confirmed=True),
            [("18:00", 0.0), ("05:00", SAFE_W)],
        ),
        (
            an_override(OverrideKind.CHARGE, until_utc=in_hours(1.1)),
            [
                ("18:00", SAFE_W),
                ("19:15", 0.0),
                ("01:00", SAFE_W),
                ("03:00", 0.0),
                ("04:00", SAFE_W),
            ],
        ),
    ],
)
def test_a_persons_word_stands_until_its_end(override: Any, steps: list[tuple[str, float]]) -> None:
    assert steps_of(outlook_of(overrides=(override,))) == steps


def test_a_stop_without_a_plan_waits_for_its_end_only() -> None:
    stop = an_override(OverrideKind.STOP, until_utc=in_hours(2.0))
    assert steps_of(outlook_of(plans=(), overrides=(stop,))) == [("18:00", 0.0), ("20:00", SAFE_W)]


# Calm.


def a_moment(hours: float, soc: float, plan: Plan) -> Snapshot:
    now = NOW.later(hours * 3600.0)
    status = an_evse_status(soc=soc, soc_observed_at=now, power_observed_at=now)
    return a_snapshot(now=now, plans=(replace(plan, made_at=now),), goals=TRIP, evses=(status,))


def lived(*moments: tuple[float, float, Plan]) -> list[Outlook | None]:
    """The outlooks of (hours, soc, plan), one decision after the other."""
    memory, found = a_memory(), []
    for hours, soc, plan in moments:
        memory, decision = decide(memory, a_moment(hours, soc, plan), a_policy())
        found.append(decision.evses[0].outlook)
    return found


def test_time_alone_changes_nothing() -> None:
    first, *later = lived(*((hours / 4.0, 0.51, NIGHT) for hours in range(40)))
    assert all(one is first for one in later)


def test_a_new_plan_that_says_the_same_changes_nothing() -> None:
    younger = a_plan()
    start_utc = in_hours(1.0)
    younger = replace(younger, slots=NIGHT.slots[4:], plan_id="p2")
    assert younger.slots[0].interval.start_utc == start_utc
    first, second = lived((0.0, 0.51, NIGHT), (1.0, 0.51, younger))
    assert second is first


def test_a_plan_that_says_something_else_changes_it() -> None:
    first, second = lived((0.0, 0.51, NIGHT), (1.0, 0.51, charging_at(5.0)))
    assert steps_of(first) != steps_of(second)
    assert steps_of(second) == [
        ("19:00", 0.0),
        ("23:00", SAFE_W),
        ("00:00", 0.0),
        ("04:00", SAFE_W),
    ]


def test_the_soc_counts_in_bands_that_noise_does_not_leave() -> None:
    # Sigma is half a step of a point; from 50 to 57 % surely there it counts as 50 %.
    early, wandering = charging_at(2.0), (0.51, 0.52, 0.55, 0.56, 0.57, 0.51, 0.506)
    first, *later = lived(*((i / 100.0, soc, early) for i, soc in enumerate(wandering)))
    assert all(one is first for one in later)
    _, fallen = lived((0.0, 0.51, early), (0.01, 0.5, early))
    assert steps_of(fallen)[-1] == ("03:00", SAFE_W)
    _, risen = lived((0.0, 0.51, early), (0.01, 0.58, early))
    assert steps_of(risen)[-1] == ("04:45", SAFE_W)


def test_what_it_says_of_now_is_true_now() -> None:
    """Quarter hours begin before the moment: a stop of this minute counts at once."""
    stop = an_override(OverrideKind.STOP, set_at_utc=NOW.utc + timedelta(minutes=7))
    moment = NOW.later(8 * 60.0)
    status = an_evse_status(power_observed_at=moment, soc_observed_at=moment)
    outlook = outlook_of(now=moment, plans=(), goals=(), overrides=(stop,), evses=(status,))
    assert limit_at(outlook, moment.utc) == 0.0


def limit_at(outlook: Outlook | None, moment_utc: datetime) -> float:
    assert outlook is not None
    return [s.limit_w for s in outlook.steps if s.starts_at_utc <= moment_utc][-1]
