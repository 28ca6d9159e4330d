"""A real-time market through the real price desk: an answer that grows row by row."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.adapters.prices.test_price_desk import Curves, price_server
from tests.adapters.stepped_clock import SteppedClock
from tests.adapters.waiting import until
from tests.builders import NOW, a_memory, a_plan, a_snapshot, decided, target_of
from v2g_daemon.adapters.prices import feed
from v2g_daemon.adapters.prices.cache import PriceCache
from v2g_daemon.adapters.prices.desk import PriceDesk, PriceRules
from v2g_daemon.adapters.prices.feed import PriceSource
from v2g_daemon.adapters.prices.listed import CsvRows, Place, Stamps
from v2g_daemon.domain.interval import Interval
from v2g_daemon.domain.prices import PriceCurve
from v2g_daemon.market.tariff import Component, Export, SeriesRate, Stack, Tariff, TariffBook

AEMO = "aemo:NSW1"
START_UTC = datetime.fromisoformat("2025-01-15T03:45:00+00:00")
FIVE_MINUTES = timedelta(minutes=5)
# How often the feed looks in such an interval.
LOOK_S = FIVE_MINUTES.total_seconds() / feed.LOOKS_IN_REAL_TIME
# AUD/MWh of the intervals from then on: a spike of two intervals in a cheap afternoon.
TRUE = (80.0, 80.0, 17_500.0, 17_500.0, 80.0, 80.0)
SPIKE = (2, 3)
# A dispatch price is published some seconds into its interval.
LATE = timedelta(seconds=40)
LOAD_W = 500.0
Answer = Callable[[datetime], str]


@pytest.fixture(autouse=True)
def _no_real_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "SHORTEST_PAUSE_S", 0.0)


def spot() -> Stack:
    return Stack(components=(Component(name="spot", rate=SeriesRate(source=AEMO)),))


TARIFF = Tariff(
    id="nsw",
    currency="AUD",
    timezone="Australia/Sydney",
    imports=spot(),
    export=Export(stack=spot()),
)


def told_at(number: int) -> datetime:
    return START_UTC + number * FIVE_MINUTES + LATE


def rows(prices: dict[int, float]) -> str:
    """The intervals by their numbers, stamped at their ends."""
    lines = [
        f"{(START_UTC + (number + 1) * FIVE_MINUTES).isoformat()},{price}"
        for number, price in prices.items()
    ]
    return "\n".join(["settlement,rrp_aud_per_mwh", *lines, ""])


def as_told(now_utc: datetime) -> str:
    return rows({n: price for n, price in enumerate(TRUE) if n < 1 or told_at(n) <= now_utc})


def with_pre_dispatch(now_utc: datetime) -> str:
    """The same, and a forecast of later intervals that would be worth an export.

    The next one has none: an answer on its way while it begins would be taken for its price.
    """
    told = {n: price for n, price in enumerate(TRUE) if n < 1 or told_at(n) <= now_utc}
    later = {n: 9_000.0 for n in range(len(TRUE)) if told_at(n) - LATE > now_utc + FIVE_MINUTES}
    return rows(told | later)


def the_newest_alone(now_utc: datetime) -> str:
    number = max((n for n in range(len(TRUE)) if told_at(n) <= now_utc), default=0)
    return rows({number: TRUE[number]})


def silent_after_the_spike_began(now_utc: datetime) -> str:
    return as_told(min(now_utc, told_at(SPIKE[0])))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """What was decided when, at which price."""

    now_utc: datetime
    export_per_kwh: float | None
    target_w: float

    @property
    def number(self) -> int:
        """The interval that runs."""
        return (self.now_utc - START_UTC) // FIVE_MINUTES

    @property
    def exports(self) -> bool:
        """Whether the car gives more than the house draws."""
        return self.target_w < -LOAD_W


def asking(shape: CsvRows, folder: Path, sink: Curves, clock: SteppedClock) -> PriceDesk:
    source = PriceSource(
        name=AEMO, shape=shape, timezone="Australia/Brisbane", publication=None, real_time_s=300
    )
    return PriceDesk(
        rules=PriceRules(book=TariffBook(versions=(TARIFF,)), sources=(source,)),
        cache=PriceCache(folder / "cache"),
        clock=clock,
        sink=sink,
        jitter=lambda: 1.0,
    )


@asynccontextmanager
async def desk_of(
    place: Place, folder: Path, sink: Curves, clock: SteppedClock
) -> AsyncIterator[None]:
    shape = CsvRows(
        place=place, currency="AUD", start="settlement", stamps=Stamps.END, length_s=300
    )
    desk = asking(shape, folder, sink, clock)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(desk.run())
        try:
            yield
        finally:
            running.cancel()


def put(file: Path, text: str) -> None:
    """At once: nobody reads half of it."""
    whole = file.with_suffix(".new")
    whole.write_text(text)
    whole.replace(file)


async def half_an_hour(answer: Answer, folder: Path, *, over_http: bool = False) -> list[Tick]:
    """What a house decides that holds a kWh in its car to be worth 0.10."""
    clock, sink, file, found = (
        SteppedClock(START_UTC, look_s=LOOK_S),
        Curves(),
        folder / "spot.csv",
        list[Tick](),
    )

    def reply(_first: object, _last: object) -> tuple[int, bytes]:
        return 200, answer(clock.now().utc).encode()

    async with price_server(reply) as server:
        place = Place(file=file)
        if over_http:
            place = Place(url=f"{server.url}?start={{first}}&end={{last}}")
        put(file, answer(clock.now().utc))
        async with desk_of(place, folder, sink, clock):
            while (now_utc := clock.now().utc) < START_UTC + len(TRUE) * FIVE_MINUTES:
                put(file, answer(now_utc))
                if sink.curves:
                    found.append(decided_at(now_utc, sink.curves[-1], found))
                await clock.go_on()
    return found


def decided_at(now_utc: datetime, curve: PriceCurve, before: list[Tick]) -> Tick:
    """The decision of a moment, which is moved to the builders' own."""
    last_w = before[-1].target_w if before else 0.0
    snapshot = a_snapshot(prices=moved(curve, NOW.utc - now_utc), plans=(a_plan(0.1),))
    price = curve.at(now_utc)
    return Tick(
        now_utc=now_utc,
        export_per_kwh=None if price is None else price.export_per_kwh,
        target_w=target_of(decided(snapshot, memory=a_memory(last_w))),
    )


def moved(curve: PriceCurve, by: timedelta) -> PriceCurve:
    return replace(
        curve,
        slots=tuple(
            replace(
                slot,
                interval=Interval(
                    start_utc=slot.interval.start_utc + by, end_utc=slot.interval.end_utc + by
                ),
            )
            for slot in curve.slots
        ),
    )


@pytest.mark.parametrize("over_http", [False, True])
async def test_a_spike_is_sold_into_within_its_interval_and_never_on_a_stale_price(
    tmp_path: Path, *, over_http: bool
) -> None:
    found = await half_an_hour(as_told, tmp_path, over_http=over_http)
    selling = [tick for tick in found if tick.exports]
    assert {tick.number for tick in selling} == set(SPIKE)
    for tick in selling:
        assert tick.now_utc >= told_at(tick.number)
        assert tick.export_per_kwh == 17.5
    early = [tick for tick in found if tick.now_utc < told_at(tick.number) and tick.number > 0]
    assert early, "no tick fell between the start of an interval and its price"
    assert {tick.export_per_kwh for tick in early} == {None}


@pytest.mark.parametrize("answer", [with_pre_dispatch, the_newest_alone])
async def test_neither_a_forecast_in_the_answer_nor_a_lone_row_changes_that(
    answer: Answer, tmp_path: Path
) -> None:
    found = await half_an_hour(answer, tmp_path)
    selling = [tick for tick in found if tick.exports]
    assert {tick.number for tick in selling} == set(SPIKE)
    assert {tick.export_per_kwh for tick in selling} == {17.5}


async def test_a_source_that_falls_silent_in_a_spike_ends_the_export_with_the_interval(
    tmp_path: Path,
) -> None:
    found = await half_an_hour(silent_after_the_spike_began, tmp_path)
    assert {tick.number for tick in found if tick.exports} == {SPIKE[0]}
    assert {tick.export_per_kwh for tick in found if tick.number > SPIKE[0]} == {None}


async def test_a_price_that_holds_longer_than_the_markets_interval_is_refused(
    tmp_path: Path,
) -> None:
    clock, sink = SteppedClock(START_UTC, look_s=LOOK_S), Curves()
    file = tmp_path / "spot.csv"
    file.write_text("start,end,rrp_aud_per_mwh\n2025-01-15T03:45Z,2025-01-15T04:15Z,17500\n")
    shape = CsvRows(place=Place(file=file), currency="AUD", start="start", end="end")
    desk = asking(shape, tmp_path, sink, clock)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(desk.run())
        await until(lambda: desk.faults_count > 0)
        running.cancel()
    assert sink.curves == []
