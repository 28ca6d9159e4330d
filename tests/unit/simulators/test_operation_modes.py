"""What a station does by itself in the modes that leave it the choice, and who overrules whom."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.simulators.rig import Json, Rig, charging_rig, rig

SLOPE = [{"frequency": 49.8, "power": -4000.0}, {"frequency": 50.2, "power": 4000.0}]
BAND = {"UpperThreshold": 3000, "UpperOffset": -500, "LowerThreshold": 0, "LowerOffset": 200}


def follows_frequency(r: Rig, baseline_w: float) -> Json:
    period = {
        "operationMode": "LocalFrequency",
        "v2xBaseline": baseline_w,
        "v2xFreqWattCurve": SLOPE,
    }
    return r.profile(period, chargingProfileKind="Relative")


@pytest.mark.parametrize(
    ("frequency_hz", "power_w"),
    [
        (49.0, -4000.0),
        (49.8, -4000.0),
        (49.85, -3000.0),
        (50.1, 2000.0),
        (50.2, 4000.0),
        (51.0, 4000.0),
    ],
)
def test_the_power_lies_on_the_curve_of_the_frequency(frequency_hz: float, power_w: float) -> None:
    r = charging_rig()
    assert follows_frequency(r, 0.0) == {"status": "Accepted"}
    r.station.world.frequency_hz = frequency_hz
    r.run(5.0)
    assert r.power_w == pytest.approx(power_w)
    assert r.station.transaction is not None
    assert r.station.transaction.operation_mode == "LocalFrequency"


def test_the_baseline_lifts_the_whole_curve() -> None:
    r = charging_rig()
    follows_frequency(r, 1500.0)
    r.station.world.frequency_hz = 50.1
    r.run(5.0)
    assert r.power_w == pytest.approx(3500.0)


def set_band(r: Rig, **band: float) -> None:
    component = {"name": "V2XChargingCtrlr", "evse": {"id": 1}}
    data = [
        {
            "component": component,
            "variable": {"name": "LocalLoadBalancing", "instance": name},
            "attributeValue": str(value),
        }
        for name, value in {**BAND, **band}.items()
    ]
    answers = r.ask("SetVariables", {"setVariableData": data})["setVariableResult"]
    assert {one["attributeStatus"] for one in answers} == {"Accepted"}


def balances(r: Rig, **bounds: float) -> Json:
    return r.profile(
        {"operationMode": "LocalLoadBalancing", **bounds}, chargingProfileKind="Relative"
    )


def test_without_its_band_load_balancing_is_refused() -> None:
    r = charging_rig()
    assert balances(r)["statusInfo"]["reasonCode"] == "MissingDevModelInfo"
    set_band(r, UpperThreshold=-1.0)
    assert balances(r)["statusInfo"]["reasonCode"] == "MissingDevModelInfo"


@pytest.mark.parametrize(
    ("load_w", "power_w"),
    [
        (6000.0, -3500.0),  # over 3000: down to 3000 - 500
        (-4000.0, 4200.0),  # under 0: up to 0 + 200
        (20_000.0, -7400.0),  # more than the station can do
    ],
)
def test_the_grid_connection_is_kept_in_its_band(load_w: float, power_w: float) -> None:
    r = charging_rig()
    set_band(r)
    r.setpoint(0.0)
    r.run(5.0)
    assert balances(r) == {"status": "Accepted"}
    house = r.station.world.house
    house.override(load_w=max(load_w, 0.0), pv_w=max(-load_w, 0.0), load_w_per_phase=None)
    r.run(10.0)
    assert r.power_w == pytest.approx(power_w)
    assert sum(r.station.world.pcc_w_per_phase()) == pytest.approx(load_w + power_w)


def test_load_balancing_stays_within_the_limits_of_its_period() -> None:
    r = charging_rig()
    set_band(r)
    r.setpoint(0.0)
    r.run(5.0)
    balances(r, limit=2000.0, dischargeLimit=-1500.0)
    r.station.world.house.override(load_w=6000.0, pv_w=None, load_w_per_phase=None)
    r.run(10.0)
    assert r.power_w == pytest.approx(-1500.0)
    r.station.world.house.override(load_w=0.0, pv_w=9000.0, load_w_per_phase=None)
    r.run(10.0)
    assert r.power_w == pytest.approx(2000.0)


def test_an_idle_ev_rests() -> None:
    r = charging_rig()
    r.profile({"operationMode": "Idle", "preconditioningRequest": True})
    r.run(5.0)
    assert r.power_w == 0.0
    assert r.events(triggerReason="OperationModeChanged") or r.events(
        triggerReason="ChargingStateChanged"
    )


def priority(r: Rig, *, activate: bool) -> str:
    assert r.station.transaction is not None
    request = {"transactionId": r.station.transaction.id, "activate": activate}
    return str(r.ask("UsePriorityCharging", request)["status"])


def test_priority_charging_overrules_while_it_is_used() -> None:
    r = charging_rig()
    r.setpoint(-5000.0)
    assert priority(r, activate=True) == "NoProfile"
    urgent: Any = {
        "id": 3,
        "chargingProfilePurpose": "PriorityCharging",
        "chargingProfileKind": "Absolute",
        "transactionId": None,  # left out
        "schedule": {"startSchedule": "2024-01-01T00:00:00Z"},
    }
    assert r.profile({"limit": 6000.0}, **urgent) == {"status": "Accepted"}
    r.run(5.0)
    assert r.power_w == -5000.0
    assert priority(r, activate=True) == "Accepted"
    r.run(5.0)
    assert r.power_w == 6000.0
    assert priority(r, activate=False) == "Accepted"
    r.run(5.0)
    assert r.power_w == -5000.0
    unknown = {"transactionId": "other", "activate": True}
    assert r.ask("UsePriorityCharging", unknown)["status"] == "Rejected"


def test_an_energy_managers_constraint_binds_both_ways_and_is_not_ours_to_clear() -> None:
    r = charging_rig()
    r.fault("foreign_profile", value=2500.0)
    r.setpoint(-5000.0)
    r.run(5.0)
    assert r.power_w == -2500.0
    assert r.ask("ClearChargingProfile", {"chargingProfileId": 5}) == {"status": "Unknown"}
    asked = {"requestId": 1, "chargingProfile": {"chargingLimitSource": ["EMS"]}}
    assert r.ask("GetChargingProfiles", asked) == {"status": "Accepted"}
    r.deliver()
    (report,) = r.of("ReportChargingProfiles")
    assert report["chargingLimitSource"] == "EMS"
    r.clear()
    r.run(5.0)
    assert r.power_w == -5000.0
    assert r.of("ClearedChargingLimit") == [{"chargingLimitSource": "EMS"}]


def test_a_permission_that_comes_back_is_negotiated_again() -> None:
    r = charging_rig()
    r.setpoint(-5000.0)
    r.fault("permission_withdrawn")
    r.run(5.0)
    assert r.power_w == 0.0
    r.clear()
    r.run(5.0)
    assert r.power_w == -5000.0
    asked = [
        one["chargingNeeds"]["requestedEnergyTransfer"] for one in r.of("NotifyEVChargingNeeds")
    ]
    assert asked == ["AC_BPT", "AC_three_phase", "AC_BPT"]


def test_a_station_of_direct_current_tells_its_soc_with_the_needs() -> None:
    r = rig(direct_current=True)
    r.run(10.0)
    (needs,) = r.of("NotifyEVChargingNeeds")
    assert needs["chargingNeeds"]["requestedEnergyTransfer"] == "DC_BPT"
    assert needs["chargingNeeds"]["dcChargingParameters"]["stateOfCharge"] == 50
    assert r.profile({"limit": 5000.0, "numberPhases": 3})["statusInfo"]["reasonCode"] == (
        "NoPhaseForDC"
    )
    assert r.setpoint(-5000.0) == {"status": "Accepted"}
