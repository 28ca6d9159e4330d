"""The feed against an HTTP server on loopback, in time-lapse."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest

from tests.adapters.waiting import until
from v2g_daemon.adapters.prices.day_ahead import DayAheadPrices, DayAheadSource
from v2g_daemon.adapters.system.clock import ScaledClock
from v2g_daemon.domain.clock import ClockWitness, WitnessSource
from v2g_daemon.domain.goals import UserOverride
from v2g_daemon.domain.interval import local_day
from v2g_daemon.domain.prices import PriceCurve
from v2g_daemon.domain.readings import EvseStatus, MeterReading
from v2g_daemon.domain.vehicle import CarAnswer
from v2g_daemon.market.tariff import DayAheadTariff

ZONE = ZoneInfo("Europe/Amsterdam")
TARIFF = DayAheadTariff(
    currency="EUR",
    import_adders_per_kwh=(Decimal("0.1288"),),
    vat=Decimal("0.21"),
    export_adder_per_kwh=Decimal("-0.005"),
)
Reply = tuple[int, bytes] | None


@dataclass(slots=True, kw_only=True)
class Curves:
    """An ObservationSink that takes price curves and what the server says of our clock."""

    curves: list[PriceCurve] = field(default_factory=list)
    witnesses: list[ClockWitness] = field(default_factory=list)

    def put_prices(self, curve: PriceCurve) -> None:
        self.curves.append(curve)

    def put_clock_witness(self, witness: ClockWitness) -> None:
        self.witnesses.append(witness)

    def put_evse(self, status: EvseStatus) -> None:
        raise AssertionError(status)

    def put_upstream(self, evse_id: str, reading: MeterReading) -> None:
        raise AssertionError(evse_id)

    def put_override(self, override: UserOverride) -> None:
        raise AssertionError(override)

    def put_car_answer(self, answer: CarAnswer) -> None:
        raise AssertionError(answer)

    def cancel_overrides(self, evse_id: str) -> None:
        raise AssertionError(evse_id)

    def clear_latch(self, clearance: object) -> None:
        raise AssertionError(clearance)


@dataclass(slots=True, kw_only=True)
class PriceServer:
    """Answers GET /price as `reply` says; None is silence."""

    reply: Callable[[date, date], Reply]
    queries: list[dict[str, str]] = field(default_factory=list)
    headers: tuple[str, ...] = ()
    url: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        path = request.split()[1].decode()
        query = {key: values[0] for key, values in parse_qs(urlsplit(path).query).items()}
        self.queries.append(query)
        reply = self.reply(date.fromisoformat(query["start"]), date.fromisoformat(query["end"]))
        if reply is None:
            await reader.read()
        else:
            status, body = reply
            head = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", "Connection: close"]
            writer.write("\r\n".join([*head, *self.headers, "", ""]).encode() + body)
            await writer.drain()
        writer.close()


@asynccontextmanager
async def price_server(
    reply: Callable[[date, date], Reply], *, headers: tuple[str, ...] = ()
) -> AsyncIterator[PriceServer]:
    server = PriceServer(reply=reply, headers=headers)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/price"
    try:
        yield server
    finally:
        listener.close()


def hours_of(first: date, last: date, *, eur_per_mwh: float = 100.0) -> Reply:
    """Hourly prices of whole local days."""
    start = local_day(first, ZONE).start_utc
    end = local_day(last, ZONE).end_utc
    stamps = list(range(int(start.timestamp()), int(end.timestamp()), 3600))
    body = {"unix_seconds": stamps, "price": [eur_per_mwh] * len(stamps), "unit": "EUR / MWh"}
    return 200, json.dumps(body).encode()


def clock_at(local: str, *, speed: float) -> ScaledClock:
    start_utc = datetime.fromisoformat(local).replace(tzinfo=ZONE).astimezone(UTC)
    return ScaledClock(start_utc=start_utc, speed=speed, anchor_monotonic_s=time.monotonic())


@asynccontextmanager
async def running(
    server: PriceServer, sink: Curves, clock: ScaledClock, *, timeout_s: float = 2.0
) -> AsyncIterator[DayAheadPrices]:
    prices = DayAheadPrices(
        source=DayAheadSource(
            url=server.url,
            bzn="NL",
            timezone="Europe/Amsterdam",
            tariff=TARIFF,
            timeout_s=timeout_s,
        ),
        clock=clock,
        sink=sink,
        jitter=lambda: 1.0,
    )
    async with asyncio.TaskGroup() as group:
        task = group.create_task(prices.run())
        try:
            yield prices
        finally:
            task.cancel()


async def test_after_publication_the_start_fetches_yesterday_to_tomorrow() -> None:
    sink = Curves()
    async with (
        price_server(hours_of) as server,
        running(server, sink, clock_at("2024-12-11T17:30", speed=1.0)),
    ):
        await until(lambda: sink.curves != [])
        await asyncio.sleep(0.3)
    assert server.queries == [{"bzn": "NL", "start": "2024-12-10", "end": "2024-12-12"}]
    (curve,) = sink.curves
    assert len(curve.slots) == 72
    assert curve.currency == "EUR"
    assert curve.slots[0].interval.start_utc == datetime(2024, 12, 9, 23, tzinfo=UTC)
    assert curve.slots[0].import_per_kwh == 0.276848  # (0.1 + 0.1288) × 1.21
    assert curve.slots[0].export_per_kwh == 0.095


async def test_tomorrow_is_fetched_once_it_is_published() -> None:
    sink = Curves()
    async with (
        price_server(hours_of) as server,
        running(server, sink, clock_at("2024-12-11T12:30", speed=1800.0)),
    ):
        await until(lambda: len(sink.curves) == 2)
        await asyncio.sleep(0.5)
    assert [(query["start"], query["end"]) for query in server.queries] == [
        ("2024-12-10", "2024-12-11"),
        ("2024-12-11", "2024-12-12"),
    ]
    assert [len(curve.slots) for curve in sink.curves] == [48, 72]


async def test_a_late_publication_is_asked_for_again_with_longer_pauses() -> None:
    sink = Curves()
    clock = clock_at("2024-12-11T12:15", speed=1800.0)
    asked_at: list[datetime] = []

    def reply(first: date, last: date) -> Reply:
        asked_at.append(clock.now().utc)
        if last == date(2024, 12, 12) and clock.now().utc < datetime(2024, 12, 11, 13, tzinfo=UTC):
            return 404, b'{"error": "not published"}'
        return hours_of(first, last)

    async with price_server(reply) as server, running(server, sink, clock):
        await until(lambda: len(sink.curves) == 2)
    pauses_s = [(later - earlier).total_seconds() for earlier, later in pairwise(asked_at[1:])]
    # Pauses of 60, 120, 240, 480, 900, 900 s of the house, but never under 0.2 s (360 s) of ours.
    assert 2 <= len(pauses_s) <= 7
    assert min(pauses_s) >= 300.0
    assert pauses_s[-1] > pauses_s[0]
    assert sink.curves[-1].known_until(clock.now().utc) == datetime(2024, 12, 12, 23, tzinfo=UTC)


async def test_a_service_that_refuses_an_unpublished_tomorrow_still_gives_today() -> None:
    sink = Curves()

    def reply(first: date, last: date) -> Reply:
        return (404, b"") if last > date(2024, 12, 11) else hours_of(first, last)

    async with (
        price_server(reply) as server,
        running(server, sink, clock_at("2024-12-11T17:30", speed=600.0)),
    ):
        await until(lambda: sink.curves != [])
    assert len(sink.curves[0].slots) == 48


async def test_an_outage_takes_no_known_price_away_and_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sink = Curves()
    caplog.set_level(logging.INFO, logger="v2g_daemon")
    replies: list[Reply] = [hours_of(date(2024, 12, 10), date(2024, 12, 11))]

    def reply(first: date, last: date) -> Reply:
        return replies.pop() if replies else (503, b"down")

    async with (
        price_server(reply) as server,
        running(server, sink, clock_at("2024-12-11T12:15", speed=1800.0)) as prices,
    ):
        await until(lambda: prices.faults_count >= 3)
    assert len(sink.curves) == 1
    assert len(sink.curves[0].slots) == 48
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == 1
    assert "HTTP status 503" in messages[0]


@pytest.mark.parametrize(
    "bad",
    [
        (200, b"<html>maintenance</html>"),
        (200, b'{"unix_seconds": [], "price": [], "unit": "EUR / MWh"}'),
        (500, b""),
        (200, b"x" * 3_000_000),
        None,
    ],
    ids=["html", "empty", "500", "3 MB", "silence"],
)
async def test_a_bad_answer_is_survived_and_the_next_good_one_taken(bad: Reply) -> None:
    sink = Curves()
    first_answer = [bad]

    def reply(first: date, last: date) -> Reply:
        return first_answer.pop() if first_answer else hours_of(first, last)

    async with (
        price_server(reply) as server,
        running(server, sink, clock_at("2024-12-11T09:00", speed=600.0), timeout_s=0.5) as prices,
    ):
        await until(lambda: len(sink.curves) == 1)
    assert prices.faults_count == 1
    assert len(sink.curves[0].slots) == 48


async def test_a_day_with_a_gap_is_used_and_asked_for_again() -> None:
    sink = Curves()

    def reply(first: date, last: date) -> Reply:
        full = hours_of(first, last)
        assert full is not None
        body = json.loads(full[1])
        if len(sink.curves) == 0:
            body["price"][-2] = None
        return 200, json.dumps(body).encode()

    async with (
        price_server(reply) as server,
        running(server, sink, clock_at("2024-12-11T09:00", speed=600.0)),
    ):
        await until(lambda: len(sink.curves) == 2)
    assert [len(curve.slots) for curve in sink.curves] == [47, 48]
    gap = datetime(2024, 12, 11, 21, tzinfo=UTC)
    assert sink.curves[0].at(gap) is None
    assert sink.curves[1].at(gap) is not None


async def test_a_server_that_is_not_there_ends_nothing() -> None:
    sink = Curves()
    gone = PriceServer(reply=lambda *_: None, url="http://127.0.0.1:9/price")
    async with running(gone, sink, clock_at("2024-12-11T09:00", speed=3600.0)) as prices:
        await until(lambda: prices.faults_count >= 2)
    assert sink.curves == []


async def test_prices_older_than_two_days_are_forgotten() -> None:
    sink = Curves()
    async with (
        price_server(hours_of) as server,
        running(server, sink, clock_at("2024-12-11T11:00", speed=86_400.0)),
    ):
        await until(lambda: len(sink.curves) >= 5)
    for curve in sink.curves:
        first, last = curve.slots[0].interval, curve.slots[-1].interval
        assert last.end_utc - first.start_utc <= timedelta(days=5)
    assert sink.curves[-1].slots[0].interval.start_utc > datetime(2024, 12, 9, 23, tzinfo=UTC)


HTTP_DATE = "Date: Wed, 11 Dec 2024 16:30:02 GMT"


async def test_an_answer_with_prices_tells_the_servers_time() -> None:
    sink = Curves()
    clock = clock_at("2024-12-11T17:30", speed=1.0)
    async with (
        price_server(hours_of, headers=(HTTP_DATE,)) as server,
        running(server, sink, clock),
    ):
        await until(lambda: sink.curves != [])
    (witness,) = sink.witnesses
    assert witness.source is WitnessSource.PRICE_SERVER
    assert witness.told_utc == datetime(2024, 12, 11, 16, 30, 2, tzinfo=UTC)
    # It was heard within a few seconds of our start at 16:30:00 UTC.
    started_utc = datetime(2024, 12, 11, 16, 30, tzinfo=UTC)
    assert started_utc <= witness.observed_at.utc < started_utc + timedelta(seconds=8)


async def test_a_page_that_is_no_price_list_tells_no_time() -> None:
    sink = Curves()
    clock = clock_at("2024-12-11T17:30", speed=600.0)
    login_page = (200, b"<html>please log in</html>")
    async with (
        price_server(lambda *_: login_page, headers=(HTTP_DATE,)) as server,
        running(server, sink, clock) as prices,
    ):
        await until(lambda: prices.faults_count >= 2)
    assert sink.witnesses == []
