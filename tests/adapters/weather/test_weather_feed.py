"""The feed against an HTTP server on loopback, by a clock that waits for each look."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.adapters.stepped_clock import SteppedClock
from tests.adapters.waiting import until
from v2g_daemon.adapters.weather import feed as module
from v2g_daemon.adapters.weather.cache import WeatherCache
from v2g_daemon.adapters.weather.feed import LARGEST_ANSWER_BYTES, FeedRules, WeatherFeed
from v2g_daemon.adapters.weather.open_meteo import OpenMeteo
from v2g_daemon.domain.sun import SunForecast

NOON = datetime(2024, 6, 10, 12, tzinfo=UTC)
RULES = FeedRules(
    latitude_deg=52.37, longitude_deg=4.89, every_s=3600.0, serves_s=43_200.0, timeout_s=2.0
)
Reply = tuple[int, bytes] | None
# How far the clock goes at once; a question may still be on its way then.
STEP_S = 300.0


@dataclass(slots=True, kw_only=True)
class Suns:
    """A SunSink that keeps what it was put."""

    suns: list[SunForecast] = field(default_factory=list)

    def put_sun(self, sun: SunForecast) -> None:
        self.suns.append(sun)

    @property
    def told(self) -> list[SunForecast]:
        """Those of an answer."""
        return [sun for sun in self.suns if sun.told_utc is not None]


@dataclass(slots=True, kw_only=True)
class Weather:
    """Answers GET /v1/forecast as `reply` says; None is silence."""

    reply: Callable[[dict[str, str]], Reply]
    clock: SteppedClock
    queries: list[dict[str, str]] = field(default_factory=list)
    asked_at: list[datetime] = field(default_factory=list)
    url: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        query = parse_qs(urlsplit(request.split()[1].decode()).query)
        self.queries.append({key: values[0] for key, values in query.items()})
        self.asked_at.append(self.clock.now().utc)
        reply = self.reply(self.queries[-1])
        if reply is None:
            await reader.read()
        else:
            status, body = reply
            head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
            writer.write(f"{head}Location: /elsewhere\r\n\r\n".encode() + body)
            await writer.drain()
        writer.close()


def sunny(query: dict[str, str]) -> Reply:
    """500 W/m² in every hour of the days that are asked for."""
    first = datetime.fromisoformat(query["start_date"]).replace(tzinfo=UTC)
    last = datetime.fromisoformat(query["end_date"]).replace(tzinfo=UTC)
    hours = round((last - first) / timedelta(hours=1)) + 24
    stamps = [int(first.timestamp()) + 3600 * n for n in range(1, hours + 1)]
    answer = {
        "utc_offset_seconds": 0,
        "hourly_units": {"shortwave_radiation": "W/m²"},
        "hourly": {"time": stamps, "shortwave_radiation": [500.0] * len(stamps)},
    }
    return 200, json.dumps(answer).encode()


def clock_at(moment_utc: datetime) -> SteppedClock:
    return SteppedClock(moment_utc, look_s=module.LOOK_EVERY_S)


@pytest.fixture(autouse=True)
def _no_real_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SHORTEST_PAUSE_S", 0.0)


@asynccontextmanager
async def running(
    reply: Callable[[dict[str, str]], Reply],
    sink: Suns,
    *,
    folder: Path,
    clock: SteppedClock,
    rules: FeedRules = RULES,
) -> AsyncIterator[tuple[Weather, WeatherFeed]]:
    weather = Weather(reply=reply, clock=clock)
    listener = await asyncio.start_server(weather.serve, "127.0.0.1", 0)
    weather.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/v1/forecast"
    feed = WeatherFeed(
        service=OpenMeteo(latitude_deg=52.37, longitude_deg=4.89, url=weather.url),
        rules=rules,
        cache=WeatherCache(folder),
        clock=clock,
        sink=sink,
        jitter=lambda: 1.0,
    )
    try:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(feed.run())
            try:
                yield weather, feed
            finally:
                task.cancel()
    finally:
        listener.close()


async def test_the_first_answer_brings_four_weeks_back_and_three_days_ahead(
    tmp_path: Path,
) -> None:
    sink = Suns()
    async with running(sunny, sink, folder=tmp_path, clock=clock_at(NOON)) as (
        weather,
        _,
    ):
        await until(lambda: sink.told != [])
    (asked,) = weather.queries
    assert (asked["start_date"], asked["end_date"]) == ("2024-05-13", "2024-06-13")
    nothing, sun = sink.suns
    assert (nothing.told_utc, nothing.irradiance_w_per_m2) == (None, ())
    assert sun.start_utc == datetime(2024, 5, 13, tzinfo=UTC)
    assert sun.irradiance_w_per_m2 == (500.0,) * (32 * 96)
    assert sun.source == "Open-Meteo"
    assert sun.serves_at(NOON)


async def test_it_is_asked_every_hour_for_what_is_new_and_old_days_go(tmp_path: Path) -> None:
    sink = Suns()
    clock = clock_at(NOON)
    async with running(sunny, sink, folder=tmp_path, clock=clock) as (weather, _):
        await clock.go_on_until(lambda: len(sink.told) == 3, step_s=STEP_S)
    assert [one["start_date"] for one in weather.queries[1:]] == ["2024-06-09"] * 2
    pauses_s = [(late - early).total_seconds() for early, late in pairwise(weather.asked_at)]
    assert min(pauses_s) >= 3600.0 - STEP_S
    assert sink.told[-1].start_utc > sink.told[0].start_utc


async def test_a_restart_knows_what_was_told_and_asks_no_sooner_than_due(tmp_path: Path) -> None:
    first, second = Suns(), Suns()
    async with running(sunny, first, folder=tmp_path, clock=clock_at(NOON)):
        await until((tmp_path / "sun.json").exists)
    later = NOON + timedelta(minutes=20)
    async with running(sunny, second, folder=tmp_path, clock=clock_at(later)) as (
        weather,
        feed,
    ):
        await until(lambda: second.suns != [])
        await asyncio.sleep(0.3)
        assert weather.queries == []
        assert feed.faults_count == 0
    # Of another listener's port, but the same place: the words of the question are the same.
    assert replace(second.suns[0], start_utc=first.told[0].start_utc) == first.told[0]


async def test_what_was_told_of_another_place_is_forgotten(tmp_path: Path) -> None:
    sink = Suns()
    async with running(sunny, sink, folder=tmp_path, clock=clock_at(NOON)):
        await until((tmp_path / "sun.json").exists)
    cache = WeatherCache(tmp_path)
    here = OpenMeteo(latitude_deg=52.37, longitude_deg=4.89).asks_for
    elsewhere = OpenMeteo(latitude_deg=52.38, longitude_deg=4.89).asks_for
    assert cache.load(here).told_utc is not None
    assert cache.load(elsewhere).told_utc is None


@pytest.mark.parametrize("damage", [b"", b"{", b'{"asks_for": 1}', b"\xff\xfe"])
async def test_a_damaged_file_is_as_none(damage: bytes, tmp_path: Path) -> None:
    (tmp_path / "sun.json").write_bytes(damage)
    sink = Suns()
    async with running(sunny, sink, folder=tmp_path, clock=clock_at(NOON)):
        await until(lambda: sink.told != [])
    assert sink.suns[0].told_utc is None


async def test_an_outage_takes_nothing_away_is_logged_once_and_ends_what_is_believed(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.INFO, logger="v2g_daemon")
    sink, replies = Suns(), [sunny]

    def reply(query: dict[str, str]) -> Reply:
        return replies.pop()(query) if replies else (503, b"down")

    clock = clock_at(NOON)
    async with running(reply, sink, folder=tmp_path, clock=clock) as (_, feed):
        await clock.go_on_until(lambda: feed.faults_count >= 3, step_s=STEP_S)
    (sun,) = sink.told
    assert sun.told_utc is not None
    assert sun.serves_at(sun.told_utc + timedelta(hours=11, minutes=59))
    assert not sun.serves_at(sun.told_utc + timedelta(hours=12))
    messages = [record.getMessage() for record in caplog.records]
    assert messages == ["weather: Open-Meteo: HTTP status 503"]


@pytest.mark.parametrize(
    "bad",
    [(200, b"<html>"), (301, b""), (200, b"x" * (LARGEST_ANSWER_BYTES + 1)), (400, b"{}"), None],
    ids=["html", "redirection", "too long", "400", "silence"],
)
async def test_a_bad_answer_is_survived_and_asked_again_after_five_minutes(
    bad: Reply, tmp_path: Path
) -> None:
    sink, answers = Suns(), [bad]
    clock = clock_at(NOON)
    rules = replace(RULES, timeout_s=0.3)

    def reply(query: dict[str, str]) -> Reply:
        return answers.pop() if answers else sunny(query)

    async with running(reply, sink, folder=tmp_path, clock=clock, rules=rules) as (weather, feed):
        await clock.go_on_until(lambda: sink.told != [], step_s=module.LOOK_EVERY_S)
    assert feed.faults_count == 1
    early, late = weather.asked_at[:2]
    assert (late - early).total_seconds() >= 300.0 - module.LOOK_EVERY_S


@pytest.mark.parametrize("status", [401, 403, 429])
async def test_whoever_refuses_is_left_alone_for_an_hour(status: int, tmp_path: Path) -> None:
    sink, answers = Suns(), [(status, b"")]
    clock = clock_at(NOON)

    def reply(query: dict[str, str]) -> Reply:
        return answers.pop() if answers else sunny(query)

    async with running(reply, sink, folder=tmp_path, clock=clock) as (weather, _):
        await clock.go_on_until(lambda: sink.told != [], step_s=STEP_S)
    early, late = weather.asked_at[:2]
    # And not the 300 s of any other failure.
    assert (late - early).total_seconds() >= 3600.0 - STEP_S


async def test_a_disk_that_is_full_keeps_no_forecast_from_the_house(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    sink = Suns()
    clock = clock_at(NOON)
    async with running(sunny, sink, folder=blocked, clock=clock):
        await clock.go_on_until(lambda: len(sink.told) == 2, step_s=STEP_S)
    assert [one.getMessage() for one in caplog.records if "kept" in one.getMessage()] == [
        "weather: the forecast is not kept for an outage: File exists"
    ]
