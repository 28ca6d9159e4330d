"""One source's feed: asks from the hour of publication on until tomorrow is known, or regularly.

Of a real-time market it asks at the start of each interval until the price of this one is told.

What is known is kept: no bad answer and no outage takes a price away.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import SystemRandom
from typing import assert_never
from zoneinfo import ZoneInfo

import httpx

from v2g_daemon.adapters.prices.cache import Known, Provenance, step_s
from v2g_daemon.adapters.prices.request import FileRequest, HttpRequest, Request, Shape
from v2g_daemon.adapters.prices.translate import server_time_utc
from v2g_daemon.domain.clock import ClockWitness, WitnessSource
from v2g_daemon.domain.errors import PriceSourceError
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.interval import at_local, local_day
from v2g_daemon.market.series import SeriesPrice, covers, merged
from v2g_daemon.ports import Clock, ObservationSink

LOOK_EVERY_S = 30.0  # simulated; short, so that a stepped clock is noticed
FIRST_RETRY_S = 60.0  # simulated
LONGEST_RETRY_S = 900.0  # simulated
SHORTEST_PAUSE_S = 0.2  # real
LEAST_JITTER = 0.75
# After the hour of publication; each house has its own share of it.
LONGEST_SPREAD = timedelta(minutes=5)
KEPT = timedelta(days=2)
# Of a real-time market's: the ledger remembers the rest.
KEPT_IN_REAL_TIME = timedelta(hours=2)
# It is asked so often in an interval until it tells the price.
LOOKS_IN_REAL_TIME = 20
LARGEST_ANSWER_BYTES = 2 << 20

_log = logging.getLogger(__name__)


def even_jitter() -> float:
    """A factor between 0.75 and 1.25, so that not every house asks at the same second."""
    return SystemRandom().uniform(LEAST_JITTER, 2 - LEAST_JITTER)


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceSource:
    """A source by the name that the tariff calls it; `timeout_s` are real seconds.

    `publication` is wall time in `timezone`; None: it is asked every `every_s`. `real_time_s`:
    instead, the interval of a market that tells a price once its interval has begun.
    """

    name: str
    shape: Shape
    timezone: str
    publication: time | None
    every_s: float = 900.0
    timeout_s: float = 10.0
    real_time_s: int | None = None

    @property
    def look_every_s(self) -> float:
        """How often the feed looks whether there is something to ask."""
        if self.real_time_s is None:
            return LOOK_EVERY_S
        return min(LOOK_EVERY_S, self.real_time_s / LOOKS_IN_REAL_TIME)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What came back; `told_utc` is the server's clock at `headed_at`, if it told."""

    payload: bytes
    told_utc: datetime | None
    headed_at: Instant


class SourceFeed:
    """Hands over what is known whenever it changes; a bad source is logged once per change."""

    def __init__(
        self,
        *,
        source: PriceSource,
        known: Known,
        clock: Clock,
        sink: ObservationSink,
        on_known: Callable[[str, Known], Awaitable[None]],
        jitter: Callable[[], float] = even_jitter,
    ) -> None:
        self._source = source
        self._zone = ZoneInfo(source.timezone)
        self._clock = clock
        self._sink = sink
        self._on_known = on_known
        self._jitter = jitter
        self._known = known
        self._spread = LONGEST_SPREAD * max(jitter() - LEAST_JITTER, 0.0) / (2 - 2 * LEAST_JITTER)
        self._next_at: Instant | None = None
        self._attempt_count = 0
        self._fault: str | None = None
        self.faults_count = 0

    async def run(self, client: httpx.AsyncClient) -> None:
        """Look after the prices until cancelled; never raises a source's error."""
        while True:
            async with asyncio.TaskGroup() as beat:
                beat.create_task(self._look(client))
                beat.create_task(self._clock.sleep(self._source.look_every_s))
                beat.create_task(asyncio.sleep(SHORTEST_PAUSE_S))

    async def count_today(self, client: httpx.AsyncClient) -> int:
        """How many prices the source tells for today; PriceSourceError. Hands nothing over."""
        today = self._clock.now().utc.astimezone(self._zone).date()
        answer = await self._fetched(client, self._source.shape.request(today, today))
        return len(await asyncio.to_thread(self._source.shape.series, answer.payload))

    async def _look(self, client: httpx.AsyncClient) -> None:
        now = self._clock.now()
        published = self._source.publication is not None
        awaited = published or self._source.real_time_s is not None
        if awaited and self._complete(now.utc):
            self._next_at = None
            self._attempt_count = 0
            return
        if self._next_at is not None and not self._next_at.reached(now):
            return
        answered = await self._refresh(client, now)
        if self._source.real_time_s is not None:
            self._attempt_count = 0 if answered else self._attempt_count + 1
            pause_s = self._source.look_every_s * 2 ** min(self._attempt_count, 10)
            self._next_at = now.later(min(pause_s, self._source.real_time_s) * self._jitter())
            return
        self._attempt_count = 0 if answered and not published else self._attempt_count
        pause_s = min(FIRST_RETRY_S * 2 ** min(self._attempt_count, 10), LONGEST_RETRY_S)
        if answered and not published:
            pause_s = self._source.every_s
        else:
            self._attempt_count += 1
        self._next_at = now.later(pause_s * self._jitter())

    async def _refresh(self, client: httpx.AsyncClient, now: Instant) -> bool:
        """One request; whatever it brings is merged into what is known."""
        days = self._days_wanted(now.utc)
        # Yesterday too: its last prices settle the running interval and tell the usual day.
        first = days[0] - timedelta(days=1) if not self._known.series else days[0]
        # Some services refuse a range for its unpublished end: today is asked for alone, in turn.
        alone = self._attempt_count % 2 == 1 and not self._knows(days[0])
        last = days[0] if alone else days[-1]
        request = self._source.shape.request(first, last)
        try:
            answer = await self._fetched(client, request)
            # In a thread: a large answer must not hold the control loop up.
            news = await asyncio.to_thread(self._source.shape.series, answer.payload)
            news = self._told(news, now.utc)
        except PriceSourceError as error:
            self.faults_count += 1
            self._note(f"{_origin(request)}: {error}")
            return False
        self._note(None)
        self._bear_witness(answer)
        kept = KEPT if self._source.real_time_s is None else KEPT_IN_REAL_TIME
        series = merged(self._known.series, news, keep_from_utc=now.utc - kept)
        if news and series != self._known.series:
            told = Provenance(
                origin=_origin(request),
                retrieved_utc=now.utc,
                sha256=hashlib.sha256(answer.payload).hexdigest(),
                prices_count=len(news),
                first_utc=news[0].interval.start_utc,
                end_utc=news[-1].interval.end_utc,
                step_s=step_s(news),
            )
            self._known = Known(series=series, answers=(*self._known.answers, told))
            await self._on_known(self._source.name, self._known)
        return True

    def _told(self, news: tuple[SeriesPrice, ...], now_utc: datetime) -> tuple[SeriesPrice, ...]:
        """Of a real-time market only what has begun: what it says of later is its forecast."""
        length_s = self._source.real_time_s
        if length_s is None:
            return news
        for price in news:
            if price.interval.seconds_s != length_s:
                begun = f"{price.interval.start_utc:%Y-%m-%d %H:%M} UTC"
                lasts = f"{price.interval.seconds_s:.0f} s, not {length_s} s"
                raise PriceSourceError(f"the price of {begun} holds for {lasts}")
        return tuple(price for price in news if price.interval.start_utc <= now_utc)

    def _bear_witness(self, answer: _Answer) -> None:
        """Only an answer with prices tells the time: a login page of the router does not."""
        if answer.told_utc is not None:
            self._sink.put_clock_witness(
                ClockWitness(
                    source=WitnessSource.PRICE_SERVER,
                    told_utc=answer.told_utc,
                    observed_at=answer.headed_at,
                )
            )

    async def _fetched(self, client: httpx.AsyncClient, request: Request) -> _Answer:
        match request:
            case HttpRequest():
                return await self._fetched_over_http(client, request)
            case FileRequest(path=path):
                try:
                    payload = await asyncio.to_thread(path.read_bytes)
                except OSError as error:
                    raise PriceSourceError(f"cannot be read ({error.strerror})") from error
                return _Answer(payload=payload, told_utc=None, headed_at=self._clock.now())
            case _ as unreachable:
                assert_never(unreachable)

    async def _fetched_over_http(self, client: httpx.AsyncClient, request: HttpRequest) -> _Answer:
        try:
            async with (
                asyncio.timeout(self._source.timeout_s),
                client.stream(
                    "GET" if request.body is None else "POST",
                    request.url,
                    params=request.query or None,
                    headers=request.headers,
                    content=request.body,
                    timeout=self._source.timeout_s,
                ) as response,
            ):
                if response.status_code != httpx.codes.OK:
                    raise PriceSourceError(f"HTTP status {response.status_code}")
                headed_at = self._clock.now()
                payload = bytearray()
                async for chunk in response.aiter_bytes():
                    payload += chunk
                    if len(payload) > LARGEST_ANSWER_BYTES:
                        raise PriceSourceError(f"more than {LARGEST_ANSWER_BYTES} bytes")
                told_utc = server_time_utc(
                    response.headers.get("Date"), response.headers.get("Age")
                )
                return _Answer(payload=bytes(payload), told_utc=told_utc, headed_at=headed_at)
        except (httpx.HTTPError, TimeoutError) as error:
            raise PriceSourceError(f"no answer ({type(error).__name__})") from error

    def _complete(self, now_utc: datetime) -> bool:
        if self._source.real_time_s is not None:
            return any(price.interval.contains(now_utc) for price in self._known.series)
        return all(self._knows(day) for day in self._days_wanted(now_utc))

    def _knows(self, day: date) -> bool:
        return covers(self._known.series, local_day(day, self._zone))

    def _days_wanted(self, now_utc: datetime) -> list[date]:
        """Today, and tomorrow once it is published."""
        today = now_utc.astimezone(self._zone).date()
        tomorrow = today + timedelta(days=1)
        publication = self._source.publication
        if self._source.real_time_s is not None:
            return [today]
        if publication is None:
            return [today, tomorrow]
        asked_from_utc = at_local(today, publication, self._zone) + self._spread
        return [today, tomorrow] if now_utc >= asked_from_utc else [today]

    def _note(self, fault: str | None) -> None:
        if fault == self._fault:
            return
        self._fault = fault
        if fault is None:
            _log.info("prices: %s answers again", self._source.name)
        else:
            _log.warning("prices: %s", fault)


def _origin(request: Request) -> str:
    """Where a request goes, without what may be secret in it."""
    return request.url.partition("?")[0] if isinstance(request, HttpRequest) else str(request.path)
