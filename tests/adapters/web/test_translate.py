"""The status of `/api/v1` in words and units, unknown values as null."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from tests.builders import (
    NOW,
    a_goal,
    a_memory,
    a_meter,
    a_plan,
    a_policy,
    a_price_curve,
    a_snapshot,
    an_evse_status,
    an_override,
    goals,
    in_hours,
)
from v2g_daemon.adapters.web.translate import override_json, reason_json, stamp, status_json
from v2g_daemon.control.decide import decide
from v2g_daemon.domain.faults import Fault, FaultCode
from v2g_daemon.domain.policy import Stage
from v2g_daemon.domain.setpoint import Authority, Reason
from v2g_daemon.domain.snapshot import Snapshot


def status_of(snapshot: Snapshot, stage: Stage = Stage.V2G) -> dict[str, Any]:
    _, decision = decide(a_memory(), snapshot, a_policy(stage_wanted=stage))
    return status_json(snapshot, decision.evses, decision.faults)


def test_the_house_and_its_prices_have_units_in_their_names() -> None:
    snapshot = a_snapshot(
        meter=a_meter(-300.0, age_s=2.25), prices=a_price_curve([0.5], [0.25], hours=1.0)
    )
    status = status_of(snapshot)
    assert status["at_utc"] == "2024-12-11T18:00:00Z"
    assert status["clock_trusted"] is True
    assert status["meter"] == {
        "power_w": -300.0,
        "phase_power_w": [-100.0, -100.0, -100.0],
        "age_s": 2.25,
    }
    assert status["price"] == {
        "currency": "EUR",
        "import_per_kwh": 0.5,
        "export_per_kwh": 0.25,
        "known_until_utc": "2024-12-11T19:00:00Z",
    }


def test_what_is_unknown_is_null() -> None:
    snapshot = a_snapshot(
        meter=None,
        prices=None,
        evses=(an_evse_status(soc=None, soc_observed_at=None, power_w=None),),
    )
    status = status_of(snapshot)
    assert (status["meter"], status["price"]) == (None, None)
    (evse,) = status["evses"]
    assert (evse["soc"], evse["soc_sigma"], evse["power_w"]) == (None, None, None)
    assert (evse["next_goal"], evse["plan"]) == (None, None)


def test_a_price_that_is_known_for_later_only_is_null() -> None:
    assert status_of(a_snapshot(prices=a_price_curve(start_utc=in_hours(1.0))))["price"] is None


def test_an_evse_says_what_why_and_until_when() -> None:
    low = an_evse_status(soc=0.12, power_w=0.0)
    snapshot = a_snapshot(evses=(low,), goals=goals(a_goal(12.0, 0.6)), plans=(a_plan(),))
    (evse,) = status_of(snapshot)["evses"]
    assert (evse["evse_id"], evse["vehicle_id"], evse["stage"]) == ("carport", "car", "v2g")
    assert (evse["connected"], evse["plugged_in"]) == (True, True)
    assert evse["soc"] == 0.12
    assert evse["target_w"] > 0.0
    assert evse["permitted_w"][0] <= 0.0 <= evse["target_w"] <= evse["permitted_w"][1]
    # Above the static safe power a charge is a lease of 90 s.
    assert evse["lease_ends_utc"] == "2024-12-11T18:01:30Z"
    assert evse["reason"]["detail"]
    assert evse["desire"]["authority"] == "commute"
    assert evse["next_goal"] == {"ready_by_utc": "2024-12-12T06:00:00Z", "soc": 0.6}
    assert evse["plan"] == {
        "plan_id": "p1",
        "summary": "nothing is worth its while",
        "budget_per_kwh": 0.0,
        "budget_per_h": 0.0,
    }


def test_hands_off_has_no_target_but_a_reason() -> None:
    (evse,) = status_of(a_snapshot(), Stage.WATCH)["evses"]
    assert (evse["target_w"], evse["permitted_w"], evse["lease_ends_utc"]) == (None, None, None)
    assert evse["reason"]["rule"] == "watch"
    assert evse["stage"] == "watch"


def test_the_plan_shown_is_the_one_of_this_evse() -> None:
    snapshot = a_snapshot(plans=(a_plan(evse_id="yard", plan_id="p9"), a_plan()))
    assert status_of(snapshot)["evses"][0]["plan"]["plan_id"] == "p1"


def test_a_guests_car_is_not_shown_the_owners_goals() -> None:
    guest = an_evse_status(identity=None)
    (evse,) = status_of(a_snapshot(evses=(guest,), goals=goals(a_goal())))["evses"]
    assert (evse["vehicle_id"], evse["next_goal"]) == (None, None)


def test_faults_and_overrides_are_listed() -> None:
    snapshot = a_snapshot(overrides=(an_override(confirmed=True),))
    fault = Fault(code=FaultCode.METER_STALE, detail="the grid meter gives no value")
    _, decision = decide(a_memory(), snapshot, a_policy())
    status = status_json(snapshot, decision.evses, (fault, replace(fault, evse_id="carport")))
    assert status["faults"] == [
        {"code": "meter_stale", "detail": "the grid meter gives no value", "evse_id": None},
        {"code": "meter_stale", "detail": "the grid meter gives no value", "evse_id": "carport"},
    ]
    assert status["overrides"] == [
        {
            "evse_id": "carport",
            "kind": "stop",
            "until_utc": "2024-12-11T20:00:00Z",
            "confirmed": True,
        }
    ]


def test_every_status_is_plain_json() -> None:
    for snapshot in (a_snapshot(), a_snapshot(meter=None, prices=None, plans=(a_plan(),))):
        assert json.loads(json.dumps(status_of(snapshot), allow_nan=False)) == status_of(snapshot)


def test_an_evse_without_any_bound_of_its_own_is_still_plain_json() -> None:
    status = status_of(a_snapshot(evses=(an_evse_status(capability=None),)))
    json.dumps(status, allow_nan=False)


def test_small_things_are_written_the_same_everywhere() -> None:
    reason = Reason(authority=Authority.GRID_OPERATOR, rule="dimming", detail="4.2 kW")
    assert reason_json(reason) == {
        "authority": "grid_operator",
        "rule": "dimming",
        "detail": "4.2 kW",
    }
    assert override_json(an_override())["kind"] == "stop"
    assert stamp(NOW.utc) == "2024-12-11T18:00:00Z"
