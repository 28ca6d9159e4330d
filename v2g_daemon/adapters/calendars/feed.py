"""One calendar, read now and then from a file, an address or a CalDAV collection.

What was read last stays until it is read again: no outage takes a departure away.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import SystemRandom

import httpx

from v2g_daemon.adapters.calendars.caldav import calendars_in, question
from v2g_daemon.adapters.calendars.translate import CalendarRules, Outing, Outings, outings
from v2g_daemon.battery.driving import departure_goal
from v2g_daemon.domain.errors import (
    DeviceError,
    DeviceProtocolError,
    DeviceRejectedCommand,
    DeviceUnreachable,
)
from v2g_daemon.domain.faults import Fault, FaultCode
from v2g_daemon.domain.goals import CalendarDepartures, DepartureGoal
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.needs import Distance, Energy, Need, Share
from v2g_daemon.domain.vehicle import Vehicle
from v2g_daemon.ports import CalendarSink, Clock

LARGEST_ANSWER_BYTES = 4 << 20
LONGEST_PAUSE_S = 3600.0  # simulated, between questions that are not answered
SHORTEST_PAUSE_S = 0.2  # real
# Asking again with a password that was refused locks accounts.
KEY_REFUSED = frozenset({httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN})

_log = logging.getLogger(__name__)


def even_jitter() -> float:
    """A factor from 1 to 1.1, so that not every house asks at the same second, nor too often."""
    return SystemRandom().uniform(1.0, 1.1)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarSource:
    """Where a calendar is, and whose car leaves by it; address and password are never shown.

    `need`: what an event without a need of its own asks for; None: the car's ceiling. `period_s` is
    by the house's clock, `timeout_s` real.
    """

    calendar_id: str
    vehicle: Vehicle
    rules: CalendarRules
    need: Need | None
    period_s: float
    timeout_s: float
    file: Path | None = None
    address: str = field(default="", repr=False)
    caldav: bool = False
    user: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The departures read, and what of the calendar could not be counted."""

    goals: tuple[DepartureGoal, ...]
    doubt: str | None


class CalendarFeed:
    """Puts what the calendar says; trouble is a fault with the age of what still counts."""

    def __init__(
        self,
        *,
        source: CalendarSource,
        clock: Clock,
        sink: CalendarSink,
        jitter: Callable[[], float] = even_jitter,
    ) -> None:
        self._source = source
        self._clock = clock
        self._sink = sink
        self._jitter = jitter
        self._read_at: Instant | None = None
        self._failures_count = 0
        self._told: str | None = None

    async def run(self) -> None:
        """Read until cancelled."""
        async with self.client() as client:
            while True:
                await self._look(client)
                async with asyncio.TaskGroup() as beat:
                    beat.create_task(self._clock.sleep(self._pause_s()))
                    beat.create_task(asyncio.sleep(SHORTEST_PAUSE_S))

    def client(self) -> httpx.AsyncClient:
        """One for this calendar: the address comes from the configuration, so does any proxy."""
        source = self._source
        auth = httpx.BasicAuth(source.user, source.password) if source.user else None
        return httpx.AsyncClient(trust_env=False, timeout=source.timeout_s, auth=auth)

    async def read(self, client: httpx.AsyncClient) -> Reading:
        """What the calendar says now; raises a DeviceError. A redirection is not followed."""
        source, now_utc = self._source, self._clock.now().utc
        try:
            async with asyncio.timeout(source.timeout_s):
                data = await self._fetched(client)
                found = await asyncio.to_thread(
                    outings, data, source.rules, now_utc=now_utc, may_be_empty=source.caldav
                )
        except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError) as error:
            raise DeviceUnreachable(f"cannot be read ({type(error).__name__})") from error
        return _resolved(found, source)

    async def _look(self, client: httpx.AsyncClient) -> None:
        source = self._source
        try:
            reading = await self.read(client)
        except DeviceError as error:
            self._failures_count += 1
            self._tell(f"{error}; {self._kept()}", kind=str(error))
            return
        self._failures_count, self._read_at = 0, self._clock.now()
        self._tell(reading.doubt, kind=reading.doubt)
        self._sink.put_calendar(
            CalendarDepartures(
                calendar_id=source.calendar_id,
                vehicle_id=source.vehicle.vehicle_id,
                goals=reading.goals,
            )
        )

    def _kept(self) -> str:
        if self._read_at is None:
            return "nothing of it is known yet"
        age_h = self._clock.now().seconds_since(self._read_at) / 3600.0
        return f"what it said {age_h:.1f} h ago still counts"

    def _pause_s(self) -> float:
        """After a failure longer each time."""
        period_s = self._source.period_s
        if self._failures_count > 0:
            longer_s = period_s * 2.0 ** min(self._failures_count - 1, 10)
            period_s = max(period_s, min(longer_s, LONGEST_PAUSE_S))
        return period_s * self._jitter()

    def _tell(self, doubt: str | None, *, kind: str | None) -> None:
        """A fault now, None: none; the log has a line when the kind changes."""
        name = f"calendar {self._source.calendar_id}"
        faults = (
            () if doubt is None else (Fault(code=FaultCode.CALENDAR, detail=f"{name}: {doubt}"),)
        )
        self._sink.put_faults(name, faults)
        if kind == self._told:
            return
        self._told = kind
        if doubt is None:
            _log.info("%s is read again", name)
        else:
            _log.warning("%s: %s", name, doubt)

    async def _fetched(self, client: httpx.AsyncClient) -> bytes:
        source = self._source
        if source.file is not None:
            return await asyncio.to_thread(_read, source.file)
        if not source.caldav:
            return await self._answer(client, "GET", b"", {})
        headers = {"Depth": "1", "Content-Type": "application/xml; charset=utf-8"}
        body = question(self._clock.now().utc)
        return calendars_in(await self._answer(client, "REPORT", body, headers))

    async def _answer(
        self, client: httpx.AsyncClient, method: str, body: bytes, headers: dict[str, str]
    ) -> bytes:
        async with client.stream(
            method, self._source.address, content=body, headers=headers
        ) as response:
            if response.status_code not in (httpx.codes.OK, httpx.codes.MULTI_STATUS):
                raise DeviceRejectedCommand(_refusal(response.status_code))
            answer = b""
            async for chunk in response.aiter_bytes():
                answer += chunk
                _check_size(len(answer))
        return answer


def _read(file: Path) -> bytes:
    with file.open("rb") as opened:
        data = opened.read(LARGEST_ANSWER_BYTES + 1)
    _check_size(len(data))
    return data


def _check_size(size_bytes: int) -> None:
    if size_bytes > LARGEST_ANSWER_BYTES:
        raise DeviceProtocolError(f"is larger than {LARGEST_ANSWER_BYTES >> 20} MiB")


def _refusal(status: int) -> str:
    if status in KEY_REFUSED:
        return f"answers HTTP {status}: user, password or secret address are not taken"
    moved = ": it has moved; write its new address" if httpx.codes.is_redirect(status) else ""
    return f"answers HTTP {status}{moved}"


def _resolved(found: Outings, source: CalendarSource) -> Reading:
    """The outings as goals of this car; what it cannot leave with is doubted, the trip not lost."""
    doubts: list[str] = []
    if found.odd_count > 0:
        doubts.append(f"{found.odd_count} of its events could not be understood")
    goals: list[DepartureGoal] = []
    for outing in found.outings:
        needs, of_needs = _taken(outing, source.vehicle)
        doubts += of_needs
        try:
            goals.append(_goal(outing, needs, source))
        except ValueError as error:
            doubts.append(str(error))
            goals.append(_goal(outing, (), source))
    return Reading(goals=tuple(goals), doubt="; ".join(dict.fromkeys(doubts)) or None)


def _taken(outing: Outing, vehicle: Vehicle) -> tuple[tuple[Need, ...], tuple[str, ...]]:
    """The needs that can be meant, and the doubts: below its floor nobody sends a car away."""
    low = [one for one in outing.needs if isinstance(one, Share) and one.soc < vehicle.soc_floor]
    needs = tuple(one for one in outing.needs if one not in low)
    if not low or outing.needs[0] != low[0]:
        return needs, outing.doubts
    doubt = (
        f"{low[0].soc * 100.0:g} % is below the floor of {vehicle.soc_floor * 100.0:g} % of car "
        f"{vehicle.vehicle_id!r} and not taken for a need"
    )
    return needs, (*outing.doubts, doubt)


def _goal(outing: Outing, needs: tuple[Need, ...], source: CalendarSource) -> DepartureGoal:
    """The first need said is the goal, the first distance or energy said is what the trip takes."""
    trip = next((need for need in needs if isinstance(need, Distance | Energy)), None)
    return departure_goal(
        needs[0] if needs else source.need,
        trip,
        source.vehicle,
        leaves_utc=outing.leaves_utc,
        returns_at_utc=outing.returns_at_utc,
    )
