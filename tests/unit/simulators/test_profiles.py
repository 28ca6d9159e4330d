"""Which charging profile governs, and when one is refused."""

from __future__ import annotations

from typing import Any

import pytest

from simulators.station.profiles import InstalledProfile, ProfileStore, Situation
from simulators.station.targets import Hardware

NOW_S = 1_733_934_600.0  # 2024-12-11T16:30:00Z
Json = dict[str, Any]


def raw(*, period: Json | None = None, schedule: Json | None = None, **fields: Any) -> Json:
    """A TxDefault Absolute profile with a limit of 2 kW, changed as asked."""
    made: Json = {
        "id": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": [
            {
                "id": 1,
                "chargingRateUnit": "W",
                "startSchedule": "2024-12-11T16:30:00Z",
                "chargingSchedulePeriod": [period or {"startPeriod": 0, "limit": 2000.0}],
                **(schedule or {}),
            }
        ],
        **fields,
    }
    if made["chargingProfileKind"] in {"Dynamic", "Relative"}:
        made["chargingSchedule"][0].pop("startSchedule")
    return made


def dynamic(setpoint: float, **fields: Any) -> Json:
    """A Dynamic TxProfile with a setpoint."""
    asked = {"operationMode": "CentralSetpoint", "setpoint": setpoint}
    return raw(
        period={"startPeriod": 0, **fields.pop("period", asked)},
        **{
            "id": 9,
            "stackLevel": 2,
            "chargingProfilePurpose": "TxProfile",
            "chargingProfileKind": "Dynamic",
            "transactionId": "tx",
            **fields,
        },
    )


def store(*raws: Json, phases: int = 3, evse_id: int = 1) -> ProfileStore:
    """A store of an 11 kW station with profiles received now."""
    made = ProfileStore(hardware=Hardware(phases=phases, max_charge_w=11_000.0))
    for one in raws:
        made.put(InstalledProfile(evse_id=evse_id, raw=one, updated_s=NOW_S))
    return made


def situation(after_s: float = 0.0, **fields: Any) -> Situation:
    """In transaction "tx" that started now."""
    return Situation(
        at_s=NOW_S + after_s,
        transaction_id="tx",
        transaction_start_s=NOW_S,
        **fields,
    )


def target_w(profiles: ProfileStore, after_s: float = 0.0, **fields: Any) -> float:
    """What the profiles ask for."""
    return profiles.governing(situation(after_s, **fields)).target_w


def test_with_nothing_valid_the_station_charges_at_full_power() -> None:
    assert target_w(store()) == 11_000.0
    future = raw(schedule={"startSchedule": "2024-12-12T00:00:00Z"})
    assert target_w(store(future)) == 11_000.0


def test_a_negative_limit_is_full_power_and_not_a_discharge() -> None:
    assert target_w(store(raw(period={"startPeriod": 0, "limit": -4000.0}))) == 11_000.0


def test_a_transaction_profile_overrules_the_default_and_the_highest_level_wins() -> None:
    lower = dynamic(-3000.0, id=8, stackLevel=1)
    profiles = store(raw(), lower, dynamic(-5000.0))
    assert target_w(profiles) == -5000.0
    del profiles.installed[9]
    assert target_w(profiles) == -3000.0
    del profiles.installed[8]
    assert target_w(profiles) == 2000.0


def test_a_profile_of_another_transaction_does_not_count() -> None:
    assert target_w(store(raw(), dynamic(-5000.0, transactionId="other"))) == 2000.0


def test_the_station_maximum_caps_charging_and_leaves_discharge_alone() -> None:
    cap = raw(id=5, chargingProfilePurpose="ChargingStationMaxProfile")
    assert target_w(store(cap)) == 2000.0
    assert target_w(store(cap, dynamic(6000.0))) == 2000.0
    assert target_w(store(cap, dynamic(-6000.0))) == -6000.0


def test_a_dynamic_lease_counts_from_its_last_update_and_is_revived_by_one() -> None:
    profiles = store(raw(), dynamic(-5000.0, schedule={"duration": 90}))
    assert target_w(profiles, 89.9) == -5000.0
    assert target_w(profiles, 90.0) == 2000.0
    profiles.installed[9].updated_s = NOW_S + 100.0
    assert target_w(profiles, 189.0) == -5000.0


def test_periods_follow_each_other_and_the_next_change_is_known() -> None:
    periods = [
        {"startPeriod": 0, "limit": 2000.0},
        {"startPeriod": 600, "limit": 5000.0},
    ]
    profiles = store(raw(schedule={"chargingSchedulePeriod": periods, "duration": 1200}))
    assert [target_w(profiles, s) for s in (0.0, 599.0, 600.0, 1200.0)] == [
        2000.0,
        2000.0,
        5000.0,
        11_000.0,
    ]
    assert profiles.next_change_s(situation(0.0)) == NOW_S + 600.0
    assert profiles.next_change_s(situation(600.0)) == NOW_S + 1200.0


def test_a_daily_profile_comes_back_every_day() -> None:
    daily = raw(
        chargingProfileKind="Recurring", recurrencyKind="Daily", schedule={"duration": 3600}
    )
    profiles = store(daily)
    assert target_w(profiles, 3 * 86_400.0 + 1800.0) == 2000.0
    assert target_w(profiles, 3 * 86_400.0 + 3600.0) == 11_000.0


def test_a_relative_profile_counts_from_the_start_of_the_transaction() -> None:
    relative = raw(chargingProfileKind="Relative", schedule={"duration": 60})
    assert target_w(store(relative), 59.0) == 2000.0
    assert target_w(store(relative), 60.0) == 11_000.0


def test_validity_bounds_are_half_open() -> None:
    bounded = raw(validFrom="2024-12-11T16:31:00Z", validTo="2024-12-11T16:32:00Z")
    assert [target_w(store(bounded), s) for s in (59.0, 60.0, 119.0, 120.0)] == [
        11_000.0,
        2000.0,
        2000.0,
        11_000.0,
    ]


def test_offline_for_too_long_a_profile_sleeps_and_may_be_dead_afterwards() -> None:
    profiles = store(raw(), dynamic(-5000.0, maxOfflineDuration=30))
    assert target_w(profiles, 29.0, offline_since_s=NOW_S) == -5000.0
    assert target_w(profiles, 30.0, offline_since_s=NOW_S) == 2000.0
    profiles.bury_invalid(situation(40.0, offline_since_s=NOW_S))
    assert target_w(profiles, 41.0) == -5000.0
    profiles.installed[9].raw["invalidAfterOfflineDuration"] = True
    profiles.bury_invalid(situation(40.0, offline_since_s=NOW_S))
    assert target_w(profiles, 41.0) == 2000.0


@pytest.mark.parametrize(
    ("phases", "period", "unit", "power_w"),
    [
        (3, {"limit": 16.0}, "A", 11_040.0),
        (3, {"limit": 16.0, "numberPhases": 1}, "A", 3680.0),
        (1, {"limit": 16.0}, "A", 3680.0),
        (1, {"limit": 6900.0}, "W", 2300.0),
        (1, {"limit": 6900.0, "numberPhases": 1}, "W", 6900.0),
        (3, {"limit": 6900.0, "numberPhases": 1}, "W", 6900.0),
    ],
)
def test_absent_number_of_phases_means_three(
    phases: int, period: Json, unit: str, power_w: float
) -> None:
    profile = raw(period={"startPeriod": 0, **period}, schedule={"chargingRateUnit": unit})
    profiles = ProfileStore(hardware=Hardware(phases=phases, max_charge_w=22_000.0))
    profiles.put(InstalledProfile(evse_id=1, raw=profile, updated_s=NOW_S))
    assert target_w(profiles) == pytest.approx(power_w)
