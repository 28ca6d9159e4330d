"""What an installer sees and asks, of stations of every version, over real sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.adapters.ocpp.conftest import Bench, Benches
from tests.adapters.ocpp.scripted_station import Json, ScriptedStation, connector, station
from tests.adapters.ocpp.test_v16_station import OldStation, old_station
from tests.adapters.waiting import until
from v2g_daemon.adapters.ocpp import OcppVersion
from v2g_daemon.adapters.ocpp.authorization.keys import ChargeKey, KeyRing
from v2g_daemon.domain.errors import DeviceRejectedCommand, DeviceUnknown, DeviceUnreachable
from v2g_daemon.domain.stations import FollowEnd, FrameNote, FrameSide, LogKind, LogRequest
from v2g_daemon.ports import StationDesk

NEW = pytest.mark.parametrize("version", ["ocpp2.1", "ocpp2.0.1"])


@asynccontextmanager
async def new_one(
    benches: Benches, version: str, **options: Any
) -> AsyncIterator[tuple[Bench, StationDesk, ScriptedStation]]:
    """A station of 2.x that is configured, and the desk."""
    async with (
        benches(**options) as bench,
        station(bench.central, versions=(version,)) as car,
    ):
        await car.configured()
        yield bench, bench.central.installer_desk(), car
        assert car.broken == []


@asynccontextmanager
async def old_one(
    benches: Benches, **options: Any
) -> AsyncIterator[tuple[Bench, StationDesk, OldStation]]:
    """A station of 1.6 that is configured, and the desk."""
    async with (
        benches(versions=(OcppVersion.V1_6,), **options) as bench,
        old_station(bench) as car,
    ):
        await car.boot()
        yield bench, bench.central.installer_desk(), car


# --- what is seen ---


async def test_the_list_tells_what_a_station_is_and_since_when_it_is_there(
    benches: Benches,
) -> None:
    async with benches() as bench:
        desk = bench.central.installer_desk()
        (away,) = desk.stations()
        assert (away.station_id, away.connected, away.version, away.address) == (
            "S1",
            False,
            None,
            None,
        )
        bench.clock.elapsed_s = 60.0
        async with station(bench.central) as car:
            await car.boot()
            await car.call("StatusNotification", connector("Occupied"))
            (found,) = desk.stations()
            assert (found.connected, found.version, found.address) == (True, "2.1", "127.0.0.1")
            assert found.since_utc == datetime(2024, 12, 11, 17, 1, tzinfo=UTC)
            about = found.about
            assert (about.vendor, about.model, about.serial) == ("V", "M", "SIM-7")
            (evse,) = found.evses
            assert (evse.evse_id, evse.evse_number) == ("garage", 1)
            assert (evse.connector_status, evse.plugged_in) == ("Occupied", True)
        await until(lambda: not desk.stations()[0].connected)
        assert desk.stations()[0].about.model == "M"


async def test_what_a_station_is_outlives_the_daemon(benches: Benches) -> None:
    async with benches() as bench, station(bench.central) as car:
        await car.configured()
        journal = bench.journal
    async with benches(journal=journal) as bench:
        (found,) = bench.central.installer_desk().stations()
        assert (found.connected, found.about.vendor) == (False, "V")


async def test_a_station_that_is_somebody_else_at_every_boot_is_written_down_once_a_minute(
    benches: Benches,
) -> None:
    async with new_one(benches, "ocpp2.1") as (bench, desk, car):
        for number in range(20):
            about = {"model": f"M{number}", "vendorName": "V"}
            told = {"chargingStation": about, "reason": "PowerUp"}
            await car.call("BootNotification", told)
        written = [one for one in bench.journal.order if one.name == "make"]
        assert len(written) == 1
        assert desk.stations()[0].about.model == "M19"


async def test_one_station_in_full_tells_abilities_transaction_car_and_outcome(
    benches: Benches,
) -> None:
    async with new_one(benches, "ocpp2.1") as (bench, desk, car):
        token = {"idToken": "04A2B3C4D5", "type": "ISO14443"}
        await car.event("Started", "Authorized", evse={"id": 1}, idToken=token)
        await bench.until(lambda s: s.transaction_id is not None)
        bench.clock.elapsed_s += 20.0
        bench.setpoint(3000.0)
        await bench.until(lambda s: s.outcome is not None)
        (evse,) = desk.station("S1").evses
        assert evse.default_installed
        assert evse.refused == ()
        assert evse.abilities["central_setpoint"] is True
        assert evse.abilities["rate_unit"] == "W"
        assert evse.transaction_adopted is False
        assert evse.id_token == "*C4D5"
        assert evse.outcome is not None
        assert (evse.outcome.kind, evse.outcome.target_w) == ("applied", 3000.0)


async def test_what_a_station_refused_is_told(benches: Benches) -> None:
    async with benches() as bench, station(bench.central) as car:
        car.answers["SetChargingProfile"] = lambda _: {"status": "Rejected"}
        await car.configured()
        (evse,) = bench.central.installer_desk().station("S1").evses
        assert not evse.default_installed
        assert evse.refused == ("the default profile (not installed, or not yet)",)


async def test_security_events_are_told_with_the_station(benches: Benches) -> None:
    async with new_one(benches, "ocpp2.1") as (_, desk, car):
        told = {"type": "TamperDetectionActivated", "timestamp": "2024-12-11T17:00:00Z"}
        await car.call("SecurityEventNotification", told)
        (note,) = desk.station("S1").security
        assert note.name == "TamperDetectionActivated"


async def test_an_unknown_station_is_refused_with_the_known_ones(bench: Bench) -> None:
    desk = bench.central.installer_desk()
    calls: list[Callable[[], Any]] = [
        lambda: desk.station("S9"),
        lambda: desk.log_upload("S9"),
        lambda: desk.follow("S9", newest=1),
    ]
    for call in calls:
        with pytest.raises(DeviceUnknown, match=r"'S9' is configured; there are: S1"):
            call()
    with pytest.raises(DeviceUnknown):
        await desk.reset("S9", immediate=False)


async def test_a_station_that_is_away_is_said_to_be(bench: Bench) -> None:
    desk = bench.central.installer_desk()
    log = LogRequest(kind=LogKind.DIAGNOSTICS, url="http://127.0.0.1/x")
    for asking in (
        desk.variables("S1", None),
        desk.set_variable("S1", "A.B", "c"),
        desk.reset("S1", immediate=True),
        desk.unlock("S1", evse_number=1, connector=1),
        desk.trigger("S1", "Heartbeat", evse_number=None),
        desk.get_log("S1", log),
    ):
        with pytest.raises(DeviceUnreachable, match="S1 is not connected"):
            await asking
    assert (await desk.keys("S1")).held_version is None


# --- the frame log ---


async def test_the_log_shows_both_sides_broken_frames_and_no_token(benches: Benches) -> None:
    async with new_one(benches, "ocpp2.1") as (_, desk, car):
        await car.call("Authorize", {"idToken": {"idToken": "04A2B3C4D5", "type": "ISO14443"}})
        await car.frame('{"idTag":"04A2B3C4D5"', reply_id="-1")
        notes = await desk.frames("S1", newest=1000)
        assert [one.kind for one in notes[:2]] == ["link", "call"]
        assert notes[0].text == "connected from 127.0.0.1, ocpp2.1"
        (authorize,) = [n for n in notes if n.action == "Authorize" and n.kind == "call"]
        assert authorize.side is FrameSide.STATION
        assert '"idToken":"*C4D5"' in authorize.text
        (broken,) = [n for n in notes if n.kind == "broken"]
        assert "*C4D5" in broken.text
        assert not any("04A2B3C4D5" in one.text for one in notes)
        ours = [n for n in notes if n.side is FrameSide.DAEMON and n.kind == "call"]
        assert {"GetVariables", "SetChargingProfile"} <= {n.action for n in ours}


async def test_a_followed_log_ends_with_the_daemon(benches: Benches) -> None:
    async with new_one(benches, "ocpp2.1") as (bench, desk, car):
        reading = desk.follow("S1", newest=1)
        assert isinstance(await anext(reading), FrameNote)
        await car.call("Heartbeat", {})
        async with asyncio.timeout(5.0):
            while True:
                note = await anext(reading)
                assert isinstance(note, FrameNote)
                if note.action == "Heartbeat":
                    break
        bench.serving.cancel()
        async with asyncio.timeout(5.0):
            rest = [one async for one in reading]
        assert rest[-1] == FollowEnd(reason="the daemon ends")


# --- the device model ---

INVENTORY = [
    ("AuthCtrlr", None, "Enabled", "true", "ReadWrite"),
    ("V2XChargingCtrlr", 1, "Enabled", "false", "ReadWrite"),
    ("SecurityCtrlr", None, "BasicAuthPassword", None, "WriteOnly"),
    ("ConnectedEV", 1, "VehicleId", "02AB45CD89EF", "ReadOnly"),
]


def report_data(entry: tuple[str, int | None, str, str | None, str]) -> Json:
    component, evse, variable, value, mutability = entry
    attribute: Json = {"mutability": mutability}
    return {
        "component": {"name": component, **({} if evse is None else {"evse": {"id": evse}})},
        "variable": {"name": variable},
        "variableAttribute": [attribute if value is None else {**attribute, "value": value}],
    }


def reporting(car: ScriptedStation, *, last: bool = True) -> None:
    """The station reports in two parts after it has agreed to."""

    def agree(payload: Json) -> Json:
        asyncio.get_running_loop().create_task(report(payload["requestId"]))
        return {"status": "Accepted"}

    async def report(request_id: int) -> None:
        for number, part in enumerate((INVENTORY[:2], INVENTORY[2:])):
            told = {
                "requestId": request_id,
                "generatedAt": "2024-12-11T17:00:00Z",
                "seqNo": number,
                "tbc": number == 0 or not last,
                "reportData": [report_data(entry) for entry in part],
            }
            await car.call("NotifyReport", told)

    car.answers["GetBaseReport"] = agree


@NEW
async def test_the_inventory_is_collected_and_its_secrets_are_not_shown(
    benches: Benches, version: str
) -> None:
    async with new_one(benches, version) as (_, desk, car):
        reporting(car)
        found = await desk.variables("S1", None)
        assert [(one.name, one.value, one.mutability) for one in found] == [
            ("AuthCtrlr.Enabled", "true", "ReadWrite"),
            ("V2XChargingCtrlr@1.Enabled", "false", "ReadWrite"),
            ("SecurityCtrlr.BasicAuthPassword", None, "WriteOnly"),
            ("ConnectedEV@1.VehicleId", "*89EF", "ReadOnly"),
        ]
        only = await desk.variables("S1", "authctrlr")
        assert [one.name for one in only] == ["AuthCtrlr.Enabled"]


async def test_an_inventory_that_never_ends_is_taken_as_far_as_it_came(
    benches: Benches,
) -> None:
    async with new_one(benches, "ocpp2.0.1") as (_, desk, car):
        reporting(car, last=False)
        assert len(await desk.variables("S1", None)) == 4


@NEW
async def test_one_variable_is_read_and_an_unknown_one_is_told(
    benches: Benches, version: str
) -> None:
    async with new_one(benches, version) as (_, desk, _car):
        (found,) = await desk.variables("S1", "ChargingStation.SerialNumber")
        assert (found.name, found.value, found.status) == (
            "ChargingStation.SerialNumber",
            "SIM-7",
            "Accepted",
        )
        (unknown,) = await desk.variables("S1", "Nothing.There")
        assert (unknown.value, unknown.status) == (None, "UnknownComponent")
        with pytest.raises(ValueError, match="is no variable"):
            await desk.variables("S1", "a[b")


@NEW
async def test_a_variable_is_set_refused_by_the_station_or_refused_by_us(
    benches: Benches, version: str
) -> None:
    async with new_one(benches, version) as (_, desk, car):
        count = len(car.of("SetVariables"))
        told = await desk.set_variable("S1", "TxCtrlr.EVConnectionTimeOut", "60")
        assert told == "TxCtrlr.EVConnectionTimeOut = 60"
        assert (await car.asked("SetVariables", count=count + 1))["setVariableData"] == [
            {
                "component": {"name": "TxCtrlr"},
                "variable": {"name": "EVConnectionTimeOut"},
                "attributeValue": "60",
            }
        ]

        def refuse(payload: Json) -> Json:
            one = payload["setVariableData"][0]
            told = {k: one[k] for k in ("component", "variable")}
            info = {"reasonCode": "ReadOnly", "additionalInfo": "not\x1b[2J yours"}
            result = {**told, "attributeStatus": "Rejected", "attributeStatusInfo": info}
            return {"setVariableResult": [result]}

        car.answers["SetVariables"] = refuse
        with pytest.raises(DeviceRejectedCommand, match=r"^Rejected: ReadOnly: not\[2J yours$"):
            await desk.set_variable("S1", "TxCtrlr.EVConnectionTimeOut", "60")
        asked = len(car.of("SetVariables"))
        for name, value in (
            ("SecurityCtrlr.BasicAuthPassword", "x"),
            ("TxCtrlr", "x"),
            ("TxCtrlr.EVConnectionTimeOut", "6\n0"),
            ("TxCtrlr.EVConnectionTimeOut", "6" * 501),
        ):
            with pytest.raises(ValueError, match=r"set from here|name the variable|at most 500"):
                await desk.set_variable("S1", name, value)
        assert len(car.of("SetVariables")) == asked


async def test_the_configuration_keys_of_an_old_station_are_its_variables(
    benches: Benches,
) -> None:
    async with old_one(benches) as (_, desk, car):
        car.answers["GetConfiguration"] = lambda payload: {
            "configurationKey": [
                {"key": "HeartbeatInterval", "readonly": False, "value": "60"},
                {"key": "AuthorizationKey", "readonly": False, "value": "secret-word"},
                {"key": "NumberOfConnectors", "readonly": True, "value": "1"},
            ]
        }
        found = await desk.variables("S1", None)
        assert [(one.name, one.value, one.mutability) for one in found] == [
            ("Configuration.HeartbeatInterval", "60", "ReadWrite"),
            ("Configuration.AuthorizationKey", "(hidden)", "ReadWrite"),
            ("Configuration.NumberOfConnectors", "1", "ReadOnly"),
        ]
        assert car.of("GetConfiguration")[-1] == {}
        (one,) = await desk.variables("S1", "NumberOfConnectors")
        assert (one.value, one.status) == ("1", "Accepted")
        assert car.of("GetConfiguration")[-1] == {"key": ["NumberOfConnectors"]}
        (by_new_name,) = await desk.variables("S1", "OCPPCommCtrlr.HeartbeatInterval")
        assert by_new_name.value == "60"
        before = len(car.of("ChangeConfiguration"))
        await desk.set_variable("S1", "LightIntensity", "50")
        assert car.of("ChangeConfiguration")[before] == {"key": "LightIntensity", "value": "50"}
        car.answers["ChangeConfiguration"] = lambda _: {"status": "RebootRequired"}
        assert await desk.set_variable("S1", "LightIntensity", "9") == (
            "Configuration.LightIntensity = 9, once the station has been reset"
        )
        with pytest.raises(ValueError, match="not set from here"):
            await desk.set_variable("S1", "AuthorizationKey", "x")


# --- commands ---


@NEW
async def test_a_reset_waits_for_an_idle_station_unless_it_is_immediate(
    benches: Benches, version: str
) -> None:
    async with new_one(benches, version) as (_, desk, car):
        assert await desk.reset("S1", immediate=False) == "the station resets"
        car.answers["Reset"] = lambda _: {"status": "Scheduled"}
        assert await desk.reset("S1", immediate=True) == (
            "the station resets once no transaction runs"
        )
        assert car.of("Reset") == [{"type": "OnIdle"}, {"type": "Immediate"}]
        car.answers["Reset"] = lambda _: {"status": "Rejected"}
        with pytest.raises(DeviceRejectedCommand, match=r"^Rejected$"):
            await desk.reset("S1", immediate=False)


async def test_an_old_station_is_reset_softly_or_hard(benches: Benches) -> None:
    async with old_one(benches) as (_, desk, car):
        await desk.reset("S1", immediate=False)
        await desk.reset("S1", immediate=True)
        assert car.of("Reset") == [{"type": "Soft"}, {"type": "Hard"}]


@NEW
async def test_a_connector_is_unlocked_or_the_reason_is_told(
    benches: Benches, version: str
) -> None:
    async with new_one(benches, version) as (_, desk, car):
        car.answers["UnlockConnector"] = lambda _: {"status": "Unlocked"}
        assert await desk.unlock("S1", evse_number=1, connector=1) == "the connector is unlocked"
        assert car.of("UnlockConnector") == [{"evseId": 1, "connectorId": 1}]
        car.answers["UnlockConnector"] = lambda _: {"status": "OngoingAuthorizedTransaction"}
        with pytest.raises(DeviceRejectedCommand, match=r"^OngoingAuthorizedTransaction$"):
            await desk.unlock("S1", evse_number=1, connector=1)
        car.answers["UnlockConnector"] = lambda _: {"error": "NotSupported"}
        with pytest.raises(DeviceRejectedCommand, match=r"^UnlockConnector: NotSupported$"):
            await desk.unlock("S1", evse_number=1, connector=1)


async def test_an_old_station_unlocks_by_connector_and_may_not_know_how(
    benches: Benches,
) -> None:
    async with old_one(benches) as (_, desk, car):
        car.answers["UnlockConnector"] = lambda _: {"status": "Unlocked"}
        await desk.unlock("S1", evse_number=1, connector=1)
        assert car.of("UnlockConnector") == [{"connectorId": 1}]
        car.answers["UnlockConnector"] = lambda _: {"status": "NotSupported"}
        with pytest.raises(DeviceRejectedCommand, match=r"^UnlockFailed: NotSupported$"):
            await desk.unlock("S1", evse_number=1, connector=1)


@NEW
async def test_a_message_is_triggered_by_its_name(benches: Benches, version: str) -> None:
    async with new_one(benches, version) as (_, desk, car):
        car.answers["TriggerMessage"] = lambda _: {"status": "Accepted"}
        before = len(car.of("TriggerMessage"))
        assert await desk.trigger("S1", "MeterValues", evse_number=1) == "MeterValues comes"
        await desk.trigger("S1", "StatusNotification", evse_number=None)
        assert car.of("TriggerMessage")[before:] == [
            {"requestedMessage": "MeterValues", "evse": {"id": 1}},
            {"requestedMessage": "StatusNotification", "evse": {"id": 1, "connectorId": 1}},
        ]
        with pytest.raises(ValueError, match="knows no trigger 'MeterVaules'"):
            await desk.trigger("S1", "MeterVaules", evse_number=None)
        car.answers["TriggerMessage"] = lambda _: {"status": "NotImplemented"}
        with pytest.raises(DeviceRejectedCommand, match=r"^NotImplemented$"):
            await desk.trigger("S1", "Heartbeat", evse_number=None)


async def test_an_old_station_has_two_kinds_of_triggers(benches: Benches) -> None:
    async with old_one(benches) as (_, desk, car):
        for action in ("TriggerMessage", "ExtendedTriggerMessage"):
            car.answers[action] = lambda _: {"status": "Accepted"}
        await desk.trigger("S1", "DiagnosticsStatusNotification", evse_number=None)
        assert car.of("TriggerMessage")[-1] == {"requestedMessage": "DiagnosticsStatusNotification"}
        await desk.trigger("S1", "LogStatusNotification", evse_number=None)
        assert car.of("ExtendedTriggerMessage") == [{"requestedMessage": "LogStatusNotification"}]
        with pytest.raises(ValueError, match=r"OCPP 1\.6 knows no trigger 'SignV2GCertificate'"):
            await desk.trigger("S1", "SignV2GCertificate", evse_number=None)


async def test_a_silent_station_is_told_as_such(benches: Benches) -> None:
    async with new_one(benches, "ocpp2.1", call_timeout_s=0.3) as (_, desk, car):
        car.answers["Reset"] = lambda _: None
        with pytest.raises(DeviceUnreachable, match=r"^Reset: no answer within 0\.3 s$"):
            await desk.reset("S1", immediate=False)


# --- logs ---

WHERE = LogRequest(
    kind=LogKind.SECURITY,
    url="https://192.168.1.9/logs",
    since_utc=datetime(2024, 12, 10, tzinfo=UTC),
)


@NEW
async def test_a_log_is_asked_for_and_its_upload_watched(benches: Benches, version: str) -> None:
    async with new_one(benches, version) as (_, desk, car):
        car.answers["GetLog"] = lambda _: {"status": "Accepted", "filename": "a.zip"}
        assert await desk.get_log("S1", WHERE) == "the station uploads a.zip"
        (asked,) = car.of("GetLog")
        assert asked["logType"] == "SecurityLog"
        assert asked["log"] == {
            "remoteLocation": "https://192.168.1.9/logs",
            "oldestTimestamp": "2024-12-10T00:00:00.000Z",
        }
        upload = desk.log_upload("S1")
        assert upload is not None
        assert (upload.request_id, upload.status) == (asked["requestId"], "Asked")
        told = {"status": "Uploading", "requestId": asked["requestId"]}
        await car.call("LogStatusNotification", told)
        upload = desk.log_upload("S1")
        assert upload is not None
        assert upload.status == "Uploading"
        car.answers["GetLog"] = lambda _: {"status": "Rejected"}
        with pytest.raises(DeviceRejectedCommand, match=r"^Rejected$"):
            await desk.get_log("S1", WHERE)
        assert desk.log_upload("S1") == upload


async def test_an_old_stations_diagnostics_are_asked_for_in_the_words_of_1_6(
    benches: Benches,
) -> None:
    async with old_one(benches) as (_, desk, car):
        car.answers["GetDiagnostics"] = lambda _: {"fileName": "d.zip"}
        request = LogRequest(kind=LogKind.DIAGNOSTICS, url="ftp://192.168.1.9/logs")
        assert await desk.get_log("S1", request) == "the station uploads d.zip"
        assert car.of("GetDiagnostics") == [{"location": "ftp://192.168.1.9/logs"}]
        await car.call("DiagnosticsStatusNotification", {"status": "UploadFailed"})
        upload = desk.log_upload("S1")
        assert upload is not None
        assert upload.status == "UploadFailure"
        car.answers["GetDiagnostics"] = lambda _: {}
        assert await desk.get_log("S1", request) == "the station agreed, and names no file"


async def test_an_old_stations_security_log_comes_with_its_security_extension(
    benches: Benches,
) -> None:
    async with old_one(benches) as (_, desk, car):
        car.answers["GetLog"] = lambda _: {"status": "Accepted", "filename": "s.zip"}
        assert await desk.get_log("S1", WHERE) == "the station uploads s.zip"
        (asked,) = car.of("GetLog")
        await car.call(
            "LogStatusNotification", {"status": "Uploaded", "requestId": asked["requestId"]}
        )
        upload = desk.log_upload("S1")
        assert upload is not None
        assert (upload.request_id, upload.status) == (asked["requestId"], "Uploaded")


# --- keys ---


async def test_the_keys_tell_what_was_sent_what_is_held_and_what_was_shown(
    benches: Benches,
) -> None:
    ring = KeyRing(keys=(ChargeKey(name="badge", id_token="04A2B3C4"),), accept_unknown=False)
    async with benches(key_ring=ring) as bench, station(bench.central) as car:
        car.answers["GetLocalListVersion"] = lambda _: {
            "versionNumber": len(car.of("SendLocalList"))
        }
        car.device_model["AuthCtrlr", "LocalPreAuthorize"] = "true"
        await car.configured()
        stranger = {"idToken": {"idToken": "DEADBEEF", "type": "ISO14443"}}
        await car.call("Authorize", stranger)
        await car.call("Authorize", stranger)
        found = await bench.central.installer_desk().keys("S1")
        assert (found.held_version, found.sent_version, found.in_step) == (1, 1, True)
        assert [(key.name, key.id_token) for key in found.keys] == [("badge", "*B3C4")]
        assert found.accept_unknown_keys is False
        assert [one.id_token for one in found.unknown_keys] == ["DEADBEEF"]
        settings = {one.name: one.value for one in found.settings}
        assert settings["AuthCtrlr.LocalPreAuthorize"] == "true"
        # Somebody else writes another list: the desk sees it at once.
        car.answers["GetLocalListVersion"] = lambda _: {"versionNumber": 9}
        assert (await bench.central.installer_desk().keys("S1")).in_step is False


async def test_everything_that_is_told_can_be_said_in_json(benches: Benches) -> None:
    from v2g_daemon.adapters.web.translate import plain_json

    async with new_one(benches, "ocpp2.1") as (_, desk, car):
        await car.event("Started", "CablePluggedIn", evse={"id": 1})
        told = [desk.stations(), desk.station("S1"), await desk.keys("S1")]
        told.append(await desk.frames("S1", newest=10))
        assert json.loads(json.dumps(plain_json(tuple(told))))
