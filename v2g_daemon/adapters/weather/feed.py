"""One weather service, asked now and then; an outage takes nothing away that was told."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import SystemRandom

import httpx

from v2g_daemon.adapters.weather.cache import Told, WeatherCache
from v2g_daemon.adapters.weather.request import Irradiance, Service
from v2g_daemon.domain.errors import WeatherSourceError
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.interval import quarter_hour_start
from v2g_daemon.domain.sun import SunForecast
from v2g_daemon.ports import Clock, SunSink

LOOK_EVERY_S = 30.0  # simulated
SHORTEST_PAUSE_S = 0.2  # real
# Simulated. Forecast.Solar lets a house ask twelve times an hour, so no failure is retried sooner.
FIRST_RETRY_S = 300.0
LONGEST_RETRY_S = 3600.0
LARGEST_ANSWER_BYTES = 1 << 20
# What a site does with its sun is learned from so many days.
KEPT = timedelta(days=28)
ASKED_BACK = timedelta(days=1)
ASKED_AHEAD = timedelta(days=3)
# Whoever refuses for these is to be left alone for as long as a limit may last.
LEAVE_ALONE = frozenset(
    {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN, httpx.codes.TOO_MANY_REQUESTS}
)

_log = logging.getLogger(__name__)


def even_jitter() -> float:
    """A factor from 1 to 1.25, so that not every house asks at the same second, nor too often."""
    return SystemRandom().uniform(1.0, 1.25)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedRules:
    """How often to ask and how long an answer serves, by the house's clock; where the house is.

    `timeout_s` are real seconds.
    """

    latitude_deg: float
    longitude_deg: float
    every_s: float
    serves_s: float
    timeout_s: float


class _Refused(WeatherSourceError):
    """A refusal, after which the service wants its rest."""

    def __init__(self, text: str, *, rest_s: float) -> None:
        super().__init__(text)
        self.rest_s = rest_s


class WeatherFeed:
    """Puts what is known at its start and on every answer; a fault is logged once per change."""

    def __init__(
        self,
        *,
        service: Service,
        rules: FeedRules,
        cache: WeatherCache,
        clock: Clock,
        sink: SunSink,
        jitter: Callable[[], float] = even_jitter,
    ) -> None:
        self._service = service
        self._rules = rules
        self._cache = cache
        self._clock = clock
        self._sink = sink
        self._jitter = jitter
        self._told = Told()
        self._next_at: Instant | None = None
        self._asks_all = True
        self._fault: str | None = None
        self._save_fault: str | None = None
        self.faults_count = 0
        self._failures_count = 0

    async def run(self) -> None:
        """Look after the forecast until cancelled; never raises the service's error."""
        self._told = await asyncio.to_thread(self._cache.load, self._service.asks_for)
        self._put()
        self._await_turn()
        async with self.client() as client:
            while True:
                async with asyncio.TaskGroup() as beat:
                    beat.create_task(self._look(client))
                    beat.create_task(self._clock.sleep(LOOK_EVERY_S))
                    beat.create_task(asyncio.sleep(SHORTEST_PAUSE_S))

    def client(self) -> httpx.AsyncClient:
        """The address comes from the configuration, so does any proxy."""
        return httpx.AsyncClient(trust_env=False, timeout=self._rules.timeout_s)

    async def ask(self, client: httpx.AsyncClient) -> Irradiance:
        """What the service tells now; raises WeatherSourceError. A redirection is not followed."""
        now_utc = self._clock.now().utc
        first_utc = now_utc - (KEPT if self._asks_all else ASKED_BACK)
        request = self._service.request(first_utc, now_utc + ASKED_AHEAD)
        try:
            async with (
                asyncio.timeout(self._rules.timeout_s),
                client.stream("GET", request.url, params=dict(request.query)) as response,
            ):
                if response.status_code != httpx.codes.OK:
                    raise _refusal(response)
                payload = bytearray()
                async for chunk in response.aiter_bytes():
                    payload += chunk
                    if len(payload) > LARGEST_ANSWER_BYTES:
                        raise WeatherSourceError(f"more than {LARGEST_ANSWER_BYTES} bytes")
        except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError) as error:
            raise WeatherSourceError(f"no answer ({type(error).__name__})") from error
        # In a thread: weeks of quarter hours must not hold the control loop up.
        return await asyncio.to_thread(self._service.irradiance, bytes(payload))

    def _await_turn(self) -> None:
        """Whoever restarts again and again asks no sooner than what it holds grows old."""
        now, told_utc = self._clock.now(), self._told.told_utc
        if told_utc is None:
            return
        age_s = (now.utc - told_utc).total_seconds()
        if 0.0 <= age_s < self._rules.every_s:
            self._next_at = now.later(self._rules.every_s - age_s)

    async def _look(self, client: httpx.AsyncClient) -> None:
        now = self._clock.now()
        if self._next_at is not None and not self._next_at.reached(now):
            return
        try:
            news = await self.ask(client)
        except WeatherSourceError as error:
            self.faults_count += 1
            self._failures_count += 1
            self._asks_all = True
            self._note(str(error))
            longer_s = FIRST_RETRY_S * 2.0 ** min(self._failures_count - 1, 10)
            rest_s = error.rest_s if isinstance(error, _Refused) else 0.0
            pause_s = max(min(longer_s, LONGEST_RETRY_S), rest_s)
        else:
            self._failures_count, self._asks_all = 0, False
            self._note(None)
            await self._take(news, now.utc)
            pause_s = self._rules.every_s
        self._next_at = now.later(pause_s * self._jitter())

    async def _take(self, news: Irradiance, now_utc: datetime) -> None:
        kept = {at: w for at, w in self._told.irradiance.items() if at >= now_utc - KEPT}
        self._told = Told(told_utc=now_utc, irradiance={**kept, **news})
        self._put()
        try:
            await asyncio.to_thread(self._cache.save, self._service.asks_for, self._told)
        except OSError as error:
            fault = f"weather: the forecast is not kept for an outage: {error.strerror}"
            if fault != self._save_fault:
                self._save_fault = fault
                _log.warning(fault)

    def _put(self) -> None:
        start_utc = self._told.start_utc
        if start_utc is None:
            start_utc = quarter_hour_start(self._clock.now().utc)
        self._sink.put_sun(
            SunForecast(
                source=self._service.name,
                latitude_deg=self._rules.latitude_deg,
                longitude_deg=self._rules.longitude_deg,
                told_utc=self._told.told_utc,
                serves_s=self._rules.serves_s,
                start_utc=start_utc,
                irradiance_w_per_m2=self._told.row(),
                assumed_area_m2=self._service.assumed_area_m2,
            )
        )

    def _note(self, fault: str | None) -> None:
        if fault == self._fault:
            return
        self._fault = fault
        if fault is None:
            _log.info("weather: %s answers again", self._service.name)
        else:
            _log.warning("weather: %s: %s", self._service.name, fault)


def _refusal(response: httpx.Response) -> WeatherSourceError:
    said = f"HTTP status {response.status_code}"
    if response.status_code not in LEAVE_ALONE:
        return WeatherSourceError(said)
    return _Refused(said, rest_s=LONGEST_RETRY_S)
