"""What the EV says becomes a capability; signs, stamps and identity."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from v2g_daemon.adapters.ocpp.config import EvseConfig
from v2g_daemon.adapters.ocpp.wire.translate import (
    ChargingNeeds,
    DischargeOffer,
    allowed_transfers,
    capability,
    charging_needs,
    format_stamp,
    identity,
    parse_stamp,
)
from v2g_daemon.domain.power import PowerRange
from v2g_daemon.domain.readings import PowerControl, VehicleIdentity

EVSE = EvseConfig(
    evse_id="garage",
    static_safe_current_a=10.0,
    max_charge_w=11_000.0,
    max_discharge_w=7400.0,
    min_charge_w=1400.0,
    min_discharge_w=1400.0,
    phases=3,
)
BPT = ChargingNeeds(bidirectional=True, direct_current=False)


@pytest.mark.parametrize(
    ("needs", "expected"),
    [
        (
            {
                "requestedEnergyTransfer": "AC_BPT",
                "v2xChargingParameters": {"maxDischargePower": 3000},
            },
            {"bidirectional": True, "max_discharge_w": 3000.0},
        ),
        (
            {
                "requestedEnergyTransfer": "AC_BPT",
                "v2xChargingParameters": {
                    "maxDischargePower": 1000,
                    "maxDischargePower_L2": 1100,
                    "maxDischargePower_L3": 1200,
                },
            },
            {"bidirectional": True, "max_discharge_w": 3300.0},
        ),
        (
            {
                "requestedEnergyTransfer": "DC_BPT",
                "v2xChargingParameters": {"maxDischargePower": -3000},
            },
            {"bidirectional": True, "direct_current": True, "max_discharge_w": 3000.0},
        ),
        (
            {
                "requestedEnergyTransfer": "DC",
                "dcChargingParameters": {
                    "evMaxCurrent": 20,
                    "evMaxVoltage": 400,
                    "stateOfCharge": 42,
                },
            },
            {"direct_current": True, "max_charge_w": 8000.0, "soc": 0.42},
        ),
        (
            {
                "requestedEnergyTransfer": "AC_three_phase",
                "acChargingParameters": {
                    "energyAmount": 0,
                    "evMinCurrent": 6,
                    "evMaxCurrent": 16,
                    "evMaxVoltage": 400,
                },
            },
            {"max_charge_w": 11_040.0, "min_charge_w": 4140.0},
        ),
        (
            {
                "requestedEnergyTransfer": "AC_single_phase",
                "acChargingParameters": {
                    "energyAmount": 0,
                    "evMinCurrent": 6,
                    "evMaxCurrent": 16,
                    "evMaxVoltage": 230,
                },
            },
            {"max_charge_w": 3680.0, "min_charge_w": 1380.0},
        ),
        (
            {"requestedEnergyTransfer": "AC_BPT", "v2xChargingParameters": {"maxChargePower": 0}},
            {"bidirectional": True},
        ),
    ],
)
def test_charging_needs_are_read_from_whichever_part_is_filled(
    needs: dict[str, Any], expected: dict[str, Any]
) -> None:
    usual = {"bidirectional": False, "direct_current": False}
    assert charging_needs(needs, EVSE) == ChargingNeeds(**{**usual, **expected})


def test_discharge_needs_a_setpoint_station_a_willing_ev_and_the_installer() -> None:
    full = capability(EVSE, BPT, DischargeOffer(central_setpoint=True))
    assert full.power == PowerRange(lowest_w=-7400.0, highest_w=11_000.0)
    assert full.control is PowerControl.SIGNED
    denied = [
        capability(EVSE, None, DischargeOffer(central_setpoint=True)),
        capability(EVSE, replace(BPT, bidirectional=False), DischargeOffer(central_setpoint=True)),
        capability(EVSE, BPT, DischargeOffer()),
        capability(replace(EVSE, charge_only=True), BPT, DischargeOffer(central_setpoint=True)),
    ]
    for found in denied:
        assert found.power == PowerRange(lowest_w=0.0, highest_w=11_000.0)
        assert found.control is PowerControl.CHARGE_LIMIT


def test_a_capability_is_what_ev_and_installer_agree_on() -> None:
    needs = replace(
        BPT,
        max_charge_w=3600.0,
        max_discharge_w=9000.0,
        min_charge_w=1000.0,
        min_discharge_w=2000.0,
    )
    found = capability(EVSE, needs, DischargeOffer(central_setpoint=True))
    assert found.power == PowerRange(lowest_w=-7400.0, highest_w=3600.0)
    assert (found.min_charge_w, found.min_discharge_w) == (1400.0, 2000.0)


def test_an_ev_that_can_discharge_nothing_offers_nothing() -> None:
    found = capability(
        EVSE, replace(BPT, max_discharge_w=0.0), DischargeOffer(central_setpoint=True)
    )
    assert found.power.lowest_w == 0.0


@pytest.mark.parametrize(
    ("text", "stamp"),
    [
        ("2024-12-11T17:00:00Z", datetime(2024, 12, 11, 17, tzinfo=UTC)),
        ("2024-12-11T18:00:00+01:00", datetime(2024, 12, 11, 17, tzinfo=UTC)),
        ("2024-12-11T17:00:00", datetime(2024, 12, 11, 17, tzinfo=UTC)),
        ("2024-12-11T17:00:00.123456789Z", datetime(2024, 12, 11, 17, 0, 0, 123456, tzinfo=UTC)),
        ("yesterday", None),
        ("", None),
        ("0001-01-01T00:00:00+14:00", None),
    ],
)
def test_a_stamp_is_utc_or_nothing(text: str, stamp: datetime | None) -> None:
    assert parse_stamp(text) == stamp


def test_our_stamps_have_milliseconds_and_a_z() -> None:
    moment = datetime(2024, 12, 11, 17, 0, 0, 123_999, tzinfo=UTC)
    assert format_stamp(moment) == "2024-12-11T17:00:00.123Z"


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ({"idToken": "T", "type": "eMAID"}, VehicleIdentity(evccid="E-KNOWN", id_token="T")),
        (
            {
                "idToken": "T",
                "type": "eMAID",
                "additionalInfo": [{"additionalIdToken": "E-TOLD", "type": "evccid"}],
            },
            VehicleIdentity(evccid="E-TOLD", id_token="T"),
        ),
        ({"idToken": "T\x00\n", "type": "X"}, VehicleIdentity(evccid="E-KNOWN", id_token="T")),
        ({"idToken": "", "type": "NoAuthorization"}, VehicleIdentity(evccid=None, id_token=None)),
    ],
)
def test_an_identity_is_token_and_evccid(token: dict[str, Any], expected: VehicleIdentity) -> None:
    assert identity(token, known_evccids={"T": "E-KNOWN"}) == expected


def test_a_charge_only_house_allows_no_two_way_transfer() -> None:
    assert allowed_transfers((replace(EVSE, charge_only=True),)) == [
        "AC_single_phase", "AC_two_phase", "AC_three_phase", "DC",
    ]  # fmt: skip
