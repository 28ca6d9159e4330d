"""One car's cloud, asked rarely: more often only while its car may be the one plugged in."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from random import SystemRandom

import httpx

from v2g_daemon.adapters.vehicles.translate import Pointers, Told, followed, retry_after_s, told
from v2g_daemon.domain.errors import (
    DeviceError,
    DeviceProtocolError,
    DeviceRejectedCommand,
    DeviceUnreachable,
)
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.vehicle import VehicleFeedStatus
from v2g_daemon.ports import Clock, VehicleFeedSink

LOOK_EVERY_S = 5.0  # simulated
SHORTEST_PAUSE_S = 0.2  # real
LONGEST_PAUSE_S = 3600.0  # simulated, between questions that are not answered
LARGEST_ANSWER_BYTES = 1 << 20
# Asking again with a key that was refused locks accounts.
KEY_REFUSED = frozenset({httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN})

_log = logging.getLogger(__name__)


def even_jitter() -> float:
    """A factor from 1 to 1.1, so that not every house asks at the same second, nor too often."""
    return SystemRandom().uniform(1.0, 1.1)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedSource:
    """Whom to ask for one car, and how often at most; headers may hold a secret, never shown.

    `period_s` while its car may be the one plugged in, else `quiet_period_s`, by the house's clock;
    `timeout_s` are real seconds.
    """

    vehicle_id: str
    url: str
    pointers: Pointers
    period_s: float
    quiet_period_s: float
    timeout_s: float
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        """For people, without what may be secret in it."""
        return self.url.partition("?")[0]


class _LeaveAlone(DeviceRejectedCommand):
    """A refusal, after which the service wants its rest."""

    def __init__(self, text: str, *, rest_s: float) -> None:
        super().__init__(text)
        self.rest_s = rest_s


class VehicleFeed:
    """Puts what the cloud tells; a fault is told to the house, logged once, never raised."""

    def __init__(
        self,
        *,
        source: FeedSource,
        clock: Clock,
        sink: VehicleFeedSink,
        is_asked: Callable[[], bool],
        jitter: Callable[[], float] = even_jitter,
    ) -> None:
        self._source = source
        self._clock = clock
        self._sink = sink
        self._is_asked = is_asked
        self._jitter = jitter
        self._status = VehicleFeedStatus(vehicle_id=source.vehicle_id)
        self._asked_at: Instant | None = None
        self._rest_s = 0.0
        self._stretch_factor = 1.0
        self._failures_count = 0
        self._fault: str | None = None
        self.questions_count = 0

    async def run(self) -> None:
        """Ask until cancelled."""
        async with self.client() as client:
            while True:
                async with asyncio.TaskGroup() as beat:
                    beat.create_task(self._look(client))
                    beat.create_task(self._clock.sleep(LOOK_EVERY_S))
                    beat.create_task(asyncio.sleep(SHORTEST_PAUSE_S))

    def client(self) -> httpx.AsyncClient:
        """One for this cloud: the address comes from the configuration, so does any proxy."""
        return httpx.AsyncClient(trust_env=False, timeout=self._source.timeout_s)

    async def ask(self, client: httpx.AsyncClient) -> Told:
        """What the cloud tells now; raises a DeviceError. A redirection is not followed."""
        asked_at = self._clock.now()
        self.questions_count += 1
        try:
            async with asyncio.timeout(self._source.timeout_s):
                answer = await self._answer(client)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError) as error:
            raise DeviceUnreachable(f"{self._source.name} does not answer") from error
        try:
            return told(answer, pointers=self._source.pointers, asked_at=asked_at)
        except DeviceProtocolError as error:
            raise DeviceProtocolError(f"{self._source.name}: {error}") from error

    async def _look(self, client: httpx.AsyncClient) -> None:
        now = self._clock.now()
        if self._asked_at is not None and now.seconds_since(self._asked_at) < self._pause_s():
            return
        self._asked_at, self._stretch_factor = now, self._jitter()
        try:
            news = await self.ask(client)
        except DeviceError as error:
            self._failures_count += 1
            self._rest_s = error.rest_s if isinstance(error, _LeaveAlone) else 0.0
            self._note(kind=type(error).__name__, text=str(error))
            self._put(replace(self._status, trouble=str(error)))
            return
        self._failures_count, self._rest_s = 0, 0.0
        self._note(kind=None, text=f"{self._source.name} answers again")
        self._put(followed(self._status, news))

    def _pause_s(self) -> float:
        """How long to wait after the last question; after a failure longer each time."""
        source = self._source
        period_s = source.period_s if self._is_asked() else source.quiet_period_s
        if self._failures_count > 0:
            longer_s = source.period_s * 2.0 ** min(self._failures_count, 10)
            period_s = max(period_s, min(longer_s, LONGEST_PAUSE_S), self._rest_s)
        return period_s * self._stretch_factor

    def _put(self, status: VehicleFeedStatus) -> None:
        self._status = status
        self._sink.put_vehicle_feed(status)

    async def _answer(self, client: httpx.AsyncClient) -> bytes:
        async with client.stream(
            "GET", self._source.url, headers=dict(self._source.headers)
        ) as response:
            if response.status_code != httpx.codes.OK:
                raise self._refusal(response)
            answer = b""
            async for chunk in response.aiter_bytes():
                answer += chunk
                if len(answer) > LARGEST_ANSWER_BYTES:
                    raise DeviceProtocolError(
                        f"{self._source.name} sends more than a car has to say"
                    )
        return answer

    def _refusal(self, response: httpx.Response) -> DeviceRejectedCommand:
        said = f"{self._source.name} answers HTTP {response.status_code}"
        if response.status_code in KEY_REFUSED:
            said = f"{said}: its token_file holds no token that is taken"
            return _LeaveAlone(said, rest_s=LONGEST_PAUSE_S)
        rest_s = retry_after_s(
            response.headers.get("Retry-After"),
            date=response.headers.get("Date"),
            now_utc=self._clock.now().utc,
        )
        return _LeaveAlone(said, rest_s=0.0 if rest_s is None else rest_s)

    def _note(self, *, kind: str | None, text: str) -> None:
        if kind == self._fault:
            return
        self._fault = kind
        if kind is None:
            _log.info("car %s: %s", self._source.vehicle_id, text)
        else:
            _log.warning("car %s: %s", self._source.vehicle_id, text)
