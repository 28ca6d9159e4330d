"""The other end of the OCPP measurements: bare WebSocket stations in a process of their own.

    python -m tests.benchmarks.ocpp_load rate PORT VERSION VALUES MESSAGES
    python -m tests.benchmarks.ocpp_load home PORT STATIONS SECONDS INTERVAL_S

`rate` is four stations, each of which sends meter values one after the other as fast as they are
answered. `home` boots that many stations, each with a running transaction, and sends meter values
at the interval; it prints the monotonic moment at which each setpoint arrived. Prints one JSON
line.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import time
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

AT = "2024-12-11T17:00:00Z"
RATE_STATIONS = 4
MEASURANDS = (
    "Power.Active.Import",
    "Energy.Active.Import.Register",
    "SoC",
    "Power.Active.Export",
    "Energy.Active.Export.Register",
    "Voltage",
)


def meter_values(version: str, count: int, seq_no: int) -> tuple[str, dict[str, Any]]:
    """The message that carries so many sampled values in that version."""
    names = [MEASURANDS[number % len(MEASURANDS)] for number in range(count)]
    if version == "ocpp1.6":
        values: list[dict[str, Any]] = [{"value": "50", "measurand": name} for name in names]
        entry = {"timestamp": AT, "sampledValue": values}
        return "MeterValues", {"connectorId": 1, "transactionId": 7, "meterValue": [entry]}
    values = [{"value": 50.0, "measurand": name} for name in names]
    return "TransactionEvent", {
        "eventType": "Updated",
        "timestamp": AT,
        "triggerReason": "MeterValuePeriodic",
        "seqNo": seq_no,
        "transactionInfo": {"transactionId": "t", "chargingState": "Charging"},
        "evse": {"id": 1, "connectorId": 1},
        "meterValue": [{"timestamp": AT, "sampledValue": values}],
    }


class LoadStation:
    """Answers everything with Accepted and notes when a setpoint came."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.setpoints: list[float] = []
        self._waiting: dict[str, asyncio.Future[None]] = {}
        self._next = 0

    async def listen(self) -> None:
        """Until the link ends."""
        async for raw in self.socket:
            arrived_s = time.monotonic()
            frame = json.loads(raw)
            if frame[0] != 2:
                self._waiting.pop(frame[1]).set_result(None)
                continue
            if frame[2] == "SetChargingProfile":
                self.setpoints.append(arrived_s)
            await self.socket.send(json.dumps([3, frame[1], answer(frame[2], frame[3])]))

    async def call(self, action: str, payload: dict[str, Any]) -> None:
        """Send, and wait for the answer."""
        self._next += 1
        message_id = str(self._next)
        self._waiting[message_id] = asyncio.get_running_loop().create_future()
        await self.socket.send(json.dumps([2, message_id, action, payload]))
        await self._waiting[message_id]


def answer(action: str, payload: dict[str, Any]) -> dict[str, Any]:
    """A station that has no variables and takes every profile."""
    match action:
        case "GetVariables":
            return {
                "getVariableResult": [
                    {**one, "attributeStatus": "UnknownComponent"}
                    for one in payload["getVariableData"]
                ]
            }
        case "GetConfiguration":
            return {"configurationKey": []}
        case "TriggerMessage":
            return {"status": "Rejected"}
        case _:
            return {"status": "Accepted"}


async def opened(port: int, station_id: str, version: str) -> LoadStation:
    """A connected station that listens in the background."""
    secret = base64.b64encode(f"{station_id}:benchmark-password".encode()).decode()
    socket = await connect(
        f"ws://127.0.0.1:{port}/{station_id}",
        subprotocols=[Subprotocol(version)],
        additional_headers={"Authorization": f"Basic {secret}"},
        compression=None,
        open_timeout=60,
    )
    return LoadStation(socket)


async def rate(port: int, version: str, values: int, messages: int) -> dict[str, Any]:
    """Messages a second over all stations together."""
    stations = [await opened(port, f"S{number + 1}", version) for number in range(RATE_STATIONS)]

    async def told(station: LoadStation) -> None:
        for number in range(messages // RATE_STATIONS):
            await station.call(*meter_values(version, values, number))

    async with asyncio.TaskGroup() as group:
        listening = [group.create_task(station.listen()) for station in stations]
        await asyncio.sleep(1.0)
        began_s = time.perf_counter()
        await asyncio.gather(*(told(station) for station in stations))
        took_s = time.perf_counter() - began_s
        for one in listening:
            one.cancel()
    return {"per_s": messages // RATE_STATIONS * RATE_STATIONS / took_s}


async def home(port: int, stations: int, seconds: float, interval_s: float) -> dict[str, Any]:
    """Many stations with a transaction each, for that long."""
    arrived: list[float] = []

    async def live(number: int) -> None:
        await asyncio.sleep(number * 0.02)
        station = await opened(port, f"S{number + 1}", "ocpp2.0.1")
        async with asyncio.TaskGroup() as group:
            listening = group.create_task(station.listen())
            about = {"model": "M", "vendorName": "V"}
            await station.call("BootNotification", {"chargingStation": about, "reason": "PowerUp"})
            ends_s = time.monotonic() + seconds
            count = 0
            while time.monotonic() < ends_s:
                count += 1
                await station.call(*meter_values("ocpp2.0.1", 5, count))
                await asyncio.sleep(interval_s)
            listening.cancel()
        arrived.extend(station.setpoints)

    async with asyncio.TaskGroup() as group:
        for number in range(stations):
            group.create_task(live(number))
    return {"setpoints_s": sorted(arrived)}


def main() -> None:
    """Run what the command line says."""
    kind, port, *rest = sys.argv[1:]
    if kind == "rate":
        found = asyncio.run(rate(int(port), rest[0], int(rest[1]), int(rest[2])))
    else:
        found = asyncio.run(home(int(port), int(rest[0]), float(rest[1]), float(rest[2])))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
