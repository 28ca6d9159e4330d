"""What a station keeps of its charging profiles, as far as layers above each other need it."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from tests.adapters.ocpp.scripted_station import SteppedClock
from v2g_daemon.adapters.ocpp.config import OcppVersion
from v2g_daemon.adapters.ocpp.wire.session import (
    CallAnswered,
    CallOutcome,
    CallRejectedByError,
    CallTimedOut,
    StationCalls,
)
from v2g_daemon.adapters.ocpp.wire.translate import parse_stamp
from v2g_daemon.adapters.ocpp.wire.turnstile import Urgency

Json = dict[str, Any]
DEFAULT_ID, OUTLOOK_ID, LEASE_ID = 1010, 1011, 1012
LOST, UNHEARD = "lost on the way", "taken, and the answer lost"


class Shelf:
    """One profile per purpose and level, replaced by its id (K01.FR.05); somebody else may have
    taken a level before us.

    `moods`: a reason to refuse the next write, LOST or UNHEARD; "" and none: by the rules alone.
    """

    def __init__(self, clock: SteppedClock, *, highest: int, moods: Iterator[str]) -> None:
        self.kept: dict[int, Json] = {}
        self._taken: set[tuple[str, int]] = set()
        self.sent: list[Json] = []
        self.sees: Callable[[Json], None] = self.sent.append
        self.moods = moods
        self._clock = clock
        self._highest = highest

    @property
    def version(self) -> OcppVersion:
        return OcppVersion.V2_1

    @asynccontextmanager
    async def turn(self, urgency: Urgency) -> AsyncIterator[StationCalls]:
        yield self

    async def call(
        self, action: str, payload: Json, *, timeout_s: float | None = None
    ) -> CallOutcome:
        if action == "UpdateDynamicSchedule":
            return self._update(payload)
        if action != "SetChargingProfile":
            return CallRejectedByError(code="NotImplemented", text="")
        profile = payload["chargingProfile"]
        self.sees(profile)
        mood = next(self.moods, "")
        if mood == LOST:
            return CallTimedOut(timeout_s=2.0)
        reason = self._objection(profile) if mood in ("", UNHEARD) else mood
        if reason is not None:
            return _rejected(reason)
        self.kept[profile["id"]] = {**copy.deepcopy(profile), "at": self._clock.now()}
        return CallTimedOut(timeout_s=2.0) if mood == UNHEARD else _ACCEPTED

    def takes(self, places: set[tuple[str, int]]) -> None:
        """Somebody else puts profiles there, instead of what lay in those places of ours."""
        self._taken = places
        self.kept = {name: one for name, one in self.kept.items() if place_of(one) not in places}

    def _objection(self, profile: Json) -> str | None:
        if not 0 <= profile["stackLevel"] <= self._highest:
            return "InvalidStackLevel"
        others = [one for one in self.kept.values() if one["id"] != profile["id"]]
        place = place_of(profile)
        taken = place in self._taken or any(place_of(one) == place for one in others)
        return "DuplicateProfile" if taken else None

    def _update(self, payload: Json) -> CallOutcome:
        lease = self.kept[payload["chargingProfileId"]]
        lease["chargingSchedule"][0]["chargingSchedulePeriod"][0] |= payload["scheduleUpdate"]
        lease["at"] = self._clock.now()
        return _ACCEPTED

    def runs(self, profile_id: int) -> bool:
        """Whether that profile of ours is kept and in its time."""
        profile = self.kept.get(profile_id)
        if profile is None:
            return False
        (schedule,) = profile["chargingSchedule"]
        start = parse_stamp(schedule.get("startSchedule", "")) or profile["at"].utc
        end = start + timedelta(seconds=schedule.get("duration", 1e9))
        return bool(start <= self._clock.now().utc < end)


def place_of(profile: Json) -> tuple[str, int]:
    """Where it lies."""
    return profile["chargingProfilePurpose"], profile["stackLevel"]


def period_of(profile: Json) -> Json:
    """The first period of its schedule."""
    period: Json = profile["chargingSchedule"][0]["chargingSchedulePeriod"][0]
    return period


def _rejected(reason: str) -> CallOutcome:
    return CallAnswered(payload={"status": "Rejected", "statusInfo": {"reasonCode": reason}})


_ACCEPTED = CallAnswered(payload={"status": "Accepted"})
