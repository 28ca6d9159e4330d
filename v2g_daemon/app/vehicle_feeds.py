"""The cars' own clouds: which there are, and when a car's is wanted more often than usual."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

from v2g_daemon.adapters.system.clock import RealClock
from v2g_daemon.adapters.vehicles.feed import FeedSource, VehicleFeed
from v2g_daemon.adapters.vehicles.translate import Pointers
from v2g_daemon.app.findings import Finding, bad, good
from v2g_daemon.domain.errors import DeviceError
from v2g_daemon.domain.instant import Instant
from v2g_daemon.ports import Clock, VehicleFeedSink
from v2g_daemon.runtime.latest_values import LatestValues
from v2g_daemon.settings import Settings
from v2g_daemon.step.house import Outcome

EdgeTask = Callable[[], Awaitable[None]]

# After a plug-in or a plug-out, so long: to see who came, and that who left is away.
STIRRED_S = 900.0


class FeedDemand:
    """Whose plug-in is an open question, as the newest tick has it."""

    def __init__(self) -> None:
        self._candidates: frozenset[str] = frozenset()
        self._sessions: tuple[str | None, ...] | None = None
        self._stirred_at: Instant | None = None
        self._now: Instant | None = None

    def see(self, outcome: Outcome) -> None:
        """The newest tick."""
        self._now = outcome.snapshot.now
        self._candidates = frozenset(
            vehicle_id for evse in outcome.decision.evses for vehicle_id in evse.candidates
        )
        sessions = tuple(status.session_id for status in outcome.snapshot.evses)
        if self._sessions is not None and sessions != self._sessions:
            self._stirred_at = self._now
        self._sessions = sessions

    def asks_for(self, vehicle_id: str) -> bool:
        """Whether the house wants to know now."""
        if vehicle_id in self._candidates:
            return True
        if self._stirred_at is None or self._now is None:
            return False
        return self._now.seconds_since(self._stirred_at) < STIRRED_S


def feed_sources(settings: Settings) -> tuple[FeedSource, ...]:
    """Every configured feed."""
    found: list[FeedSource] = []
    for vehicle in settings.vehicle:
        feed = vehicle.feed
        if feed is None:
            continue
        token = None if feed.token is None else feed.token.get_secret_value()
        found.append(
            FeedSource(
                vehicle_id=vehicle.id,
                url=feed.url,
                pointers=Pointers(**feed.answer.model_dump()),
                period_s=feed.period_s,
                quiet_period_s=feed.quiet_period_s,
                timeout_s=feed.timeout_s,
                headers={} if token is None else {"Authorization": f"Bearer {token}"},
            )
        )
    return tuple(found)


def feed_tasks(
    settings: Settings, clock: Clock, sink: VehicleFeedSink, demand: FeedDemand
) -> dict[str, EdgeTask]:
    """A task for each feed."""
    return {
        f"car {source.vehicle_id}": _feed(source, clock, sink, demand).run
        for source in feed_sources(settings)
    }


def feed_sentences(settings: Settings) -> Iterator[str]:
    """What `v2g check` says of them."""
    for source in feed_sources(settings):
        yield (
            f"Car {source.vehicle_id} is asked after at {source.name}, every "
            f"{source.period_s / 60.0:g} min while it may be the one plugged in, else every "
            f"{source.quiet_period_s / 60.0:g} min."
        )


async def feed_lines(settings: Settings) -> AsyncIterator[Finding]:
    """What `v2g doctor` finds: each is asked once."""
    clock = RealClock()
    for source in feed_sources(settings):
        what = f"car {source.vehicle_id}"
        feed = _feed(source, clock, LatestValues(evse_ids=()), FeedDemand())
        try:
            async with feed.client() as client:
                told = await feed.ask(client)
        except DeviceError as error:
            yield bad(what, str(error), "compare vehicle.feed: address, token, words")
            continue
        age_min = clock.now().seconds_since(told.observed_at) / 60.0
        state = "plugged in" if told.plugged_in else "unplugged"
        yield good(what, f"its feed says that it is {state}, {age_min:.0f} min ago")


def _feed(
    source: FeedSource, clock: Clock, sink: VehicleFeedSink, demand: FeedDemand
) -> VehicleFeed:
    return VehicleFeed(
        source=source,
        clock=clock,
        sink=sink,
        is_asked=lambda: demand.asks_for(source.vehicle_id),
    )
