"""Every action a station may send gets an answer that its schema accepts, in every version."""

from __future__ import annotations

import asyncio
import json
from importlib.resources import files
from typing import Any

import pytest

from tests.adapters.ocpp.scripted_station import MemoryJournal, Sink, SteppedClock, event, schema
from v2g_daemon.adapters.ocpp.config import EvseConfig, OcppVersion, StationConfig
from v2g_daemon.adapters.ocpp.handlers import HANDLERS, StationHandlers
from v2g_daemon.adapters.ocpp.security.security_log import SecurityLog
from v2g_daemon.adapters.ocpp.station import StationState
from v2g_daemon.adapters.ocpp.v16.handlers import ANSWERS, V16Handlers
from v2g_daemon.adapters.ocpp.v16.memory import V16Memory
from v2g_daemon.adapters.ocpp.wire.codec import (
    encode_call,
    encode_error,
    encode_result,
    parse_frame,
)
from v2g_daemon.adapters.ocpp.wire.schemas import call_violation, known_actions, result_violation
from v2g_daemon.adapters.ocpp.wire.session import StationHandler

# Written out from the use cases, not taken from our table: what a charging station may ask.
STATION_ACTIONS_2_0_1 = frozenset(
    "Authorize BootNotification ClearedChargingLimit DataTransfer FirmwareStatusNotification "
    "Get15118EVCertificate GetCertificateStatus Heartbeat LogStatusNotification MeterValues "
    "NotifyChargingLimit NotifyCustomerInformation NotifyDisplayMessages NotifyEVChargingNeeds "
    "NotifyEVChargingSchedule NotifyEvent NotifyMonitoringReport NotifyReport "
    "PublishFirmwareStatusNotification ReportChargingProfiles ReservationStatusUpdate "
    "SecurityEventNotification SignCertificate StatusNotification TransactionEvent".split()
)
STATION_ACTIONS_2_1 = STATION_ACTIONS_2_0_1 | frozenset(
    "BatterySwap ClosePeriodicEventStream GetCertificateChainStatus NotifyDERAlarm "
    "NotifyDERStartStop NotifyPriorityCharging NotifySettlement OpenPeriodicEventStream "
    "PullDynamicScheduleUpdate ReportDERControl VatNumberValidation".split()
)
STATION_ACTIONS_1_6 = frozenset(
    "Authorize BootNotification DataTransfer DiagnosticsStatusNotification "
    "FirmwareStatusNotification Heartbeat LogStatusNotification MeterValues "
    "SecurityEventNotification SignCertificate SignedFirmwareStatusNotification "
    "StartTransaction StatusNotification StopTransaction".split()
)
CASES = [(OcppVersion.V1_6, action) for action in sorted(STATION_ACTIONS_1_6)]
CASES += [(OcppVersion.V2_0_1, action) for action in sorted(STATION_ACTIONS_2_0_1)] + [
    (OcppVersion.V2_1, action) for action in sorted(STATION_ACTIONS_2_1)
]


def example(node: dict[str, Any], root: dict[str, Any], *, full: bool, name: str = "") -> Any:
    """A value that the schema accepts: only what is required, or everything."""
    if "$ref" in node:
        return example(root["definitions"][node["$ref"].split("/")[-1]], root, full=full, name=name)
    if "enum" in node:
        return node["enum"][0]
    match node.get("type"):
        case "object":
            required = node.get("required", ())
            return {
                key: example(value, root, full=full, name=key)
                for key, value in node.get("properties", {}).items()
                if key in required or (full and key != "customData")
            }
        case "array":
            count = max(1, node.get("minItems", 1))
            return [example(node["items"], root, full=full) for _ in range(count)]
        case "integer" | "number":
            return max(0, int(node.get("minimum", 0)))
        case "boolean":
            return False
        case "string":
            stamp = node.get("format") == "date-time" or "time" in name.lower()
            return "2024-12-11T17:00:00Z" if stamp else "x"
        case _:
            return "x"


def schema_text(version: OcppVersion, name: str) -> dict[str, Any]:
    folder = files("ocpp") / f"v{version.number.replace('.', '')}" / "schemas"
    if version is OcppVersion.V1_6:  # its requests have no suffix
        name = name.removesuffix("Request")
    loaded: dict[str, Any] = json.loads((folder / f"{name}.json").read_text(encoding="utf-8-sig"))
    return loaded


def handlers(version: OcppVersion) -> StationHandlers:
    evse = EvseConfig(evse_id="garage", static_safe_current_a=10.0, max_charge_w=7400.0)
    config = StationConfig(station_id="S1", password="p" * 16, evses=(evse,))
    clock, journal = SteppedClock(), MemoryJournal()
    return StationHandlers(
        station=StationState(config=config, sink=Sink(), journal=journal),
        version=version,
        clock=clock,
        security=SecurityLog(clock=clock, journal=journal),
        wake=lambda: None,
    )


def told_to(version: OcppVersion) -> tuple[StationHandler, MemoryJournal]:
    """Who answers in that version, and what it writes."""
    old = version is OcppVersion.V1_6
    inner = handlers(OcppVersion.V2_0_1 if old else version)
    journal = inner.station.journal
    assert isinstance(journal, MemoryJournal)
    memory = V16Memory(station_id="S1", connectors=(1,), journal=journal)
    return (V16Handlers(inner=inner, memory=memory) if old else inner), journal


def test_the_table_holds_every_action_a_station_may_send_and_no_other() -> None:
    assert frozenset(ANSWERS) == STATION_ACTIONS_1_6
    assert frozenset(HANDLERS[OcppVersion.V2_0_1]) == STATION_ACTIONS_2_0_1
    assert frozenset(HANDLERS[OcppVersion.V2_1]) == STATION_ACTIONS_2_1


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize(("version", "action"), CASES)
async def test_every_action_gets_a_schema_valid_answer(
    version: OcppVersion, action: str, full: bool
) -> None:
    root = schema_text(version, f"{action}Request")
    request = example(root, root, full=full)
    assert call_violation(version, action, request) is None
    async with asyncio.timeout(5):
        answer = await told_to(version)[0].answer(action, request)
    schema(version.value, f"{action}Response").validate(answer)


@pytest.mark.parametrize("version", list(OcppVersion))
def test_every_field_of_every_schema_goes_out_under_its_own_name(version: OcppVersion) -> None:
    """The names a case mapper would mangle (setpoint_L2, limitAtSoC.soc, fixedPFInject) too."""
    checked = 0
    for action in sorted(known_actions(version)):
        root = schema_text(version, f"{action}Request")
        request = example(root, root, full=True)
        assert call_violation(version, action, request) is None, action
        assert json.loads(encode_call("1", action, request)) == [2, "1", action, request]
        root = schema_text(version, f"{action}Response")
        answer = example(root, root, full=True)
        assert result_violation(version, action, answer) is None, action
        assert json.loads(encode_result("1", answer)) == [3, "1", answer]
        checked += 1
    assert checked == {"2.1": 90, "2.0.1": 64, "1.6": 39}[version.number]


def test_a_mangled_name_would_be_noticed() -> None:
    request = {"chargingProfileId": 1, "scheduleUpdate": {"setpoint": 1.0, "setpointL2": 1.0}}
    violation = call_violation(OcppVersion.V2_1, "UpdateDynamicSchedule", request)
    assert violation is not None
    assert violation.code == "FormatViolation"


def test_boot_is_pending_only_while_the_clock_is_untrusted() -> None:
    table = handlers(OcppVersion.V2_1)
    boot = {"chargingStation": {"model": "M", "vendorName": "V"}, "reason": "PowerUp"}
    assert isinstance(table.clock, SteppedClock)
    table.clock.is_trusted = False
    pending = asyncio.run(table.answer("BootNotification", boot))
    table.clock.is_trusted = True
    accepted = asyncio.run(table.answer("BootNotification", boot))
    assert (pending["status"], pending["interval"]) == ("Pending", 10)
    assert accepted == {
        "currentTime": "2024-12-11T17:00:00.000Z",
        "interval": 60,
        "status": "Accepted",
    }


def test_an_id_token_info_answers_only_an_id_token() -> None:
    table = handlers(OcppVersion.V2_0_1)
    event = {
        "eventType": "Updated",
        "timestamp": "2024-12-11T17:00:00Z",
        "triggerReason": "Trigger",
        "seqNo": 1,
        "transactionInfo": {"transactionId": "t"},
    }
    token = {"idToken": {"idToken": "T", "type": "Central"}}
    assert asyncio.run(table.answer("TransactionEvent", event)) == {}
    assert asyncio.run(table.answer("TransactionEvent", {**event, **token})) == {
        "idTokenInfo": {"status": "Accepted"}
    }


@pytest.mark.parametrize("durable", [True, False])
def test_the_start_and_the_end_of_a_transaction_are_kept_before_they_are_answered(
    durable: bool,
) -> None:
    table = handlers(OcppVersion.V2_1)
    journal = table.station.journal
    assert isinstance(journal, MemoryJournal)
    journal.durable = durable  # a ledger that fails is a fault, never a refusal
    for kind in ("Started", "Updated", "Ended"):
        told = event(kind, "Trigger", evse={"id": 1})
        assert asyncio.run(table.answer("TransactionEvent", told)) == {}
    kept = [(one.name, json.loads(one.detail)["eventType"]) for one in journal.order]
    assert kept == [("evse 1", "Started"), ("evse 1", "Ended")]


@pytest.mark.parametrize("version", list(OcppVersion))
def test_a_stations_security_events_are_kept_once_a_minute(version: OcppVersion) -> None:
    table, journal = told_to(version)
    told = {"type": "TamperDetectionActivated", "timestamp": "2024-12-11T17:00:00Z"}
    for _ in range(3):
        assert asyncio.run(table.answer("SecurityEventNotification", told)) == {}
    assert [(one.station_id, one.name) for one in journal.order] == [
        ("S1", "TamperDetectionActivated")
    ]


def test_a_flood_of_events_under_ever_new_names_is_written_thirty_times_an_hour() -> None:
    table = handlers(OcppVersion.V2_1)
    assert isinstance(table.clock, SteppedClock)
    for number in range(500):
        told = {"type": f"Event{number}", "timestamp": "2024-12-11T17:00:00Z"}
        assert asyncio.run(table.answer("SecurityEventNotification", told)) == {}
    journal = table.station.journal
    assert isinstance(journal, MemoryJournal)
    assert [one.name for one in journal.order] == [
        *(f"Event{number}" for number in range(30)),
        "too_many_events",
    ]
    table.clock.elapsed_s += 3600.0
    told = {"type": "Later", "timestamp": "2024-12-11T18:00:00Z"}
    asyncio.run(table.answer("SecurityEventNotification", told))
    assert journal.order[-1].name == "Later"


@pytest.mark.parametrize("version", list(OcppVersion))
def test_a_flood_of_vendor_data_writes_nothing(version: OcppVersion) -> None:
    table, journal = told_to(version)
    told = {"vendorId": "com.example", "data": "x" * 1000}
    for _ in range(200):
        answer = asyncio.run(table.answer("DataTransfer", told))
        assert answer == {"status": "UnknownVendorId"}
    assert journal.order == []


def test_energy_transfers_are_named_in_2_1_only() -> None:
    token = {"idToken": {"idToken": "T", "type": "Central"}}
    assert "allowedEnergyTransfer" not in asyncio.run(
        handlers(OcppVersion.V2_0_1).answer("Authorize", token)
    )
    allowed = asyncio.run(handlers(OcppVersion.V2_1).answer("Authorize", token))
    assert "AC_BPT" in allowed["allowedEnergyTransfer"]


def test_a_frame_of_ours_reads_back_as_it_was() -> None:
    frame = parse_frame(encode_call("1", "Heartbeat", {}))
    assert (frame.message_id, getattr(frame, "action", None)) == ("1", "Heartbeat")


def test_an_error_text_is_cut_to_what_the_protocol_allows() -> None:
    """A longer one once crashed stations inside their error path."""
    frame = json.loads(encode_error("1", "InternalError", "x" * 1000 + "\x00"))
    assert frame == [4, "1", "InternalError", "x" * 255, {}]
