"""The owner's word on departures becomes an observation: with what the car leaves, when it is back.

Times are the house's wall time: 07:30 (the next one), 2026-12-24T18:00, or with an offset. A day
alone is none: its start and its end are equally likely meant.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from v2g_daemon.app.choice import chosen
from v2g_daemon.battery.driving import departure_goal, missing_km
from v2g_daemon.control.departures import cars_here, said
from v2g_daemon.domain.goals import ToldDeparture
from v2g_daemon.domain.interval import at_local
from v2g_daemon.domain.needs import Drive, Need, Share, need_of
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.vehicle import Vehicle
from v2g_daemon.ports import DepartureSink
from v2g_daemon.step.house import Outcome

LONGEST_AHEAD = timedelta(days=366)
MOST_TOLD = 20
_DAY = timedelta(days=1)
_HOUR_OF_ONE_DIGIT = re.compile(r"(?<!\d)(?=\d:)")


class DepartureDesk:
    """The desk of one running daemon where departures are told; `see` keeps it up to date."""

    def __init__(self, *, policy: Policy, sink: DepartureSink) -> None:
        self._policy = policy
        self._sink = sink
        self._zone = ZoneInfo(policy.timezone)
        self._outcome: Outcome | None = None

    def see(self, outcome: Outcome) -> None:
        """The newest tick."""
        self._outcome = outcome

    def tell(
        self,
        *,
        vehicle_id: str | None,
        leaves_at: str | None,
        returns_at: str | None,
        need: str | None,
        trip: str | None,
    ) -> dict[str, Any]:
        """A departure, or (without `leaves_at`) that the car is away already.

        Raises ValueError with a text for the user.
        """
        outcome = self._seen()
        now_utc = outcome.snapshot.now.utc
        vehicle = self._policy.vehicle(self._chosen(vehicle_id))
        wanted = None if need is None else need_of(need)
        goal = departure_goal(
            wanted,
            None if trip is None else _drive(trip),
            vehicle,
            leaves_utc=self._leaves_utc(leaves_at, returns_at, now_utc),
            returns_at_utc=self._moment(returns_at, now_utc),
        )
        if goal.returns_at_utc is not None and goal.returns_at_utc <= goal.ready_by_utc:
            raise ValueError("it would be back before it leaves; correct one of the two times")
        if sum(one.vehicle_id == vehicle.vehicle_id for one in outcome.snapshot.told) >= MOST_TOLD:
            raise ValueError(f"{MOST_TOLD} departures of this car are told; take them back first")
        told = ToldDeparture(vehicle_id=vehicle.vehicle_id, told_at_utc=now_utc, goal=goal)
        self._sink.put_told_departure(told)
        detail = self._said(told, outcome) + _beyond(wanted, vehicle)
        return {"vehicle_id": vehicle.vehicle_id, "detail": detail}

    def take_back(self, *, vehicle_id: str | None) -> dict[str, Any]:
        """Nothing that was told of a car holds any more; ValueError where there is no such car."""
        chosen = self._chosen(vehicle_id)
        count = sum(one.vehicle_id == chosen for one in self._seen().snapshot.told)
        self._sink.take_back_departures(chosen)
        detail = "nothing was told" if count == 0 else "taken back: schedule and habits count again"
        return {"vehicle_id": chosen, "detail": detail}

    def _said(self, told: ToldDeparture, outcome: Outcome) -> str:
        snapshot = outcome.snapshot
        plugged_in = told.vehicle_id in cars_here(snapshot, outcome.decision.evses)
        return said(told, plugged_in=plugged_in, now_utc=snapshot.now.utc, zone=self._zone)

    def _seen(self) -> Outcome:
        if self._outcome is None:
            raise ValueError("the daemon has not decided anything yet")
        return self._outcome

    def _chosen(self, vehicle_id: str | None) -> str:
        known = [vehicle.vehicle_id for vehicle in self._policy.vehicles]
        return chosen(vehicle_id, known, of="cars")

    def _leaves_utc(
        self, leaves_at: str | None, returns_at: str | None, now_utc: datetime
    ) -> datetime:
        leaves_utc = self._moment(leaves_at, now_utc)
        if leaves_utc is not None:
            return leaves_utc
        if returns_at is None:
            raise ValueError("say when it leaves, or until when it is away")
        return now_utc

    def _moment(self, text: str | None, now_utc: datetime) -> datetime | None:
        """A moment ahead; None where nothing is said."""
        if text is None:
            return None
        moment_utc = _read(text.strip(), now_utc, self._zone)
        if moment_utc <= now_utc:
            raise ValueError(f"{text!r} has passed; it is {now_utc.astimezone(self._zone):%F %R}")
        if moment_utc > now_utc + LONGEST_AHEAD:
            raise ValueError(f"{text!r} is more than {LONGEST_AHEAD.days} days ahead")
        return moment_utc


def _read(text: str, now_utc: datetime, zone: ZoneInfo) -> datetime:
    """The next such wall time, or the moment; a skipped hour is read as the one after it."""
    _refuse_a_day(text)
    padded = _HOUR_OF_ONE_DIGIT.sub("0", text)
    try:
        if "T" not in text and "-" not in text:
            wall, today = time.fromisoformat(padded), now_utc.astimezone(zone).date()
            moment_utc = at_local(today, wall, zone)
            return moment_utc if moment_utc > now_utc else at_local(today + _DAY, wall, zone)
        moment = datetime.fromisoformat(padded)
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)).astimezone(
            UTC
        )
    except (ValueError, OverflowError) as error:
        raise ValueError(f'{text!r} is no time; write "07:30" or "2026-12-24T18:00"') from error


def _refuse_a_day(text: str) -> None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return
    raise ValueError(f'{text!r} is a day without a time; write "{day}T18:00"')


def _drive(text: str) -> Drive:
    need = need_of(text)
    if isinstance(need, Share):
        raise ValueError(f"{text!r} is no trip; say it in km, miles or kWh")
    return need


def _beyond(need: Need | None, vehicle: Vehicle) -> str:
    """What a full pack lacks for a distance."""
    lacking_km = missing_km(need, vehicle)
    return "" if lacking_km <= 0.0 else f"; even full it lacks about {lacking_km:.0f} km"
