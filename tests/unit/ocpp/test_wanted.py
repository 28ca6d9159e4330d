"""What of a station's settings will do as it is, and what must be written."""

from __future__ import annotations

import pytest

from v2g_daemon.adapters.ocpp.config import EvseConfig, OcppVersion, StationConfig
from v2g_daemon.adapters.ocpp.provisioning.wanted import Wanted, wanted_settings

EVSE = EvseConfig(
    evse_id="garage", static_safe_current_a=10.0, max_charge_w=7400.0, max_discharge_w=7400.0
)
EVERYTHING = (
    "Power.Active.Import,Energy.Active.Import.Register,Power.Active.Export,"
    "Energy.Active.Export.Register,SoC"
)


def settings(
    version: OcppVersion = OcppVersion.V2_1, *, evse: EvseConfig = EVSE, enable_v2x: bool = False
) -> dict[str, Wanted]:
    station = StationConfig(
        station_id="S1", password="p" * 16, evses=(evse,), enable_v2x=enable_v2x
    )
    return {
        ".".join(
            word
            for word in (one.variable.component, one.variable.name, one.variable.instance)
            if word
        ): one
        for one in wanted_settings(station, version)
        if one.variable.evse_number is None
    }


@pytest.mark.parametrize(
    ("name", "present", "fits"),
    [
        ("SampledDataCtrlr.TxUpdatedInterval", "5", True),
        ("SampledDataCtrlr.TxUpdatedInterval", "5.0", True),
        ("SampledDataCtrlr.TxUpdatedInterval", "60", False),
        ("SampledDataCtrlr.TxUpdatedInterval", "?", False),
        ("SampledDataCtrlr.TxUpdatedMeasurands", EVERYTHING + ",Voltage", True),
        ("SampledDataCtrlr.TxUpdatedMeasurands", f"'{EVERYTHING.lower()}'", True),
        ("SampledDataCtrlr.TxUpdatedMeasurands", "Power.Active.Import", False),
        ("AlignedDataCtrlr.Interval", "0", True),
        ("AlignedDataCtrlr.Interval", "900", True),
        ("AlignedDataCtrlr.Interval", "60", False),
        ("OCPPCommCtrlr.WebSocketPingInterval", "0", False),
        ("OCPPCommCtrlr.WebSocketPingInterval", "20", True),
        ("OCPPCommCtrlr.WebSocketPingInterval", "300", False),
        ("OCPPCommCtrlr.MessageAttempts.TransactionEvent", "3", True),
        ("OCPPCommCtrlr.MessageAttempts.TransactionEvent", "1", False),
        ("TxCtrlr.TxStartPoint", "PowerPathClosed,Authorized", True),
        ("TxCtrlr.TxStartPoint", "EnergyTransfer", False),
        ("TxCtrlr.TxStopPoint", "EVConnected,Authorized", True),
        ("TxCtrlr.TxStopPoint", "EVConnected,EnergyTransfer", False),
        ("TxCtrlr.TxStopPoint", "", False),
        ("TxCtrlr.StopTxOnInvalidId", "False", True),
        ("SmartChargingCtrlr.Enabled", "false", False),
        ("SmartChargingCtrlr.LimitChangeSignificance", "0.5", True),
        ("SmartChargingCtrlr.LimitChangeSignificance", "10", False),
        ("ClockCtrlr.TimeSource", "NTP,Heartbeat", True),
        ("ClockCtrlr.TimeSource", "NTP", False),
    ],
)
def test_a_setting_is_written_only_where_what_is_there_will_not_do(
    name: str, present: str, fits: bool
) -> None:
    assert settings()[name].fits(present) is fits


def test_v2x_is_switched_on_only_by_the_owners_consent() -> None:
    switches = {"V2XChargingCtrlr.Enabled", "ISO15118Ctrlr.Enabled"}
    assert switches.isdisjoint(settings())
    assert switches <= settings(enable_v2x=True).keys()
    charge_only = EvseConfig(
        evse_id="garage", static_safe_current_a=10.0, max_charge_w=7400.0, charge_only=True
    )
    assert switches.isdisjoint(settings(evse=charge_only, enable_v2x=True))
    assert switches.isdisjoint(settings(OcppVersion.V2_0_1, enable_v2x=True))


def test_a_station_that_may_discharge_must_ask_us_before_it_begins() -> None:
    # Only the answer to Authorize says that a car may discharge (Q01).
    assert settings()["AuthCtrlr.LocalPreAuthorize"].values == ("false",)
    assert "AuthCtrlr.LocalPreAuthorize" not in settings(OcppVersion.V2_0_1)


@pytest.mark.parametrize(
    ("name", "kept", "said"),
    [
        ("SampledDataCtrlr.TxUpdatedInterval", "10", None),
        ("SampledDataCtrlr.TxUpdatedInterval", "300", "too seldom"),
        ("SampledDataCtrlr.TxUpdatedInterval", "0", "too seldom"),
        ("SampledDataCtrlr.TxUpdatedMeasurands", "Energy.Active.Import.Register", None),
        ("SampledDataCtrlr.TxUpdatedMeasurands", "SoC", "cannot be counted"),
        ("TxCtrlr.TxStopPoint", "EnergyTransfer", "each pause ends the transaction"),
        ("OCPPCommCtrlr.RetryBackOffWaitMinimum", "900", None),
    ],
)
def test_people_hear_of_a_refusal_only_where_it_matters(
    name: str, kept: str, said: str | None
) -> None:
    found = settings()[name].needed(kept)
    assert (found is None) == (said is None)
    assert found is None or said is None or said in found
