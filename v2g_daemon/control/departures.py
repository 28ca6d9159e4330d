"""What the owner said of departures, as a sentence, and which cars are out by it; pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from v2g_daemon.domain.decision import EvseDecision
from v2g_daemon.domain.goals import ToldDeparture
from v2g_daemon.domain.prospect import CarSentence
from v2g_daemon.domain.snapshot import Snapshot


def is_said_to_be_away(vehicle_id: str | None, snapshot: Snapshot) -> bool:
    """Whether the owner says that this car is out now."""
    return any(
        one.vehicle_id == vehicle_id and one.goal.is_away(snapshot.now.utc) for one in snapshot.told
    )


def told_sentences(
    snapshot: Snapshot, decisions: Sequence[EvseDecision], zone: ZoneInfo
) -> tuple[CarSentence, ...]:
    """A sentence for each departure that was told and is not over."""
    here = cars_here(snapshot, decisions)
    return tuple(
        CarSentence(
            vehicle_id=one.vehicle_id,
            said=said(one, plugged_in=one.vehicle_id in here, now_utc=snapshot.now.utc, zone=zone),
        )
        for one in snapshot.told
    )


def cars_here(snapshot: Snapshot, decisions: Sequence[EvseDecision]) -> frozenset[str | None]:
    """The cars that are plugged in."""
    return frozenset(
        decided.vehicle_id
        for status, decided in zip(snapshot.evses, decisions, strict=True)
        if status.plugged_in
    )


def said(told: ToldDeparture, *, plugged_in: bool, now_utc: datetime, zone: ZoneInfo) -> str:
    """One sentence; a car that is plugged in contradicts an absence, and then is believed."""
    goal = told.goal
    back = None if goal.returns_at_utc is None else _wall(goal.returns_at_utc, zone)
    if goal.is_away(now_utc):
        if plugged_in:
            return f"was to be away until {back}, but is plugged in: what is measured counts"
        return f"away until {back}"
    sentence = f"leaves {_wall(goal.ready_by_utc, zone)}"
    if goal.soc is not None:
        sentence += f" with {goal.soc * 100.0:.0f} %"
    if back is not None:
        sentence += f", back {back}"
    if goal.trip_wh > 0.0:
        sentence += f", the trip takes {goal.trip_wh / 1000.0:.1f} kWh"
    return sentence


def _wall(moment_utc: datetime, zone: ZoneInfo) -> str:
    """Weekday, day and wall time of the house: an absence may last for weeks."""
    return f"{moment_utc.astimezone(zone):%a %d %b %H:%M}"
