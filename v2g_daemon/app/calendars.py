"""The calendars by which cars leave: which there are, and what `v2g check` and `doctor` say."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import TYPE_CHECKING

from v2g_daemon.app.findings import Finding, bad, good
from v2g_daemon.domain.errors import DeviceError
from v2g_daemon.domain.needs import need_of
from v2g_daemon.ports import CalendarSink, Clock
from v2g_daemon.settings import Settings, to_policy

if TYPE_CHECKING:  # the calendar library is loaded only where there is a calendar
    from v2g_daemon.adapters.calendars.feed import CalendarSource

EdgeTask = Callable[[], Awaitable[None]]


def calendar_tasks(settings: Settings, clock: Clock, sink: CalendarSink) -> dict[str, EdgeTask]:
    """A task for each calendar."""
    if not settings.calendar:
        return {}
    from v2g_daemon.adapters.calendars.feed import CalendarFeed

    return {
        f"calendar {source.calendar_id}": CalendarFeed(source=source, clock=clock, sink=sink).run
        for source in _sources(settings)
    }


def calendar_sentences(settings: Settings) -> Iterator[str]:
    """What `v2g check` says of them; an address may be a secret and is not shown."""
    for one in settings.calendar:
        place = f"the file {one.file}" if one.file is not None else "its address"
        place = "its CalDAV collection" if one.kind == "caldav" else place
        words = " or ".join(repr(word) for word in one.words)
        need = "with the car's ceiling" if one.need is None else f"with {one.need}"
        yield (
            f"Calendar {one.id}: events with {words} in the title are departures of "
            f"{one.vehicle or settings.vehicle[0].id}, {need} unless they say more; read from "
            f"{place} every {one.period_s / 60.0:g} min."
        )


def bare_calendars(settings: Settings) -> Iterator[str]:
    """Calendars whose password or secret address crosses the network unencrypted."""
    for one in settings.calendar:
        if one.address is not None and one.address.get_secret_value().startswith("http:"):
            yield (
                f"calendar {one.id}: its address, which may be a secret, and any password are sent "
                "unencrypted; write https://, or keep it inside the house"
            )


async def calendar_lines(settings: Settings) -> AsyncIterator[Finding]:
    """What `v2g doctor` finds: each is read once."""
    if not settings.calendar:
        return
    from v2g_daemon.adapters.calendars.feed import CalendarFeed
    from v2g_daemon.adapters.system.clock import RealClock
    from v2g_daemon.runtime.latest_values import LatestValues

    for source in _sources(settings):
        what = f"calendar {source.calendar_id}"
        feed = CalendarFeed(source=source, clock=RealClock(), sink=LatestValues(evse_ids=()))
        try:
            async with feed.client() as client:
                reading = await feed.read(client)
        except DeviceError as error:
            yield bad(what, str(error), "compare [[calendar]]: address, user, password")
            continue
        doubt = "" if reading.doubt is None else f"; {reading.doubt}"
        yield good(what, f"it speaks of {len(reading.goals)} departures in the days ahead{doubt}")


def _sources(settings: Settings) -> Iterator[CalendarSource]:
    from v2g_daemon.adapters.calendars.feed import CalendarSource
    from v2g_daemon.adapters.calendars.translate import CalendarRules

    policy = to_policy(settings)
    for one in settings.calendar:
        address = "" if one.address is None else one.address.get_secret_value()
        if address.startswith("webcal:"):
            address = f"https:{address.removeprefix('webcal:')}"
        yield CalendarSource(
            calendar_id=one.id,
            vehicle=policy.vehicle(one.vehicle or settings.vehicle[0].id),
            rules=CalendarRules(
                words=one.words, timezone=settings.timezone, all_day_from=one.all_day_from
            ),
            need=None if one.need is None else need_of(one.need),
            period_s=one.period_s,
            timeout_s=one.timeout_s,
            file=one.file,
            address=address,
            caldav=one.kind == "caldav",
            user=one.user or "",
            password="" if one.password is None else one.password.get_secret_value(),
        )
