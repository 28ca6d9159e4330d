"""A charging station on bare WebSockets and the published schema files, and as strict as it can be.

It shares no code with the daemon or the simulators, and imports nothing of the `ocpp` package: it
reads the schemas among its files. It follows what it is told at once, and notes every frame that
breaks a rule.
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

from jsonschema.protocols import Validator
from jsonschema.validators import validator_for
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

Json = dict[str, Any]
PACKAGES = {"ocpp2.1": "v21", "ocpp2.0.1": "v201", "ocpp1.6": "v16"}
CALL, RESULT, ERROR = 2, 3, 4
LONGEST_ID = 36
LONGEST_ERROR_TEXT = 255
CALL_TIMEOUT_S = 30.0
ANSWERS_AFTER_S = 0.02  # long enough to see whether a second call comes meanwhile
VOLTAGE_V, PHASES = 230.0, 3
MOST_W, LEAST_W = 7400.0, 1400.0


@cache
def schemas(version: str) -> Path:
    """The folder of a version's schema files."""
    spec = find_spec("ocpp")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / PACKAGES[version] / "schemas"


@cache
def validator(version: str, name: str) -> Validator | None:
    """The validator of a schema file, None where the version has none of that name."""
    source = schemas(version) / f"{name}.json"
    if not source.is_file():
        return None
    schema = json.loads(source.read_text(encoding="utf-8-sig"), parse_float=Decimal)
    return validator_for(schema)(schema)


def schema_name(version: str, action: str, part: str) -> str:
    """Requests of 1.6 have no suffix."""
    return action if (version, part) == ("ocpp1.6", "Request") else f"{action}{part}"


def no_number(name: str) -> NoReturn:
    """NaN and the infinities are no JSON."""
    raise ValueError(f"{name} is no JSON")


@dataclass(slots=True, kw_only=True)
class Battery:
    """A car and its meter; charge +, discharge −."""

    capacity_wh: float = 60_000.0
    energy_wh: float = 42_000.0
    power_w: float = 0.0
    import_wh: float = 0.0
    export_wh: float = 0.0

    @property
    def soc_percent(self) -> float:
        """The state of charge."""
        return round(100.0 * self.energy_wh / self.capacity_wh, 1)

    def run(self, seconds: float) -> None:
        """Let the power flow for a while."""
        moved_wh = self.power_w * seconds / 3600.0
        self.energy_wh += moved_wh
        self.import_wh += max(moved_wh, 0.0)
        self.export_wh += max(-moved_wh, 0.0)


@dataclass(slots=True, kw_only=True)
class Profiles:
    """What was installed, and when; a profile replaces another of its id."""

    installed: dict[int, tuple[Json, datetime]] = field(default_factory=dict)

    def target_w(self, now: datetime, transaction_id: object) -> float:
        """What governs now; nothing valid means full power."""
        valid = [
            (profile, since)
            for profile, since in self.installed.values()
            if profile["chargingProfilePurpose"] == "TxDefaultProfile"
            or profile.get("transactionId") == transaction_id
            if _runs(profile, since, now)
        ]
        if not valid:
            return MOST_W
        profile, since = max(
            valid,
            key=lambda one: (
                one[0]["chargingProfilePurpose"] == "TxProfile",
                one[0]["stackLevel"],
            ),
        )
        return _rate_w(profile, since, now)


def _schedule(profile: Json) -> Json:
    schedules = profile["chargingSchedule"]
    found: Json = schedules if isinstance(schedules, dict) else schedules[0]
    return found


def _start(profile: Json, since: datetime) -> datetime:
    stamp = _schedule(profile).get("startSchedule")
    return since if stamp is None else datetime.fromisoformat(stamp)


def _runs(profile: Json, since: datetime, now: datetime) -> bool:
    start = _start(profile, since)
    duration_s = _schedule(profile).get("duration")
    return start <= now and (duration_s is None or now < start + timedelta(seconds=duration_s))


def _rate_w(profile: Json, since: datetime, now: datetime) -> float:
    schedule = _schedule(profile)
    offset_s = (now - _start(profile, since)).total_seconds()
    periods = schedule["chargingSchedulePeriod"]
    period = [one for one in periods if one["startPeriod"] <= offset_s][-1]
    rate = float(period.get("setpoint", period.get("limit", 0.0)))
    phases = min(int(period.get("numberPhases", PHASES)), PHASES)
    in_w = rate if schedule["chargingRateUnit"] == "W" else rate * VOLTAGE_V * phases
    return 0.0 if abs(in_w) < LEAST_W else max(-MOST_W, min(MOST_W, in_w))


Answer = Callable[["BareStation", Json], Json]


@dataclass(slots=True, kw_only=True)
class BareStation:
    """One connection in one version; `wrong` lists what broke a rule.

    `overlaps` counts the calls that came while another was unanswered: right only after a time-out.
    """

    version: str
    socket: ClientConnection
    answers: dict[str, Answer]
    speed: float
    battery: Battery = field(default_factory=Battery)
    profiles: Profiles = field(default_factory=Profiles)
    settings: dict[str, str] = field(default_factory=dict)
    transaction_id: Any = None
    wrong: list[str] = field(default_factory=list)
    overlaps: int = 0
    heard: list[tuple[str, Json]] = field(default_factory=list)
    to_send: list[tuple[str, Json]] = field(default_factory=list)
    _waiting: dict[str, tuple[str, asyncio.Future[Json]]] = field(default_factory=dict)
    _answering: bool = False
    _set_at: tuple[datetime, float] = (datetime(1970, 1, 1, tzinfo=UTC), 0.0)

    def now(self) -> datetime:
        """The central system's time, as the boot told it, running on at the house's speed."""
        told, at_s = self._set_at
        return told + timedelta(seconds=(time.monotonic() - at_s) * self.speed)

    def stamp(self) -> str:
        """This moment as OCPP writes it."""
        return self.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def set_clock(self, stamp: str) -> None:
        """Take over the time of a BootNotification or Heartbeat."""
        self._set_at = (datetime.fromisoformat(stamp), time.monotonic())

    async def call(self, action: str, payload: Json) -> Json:
        """Ask the central system; a CALLERROR or silence is a mistake of its."""
        self._judge(action, "Request", payload)
        message_id = str(uuid.uuid4())
        future: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._waiting[message_id] = (action, future)
        await self.socket.send(json.dumps([CALL, message_id, action, payload]))
        async with asyncio.timeout(CALL_TIMEOUT_S):
            return await future

    async def flush(self) -> None:
        """Say what an answer promised."""
        while self.to_send:
            await self.call(*self.to_send.pop(0))

    async def listen(self) -> None:
        """Judge and answer frames until the link ends."""
        async with asyncio.TaskGroup() as tasks:
            async for text in self.socket:
                frame = self._frame(text)
                match frame:
                    case [2, str(message_id), str(action), dict(payload)]:
                        tasks.create_task(self._answer(message_id, action, payload))
                    case [3, str(message_id), dict(payload)]:
                        self._resolve(message_id, payload)
                    case [4, str(message_id), str(code), str(words), dict()]:
                        self._note(f"CALLERROR {code}: {words}", len(words) <= LONGEST_ERROR_TEXT)
                        self._resolve(message_id, {})
                        self.wrong.append(f"CALLERROR {code}: {words}")
                    case None:  # noted where it was read
                        continue
                    case _:
                        self.wrong.append(f"no frame: {text[:200]!r}")

    def _frame(self, text: str | bytes) -> Any:
        if isinstance(text, bytes):
            self.wrong.append("a binary frame")
            return None
        try:
            return json.loads(text, parse_constant=no_number)
        except ValueError as error:
            self.wrong.append(str(error))
            return None

    async def _answer(self, message_id: str, action: str, payload: Json) -> None:
        self.overlaps += int(self._answering)
        self._note(f"message id {message_id!r}", 0 < len(message_id) <= LONGEST_ID)
        self._answering = True
        self._judge(action, "Request", payload)
        self.heard.append((action, payload))
        await asyncio.sleep(ANSWERS_AFTER_S)
        handler = self.answers.get(action)
        if handler is None:
            frame: list[Any] = [ERROR, message_id, "NotImplemented", "", {}]
        else:
            answer = handler(self, payload)
            self._judge(action, "Response", answer)
            frame = [RESULT, message_id, answer]
        self._answering = False
        with suppress(ConnectionClosed):
            await self.socket.send(json.dumps(frame))

    def _resolve(self, message_id: str, payload: Json) -> None:
        action, future = self._waiting.pop(message_id, ("", None))
        if future is None:
            self.wrong.append(f"an answer to no call: {message_id!r}")
            return
        if payload:
            self._judge(action, "Response", payload)
        future.set_result(payload)

    def _judge(self, action: str, part: str, payload: Json) -> None:
        found = validator(self.version, schema_name(self.version, action, part))
        if found is None:
            self.wrong.append(f"{self.version} has no {action}{part}")
            return
        exact = json.loads(json.dumps(payload), parse_float=Decimal)
        self.wrong += [
            f"{action}{part} {one.json_path}: {one.message[:200]}"
            for one in found.iter_errors(exact)
        ]

    def _note(self, text: str, is_right: bool) -> None:
        if not is_right:
            self.wrong.append(text)


@asynccontextmanager
async def connected(
    *,
    url: str,
    station_id: str,
    password: str,
    version: str,
    speed: float,
    answers: dict[str, Answer],
) -> AsyncIterator[BareStation]:
    """A station on the wire for as long as the block lasts."""
    token = base64.b64encode(f"{station_id}:{password}".encode()).decode()
    async with connect(
        f"{url}/{station_id}",
        subprotocols=[Subprotocol(version)],
        additional_headers={"Authorization": f"Basic {token}"},
        compression=None,
        proxy=None,
    ) as socket:
        assert socket.subprotocol == version
        station = BareStation(version=version, socket=socket, answers=answers, speed=speed)
        listening = asyncio.get_running_loop().create_task(station.listen())
        try:
            yield station
        finally:
            await socket.close()
            await listening
