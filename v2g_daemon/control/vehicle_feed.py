"""A car's own cloud as a witness of which car is plugged in here, and what it cannot tell.

A cloud says that its car is plugged in, not where. It is a witness of this plug-in only where it
changed from no to yes when the plug-in began, and after the car before had left.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from v2g_daemon.domain.instant import Instant, fresh
from v2g_daemon.domain.quick import quick
from v2g_daemon.domain.readings import EvseStatus
from v2g_daemon.domain.vehicle import CarAnswer, Vehicle, VehicleFeedStatus

# A cloud's stamps and a station's come from two clocks.
CLOCKS_APART = timedelta(minutes=2)
# A cloud tells of a plug-in late, and is asked only now and then.
TOLD_WITHIN = timedelta(minutes=30)
# What a cloud says so soon may be of before.
SETTLED_AFTER = timedelta(minutes=5)
DENIAL_MAX_AGE_S = 3600.0


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Witnesses:
    """Who may say which car it is, beside car and badge: the owner, and the cars' own clouds.

    `left_at`: until when another plug-in stood here, as far as this process saw one. `elsewhere`:
    the other EVSEs of the house at which a car stands.
    """

    now: Instant
    answer: CarAnswer | None = None
    feeds: tuple[VehicleFeedStatus, ...] = ()
    left_at: Instant | None = None
    elsewhere: tuple[EvseStatus, ...] = ()

    def feed_of(self, vehicle: Vehicle) -> VehicleFeedStatus | None:
        """What the car's own cloud told, if it has one."""
        return next((one for one in self.feeds if one.vehicle_id == vehicle.vehicle_id), None)

    def vouches(self, vehicle: Vehicle, status: EvseStatus) -> bool:
        """Whether the cloud saw this plug-in begin, and no other beside it."""
        feed = self.feed_of(vehicle)
        if feed is None or not _saw(feed, status):
            return False
        after_the_last = (
            self.left_at is None
            or feed.since is None
            or feed.since.seconds_since(self.left_at) > 0.0
        )
        return after_the_last and not any(_saw(feed, other) for other in self.elsewhere)

    def denies(self, vehicle: Vehicle, status: EvseStatus) -> bool:
        """Whether the cloud said no five minutes into this plug-in or later, not long ago.

        A plug-in whose beginning nobody knows began before this process, so before what it heard.
        """
        feed = self.feed_of(vehicle)
        if feed is None or feed.plugged_in is not False or feed.observed_at is None:
            return False
        if not fresh(feed.observed_at, now=self.now, max_age_s=DENIAL_MAX_AGE_S):
            return False
        began_utc = status.plugged_in_at_utc
        return began_utc is None or feed.observed_at.utc >= began_utc + SETTLED_AFTER


def _saw(feed: VehicleFeedStatus, status: EvseStatus) -> bool:
    """Whether it changed from no to yes as a plug-in began, and says so five minutes into it."""
    began_utc = status.plugged_in_at_utc
    if feed.plugged_in is not True or began_utc is None:
        return False
    if feed.since is None or feed.opposite_at is None or feed.asked_at is None:
        return False
    return (
        began_utc - CLOCKS_APART <= feed.since.utc <= began_utc + TOLD_WITHIN
        and feed.opposite_at.utc >= began_utc - TOLD_WITHIN
        and feed.asked_at.utc >= began_utc + SETTLED_AFTER
    )


def doubt(
    status: EvseStatus, named: Vehicle | None, possible: tuple[Vehicle, ...], witnesses: Witnesses
) -> str | None:
    """What people must know of the feeds: they speak against the name, or leave it open."""
    vouching = [one.vehicle_id for one in possible if witnesses.vouches(one, status)]
    if named is None:
        return _undecided(vouching, possible, witnesses, status)
    others = [one for one in vouching if one != named.vehicle_id]
    if others:
        return f"the car is named {named.vehicle_id}, and the feed of {others[0]} saw it plugged in"
    if witnesses.denies(named, status):
        return f"the car is named {named.vehicle_id}, and its own feed says that it is unplugged"
    return None


def _undecided(
    vouching: list[str],
    possible: tuple[Vehicle, ...],
    witnesses: Witnesses,
    status: EvseStatus,
) -> str | None:
    """Why the feeds name no car."""
    if len(vouching) > 1:
        return f"the feeds of {' and '.join(vouching)} both saw their car plugged in"
    for vehicle in possible:
        feed = witnesses.feed_of(vehicle)
        if feed is None or witnesses.denies(vehicle, status):
            continue
        if feed.trouble is not None:
            return f"the feed of {vehicle.vehicle_id}: {feed.trouble}"
        if _silent(feed, status, witnesses.now):
            return f"the feed of {vehicle.vehicle_id} has told nothing new since the plug-in"
    return None


def _silent(feed: VehicleFeedStatus, status: EvseStatus, now: Instant) -> bool:
    """Whether all that it tells is of before the plug-in, though it had the time."""
    began_utc, observed_at = status.plugged_in_at_utc, feed.observed_at
    if began_utc is None or observed_at is None:
        return False
    late = now.utc - began_utc > TOLD_WITHIN
    return late and observed_at.utc < began_utc - CLOCKS_APART
