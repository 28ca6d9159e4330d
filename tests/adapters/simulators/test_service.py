"""A simulated station in service: its list of keys, its logs, and a start that it waits for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from simulators.assembly import assemble
from simulators.control import FaultOrder, VehicleOrder
from simulators.station.session import begin_transaction
from tests.adapters.simulators.central import scenario_of

Json = dict[str, Any]
OLD: Json = {"versions": ["ocpp1.6"]}
OLD_ANSWERS: dict[str, Json] = {
    "Authorize": {"idTagInfo": {"status": "Accepted"}},
    "StartTransaction": {"transactionId": 41, "idTagInfo": {"status": "Accepted"}},
    "StopTransaction": {},
}


def setting(component: str, variable: str, value: str) -> Json:
    return {
        "component": {"name": component},
        "variable": {"name": variable},
        "attributeValue": value,
    }


def local_list(version: int, *tokens: str, update: str = "Full") -> Json:
    entries = [
        {"idToken": {"idToken": one, "type": "ISO14443"}, "idTokenInfo": {"status": "Accepted"}}
        for one in tokens
    ]
    listed: Json = {"localAuthorizationList": entries} if entries else {}
    return {"versionNumber": version, "updateType": update, **listed}


async def switched_on(run: Any) -> None:
    settings = [
        setting("LocalAuthListCtrlr", "Enabled", "true"),
        setting("AuthCtrlr", "OfflineTxForUnknownIdEnabled", "false"),
    ]
    answer = await run.central.call("SetVariables", {"setVariableData": settings})
    assert [one["attributeStatus"] for one in answer["setVariableResult"]] == ["Accepted"] * 2


async def observed(run: Any, *, times: int) -> None:
    """The station has looked at its outlet so often."""
    for _ in range(times):
        run.station.now_s()
        run.station.wake.set()
        await asyncio.sleep(0.02)


async def test_a_local_list_is_taken_whole_or_by_differences(bench: Any) -> None:
    run = await bench()
    await run.transaction_id()
    assert (await run.central.call("SendLocalList", local_list(1, "A")))["status"] == "Failed"
    await switched_on(run)
    assert await run.central.call("GetLocalListVersion", {}) == {"versionNumber": 0}
    assert await run.central.call("SendLocalList", local_list(4, "A", "B")) == {
        "status": "Accepted"
    }
    assert await run.central.call("GetLocalListVersion", {}) == {"versionNumber": 4}
    older = local_list(4, "C", update="Differential")
    assert await run.central.call("SendLocalList", older) == {"status": "VersionMismatch"}
    assert await run.central.call("SendLocalList", local_list(5)) == {"status": "Accepted"}
    assert run.station.local_list.statuses == {}


@pytest.mark.parametrize(("listed", "charges"), [("simtoken0001", True), ("SOMEBODY", False)])
async def test_offline_only_a_listed_key_charges(bench: Any, listed: str, charges: bool) -> None:
    run = await bench(vehicle={"plugged_in": False})
    await run.central.got("StatusNotification")
    await switched_on(run)
    await run.central.call("SendLocalList", local_list(1, listed))
    run.assembly.control.set_fault(FaultOrder(device="S1", kind="drop_link", for_s=600.0))
    await run.until(lambda: not run.station.online)
    run.assembly.control.move_vehicle(VehicleOrder(action="arrive", soc=0.5))
    await run.until(lambda: run.station.transaction is not None)
    await observed(run, times=20)
    assert run.station.energy_allowed() is charges
    assert (run.world.outlets["S1"].target_w(run.station.now_s()) > 0.0) is charges


@pytest.mark.parametrize(("listed", "early"), [("SIMTOKEN0001", True), ("SOMEBODY", False)])
@pytest.mark.parametrize("version", ["ocpp2.1", "ocpp2.0.1"])
def test_a_listed_key_need_not_wait_for_an_answer_where_that_is_set(
    version: str, listed: str, early: bool
) -> None:
    """No central system is there at all."""
    scenario = scenario_of(9, station={"versions": [version]})
    station = assemble(scenario, Path()).stations[0]
    for component, variable in (
        ("LocalAuthListCtrlr", "Enabled"),
        ("AuthCtrlr", "LocalPreAuthorize"),
    ):
        station.model.write(setting(component, variable, "true"))
    assert station.local_list.update(local_list(1, listed)) == "Accepted"
    begin_transaction(station)
    assert station.authorized is early
    # A bidirectional car's service is agreed with the central system all the same.
    assert station.energy_allowed() is (early and version == "ocpp2.0.1")


async def test_a_station_that_starts_nothing_alone_waits_for_a_remote_start(bench: Any) -> None:
    run = await bench(station={"needs_remote_start": True})
    await run.central.got("StatusNotification", connectorStatus="Occupied")
    await observed(run, times=20)
    assert run.station.transaction is None
    token = {"idToken": "OURS", "type": "Central"}
    asked = {"idToken": token, "remoteStartId": 7, "evseId": 1}
    assert (await run.central.call("RequestStartTransaction", asked))["status"] == "Accepted"
    started = await run.central.got("TransactionEvent", eventType="Started")
    assert started["idToken"] == token
    assert started["triggerReason"] == "RemoteStart"
    assert started["transactionInfo"]["remoteStartId"] == 7


@asynccontextmanager
async def receiver(status: str = "201 Created") -> AsyncIterator[tuple[int, list[str]]]:
    """An HTTP server that takes one upload after the other; its port and what came."""
    came: list[str] = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(
            int(line.split(":")[1])
            for line in head.splitlines()
            if line.lower().startswith("content-length")
        )
        body = (await reader.readexactly(length)).decode()
        came.append(f"{head.splitlines()[0]}\n{body}")
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(take, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1], came


async def test_a_log_is_uploaded_where_it_was_asked_for(bench: Any) -> None:
    run = await bench()
    await run.transaction_id()
    async with receiver() as (port, came):
        log = {"remoteLocation": f"http://127.0.0.1:{port}/logs"}
        asked = {"logType": "DiagnosticsLog", "requestId": 5, "log": log}
        answer = await run.central.call("GetLog", asked)
        assert answer == {"status": "Accepted", "filename": "S1-diagnostics.log"}
        await run.central.got("LogStatusNotification", status="Uploading", requestId=5)
        await run.central.got("LogStatusNotification", status="Uploaded", requestId=5)
    assert came == ["PUT /logs/S1-diagnostics.log HTTP/1.1\ndiagnostics log of S1"]


async def test_an_upload_that_nobody_takes_is_told_to_have_failed(bench: Any) -> None:
    run = await bench()
    await run.transaction_id()
    async with receiver("403 Forbidden") as (port, _):
        log = {"remoteLocation": f"http://127.0.0.1:{port}/"}
        asked = {"logType": "SecurityLog", "requestId": 6, "log": log}
        assert (await run.central.call("GetLog", asked))["status"] == "Accepted"
        await run.central.got("LogStatusNotification", status="UploadFailure", requestId=6)


async def test_an_old_station_tells_of_its_diagnostics_in_the_words_of_1_6(bench: Any) -> None:
    run = await bench(station=OLD, answers=OLD_ANSWERS)
    await run.central.got("StartTransaction")
    async with receiver() as (port, came):
        where = {"location": f"http://127.0.0.1:{port}/x"}
        answer = await run.central.call("GetDiagnostics", where)
        assert answer == {"fileName": "S1-diagnostics.log"}
        await run.central.got("DiagnosticsStatusNotification", status="Uploaded")
    assert len(came) == 1


async def test_an_old_station_has_a_local_list_too(bench: Any) -> None:
    run = await bench(station=OLD, answers=OLD_ANSWERS)
    await run.central.got("StartTransaction")
    switched = {"key": "LocalAuthListEnabled", "value": "true"}
    assert await run.central.call("ChangeConfiguration", switched) == {"status": "Accepted"}
    asked = {
        "listVersion": 3,
        "updateType": "Full",
        "localAuthorizationList": [{"idTag": "TAG", "idTagInfo": {"status": "Accepted"}}],
    }
    assert await run.central.call("SendLocalList", asked) == {"status": "Accepted"}
    assert await run.central.call("GetLocalListVersion", {}) == {"listVersion": 3}
