"""A plain central system for simulated stations, over loopback sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.typing import Subprotocol

from simulators.assembly import Assembly
from simulators.scenario import Scenario

Json = dict[str, Any]
DEADLINE_S = 10.0


@dataclass
class Central:
    """Records every call of a station and answers it with what `answers` says."""

    answers: dict[str, Json]
    port: int = 0
    authorization: str | None = None
    calls: list[tuple[str, Json]] = field(default_factory=list)
    sockets: list[ServerConnection] = field(default_factory=list)
    waiting: dict[str, asyncio.Future[list[Any]]] = field(default_factory=dict)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    offered: list[str | None] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    strange: list[Any] = field(default_factory=list)
    longest: int = 0

    async def handle(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        self.authorization = socket.request.headers.get("Authorization")
        self.offered.append(socket.request.headers.get("Sec-WebSocket-Protocol"))
        self.sockets.append(socket)
        async for text in socket:
            self.longest = max(self.longest, len(text))
            match _read(text):
                case [2, str(message_id), str(action), dict(payload)]:
                    self.ids.append(message_id)
                    self.calls.append((action, payload))
                    self.changed.set()
                    answer = self.answers.get(action, {})
                    await socket.send(json.dumps([3, message_id, answer]))
                case [3 | 4, message_id, *_] as frame if message_id in self.waiting:
                    self.waiting.pop(message_id).set_result(frame)
                case strange:
                    self.strange.append(strange)

    async def frame(self, action: str, payload: Json) -> list[Any]:
        """Call the station and return the whole answering frame."""
        message_id = f"test-{len(self.calls)}-{action}"
        self.waiting[message_id] = asyncio.get_running_loop().create_future()
        await self.sockets[-1].send(json.dumps([2, message_id, action, payload]))
        async with asyncio.timeout(DEADLINE_S):
            return await self.waiting[message_id]

    async def call(self, action: str, payload: Json) -> Json:
        """Call the station and return its answer."""
        frame = await self.frame(action, payload)
        assert frame[0] == 3, frame
        answer: Json = frame[2]
        return answer

    async def received(self, wanted: Callable[[str, Json], bool], after: int = 0) -> Json:
        """Wait until a call that fits has come since the call number `after`."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                for action, payload in self.calls[after:]:
                    if wanted(action, payload):
                        return payload
                self.changed.clear()
                await self.changed.wait()

    async def connected(self, times: int) -> None:
        """Wait until the station has connected so often."""
        async with asyncio.timeout(DEADLINE_S):
            while len(self.sockets) < times:  # noqa: ASYNC110 - no event tells
                await asyncio.sleep(0.02)

    async def got(self, action: str, after: int = 0, **fields: Any) -> Json:
        """Wait for an action with the given top-level fields."""

        def fits(name: str, payload: Json) -> bool:
            return name == action and fields.items() <= payload.items()

        return await self.received(fits, after)

    def names(self) -> list[str]:
        """Return the actions received so far, in order."""
        return [action for action, _ in self.calls]


def _read(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def default_answers() -> dict[str, Json]:
    """An accepting central system that allows bidirectional service."""
    return {
        "BootNotification": {
            "status": "Accepted",
            "currentTime": "2024-12-11T16:30:00Z",
            "interval": 300,
        },
        "Authorize": {
            "idTokenInfo": {"status": "Accepted"},
            "allowedEnergyTransfer": ["AC_three_phase", "AC_BPT"],
        },
        "NotifyEVChargingNeeds": {"status": "Accepted"},
        "Heartbeat": {"currentTime": "2024-12-11T16:30:00Z"},
        "TransactionEvent": {"idTokenInfo": {"status": "Accepted"}},
        "PullDynamicScheduleUpdate": {"status": "Rejected"},
    }


@dataclass
class Bench:
    """A running station with its world, and the central system it talks to."""

    central: Central
    assembly: Assembly

    @property
    def world(self) -> Any:
        return self.assembly.world

    @property
    def station(self) -> Any:
        return self.assembly.stations[0]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something of the simulated world to come true."""
        async with asyncio.timeout(DEADLINE_S):
            while not condition():
                self.station.now_s()
                await asyncio.sleep(0.02)

    async def transaction_id(self) -> str:
        """Wait for the running transaction with its service settled."""
        await self.until(lambda: bool(self.station.energy_allowed()))
        return str(self.station.transaction.id)

    async def set_profile(self, profile: Json, evse_id: int = 1) -> Json:
        return await self.central.call(
            "SetChargingProfile", {"evseId": evse_id, "chargingProfile": profile}
        )


def scenario_of(port: int, **tables: Any) -> Scenario:
    """A V2G station with a car at 50 %, ten times as fast as real time."""
    station = {"id": "S1", "url": f"ws://127.0.0.1:{port}/ocpp", "password": "secret-of-s1"}
    data = {
        "clock": {"start": "2024-12-11T17:30:00+01:00", "speed": 10.0},
        "house": {"load_w": 600.0},
        "station": [
            {
                **station,
                "ramp_up_w_per_s": 3700.0,
                "sample_interval_s": 2,
                "reconnect_min_s": 0.1,
                "reboot_s": 3.0,
                **tables.pop("station", {}),
            }
        ],
        "vehicle": [{"name": "car", "soc": 0.5, **tables.pop("vehicle", {})}],
        **tables,
    }
    return Scenario.model_validate(data)


@asynccontextmanager
async def listening(central: Central, versions: list[str], port: int = 0) -> AsyncIterator[Server]:
    """Open a central system's port for as long as the block lasts."""
    known = [Subprotocol(version) for version in versions]

    def choose(_socket: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
        return next((one for one in known if one in offered), None)

    async with serve(central.handle, "127.0.0.1", port, select_subprotocol=choose) as server:
        central.port = next(iter(server.sockets)).getsockname()[1]
        yield server
