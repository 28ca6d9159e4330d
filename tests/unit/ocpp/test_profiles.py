"""The layers of profiles as literals; units, phases and rounding."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from v2g_daemon.adapters.ocpp.codec import JsonObject, call_violation
from v2g_daemon.adapters.ocpp.config import OcppVersion
from v2g_daemon.adapters.ocpp.profiles import (
    ProfileForm,
    RateUnit,
    charge_limit_lease,
    default_profile,
    realised_w,
    schedule_update,
    setpoint_lease,
)
from v2g_daemon.domain.errors import InvariantViolated

NOW = datetime(2024, 12, 11, 17, 0, 0, tzinfo=UTC)
FORM = ProfileForm(
    evse_number=1, phases=3, nominal_voltage_v=230.0, ac_phases=3, operation_modes=True
)
OLD_FORM = replace(FORM, operation_modes=False)


def period_of(message: JsonObject) -> Any:
    return schedule_of(message)["chargingSchedulePeriod"][0]


def schedule_of(message: JsonObject) -> Any:
    return message["chargingProfile"]["chargingSchedule"][0]


def test_a_charge_limit_lease_in_2_0_1() -> None:
    message = charge_limit_lease(
        OLD_FORM, limit_w=4600.9, lease_s=300, transaction_id="t", now_utc=NOW
    )
    assert message == {
        "evseId": 1,
        "chargingProfile": {
            "id": 1012,
            "stackLevel": 2,
            "chargingProfilePurpose": "TxProfile",
            "chargingProfileKind": "Absolute",
            "transactionId": "t",
            "chargingSchedule": [
                {
                    "id": 1012,
                    "chargingRateUnit": "W",
                    "startSchedule": "2024-12-11T16:59:50.000Z",
                    "duration": 310,
                    "chargingSchedulePeriod": [
                        {"startPeriod": 0, "limit": 4600.0, "numberPhases": 3}
                    ],
                }
            ],
        },
    }
    assert call_violation(OcppVersion.V2_0_1, "SetChargingProfile", message) is None


def test_the_default_stays_in_amperes_where_the_station_counts_them() -> None:
    form = replace(OLD_FORM, rate_unit=RateUnit.AMPERE)
    message = default_profile(form, current_a=6.5, now_utc=NOW, stack_level=0)
    assert schedule_of(message)["chargingRateUnit"] == "A"
    assert period_of(message) == {"startPeriod": 0, "limit": 6.5, "numberPhases": 3}
    assert "duration" not in schedule_of(message)


def test_direct_current_names_no_phases() -> None:
    form = replace(FORM, ac_phases=None)
    message = default_profile(form, current_a=10.0, now_utc=NOW, stack_level=0)
    assert "numberPhases" not in period_of(message)


def test_an_absolute_setpoint_starts_a_little_ago_and_ends_with_the_lease() -> None:
    message = setpoint_lease(
        FORM, target_w=-5000.0, lease_s=90, transaction_id="t", now_utc=NOW, dynamic=False
    )
    schedule = schedule_of(message)
    assert (schedule["startSchedule"], schedule["duration"]) == ("2024-12-11T16:59:50.000Z", 100)
    assert period_of(message)["setpoint"] == -5000.0
    assert "maxOfflineDuration" not in message["chargingProfile"]


def test_ids_of_evses_never_meet_and_stay_above_the_stations_own() -> None:
    second = replace(FORM, evse_number=2)
    assert (FORM.default_profile_id, FORM.lease_profile_id) == (1010, 1012)
    assert (second.default_profile_id, second.lease_profile_id) == (1020, 1022)
    assert replace(FORM, first_profile_id=5001).lease_profile_id == 5013


def test_a_station_with_few_stack_levels_gets_a_lower_one() -> None:
    form = replace(FORM, highest_stack_level=0)
    message = charge_limit_lease(form, limit_w=0.0, lease_s=60, transaction_id="t", now_utc=NOW)
    assert message["chargingProfile"]["stackLevel"] == 0


@pytest.mark.parametrize(
    ("unit", "target_w", "setpoint", "realised"),
    [
        (RateUnit.WATT, 2999.9, 2999.0, 2999.0),
        (RateUnit.WATT, -2999.9, -2999.0, -2999.0),
        (RateUnit.WATT, 0.4, 0.0, 0.0),
        (RateUnit.AMPERE, 6900.0, 10.0, 6900.0),
        (RateUnit.AMPERE, -7000.0, -10.1, -6969.0),
        (RateUnit.AMPERE, 7000.0, 10.1, 6969.0),
    ],
)
def test_a_target_is_rounded_towards_zero(
    unit: RateUnit, target_w: float, setpoint: float, realised: float
) -> None:
    form = replace(FORM, rate_unit=unit)
    update = schedule_update(form, target_w=target_w)
    assert update == {"chargingProfileId": 1012, "scheduleUpdate": {"setpoint": setpoint}}
    assert realised_w(form, target_w) == pytest.approx(realised, abs=1e-9)


@pytest.mark.parametrize("limit_w", [-1.0, -4000.0])
def test_a_negative_limit_is_never_built(limit_w: float) -> None:
    with pytest.raises(InvariantViolated):
        charge_limit_lease(FORM, limit_w=limit_w, lease_s=60, transaction_id="t", now_utc=NOW)
    with pytest.raises(InvariantViolated):
        default_profile(FORM, current_a=-1.0, now_utc=NOW, stack_level=0)


@pytest.mark.parametrize("target_w", [float("nan"), float("inf"), float("-inf")])
def test_a_power_that_is_not_finite_is_never_built(target_w: float) -> None:
    with pytest.raises(InvariantViolated):
        schedule_update(FORM, target_w=target_w)


@given(
    target_w=st.floats(-22_000, 22_000),
    lease_s=st.integers(1, 86_400),
    unit=st.sampled_from(RateUnit),
    dynamic=st.booleans(),
)
def test_every_setpoint_is_schema_valid_and_never_past_its_target(
    target_w: float, lease_s: int, unit: RateUnit, dynamic: bool
) -> None:
    form = replace(FORM, rate_unit=unit, offline_limit=True)
    message = setpoint_lease(
        form, target_w=target_w, lease_s=lease_s, transaction_id="t", now_utc=NOW, dynamic=dynamic
    )
    assert call_violation(OcppVersion.V2_1, "SetChargingProfile", message) is None
    assert "limit" not in period_of(message)
    assert abs(realised_w(form, target_w)) <= abs(target_w) + 0.01
    assert realised_w(form, target_w) * target_w >= 0.0
