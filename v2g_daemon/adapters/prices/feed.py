"""The day-ahead feed: asks from the hour of publication on until tomorrow is known.

What is known is kept: no bad answer and no outage takes a price away.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import SystemRandom
from zoneinfo import ZoneInfo

import httpx

from v2g_daemon.adapters.prices.translate import server_time_utc, spot_series
from v2g_daemon.domain.clock import ClockWitness, WitnessSource
from v2g_daemon.domain.errors import PriceSourceError
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.interval import at_local, local_day
from v2g_daemon.domain.prices import PriceCurve
from v2g_daemon.market.spot import SpotPrice, covers, merged
from v2g_daemon.market.tariff import DayAheadTariff
from v2g_daemon.ports import Clock, ObservationSink

LOOK_EVERY_S = 30.0  # simulated; short, so that a stepped clock is noticed
FIRST_RETRY_S = 60.0  # simulated
LONGEST_RETRY_S = 900.0  # simulated
SHORTEST_PAUSE_S = 0.2  # real
KEPT = timedelta(days=2)
LARGEST_ANSWER_BYTES = 2 << 20

_log = logging.getLogger(__name__)


def even_jitter() -> float:
    """A factor between 0.75 and 1.25, so that not every house asks at the same second."""
    return SystemRandom().uniform(0.75, 1.25)


@dataclass(frozen=True, slots=True, kw_only=True)
class DayAheadSource:
    """Where prices come from; `publication` is local wall time, `timeout_s` real seconds."""

    url: str
    bzn: str
    timezone: str
    tariff: DayAheadTariff
    publication: time = time(13)
    timeout_s: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What came back; `told_utc` is the server's clock at `headed_at`, if it told."""

    payload: bytes
    told_utc: datetime | None
    headed_at: Instant


class DayAheadPrices:
    """Puts a price curve whenever it changes; a bad source is logged once per change."""

    def __init__(
        self,
        *,
        source: DayAheadSource,
        clock: Clock,
        sink: ObservationSink,
        jitter: Callable[[], float] = even_jitter,
    ) -> None:
        self._source = source
        self._zone = ZoneInfo(source.timezone)
        self._clock = clock
        self._sink = sink
        self._jitter = jitter
        self._series: tuple[SpotPrice, ...] = ()
        self._curve: PriceCurve | None = None
        self._retry_at: Instant | None = None
        self._attempt_count = 0
        self._fault: str | None = None
        self.faults_count = 0

    async def run(self) -> None:
        """Look after the prices until cancelled; never raises a source's error."""
        # The address comes from the configuration, so does any proxy: not from the environment.
        async with httpx.AsyncClient(
            timeout=self._source.timeout_s, follow_redirects=True, trust_env=False
        ) as client:
            while True:
                async with asyncio.TaskGroup() as beat:
                    beat.create_task(self._look(client))
                    beat.create_task(self._clock.sleep(LOOK_EVERY_S))
                    beat.create_task(asyncio.sleep(SHORTEST_PAUSE_S))

    async def _look(self, client: httpx.AsyncClient) -> None:
        now = self._clock.now()
        if self._complete(now.utc):
            self._retry_at = None
            self._attempt_count = 0
            return
        if self._retry_at is not None and not self._retry_at.reached(now):
            return
        await self._refresh(client, now)
        retry_s = min(FIRST_RETRY_S * 2 ** min(self._attempt_count, 10), LONGEST_RETRY_S)
        self._attempt_count += 1
        self._retry_at = now.later(retry_s * self._jitter())

    async def _refresh(self, client: httpx.AsyncClient, now: Instant) -> None:
        """One request; whatever it brings is merged into what is known."""
        days = self._days_wanted(now.utc)
        # Yesterday too: its last prices settle the running interval and tell the usual day.
        first = days[0] - timedelta(days=1) if not self._series else days[0]
        # Some services refuse a range for its unpublished end: today is asked for alone, in turn.
        alone = self._attempt_count % 2 == 1 and not self._knows(days[0])
        last = days[0] if alone else days[-1]
        try:
            answer = await self._fetch(client, first=first, last=last)
            news = spot_series(answer.payload, currency=self._source.tariff.currency)
        except PriceSourceError as error:
            self.faults_count += 1
            self._note(f"{self._source.url}: {error}")
            return
        self._series = merged(self._series, news, keep_from_utc=now.utc - KEPT)
        self._note(None)
        self._bear_witness(answer)
        curve = self._source.tariff.curve(self._series)
        if curve != self._curve:
            self._curve = curve
            self._sink.put_prices(curve)

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

    async def _fetch(self, client: httpx.AsyncClient, *, first: date, last: date) -> _Answer:
        query = {"bzn": self._source.bzn, "start": first.isoformat(), "end": last.isoformat()}
        try:
            async with (
                asyncio.timeout(self._source.timeout_s),
                client.stream("GET", self._source.url, params=query) as response,
            ):
                if response.status_code != httpx.codes.OK:
                    raise PriceSourceError(f"HTTP status {response.status_code}")
                headed_at = self._clock.now()
                payload = bytearray()
                async for chunk in response.aiter_bytes():
                    payload += chunk
                    if len(payload) > LARGEST_ANSWER_BYTES:
                        raise PriceSourceError(f"more than {LARGEST_ANSWER_BYTES} bytes")
                return _Answer(
                    payload=bytes(payload),
                    told_utc=server_time_utc(
                        response.headers.get("Date"), response.headers.get("Age")
                    ),
                    headed_at=headed_at,
                )
        except (httpx.HTTPError, TimeoutError) as error:
            raise PriceSourceError(f"no answer ({type(error).__name__})") from error

    def _complete(self, now_utc: datetime) -> bool:
        return all(self._knows(day) for day in self._days_wanted(now_utc))

    def _knows(self, day: date) -> bool:
        return covers(self._series, local_day(day, self._zone))

    def _days_wanted(self, now_utc: datetime) -> list[date]:
        """Today, and tomorrow once it is published."""
        today = now_utc.astimezone(self._zone).date()
        if now_utc < at_local(today, self._source.publication, self._zone):
            return [today]
        return [today, today + timedelta(days=1)]

    def _note(self, fault: str | None) -> None:
        if fault == self._fault:
            return
        self._fault = fault
        if fault is None:
            _log.info("prices: %s answers again", self._source.url)
        else:
            _log.warning("prices: %s", fault)
