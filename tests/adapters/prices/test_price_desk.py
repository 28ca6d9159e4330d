"""The feed against an HTTP server on loopback, in time-lapse."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest

from tests.adapters.waiting import until
from v2g_daemon.adapters.prices.cache import PriceCache
from v2g_daemon.adapters.prices.desk import PriceDesk, PriceRules
from v2g_daemon.adapters.prices.energy_charts import EnergyCharts
from v2g_daemon.adapters.prices.feed import PriceSource
from v2g_daemon.adapters.prices.listed import CsvRows, Place
from v2g_daemon.adapters.prices.tibber import Tibber
from v2g_daemon.adapters.system.clock import ScaledClock
from v2g_daemon.domain.clock import ClockWitness, WitnessSource
from v2g_daemon.domain.goals import UserOverride
from v2g_daemon.domain.interval import Interval, local_day
from v2g_daemon.domain.prices import PriceCurve
from v2g_daemon.domain.readings import EvseStatus, MeterReading
from v2g_daemon.domain.vehicle import CarAnswer
from v2g_daemon.market.curve import Standing
from v2g_daemon.market.tariff import (
    Component,
    Export,
    FlatRate,
    SeriesRate,
    Stack,
    Tariff,
    TariffBook,
    TierStep,
)

ZONE = ZoneInfo("Europe/Amsterdam")
SPOT = "energy-charts:NL"
TARIFF = Tariff(
    id="test",
    currency="EUR",
    timezone="Europe/Amsterdam",
    imports=Stack(
        components=(
            Component(name="energy", rate=SeriesRate(source=SPOT, adder=Decimal("0.1288"))),
        ),
        vat=Decimal("0.21"),
    ),
    export=Export(
        stack=Stack(
            components=(
                Component(name="energy", rate=SeriesRate(source=SPOT, adder=Decimal("-0.005"))),
            )
        )
    ),
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
    server: PriceServer,
    sink: Curves,
    clock: ScaledClock,
    *,
    folder: Path,
    timeout_s: float = 2.0,
    tariff: Tariff = TARIFF,
    sources: Sequence[PriceSource] | None = None,
) -> AsyncIterator[PriceDesk]:
    source = PriceSource(
        name=SPOT,
        shape=EnergyCharts(bzn="NL", currency="EUR", url=server.url),
        timezone="Europe/Amsterdam",
        publication=time_of_day(13),
        timeout_s=timeout_s,
    )
    desk = PriceDesk(
        rules=PriceRules(
            book=TariffBook(versions=(tariff,)), sources=[source] if sources is None else sources
        ),
        cache=PriceCache(folder),
        clock=clock,
        sink=sink,
        jitter=lambda: 1.0,
    )
    async with asyncio.TaskGroup() as group:
        task = group.create_task(desk.run())
        try:
            yield desk
        finally:
            task.cancel()


async def test_after_publication_the_start_fetches_yesterday_to_tomorrow(tmp_path: Path) -> None:
    sink = Curves()
    async with (
        price_server(hours_of) as server,
        running(server, sink, clock_at("2024-12-11T17:30", speed=1.0), folder=tmp_path),
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


async def test_tomorrow_is_fetched_once_it_is_published(tmp_path: Path) -> None:
    sink = Curves()
    async with (
        price_server(hours_of) as server,
        running(server, sink, clock_at("2024-12-11T12:30", speed=1800.0), folder=tmp_path),
    ):
        await until(lambda: len(sink.curves) == 2)
        await asyncio.sleep(0.5)
    assert [(query["start"], query["end"]) for query in server.queries] == [
        ("2024-12-10", "2024-12-11"),
        ("2024-12-11", "2024-12-12"),
    ]
    assert [len(curve.slots) for curve in sink.curves] == [48, 72]


async def test_houses_do_not_all_ask_at_the_minute_of_publication(tmp_path: Path) -> None:
    # The middle of the jitter is half of five minutes: at 13:00 nothing is asked of tomorrow.
    sink = Curves()
    async with (
        price_server(hours_of) as server,
        running(server, sink, clock_at("2024-12-11T13:00", speed=1.0), folder=tmp_path),
    ):
        await until(lambda: sink.curves != [])
    assert [query["end"] for query in server.queries] == ["2024-12-11"]


async def test_a_late_publication_is_asked_for_again_with_longer_pauses(tmp_path: Path) -> None:
    sink = Curves()
    clock = clock_at("2024-12-11T12:15", speed=1800.0)
    asked_at: list[datetime] = []

    def reply(first: date, last: date) -> Reply:
        asked_at.append(clock.now().utc)
        if last == date(2024, 12, 12) and clock.now().utc < datetime(2024, 12, 11, 13, tzinfo=UTC):
            return 404, b'{"error": "not published"}'
        return hours_of(first, last)

    async with price_server(reply) as server, running(server, sink, clock, folder=tmp_path):
        await until(lambda: len(sink.curves) == 2)
    pauses_s = [(later - earlier).total_seconds() for earlier, later in pairwise(asked_at[1:])]
    # Pauses of 60, 120, 240, 480, 900, 900 s of the house, but never under 0.2 s (360 s) of ours.
    assert 2 <= len(pauses_s) <= 7
    assert min(pauses_s) >= 300.0
    assert pauses_s[-1] > pauses_s[0]
    assert sink.curves[-1].known_until(clock.now().utc) == datetime(2024, 12, 12, 23, tzinfo=UTC)


async def test_a_service_that_refuses_an_unpublished_tomorrow_still_gives_today(
    tmp_path: Path,
) -> None:
    sink = Curves()

    def reply(first: date, last: date) -> Reply:
        return (404, b"") if last > date(2024, 12, 11) else hours_of(first, last)

    async with (
        price_server(reply) as server,
        running(server, sink, clock_at("2024-12-11T17:30", speed=600.0), folder=tmp_path),
    ):
        await until(lambda: sink.curves != [])
    assert len(sink.curves[0].slots) == 48


async def test_an_outage_takes_no_known_price_away_and_is_logged_once(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    sink = Curves()
    caplog.set_level(logging.INFO, logger="v2g_daemon")
    replies: list[Reply] = [hours_of(date(2024, 12, 10), date(2024, 12, 11))]

    def reply(first: date, last: date) -> Reply:
        return replies.pop() if replies else (503, b"down")

    async with (
        price_server(reply) as server,
        running(
            server, sink, clock_at("2024-12-11T12:15", speed=1800.0), folder=tmp_path
        ) as prices,
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
async def test_a_bad_answer_is_survived_and_the_next_good_one_taken(
    bad: Reply, tmp_path: Path
) -> None:
    sink = Curves()
    first_answer = [bad]

    def reply(first: date, last: date) -> Reply:
        return first_answer.pop() if first_answer else hours_of(first, last)

    async with (
        price_server(reply) as server,
        running(
            server, sink, clock_at("2024-12-11T09:00", speed=600.0), folder=tmp_path, timeout_s=0.5
        ) as prices,
    ):
        await until(lambda: len(sink.curves) == 1)
    assert prices.faults_count == 1
    assert len(sink.curves[0].slots) == 48


async def test_a_day_with_a_gap_is_used_and_asked_for_again(tmp_path: Path) -> None:
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
        running(server, sink, clock_at("2024-12-11T09:00", speed=600.0), folder=tmp_path),
    ):
        await until(lambda: len(sink.curves) == 2)
    assert [len(curve.slots) for curve in sink.curves] == [47, 48]
    gap = datetime(2024, 12, 11, 21, tzinfo=UTC)
    assert sink.curves[0].at(gap) is None
    assert sink.curves[1].at(gap) is not None


async def test_a_server_that_is_not_there_ends_nothing(tmp_path: Path) -> None:
    sink = Curves()
    gone = PriceServer(reply=lambda *_: None, url="http://127.0.0.1:9/price")
    async with running(
        gone, sink, clock_at("2024-12-11T09:00", speed=3600.0), folder=tmp_path
    ) as prices:
        await until(lambda: prices.faults_count >= 2)
    assert sink.curves == []


async def test_prices_older_than_two_days_are_forgotten(tmp_path: Path) -> None:
    sink = Curves()
    async with (
        price_server(hours_of) as server,
        running(server, sink, clock_at("2024-12-11T11:00", speed=86_400.0), folder=tmp_path),
    ):
        await until(lambda: len(sink.curves) >= 5)
    for curve in sink.curves:
        first, last = curve.slots[0].interval, curve.slots[-1].interval
        assert last.end_utc - first.start_utc <= timedelta(days=5)
    assert sink.curves[-1].slots[0].interval.start_utc > datetime(2024, 12, 9, 23, tzinfo=UTC)


HTTP_DATE = "Date: Wed, 11 Dec 2024 16:30:02 GMT"


async def test_an_answer_with_prices_tells_the_servers_time(tmp_path: Path) -> None:
    sink = Curves()
    clock = clock_at("2024-12-11T17:30", speed=1.0)
    async with (
        price_server(hours_of, headers=(HTTP_DATE,)) as server,
        running(server, sink, clock, folder=tmp_path),
    ):
        await until(lambda: sink.curves != [])
    (witness,) = sink.witnesses
    assert witness.source is WitnessSource.PRICE_SERVER
    assert witness.told_utc == datetime(2024, 12, 11, 16, 30, 2, tzinfo=UTC)
    # It was heard within a few seconds of our start at 16:30:00 UTC.
    started_utc = datetime(2024, 12, 11, 16, 30, tzinfo=UTC)
    assert started_utc <= witness.observed_at.utc < started_utc + timedelta(seconds=8)


async def test_a_page_that_is_no_price_list_tells_no_time(tmp_path: Path) -> None:
    sink = Curves()
    clock = clock_at("2024-12-11T17:30", speed=600.0)
    login_page = (200, b"<html>please log in</html>")
    async with (
        price_server(lambda *_: login_page, headers=(HTTP_DATE,)) as server,
        running(server, sink, clock, folder=tmp_path) as prices,
    ):
        await until(lambda: prices.faults_count >= 2)
    assert sink.witnesses == []


async def test_a_restart_in_an_outage_knows_what_was_known(tmp_path: Path) -> None:
    before, after = Curves(), Curves()
    async with (
        price_server(hours_of) as server,
        running(server, before, clock_at("2024-12-11T17:30", speed=1.0), folder=tmp_path),
    ):
        await until(lambda: before.curves != [])
        await until(lambda: list(tmp_path.glob("*.json")) != [])
    gone = PriceServer(reply=lambda *_: None, url="http://127.0.0.1:9/price")
    async with running(gone, after, clock_at("2024-12-11T19:00", speed=1.0), folder=tmp_path):
        await until(lambda: after.curves != [])
    assert after.curves == before.curves
    known = PriceCache(tmp_path).load(SPOT)
    (answer,) = known.answers
    assert answer.origin == server.url
    assert (answer.prices_count, answer.step_s) == (72, 3600)
    assert answer.end_utc == datetime(2024, 12, 12, 23, tzinfo=UTC)
    assert len(answer.sha256) == 64


async def test_a_damaged_cache_is_as_none_and_is_written_anew(tmp_path: Path) -> None:
    (tmp_path / "energy-charts_NL.json").write_text('{"prices": [["2024-12-11T00:00:00Z", 3600')
    sink = Curves()
    async with (
        price_server(hours_of) as server,
        running(server, sink, clock_at("2024-12-11T17:30", speed=1.0), folder=tmp_path),
    ):
        await until(lambda: sink.curves != [])
        await until(lambda: len(PriceCache(tmp_path).load(SPOT).series) == 72)


async def test_a_cache_that_cannot_be_written_is_told_and_takes_no_price_away(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    sink = Curves()
    async with (
        price_server(hours_of) as server,
        running(server, sink, clock_at("2024-12-11T17:30", speed=1.0), folder=tmp_path / "file"),
    ):
        await until(lambda: sink.curves != [])
        await until(lambda: caplog.records != [])
    assert "energy-charts:NL is not kept for an outage" in caplog.records[0].getMessage()


FLAT = Tariff(
    id="flat",
    currency="EUR",
    timezone="Europe/Amsterdam",
    imports=Stack(components=(Component(name="energy", rate=FlatRate(value=Decimal("0.3"))),)),
    export=None,
)


async def test_a_tariff_without_a_source_needs_no_network_and_rolls_on_at_midnight(
    tmp_path: Path,
) -> None:
    sink = Curves()
    gone = PriceServer(reply=lambda *_: None, url="http://127.0.0.1:9/price")
    clock = clock_at("2024-12-11T22:00", speed=7200.0)
    async with running(gone, sink, clock, folder=tmp_path, tariff=FLAT, sources=()):
        await until(lambda: len(sink.curves) >= 2)
    first, second = (curve.slots[0].interval for curve in sink.curves[:2])
    # Two days before today and three after it; local midnights.
    assert first.start_utc == datetime(2024, 12, 8, 23, tzinfo=UTC)
    assert first.end_utc == datetime(2024, 12, 14, 23, tzinfo=UTC)
    assert second.start_utc - first.start_utc == timedelta(days=1)


async def test_a_tariff_that_is_not_valid_puts_no_curve(tmp_path: Path) -> None:
    sink = Curves()
    over = replace(FLAT, valid_to=date(2024, 1, 1))
    gone = PriceServer(reply=lambda *_: None, url="http://127.0.0.1:9/price")
    clock = clock_at("2024-12-11T22:00", speed=7200.0)
    async with running(gone, sink, clock, folder=tmp_path, tariff=over, sources=()):
        await asyncio.sleep(0.3)
    assert sink.curves == []


async def test_the_bill_month_fills_up_and_the_next_tier_begins(tmp_path: Path) -> None:
    sink = Curves()
    month = Interval(
        start_utc=datetime(2024, 11, 30, 23, tzinfo=UTC),
        end_utc=datetime(2024, 12, 31, 23, tzinfo=UTC),
    )
    tiers = (
        TierStep(upper_milliwh=500_000_000, adder=Decimal(0)),
        TierStep(upper_milliwh=None, adder=Decimal("0.05")),
    )

    def standing(now_utc: datetime) -> Standing:
        used_kwh = 499 if now_utc < datetime(2024, 12, 11, 11, tzinfo=UTC) else 501
        return Standing(month=month, import_milliwh=used_kwh * 1_000_000, export_milliwh=0)

    desk = PriceDesk(
        rules=PriceRules(
            book=TariffBook(versions=(replace(FLAT, tiers=tiers),)), sources=(), standing=standing
        ),
        cache=PriceCache(tmp_path),
        clock=clock_at("2024-12-11T11:30", speed=3600.0),
        sink=sink,
    )
    async with asyncio.TaskGroup() as group:
        task = group.create_task(desk.run())
        await until(lambda: len(sink.curves) == 2)
        task.cancel()
    assert [curve.slots[0].import_per_kwh for curve in sink.curves] == [0.3, 0.35]


async def test_a_source_without_a_publication_is_asked_regularly(tmp_path: Path) -> None:
    sink = Curves()
    path = tmp_path / "prices.csv"
    path.write_text(table_of(hours=10, per_kwh="0.10"))
    source = PriceSource(
        name=SPOT,
        shape=CsvRows(place=Place(file=path), currency="EUR"),
        timezone="Europe/Amsterdam",
        publication=None,
        every_s=900.0,
    )
    gone = PriceServer(reply=lambda *_: None, url="http://127.0.0.1:9/price")
    clock = clock_at("2024-12-11T09:00", speed=1800.0)
    folder = tmp_path / "cache"
    async with running(gone, sink, clock, folder=folder, sources=(source,)) as desk:
        await until(lambda: len(sink.curves) == 1)
        path.write_text(table_of(hours=12, per_kwh="0.20"))
        await until(lambda: len(sink.curves) == 2)
        path.unlink()
        await until(lambda: desk.faults_count >= 1)
    assert [len(curve.slots) for curve in sink.curves] == [10, 12]
    assert sink.curves[1].slots[0].import_per_kwh == 0.397848  # (0.20 + 0.1288) × 1.21


def table_of(*, hours: int, per_kwh: str) -> str:
    start_utc = datetime(2024, 12, 11, 8, tzinfo=UTC)
    stamps = [start_utc + timedelta(hours=number) for number in range(hours)]
    lines = [f"{stamp:%Y-%m-%dT%H:%M:%SZ},{per_kwh}" for stamp in stamps]
    return "\n".join(["time_utc,price_eur_per_kwh", *lines, ""])


async def test_a_token_travels_in_the_header_of_a_post(tmp_path: Path) -> None:
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        body = b'{"errors": [{"message": "unauthenticated"}]}'
        writer.write(b"HTTP/1.1 200 X\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/gql"
    source = PriceSource(
        name=SPOT,
        shape=Tibber(home="", currency="EUR", token="secret-token", url=url),
        timezone="Europe/Amsterdam",
        publication=time_of_day(13),
    )
    gone = PriceServer(reply=lambda *_: None)
    clock = clock_at("2024-12-11T17:30", speed=1.0)
    async with running(gone, Curves(), clock, folder=tmp_path, sources=(source,)) as desk:
        await until(lambda: desk.faults_count == 1)
    listener.close()
    assert heard[0].startswith(b"POST /gql HTTP/1.1")
    assert b"Authorization: Bearer secret-token" in heard[0]
