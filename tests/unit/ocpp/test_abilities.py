"""The device model as stations answer it, and what has to be written."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from v2g_daemon.adapters.ocpp.config import EvseConfig, OcppVersion
from v2g_daemon.adapters.ocpp.provisioning.abilities import (
    SERIAL,
    EvseAbilities,
    Variable,
    abilities,
)
from v2g_daemon.adapters.ocpp.provisioning.configuration import found_values
from v2g_daemon.adapters.ocpp.smart_charging.ladder import RateUnit

EVSE = EvseConfig(evse_id="garage", static_safe_current_a=10.0, max_charge_w=7400.0)
SMART = "SmartChargingCtrlr"


def found(
    values: Mapping[tuple[str, ...], str], version: OcppVersion = OcppVersion.V2_1
) -> EvseAbilities:
    by_variable = {}
    for (component, name, *rest), value in values.items():
        evse_number = 1 if component == "V2XChargingCtrlr" else None
        by_variable[
            Variable(
                component=component,
                name=name,
                instance=rest[0] if rest else None,
                evse_number=evse_number,
            )
        ] = value
    return abilities(by_variable, EVSE, version)


def test_a_station_that_says_nothing_offers_charge_limits_in_watts() -> None:
    assert found({}) == EvseAbilities(operation_modes=True)
    assert found({}, OcppVersion.V2_0_1) == EvseAbilities()


@pytest.mark.parametrize(
    ("modes", "version", "offered"),
    [
        ("ChargingOnly,CentralSetpoint", OcppVersion.V2_1, True),
        ("'ChargingOnly', 'centralsetpoint'", OcppVersion.V2_1, True),
        ("ChargingOnly,CentralFrequency", OcppVersion.V2_1, False),
        ("ChargingOnly,CentralSetpoint", OcppVersion.V2_0_1, False),
    ],
)
def test_a_setpoint_is_offered_only_in_2_1_and_by_name(
    modes: str, version: OcppVersion, offered: bool
) -> None:
    values: dict[tuple[str, ...], str] = {("V2XChargingCtrlr", "SupportedOperationModes"): modes}
    assert found(values, version).central_setpoint is offered


@pytest.mark.parametrize(
    "address", [(SMART, "SupportsFeature", "DynamicProfiles"), (SMART, "SupportsDynamicProfiles")]
)
def test_dynamic_profiles_are_known_under_both_names(address: tuple[str, ...]) -> None:
    assert found({address: "true"}).dynamic_profiles
    assert not found({address: "false"}).dynamic_profiles


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("W", RateUnit.WATT), ("A", RateUnit.AMPERE), ("A,W", RateUnit.WATT),
        ("Current,Power", RateUnit.WATT), ("Current", RateUnit.AMPERE), ("", RateUnit.WATT),
    ],
)  # fmt: skip
def test_watts_are_used_wherever_the_station_takes_them(text: str, unit: RateUnit) -> None:
    assert found({(SMART, "RateUnit"): text}).rate_unit is unit


def test_our_profile_ids_lie_above_the_stations_own() -> None:
    assert found({(SMART, "MaxExternalConstraintsId"): "4999"}).first_profile_id == 5000
    assert found({(SMART, "MaxExternalConstraintsId"): "10"}).first_profile_id == 1000


def test_values_are_found_whatever_their_case_and_only_if_given() -> None:
    rate_unit = Variable(component=SMART, name="RateUnit")
    answer = {
        "getVariableResult": [
            {
                "attributeStatus": "Accepted",
                "attributeValue": "A",
                "component": {"name": "smartchargingctrlr"},
                "variable": {"name": "RATEUNIT"},
            },
            {
                "attributeStatus": "Accepted",  # seen: accepted, and no value
                "component": {"name": "ChargingStation"},
                "variable": {"name": "SerialNumber"},
            },
        ]
    }
    assert found_values([rate_unit, SERIAL], answer) == {rate_unit: "A"}


def test_a_negative_stack_level_is_not_repeated_to_the_station() -> None:
    assert found({(SMART, "ProfileStackLevel"): "-3"}).highest_stack_level == 0


def test_a_direct_current_station_that_counts_in_amperes_gets_no_setpoint() -> None:
    modes: dict[tuple[str, ...], str] = {
        ("V2XChargingCtrlr", "SupportedOperationModes"): "ChargingOnly,CentralSetpoint",
        ("V2XChargingCtrlr", "SupportedEnergyTransferModes"): "DC,DC_BPT",
    }
    assert found({**modes, (SMART, "RateUnit"): "W"}).central_setpoint
    assert not found({**modes, (SMART, "RateUnit"): "A"}).central_setpoint
