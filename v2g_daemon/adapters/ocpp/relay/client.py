"""The relay of one station: what its link says is forwarded as the station's own connection.

It hangs beside the station's session and never in its way: frames are taken at once into a bounded
backlog (`ear`), and everything that may wait, hang or fail happens in a task of its own.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from uuid import uuid4

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, WebSocketException

from v2g_daemon.adapters.ocpp.config import OcppVersion, RelayConfig, StationConfig
from v2g_daemon.adapters.ocpp.relay.backlog import Waiting, Worth
from v2g_daemon.adapters.ocpp.relay.ear import Ear
from v2g_daemon.adapters.ocpp.relay.line import Line, opened
from v2g_daemon.adapters.ocpp.security.attempts import Allowance, Tally
from v2g_daemon.adapters.ocpp.wire.codec import ErrorFrame, JsonObject, ResultFrame, printable
from v2g_daemon.domain.stations import RelayView
from v2g_daemon.ports import Clock, StationJournal

LOG = logging.getLogger(__name__)

FIRST_RETRY_S = 1.0
LONGEST_RETRY_S = 300.0
STEADY_S = 60.0  # a connection that lasted so long was a good one
SHORTEST_BOOT_RETRY_S = 10.0
MOST_TIMEOUTS = 2
MOST_ATTEMPTS = 3
SHOWN_COMMANDS = 5
LOGGED_COMMANDS = Allowance(count=1, per_s=600.0)


class Relay:
    """The ear at the station's link, and the task that forwards what was heard."""

    def __init__(
        self, *, station: StationConfig, config: RelayConfig, clock: Clock, journal: StationJournal
    ) -> None:
        self.ear = Ear(station=station, clock=clock, journal=journal)
        self._station_id = station.station_id
        self._config = config
        self._clock = clock
        self._present, self._gone = asyncio.Event(), asyncio.Event()
        self._connected = False
        self._forwarded_count = 0
        self._attempts = 0
        self._refused: deque[str] = deque(maxlen=SHOWN_COMMANDS)
        self._logged = Tally(LOGGED_COMMANDS)
        self._last_error: str | None = None

    def opened(self, version: OcppVersion) -> None:
        """The station is there."""
        self.ear.opened(version)
        self._gone.clear()
        wanted = self._config.version
        if wanted is None or wanted is version:
            self._present.set()
        else:
            self._note_error(f"the station speaks {version.value}, not {wanted.value}")

    def closed(self) -> None:
        """The station is away, and so are we."""
        self._present.clear()
        self._gone.set()

    def view(self) -> RelayView:
        """How it goes."""
        return RelayView(
            url=self._config.url,
            connected=self._connected,
            accepted=self.ear.let_in,
            waiting_count=len(self.ear.backlog),
            forwarded_count=self._forwarded_count,
            dropped_count=self.ear.backlog.dropped_count,
            refused=tuple(self._refused),
            last_error=self._last_error,
        )

    async def run(self) -> None:
        """Never returns; a back end that is away is tried less and less often."""
        loop, retry_s = asyncio.get_running_loop(), FIRST_RETRY_S
        while True:
            await self._present.wait()
            began_s = loop.time()
            try:
                await self._connect()
            except (OSError, TimeoutError, WebSocketException) as error:
                self._note_error(printable(str(error)) or type(error).__name__)
            if loop.time() - began_s > STEADY_S:
                retry_s = FIRST_RETRY_S
            await asyncio.sleep(retry_s)
            retry_s = min(2.0 * retry_s, LONGEST_RETRY_S)

    async def _connect(self) -> None:
        version = self.ear.version
        if version is None:
            return
        async with opened(self._config, self._station_id, version) as socket:
            LOG.info("relay of %s: connected", self._station_id)
            self._connected, self._last_error = True, None
            try:
                await self._converse(socket, version)
            finally:
                self._connected = self.ear.let_in = False

    async def _converse(self, socket: ClientConnection, version: OcppVersion) -> None:
        """Until either side ends it, the back end falls silent or the station is gone."""
        line = Line(socket, version, refused=self._refuse)
        async with asyncio.TaskGroup() as group:
            tasks = {
                group.create_task(line.read()),
                group.create_task(self._forward(line)),
                group.create_task(self._gone.wait()),
            }
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                task.cancel()

    async def _forward(self, line: Line) -> None:
        """Boot first, then the connectors' states, then whatever waits; one call at a time."""
        self.ear.boot_due = self.ear.boot is not None
        timeouts = 0
        try:
            while timeouts < MOST_TIMEOUTS:
                if self.ear.boot_due and not await self._boot_accepted(line):
                    return
                if not self.ear.let_in and not await self._enter(line):
                    break
                message = self.ear.backlog.first()
                if message is None:
                    self.ear.news.clear()
                    await self.ear.news.wait()
                    continue
                timeouts = 0 if await self._deliver(line, message) else timeouts + 1
        except ConnectionClosed:
            return
        self._note_error("the back end does not answer")

    async def _boot_accepted(self, line: Line) -> bool:
        """Tell the boot until it is accepted; False: the connection is of no use."""
        while self.ear.boot is not None:
            self.ear.boot_due = self.ear.let_in = False
            answer = await self._ask(line, str(uuid4()), "BootNotification", self.ear.boot)
            if not isinstance(answer, ResultFrame):
                self._note_error("the boot was not answered")
                return False
            if answer.payload.get("status") == "Accepted":
                self._forwarded_count += 1
                return True
            self._note_error(f"the boot is {printable(str(answer.payload.get('status')))[:20]}")
            await asyncio.sleep(_boot_retry_s(answer.payload.get("interval")))
        return True

    async def _enter(self, line: Line) -> bool:
        """Let in: the newest state of every connector, for those in between were not kept."""
        self.ear.let_in, self._last_error = True, None
        for payload in list(self.ear.statuses.values()):
            if await self._ask(line, str(uuid4()), "StatusNotification", payload) is None:
                return False
        return True

    async def _ask(
        self, line: Line, message_id: str, action: str, payload: JsonObject
    ) -> ResultFrame | ErrorFrame | None:
        return await line.ask(message_id, action, payload, timeout_s=self._config.call_timeout_s)

    async def _deliver(self, line: Line, message: Waiting) -> bool:
        """Forward one message; what begins or ends a transaction is tried again. False: silence."""
        payload = self._as_told(message)
        if payload is None:
            self.ear.backlog.done(message)
            return True
        answer = await self._ask(line, message.message_id, message.action, payload)
        if answer is None:
            self._attempts += 1
            if message.worth is not Worth.TRANSACTION or self._attempts >= MOST_ATTEMPTS:
                self._give_up(message)
            return False
        self._attempts = 0
        self.ear.backlog.done(message)
        self._forwarded_count += 1
        if isinstance(answer, ErrorFrame):
            self._last_error = f"the back end refused {message.action}: {answer.code}"
        elif message.action == "StartTransaction":
            number = answer.payload.get("transactionId")
            self.ear.numbers.answered(message.message_id, number, self._clock.now())
        return True

    def _as_told(self, message: Waiting) -> JsonObject | None:
        """The payload in the back end's numbers; late events say that they are late."""
        if self.ear.version is OcppVersion.V1_6:
            return self.ear.numbers.translated(message.action, message.payload)
        if message.late and message.action == "TransactionEvent":
            return {**message.payload, "offline": True}
        return message.payload

    def _give_up(self, message: Waiting) -> None:
        self._attempts = 0
        self.ear.backlog.done(message)
        self.ear.backlog.dropped_count += 1

    def _refuse(self, action: str) -> None:
        """A command of the back end is answered with no; people are told, not each time."""
        name, now = printable(action)[:50], self._clock.now()
        self._refused.append(f"{name} ({now.utc:%Y-%m-%d %H:%M:%S} UTC)")
        if not self._logged.exhausted(name, now_s=now.monotonic_s):
            self._logged.add(name, now_s=now.monotonic_s)
            LOG.warning("relay of %s: refused %s of the back end", self._station_id, name)

    def _note_error(self, text: str) -> None:
        text = text[:200]
        if text != self._last_error:
            LOG.warning("relay of %s: %s", self._station_id, text)
        self._last_error = text


def _boot_retry_s(interval_s: object) -> float:
    """Compared before it becomes a float: a whole number may be too large for one."""
    told_s = interval_s if isinstance(interval_s, int | float) else 0
    return float(min(max(told_s, SHORTEST_BOOT_RETRY_S), LONGEST_RETRY_S))
