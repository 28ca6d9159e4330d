"""What a discharge needs, thing by thing, beside a moment that has it all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import (
    NOW,
    a_capability,
    a_feed,
    a_grid,
    a_memory,
    a_meter,
    a_plan,
    a_policy,
    a_snapshot,
    a_vehicle,
    ago,
    an_answer,
    an_unplugged_feed,
)
from tests.properties.houses import commanded
from v2g_daemon.control.decide import decide
from v2g_daemon.domain.goals import DepartureGoal
from v2g_daemon.domain.policy import (
    Policy,
    Stage,
)
from v2g_daemon.domain.readings import (
    PowerControl,
    VehicleIdentity,
)
from v2g_daemon.domain.snapshot import (
    RecordingHealth,
    Snapshot,
    VehicleGoals,
)


def _status(**changes: Any) -> Callable[[Snapshot, Policy], tuple[Snapshot, Policy]]:
    def broken(snapshot: Snapshot, policy: Policy) -> tuple[Snapshot, Policy]:
        return replace(snapshot, evses=(replace(snapshot.evses[0], **changes),)), policy

    return broken


def _snapshot(**changes: Any) -> Callable[[Snapshot, Policy], tuple[Snapshot, Policy]]:
    return lambda snapshot, policy: (replace(snapshot, **changes), policy)


def _policy(**changes: Any) -> Callable[[Snapshot, Policy], tuple[Snapshot, Policy]]:
    return lambda snapshot, policy: (snapshot, replace(policy, **changes))


def _stale_meter(snapshot: Snapshot, policy: Policy) -> tuple[Snapshot, Policy]:
    if snapshot.meter is None:
        return snapshot, policy
    return replace(snapshot, meter=replace(snapshot.meter, observed_at=ago(5.1))), policy


def _guest(snapshot: Snapshot, policy: Policy) -> tuple[Snapshot, Policy]:
    """Said by the owner of a car that names itself not."""
    (status,) = snapshot.evses
    nameless = replace(status, identity=None)
    return replace(snapshot, evses=(nameless,), answers=(an_answer(None),)), policy


def _denied(snapshot: Snapshot, policy: Policy) -> tuple[Snapshot, Policy]:
    """The owner's only car, were it not for its own cloud."""
    (status,), (vehicle,) = snapshot.evses, policy.vehicles
    nameless = replace(status, identity=None)
    assumed = replace(vehicle, evccid=None, assumed_when_unidentified=True)
    feeds = (an_unplugged_feed(),)
    found = replace(snapshot, evses=(nameless,), vehicle_feeds=feeds)
    return found, replace(policy, vehicles=(assumed,))


def _plugged_in_elsewhere(snapshot: Snapshot, policy: Policy) -> tuple[Snapshot, Policy]:
    """A car that its cloud says is plugged in, since an hour before somebody came here.

    What the cloud has said already stands: it says one thing at a time.
    """
    (status,) = snapshot.evses
    nameless = replace(status, identity=None)
    feeds = snapshot.vehicle_feeds or (a_feed(since=ago(7200.0)),)
    return replace(snapshot, evses=(nameless,), vehicle_feeds=feeds), policy


BREAKS: dict[str, Callable[[Snapshot, Policy], tuple[Snapshot, Policy]]] = {
    "a guest": _status(identity=VehicleIdentity(evccid="foreign")),
    "nobody knows the car": _status(identity=None),
    "the owner says it is a guest": _guest,
    "its own cloud says that it is unplugged": _denied,
    "its own cloud has it plugged in elsewhere": _plugged_in_elsewhere,
    "unknown SoC": _status(soc=None),
    "below the floor": _status(soc=0.25),
    "at the floor": _status(soc=0.30),
    "silent charger": _status(power_observed_at=ago(30.1)),
    "unmeasured charger": _status(power_observed_at=None),
    "charge only": _status(capability=a_capability(control=PowerControl.CHARGE_LIMIT)),
    "nothing known of station and car": _status(capability=None),
    "another charger": _status(serial="SIM-9"),
    "no charger's serial": _status(serial=None),
    "no meter value": _snapshot(meter=None),
    "stale meter": _stale_meter,
    "untrusted clock": _snapshot(clock_trusted=False),
    "no records": _snapshot(commissioning=()),
    "no counters": _snapshot(counters=()),
    "nothing recorded": _snapshot(
        recording=RecordingHealth(last_durable_at=ago(180.1), queue_full=False, records_lost=0)
    ),
    "record queue full": _snapshot(
        recording=RecordingHealth(last_durable_at=NOW, queue_full=True, records_lost=0)
    ),
    "the trip needs it": _snapshot(
        goals=(
            VehicleGoals(
                vehicle_id="car",
                goals=(DepartureGoal(ready_by_utc=NOW.utc + timedelta(hours=1), soc=0.6),),
            ),
        )
    ),
    "stage V1G": _policy(stage_wanted=Stage.V1G),
    "no meter": _policy(grid=a_grid(has_meter=False)),
    "unknown warranty": _policy(vehicles=(a_vehicle(warranty=None),)),
    "uncertain SoC": _policy(vehicles=(a_vehicle(soc_step=0.12),)),
}


def sold(*, relief: bool, breaks: Sequence[str]) -> float | None:
    """The command where the plan sells, or an overload speaks alone, and some things are broken."""
    load_w, worth = (19_000.0, 0.6) if relief else (500.0, 0.0)
    snapshot, policy = a_snapshot(plans=(a_plan(worth),), meter=a_meter(load_w)), a_policy()
    for name in breaks:
        snapshot, policy = BREAKS[name](snapshot, policy)
    setpoint = commanded(decide(a_memory(), snapshot, policy)[1].evses[0])
    return None if setpoint is None else setpoint.target_w


@pytest.mark.parametrize(("relief", "target_w"), [(False, -4400.0), (True, -1750.0)])
def test_with_all_that_a_discharge_needs_the_car_is_discharged(
    *, relief: bool, target_w: float
) -> None:
    assert sold(relief=relief, breaks=()) == target_w


@pytest.mark.parametrize("relief", [False, True], ids=["plan", "overload"])
@pytest.mark.parametrize("missing", sorted(BREAKS))
def test_each_thing_that_a_discharge_needs_is_needed(missing: str, *, relief: bool) -> None:
    target_w = sold(relief=relief, breaks=(missing,))
    assert target_w is None or target_w >= 0.0


@settings(max_examples=100)
@given(st.lists(st.sampled_from(sorted(BREAKS)), min_size=1, max_size=6), st.booleans())
def test_no_second_fault_makes_up_for_a_first(breaks: list[str], relief: bool) -> None:
    target_w = sold(relief=relief, breaks=breaks)
    assert target_w is None or target_w >= 0.0
