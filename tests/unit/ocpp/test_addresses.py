"""Variables as people write them, and those that are not set from here."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from v2g_daemon.adapters.ocpp.config import OcppVersion
from v2g_daemon.adapters.ocpp.tools.addresses import Address, forbidden, parsed, told
from v2g_daemon.adapters.ocpp.wire.schemas import call_violation


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("AuthCtrlr", Address(component="AuthCtrlr")),
        ("AuthCtrlr.Enabled", Address(component="AuthCtrlr", variable="Enabled")),
        (
            "V2XChargingCtrlr@1.Enabled",
            Address(component="V2XChargingCtrlr", evse_number=1, variable="Enabled"),
        ),
        (
            "SmartChargingCtrlr.Entries[ChargingProfiles]",
            Address(
                component="SmartChargingCtrlr",
                variable="Entries",
                variable_instance="ChargingProfiles",
            ),
        ),
        (
            "Controller[main]@2.Mode",
            Address(component="Controller", instance="main", evse_number=2, variable="Mode"),
        ),
        (
            "Configuration.evb.Some-Key",
            Address(component="Configuration", variable="evb.Some-Key"),
        ),
    ],
)
def test_an_address_reads_and_writes_the_same(text: str, address: Address) -> None:
    assert parsed(text, old=False) == address
    assert address.text() == text


@pytest.mark.parametrize("text", ["", ".x", "a[b", "a@x.b", "a@1", "x" * 60, "a\nb.c", "a[]"])
def test_what_is_no_address_is_refused_with_the_form(text: str) -> None:
    if text == "a@1":
        assert parsed(text, old=False) == Address(component="a", evse_number=1)
        return
    with pytest.raises(ValueError, match=r"write Component\.Variable"):
        parsed(text, old=False)


def test_a_bare_name_is_a_configuration_key_in_1_6() -> None:
    assert parsed("HeartbeatInterval", old=True) == Address(
        component="Configuration", variable="HeartbeatInterval"
    )
    assert parsed("Configuration", old=True) == Address(component="Configuration")
    assert parsed("OCPPCommCtrlr.HeartbeatInterval", old=True).component == "OCPPCommCtrlr"


NAMES = st.text(alphabet="abcXYZ019_- ", min_size=1, max_size=50)


@given(
    component=NAMES,
    variable=NAMES,
    instance=st.none() | NAMES,
    evse_number=st.none() | st.integers(min_value=0, max_value=9999),
)
def test_every_address_survives_the_wire_and_fits_the_schemas(
    component: str, variable: str, instance: str | None, evse_number: int | None
) -> None:
    address = Address(
        component=component,
        evse_number=evse_number,
        variable=variable,
        variable_instance=instance,
    )
    assert told(address.wire()) == address
    assert parsed(address.text(), old=False) == address
    for version in (OcppVersion.V2_0_1, OcppVersion.V2_1):
        asked = {"getVariableData": [address.wire()]}
        assert call_violation(version, "GetVariables", asked) is None


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("OCPPCommCtrlr.NetworkConfigurationPriority", "2", "cut the station's link"),
        ("NetworkConfiguration[1].OcppCsmsUrl", "ws://x", "cut the station's link"),
        ("OCPPCommCtrlr.ActiveNetworkProfile", "2", "cut the station's link"),
        ("SecurityCtrlr.SecurityProfile", "0", "authentication"),
        ("SecurityCtrlr.BasicAuthPassword", "x", "authentication"),
        ("SecurityCtrlr.Identity", "X", "authentication"),
        ("Configuration.AuthorizationKey", "00", "authentication"),
        ("Configuration.SecurityProfile", "0", "authentication"),
        ("Configuration.CentralSystemURL", "ws://x", "cut the station's link"),
        ("Configuration.vendor_backendUrl", "ws://x", "cut the station's link"),
        ("Configuration.ChargePointId", "X", "cut the station's link"),
        ("Configuration.WifiSSID", "X", "cut the station's link"),
        ("Configuration.OcppVersion", "1.5", "cut the station's link"),
        ("securityctrlr.basicauthpassword", "x", "authentication"),
        ("OCPPCommCtrlr.HeartbeatInterval", "86400", "charger.heartbeat_interval_s"),
        ("Configuration.HeartbeatInterval", "86400", "charger.heartbeat_interval_s"),
        ("SmartChargingCtrlr.Enabled", "false", "fuse"),
    ],
)
def test_what_could_cut_the_link_or_open_the_door_is_refused(
    name: str, value: str, why: str
) -> None:
    reason = forbidden(parsed(name, old=False), value)
    assert reason is not None
    assert why in reason


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TxCtrlr.EVConnectionTimeOut", "60"),
        ("SampledDataCtrlr.TxUpdatedInterval", "10"),
        ("SmartChargingCtrlr.Enabled", "true"),
        ("V2XChargingCtrlr@1.Enabled", "false"),
        ("AuthCtrlr.LocalPreAuthorize", "true"),
        ("Configuration.MeterValueSampleInterval", "10"),
        ("Configuration.WebSocketPingInterval", "30"),
        ("Configuration.StopTransactionOnInvalidId", "false"),
        ("Configuration.LightIntensity", "50"),
    ],
)
def test_everything_else_may_be_set(name: str, value: str) -> None:
    assert forbidden(parsed(name, old=False), value) is None


def test_a_component_holds_its_variables_at_any_evse_unless_one_is_named() -> None:
    at_one = parsed("V2XChargingCtrlr@1.Enabled", old=False)
    assert parsed("v2xchargingctrlr", old=False).holds(at_one)
    assert parsed("V2XChargingCtrlr@1", old=False).holds(at_one)
    assert not parsed("V2XChargingCtrlr@2", old=False).holds(at_one)
