"""The layers of profiles as literals; units, phases and rounding."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from v2g_daemon.adapters.ocpp.config import FrequencyPoint, OcppVersion, VendorPower
from v2g_daemon.adapters.ocpp.smart_charging.ladder import Kind, Purpose, RateUnit, Rung
from v2g_daemon.adapters.ocpp.smart_charging.profiles import (
    LeaseTime,
    Outlet,
    default_profile,
    lease_profile,
    outlook_profile,
    realised_w,
    schedule_update,
    vendor_message,
)
from v2g_daemon.adapters.ocpp.smart_charging.telling import (
    CentralSetpoint,
    ChargeLimit,
    FrequencyFollowing,
    Idle,
    LoadBalancing,
    NegativeLimit,
    Told,
    VendorSetpoint,
)
from v2g_daemon.adapters.ocpp.wire.codec import JsonObject
from v2g_daemon.adapters.ocpp.wire.schemas import call_violation
from v2g_daemon.domain.errors import InvariantViolated
from v2g_daemon.domain.outlook import OutlookStep
from v2g_daemon.domain.power import PowerRange

NOW = datetime(2024, 12, 11, 17, 0, 0, tzinfo=UTC)
OUTLET = Outlet(evse_number=1, phases=3, nominal_voltage_v=230.0)
NEW = Rung(setpoint_kind=Kind.DYNAMIC, modes_said=True, offline_limit=True)
OLD = Rung()
TIME = LeaseTime(transaction_id="t", length_s=300, now_utc=NOW)


def period_of(message: JsonObject) -> Any:
    return schedule_of(message)["chargingSchedulePeriod"][0]


def schedule_of(message: JsonObject) -> Any:
    return message["chargingProfile"]["chargingSchedule"][0]


def lease(told: Told, *, rung: Rung = NEW, kind: Kind = Kind.ABSOLUTE, **time: Any) -> JsonObject:
    return lease_profile(OUTLET, rung, told, kind, replace(TIME, **time))


def test_a_charge_limit_lease_in_2_0_1() -> None:
    message = lease(ChargeLimit(limit_w=4600.9), rung=OLD)
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
    rung = replace(OLD, purpose=Purpose.TX_DEFAULT, rate_unit=RateUnit.AMPERE, stack_level=0)
    message = default_profile(OUTLET, rung, current_a=6.55, now_utc=NOW)
    assert schedule_of(message)["chargingRateUnit"] == "A"
    assert period_of(message) == {"startPeriod": 0, "limit": 6.5, "numberPhases": 3}
    assert "duration" not in schedule_of(message)


def test_direct_current_names_no_phases() -> None:
    outlet = replace(OUTLET, direct_current=True)
    message = default_profile(outlet, OLD, current_a=10.0, now_utc=NOW)
    assert "numberPhases" not in period_of(message)


def test_an_absolute_setpoint_starts_a_little_ago_and_ends_with_the_lease() -> None:
    told = CentralSetpoint(target_w=-5000.0)
    schedule = schedule_of(lease(told, length_s=90))
    assert (schedule["startSchedule"], schedule["duration"]) == ("2024-12-11T16:59:50.000Z", 100)
    early = schedule_of(lease(told, rung=replace(NEW, starts_early=True), length_s=90))
    assert (early["startSchedule"], early["duration"]) == ("2024-12-11T16:59:00.000Z", 150)


def test_a_setpoint_that_outlives_the_link_is_dead_for_good() -> None:
    profile = lease(CentralSetpoint(target_w=-5000.0), length_s=90)["chargingProfile"]
    assert (profile["maxOfflineDuration"], profile["invalidAfterOfflineDuration"]) == (60, True)
    assert "maxOfflineDuration" not in lease(ChargeLimit(limit_w=5000.0))["chargingProfile"]


def test_a_relative_lease_counts_from_when_the_car_was_ready() -> None:
    rung = replace(OLD, limit_kind=Kind.RELATIVE)
    message = lease(
        ChargeLimit(limit_w=2000.0), rung=rung, kind=Kind.RELATIVE, transaction_age_s=1000.9
    )
    assert schedule_of(message)["duration"] == 1300
    assert "startSchedule" not in schedule_of(message)
    assert not rung.ends


def test_without_a_default_a_lease_carries_its_own() -> None:
    message = lease(ChargeLimit(limit_w=7000.0), rung=OLD, then_w=2300.0)
    assert "duration" not in schedule_of(message)
    assert schedule_of(message)["chargingSchedulePeriod"] == [
        {"startPeriod": 0, "limit": 7000.0, "numberPhases": 3},
        {"startPeriod": 310, "limit": 2300.0, "numberPhases": 3},
    ]


def test_a_maximum_belongs_to_the_whole_station_and_to_no_transaction() -> None:
    rung = replace(OLD, purpose=Purpose.STATION_MAX, stack_level=1)
    message = lease(ChargeLimit(limit_w=3000.0), rung=rung)
    assert message["evseId"] == 0
    assert "transactionId" not in message["chargingProfile"]


def test_a_pulling_station_is_told_how_often() -> None:
    told = CentralSetpoint(target_w=-3000.0)
    message = lease(told, kind=Kind.DYNAMIC, length_s=60, pull_every_s=15)
    assert message["chargingProfile"]["dynUpdateInterval"] == 15
    # K01.FR.122: no other kind may carry it.
    assert "dynUpdateInterval" not in lease(told, pull_every_s=15)["chargingProfile"]


CURVE = (
    FrequencyPoint(frequency_hz=49.8, power_w=-1000.0),
    FrequencyPoint(frequency_hz=50.2, power_w=1000.0),
)
WORDS = VendorPower(vendor_id="V", data='{"w": {power_w}, "s": {duration_s}}', message_id="Set")


@pytest.mark.parametrize(
    ("told", "period"),
    [
        (ChargeLimit(limit_w=3000.0), {"operationMode": "ChargingOnly", "limit": 3000.0}),
        (
            CentralSetpoint(target_w=-3000.0),
            {"operationMode": "CentralSetpoint", "setpoint": -3000.0},
        ),
        (
            CentralSetpoint(
                target_w=-3000.0, bounds=PowerRange(lowest_w=-7400.0, highest_w=7000.0)
            ),
            {
                "operationMode": "CentralSetpoint",
                "setpoint": -3000.0,
                "limit": 7000.0,
                "dischargeLimit": -7400.0,
            },
        ),
        (Idle(), {"operationMode": "Idle"}),
        (Idle(evse_sleep=True), {"operationMode": "Idle", "evseSleep": True}),
        (
            FrequencyFollowing(target_w=-500.0, points=CURVE),
            {
                "operationMode": "LocalFrequency",
                "v2xBaseline": -500.0,
                "v2xFreqWattCurve": [
                    {"frequency": 49.8, "power": -1000.0},
                    {"frequency": 50.2, "power": 1000.0},
                ],
            },
        ),
        (
            LoadBalancing(target_w=-500.0, range_w=PowerRange(lowest_w=-7400.0, highest_w=7400.0)),
            {"operationMode": "LocalLoadBalancing"},
        ),
        (
            LoadBalancing(
                target_w=-500.0,
                range_w=PowerRange(lowest_w=-5000.0, highest_w=7400.0),
                bounded=True,
            ),
            {"operationMode": "LocalLoadBalancing", "limit": 7400.0, "dischargeLimit": -5000.0},
        ),
    ],
)
def test_each_operation_mode_has_the_fields_it_wants_and_no_others(
    told: Told, period: dict[str, Any]
) -> None:
    message = lease(told, length_s=90)
    assert period_of(message) == {"startPeriod": 0, "numberPhases": 3, **period}
    assert call_violation(OcppVersion.V2_1, "SetChargingProfile", message) is None


def test_a_negative_limit_is_told_only_as_what_it_is() -> None:
    message = lease(NegativeLimit(target_w=-1500.0), rung=OLD, length_s=15)
    assert period_of(message)["limit"] == -1500.0
    assert schedule_of(message)["duration"] == 25
    with pytest.raises(InvariantViolated):
        NegativeLimit(target_w=0.0)


def test_a_vendors_words_are_filled_in() -> None:
    told = VendorSetpoint(target_w=-1500.9, words=WORDS)
    assert vendor_message(OUTLET, told, replace(TIME, length_s=60)) == {
        "vendorId": "V",
        "messageId": "Set",
        "data": '{"w": -1500, "s": 60}',
    }
    with pytest.raises(InvariantViolated):
        lease(told)


def test_a_vendors_words_without_an_end_or_a_power_are_refused() -> None:
    with pytest.raises(ValueError, match="never end by itself"):
        VendorPower(vendor_id="V", data="{power_w}")
    with pytest.raises(ValueError, match="name no power"):
        VendorPower(vendor_id="V", data="{duration_s}")


def test_an_outlook_lies_below_the_lease_and_only_charges() -> None:
    steps = [
        OutlookStep(starts_at_utc=NOW, limit_w=0.0),
        OutlookStep(starts_at_utc=NOW + timedelta(hours=2), limit_w=2300.0),
    ]
    message = outlook_profile(
        OUTLET,
        NEW,
        steps=steps,
        ends_at_utc=NOW + timedelta(hours=6),
        transaction_id="t",
        offline_s=14_400,
    )
    assert message == {
        "evseId": 1,
        "chargingProfile": {
            "id": 1011,
            "stackLevel": 1,
            "chargingProfilePurpose": "TxProfile",
            "chargingProfileKind": "Absolute",
            "transactionId": "t",
            "maxOfflineDuration": 14_400,
            "chargingSchedule": [
                {
                    "id": 1011,
                    "chargingRateUnit": "W",
                    "startSchedule": "2024-12-11T17:00:00.000Z",
                    "duration": 21_600,
                    "chargingSchedulePeriod": [
                        {
                            "startPeriod": 0,
                            "limit": 0.0,
                            "operationMode": "ChargingOnly",
                            "numberPhases": 3,
                        },
                        {
                            "startPeriod": 7200,
                            "limit": 2300.0,
                            "operationMode": "ChargingOnly",
                            "numberPhases": 3,
                        },
                    ],
                }
            ],
        },
    }
    assert call_violation(OcppVersion.V2_1, "SetChargingProfile", message) is None


def test_ids_of_evses_and_layers_never_meet_and_stay_above_the_stations_own() -> None:
    second = replace(OUTLET, evse_number=2)
    assert (OUTLET.default_id, OUTLET.outlook_id, OUTLET.lease_id) == (1010, 1011, 1012)
    assert (second.default_id, second.outlook_id, second.lease_id) == (1020, 1021, 1022)
    assert replace(OUTLET, first_profile_id=5001).lease_id == 5013


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
    rung = replace(NEW, rate_unit=unit)
    update = schedule_update(OUTLET, rung, CentralSetpoint(target_w=target_w))
    assert update == {"setpoint": setpoint}
    assert realised_w(OUTLET, rung, target_w) == pytest.approx(realised, abs=1e-9)


@pytest.mark.parametrize("limit_w", [-1.0, -4000.0, float("nan")])
def test_a_negative_limit_is_never_built(limit_w: float) -> None:
    with pytest.raises(InvariantViolated):
        ChargeLimit(limit_w=limit_w)
    with pytest.raises(InvariantViolated):
        default_profile(OUTLET, NEW, current_a=-1.0, now_utc=NOW)


@pytest.mark.parametrize("target_w", [float("nan"), float("inf"), float("-inf")])
def test_a_power_that_is_not_finite_is_never_built(target_w: float) -> None:
    with pytest.raises(InvariantViolated):
        schedule_update(OUTLET, NEW, CentralSetpoint(target_w=target_w))


@given(
    target_w=st.floats(-22_000, 22_000),
    length_s=st.integers(1, 86_400),
    unit=st.sampled_from(RateUnit),
    kind=st.sampled_from([Kind.DYNAMIC, Kind.ABSOLUTE]),
)
def test_every_setpoint_is_schema_valid_and_never_past_its_target(
    target_w: float, length_s: int, unit: RateUnit, kind: Kind
) -> None:
    rung = replace(NEW, rate_unit=unit)
    told = CentralSetpoint(target_w=target_w)
    message = lease(told, rung=rung, kind=kind, length_s=length_s)
    assert call_violation(OcppVersion.V2_1, "SetChargingProfile", message) is None
    assert "limit" not in period_of(message)
    assert abs(realised_w(OUTLET, rung, target_w)) <= abs(target_w) + 0.01
    assert realised_w(OUTLET, rung, target_w) * target_w >= 0.0
