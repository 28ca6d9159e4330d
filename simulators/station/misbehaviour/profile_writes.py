"""Profiles that are refused without a rule, or accepted without effect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from simulators.faults import Fault
from simulators.station.period_rules import RATE_FIELDS, Refused
from simulators.station.station import Station
from simulators.station.wire import JsonDict


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """A SetChargingProfile, or an UpdateDynamicSchedule (its purpose is "")."""

    action: str
    purpose: str
    periods: list[JsonDict]

    @property
    def has_negative_limit(self) -> bool:
        """Say whether a limit lies below 0."""
        return any(period.get("limit", 0.0) < 0.0 for period in self.periods)

    @property
    def has_zero(self) -> bool:
        """Say whether a rate is 0."""
        return any(period.get(name) == 0.0 for period in self.periods for name in RATE_FIELDS)


def refused(station: Station, write: Write) -> Refused | None:
    """Return the refusal of the first fault that has one."""
    for fault in station.faults_now():
        verdict = _VERDICTS.get(fault.kind)
        found = None if verdict is None else verdict(station, fault, write)
        if found is not None:
            return found
    return None


def ignored(station: Station, write: Write) -> bool:
    """Say whether an accepted write is forgotten at once."""
    return station.shows("accepts_and_ignores") or (
        station.shows("negative_limit_ignored") and write.has_negative_limit
    )


def suffer(station: Station, write: Write) -> None:
    """Bear what an accepted write does besides."""
    station.remembered.written_s[write.purpose] = station.world.now_s
    if station.shows("zero_latches") and write.has_zero:
        station.remembered.latched_plug_count = station.outlet.plug_count


def _rejected(_station: Station, fault: Fault, write: Write) -> Refused | None:
    if fault.parameters.action not in {None, write.action}:
        return None
    return Refused(reason_code=fault.parameters.reason_code, detail="simulated rejects_profiles")


def _rate_limited(station: Station, fault: Fault, write: Write) -> Refused | None:
    written_s = station.remembered.written_s.get(write.purpose)
    if written_s is None or station.world.now_s - written_s >= fault.parameters.value:
        return None
    return Refused(reason_code="RateLimitExceeded", detail="simulated rate_limited")


def _zero_refused(_station: Station, _fault: Fault, write: Write) -> Refused | None:
    if not write.has_zero:
        return None
    return Refused(reason_code="ValueZeroNotAllowed", detail="simulated zero_refused")


_VERDICTS: dict[str, Callable[[Station, Fault, Write], Refused | None]] = {
    "rejects_profiles": _rejected,
    "rate_limited": _rate_limited,
    "zero_refused": _zero_refused,
}
