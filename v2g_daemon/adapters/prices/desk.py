"""The price desk: one feed per source, a cache beneath them, and the house's price curve above."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import httpx

from v2g_daemon.adapters.prices.cache import Known, PriceCache
from v2g_daemon.adapters.prices.feed import PriceSource, SourceFeed, even_jitter
from v2g_daemon.domain.interval import Interval, at_local
from v2g_daemon.domain.prices import PriceCurve
from v2g_daemon.market.curve import Standing, price_curve
from v2g_daemon.market.rated import rated
from v2g_daemon.market.tariff import TariffBook
from v2g_daemon.ports import Clock, ObservationSink

DAYS_BEHIND = 2
DAYS_AHEAD = 3
# Of a real-time market's prices: what settles the quarter hour that has just ended.
HOURS_BEHIND_IN_REAL_TIME = 1
LOOK_EVERY_S = 30.0  # simulated
HOUR = timedelta(hours=1)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRules:
    """The tariff, the sources that it names, and where the running bill month stands."""

    book: TariffBook
    sources: Sequence[PriceSource]
    standing: Callable[[datetime], Standing | None] = lambda _now_utc: None

    @property
    def real_time_s(self) -> int | None:
        """The shortest interval of the sources that tell a price in its own interval only."""
        found = [one.real_time_s for one in self.sources if one.real_time_s is not None]
        return min(found, default=None)


class PriceDesk:
    """Puts a price curve whenever it changes: on news of a source, and as the days go by."""

    def __init__(
        self,
        *,
        rules: PriceRules,
        cache: PriceCache,
        clock: Clock,
        sink: ObservationSink,
        jitter: Callable[[], float] = even_jitter,
    ) -> None:
        self._rules = rules
        self._cache = cache
        self._clock = clock
        self._sink = sink
        self._jitter = jitter
        self._known: dict[str, Known] = {}
        self._one_at_a_time = asyncio.Lock()
        self._curve: PriceCurve | None = None
        self._save_fault: str | None = None
        self._feeds: list[SourceFeed] = []

    @property
    def faults_count(self) -> int:
        """How many answers could not be used."""
        return sum(int(feed.faults_count) for feed in self._feeds)

    async def run(self) -> None:
        """Look after the prices until cancelled; never raises a source's error."""
        for source in self._rules.sources:
            self._known[source.name] = await asyncio.to_thread(self._cache.load, source.name)
        self._feeds = [self._feed(source) for source in self._rules.sources]
        # The address comes from the configuration, so does any proxy: not from the environment.
        async with (
            httpx.AsyncClient(follow_redirects=True, trust_env=False) as client,
            asyncio.TaskGroup() as tasks,
        ):
            for feed in self._feeds:
                tasks.create_task(feed.run(client))
            tasks.create_task(self._each_hour())

    def _feed(self, source: PriceSource) -> SourceFeed:
        return SourceFeed(
            source=source,
            known=self._known[source.name],
            clock=self._clock,
            sink=self._sink,
            on_known=self._take,
            jitter=self._jitter,
        )

    async def _take(self, source: str, known: Known) -> None:
        """A source knows more than before."""
        self._known[source] = known
        await self._put()
        try:
            await asyncio.to_thread(self._cache.save, source, known)
        except OSError as error:
            fault = f"prices: {source} is not kept for an outage: {error.strerror}"
            if fault != self._save_fault:
                self._save_fault = fault
                _log.warning(fault)

    async def _each_hour(self) -> None:
        """The days go by, and the bill month fills up, with no news from any source."""
        hour: datetime | None = None
        while True:
            this_hour = _hour(self._clock.now().utc)
            if this_hour != hour:
                hour = this_hour
                await self._put()
            await self._clock.sleep(LOOK_EVERY_S)

    async def _put(self) -> None:
        """Make the curve anew, in a thread; put it if it is another."""
        async with self._one_at_a_time:
            now_utc = self._clock.now().utc
            curve = await asyncio.to_thread(self._made, now_utc)
            if curve is None or curve == self._curve or (self._curve is None and not curve.slots):
                return
            self._curve = curve
            self._sink.put_prices(curve)

    def _made(self, now_utc: datetime) -> PriceCurve | None:
        book, real_time_s = self._rules.book, self._rules.real_time_s
        series = {name: known.series for name, known in self._known.items()}
        span = days_around(now_utc, book.timezone)
        if real_time_s is not None:
            span = replace(span, start_utc=_hour(now_utc) - HOURS_BEHIND_IN_REAL_TIME * HOUR)
        versions = rated(book, series, span)
        if not versions:
            return None
        curve = price_curve(versions, self._rules.standing(now_utc))
        return replace(curve, real_time_s=real_time_s)


def _hour(moment_utc: datetime) -> datetime:
    return moment_utc.replace(minute=0, second=0, microsecond=0)


def days_around(now_utc: datetime, timezone: str) -> Interval:
    """The local days that a curve spans: two before today and three after."""
    zone = ZoneInfo(timezone)
    today = now_utc.astimezone(zone).date()
    return Interval(
        start_utc=at_local(today - timedelta(days=DAYS_BEHIND), time(0), zone),
        end_utc=at_local(today + timedelta(days=DAYS_AHEAD + 1), time(0), zone),
    )
