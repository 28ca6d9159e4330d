"""Charging profiles as a station keeps them: which one governs, and what it asks for."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from simulators.clock import iso_from_s
from simulators.station.targets import ORDINARY, Asked, Hardware, Surroundings, target_w
from simulators.station.wire import JsonDict

RECURRENCE_S = {"Daily": 86_400.0, "Weekly": 604_800.0}
EXTERNAL = "ChargingStationExternalConstraints"
CAPS = ("ChargingStationMaxProfile", EXTERNAL)
# K01.FR.27: these outlive a power cycle.
PERSISTENT = frozenset({"ChargingStationMaxProfile", "TxDefaultProfile", "PriorityCharging"})


def instant_s(stamp: str) -> float:
    """Return seconds since the epoch of an RFC 3339 stamp; ValueError when it is none."""
    moment = datetime.fromisoformat(stamp)
    if moment.tzinfo is None:
        raise ValueError(f"{stamp!r} has no offset")
    return moment.timestamp()


@dataclass(slots=True, kw_only=True)
class InstalledProfile:
    """A profile as received, and when; raw is the OCPP JSON."""

    evse_id: int
    raw: JsonDict
    updated_s: float
    source: str = "CSO"  # chargingLimitSource
    dead: bool = False

    @property
    def id(self) -> int:
        """Charging profile id."""
        return int(self.raw["id"])

    @property
    def purpose(self) -> str:
        """Charging profile purpose."""
        return str(self.raw["chargingProfilePurpose"])

    @property
    def kind(self) -> str:
        """Charging profile kind."""
        return str(self.raw["chargingProfileKind"])

    @property
    def stack_level(self) -> int:
        """Stack level; the highest valid one wins within a purpose."""
        return int(self.raw["stackLevel"])

    @property
    def schedule(self) -> JsonDict:
        """The schedule in use: the first."""
        schedule: JsonDict = self.raw["chargingSchedule"][0]
        return schedule

    @property
    def looks_around(self) -> bool:
        """Say whether its target depends on what the station measures."""
        periods = self.schedule["chargingSchedulePeriod"]
        return any(str(one.get("operationMode", "")).startswith("Local") for one in periods)

    def update(self, rates: JsonDict, at_s: float) -> None:
        """Change the only period of a Dynamic profile and start its duration anew (K28.FR.09)."""
        self.schedule["chargingSchedulePeriod"][0].update(rates)
        self.raw["dynUpdateTime"] = iso_from_s(at_s)
        self.updated_s = at_s

    def valid_window_s(self) -> tuple[float, float]:
        """Return validFrom and validTo, infinite where absent."""
        valid_from, valid_to = self.raw.get("validFrom"), self.raw.get("validTo")
        return (
            -math.inf if valid_from is None else instant_s(valid_from),
            math.inf if valid_to is None else instant_s(valid_to),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What the validity of a profile, and its target, depend on."""

    at_s: float
    transaction_id: str | None = None
    transaction_start_s: float | None = None
    offline_since_s: float | None = None
    priority: bool = False
    durations_end: bool = True
    around: Surroundings = ORDINARY


@dataclass(frozen=True, slots=True, kw_only=True)
class Governing:
    """What the profiles ask for; profile None = nothing valid, so full power."""

    target_w: float
    operation_mode: str
    profile: InstalledProfile | None


@dataclass(slots=True, kw_only=True)
class ProfileStore:
    """All profiles of one station with one EVSE."""

    hardware: Hardware
    installed: dict[int, InstalledProfile] = field(default_factory=dict)

    def put(self, profile: InstalledProfile) -> None:
        """Keep a profile; the same id replaces."""
        self.installed[profile.id] = profile

    def remove_transaction_profiles(self) -> None:
        """Forget TxProfiles: the transaction ended."""
        self._keep(lambda profile: profile.purpose != "TxProfile")

    def power_cycle(self, *, keep_persistent: bool) -> None:
        """Forget what does not outlive a power cycle, or everything."""
        self._keep(lambda profile: keep_persistent and profile.purpose in PERSISTENT)

    def looks_around(self) -> bool:
        """Say whether some target depends on what the station measures."""
        return any(profile.looks_around for profile in self.installed.values())

    def governing(self, situation: Situation) -> Governing:
        """Return what the EV is asked to do now (SC.01)."""
        chosen = (
            (self._highest("PriorityCharging", situation) if situation.priority else None)
            or self._highest("TxProfile", situation)
            or self._highest("TxDefaultProfile", situation)
        )
        governing = self._asked_by(chosen, situation)
        lowest_w, highest_w = self._bounds_w(situation)
        capped_w = max(lowest_w, min(highest_w, governing.target_w))
        return replace(governing, target_w=capped_w)

    def _bounds_w(self, situation: Situation) -> tuple[float, float]:
        """Return what the station's maximum and foreign constraints leave."""
        lowest_w, highest_w = -math.inf, math.inf
        for purpose in CAPS:
            cap = self._highest(purpose, situation)
            if cap is None:
                continue
            asked = self._asked(cap, situation)
            highest_w = min(highest_w, target_w(asked))
            if "dischargeLimit" in asked.period:
                lowest_w = max(lowest_w, asked.rate_w("dischargeLimit"))
        return lowest_w, highest_w

    def next_change_s(self, situation: Situation) -> float | None:
        """Return the next instant at which a profile starts, ends or changes period."""
        edges = (
            edge
            for profile in self.installed.values()
            for edge in self._edges_s(profile, situation)
            if edge > situation.at_s
        )
        return min(edges, default=None)

    def bury_invalid(self, situation: Situation) -> None:
        """At the end of an offline time: kill what may never be revived (Q11)."""
        for profile in self.installed.values():
            if profile.raw.get("invalidAfterOfflineDuration") and self._offline_too_long(
                profile, situation
            ):
                profile.dead = True

    def _keep(self, wanted: Callable[[InstalledProfile], bool]) -> None:
        self.installed = {key: one for key, one in self.installed.items() if wanted(one)}

    def _highest(self, purpose: str, situation: Situation) -> InstalledProfile | None:
        valid = (
            profile
            for profile in self.installed.values()
            if profile.purpose == purpose and self._valid(profile, situation)
        )
        return max(valid, key=lambda profile: profile.stack_level, default=None)

    def _asked_by(self, profile: InstalledProfile | None, situation: Situation) -> Governing:
        if profile is None:
            # The trap of Q11: nothing to fall back to means charging without a limit.
            full_w = self.hardware.max_charge_w
            return Governing(target_w=full_w, operation_mode="ChargingOnly", profile=None)
        asked = self._asked(profile, situation)
        return Governing(
            target_w=target_w(asked),
            operation_mode=str(asked.period.get("operationMode", "ChargingOnly")),
            profile=profile,
        )

    def _asked(self, profile: InstalledProfile, situation: Situation) -> Asked:
        start_s = self._start_s(profile, situation)
        return Asked(
            schedule=profile.schedule,
            period=_period_at(profile.schedule, situation.at_s - (start_s or 0.0)),
            hardware=self.hardware,
            around=situation.around,
        )

    def _valid(self, profile: InstalledProfile, situation: Situation) -> bool:
        valid_from_s, valid_to_s = profile.valid_window_s()
        if profile.dead or not valid_from_s <= situation.at_s < valid_to_s:
            return False
        if self._offline_too_long(profile, situation):
            return False
        if profile.purpose == "TxProfile" and (
            profile.raw.get("transactionId") != situation.transaction_id
        ):
            return False
        start_s = self._start_s(profile, situation)
        if start_s is None or situation.at_s < start_s:
            return False
        duration_s = profile.schedule.get("duration")
        if duration_s is None or not situation.durations_end:
            return True
        return bool(situation.at_s < start_s + duration_s)

    def _start_s(self, profile: InstalledProfile, situation: Situation) -> float | None:
        """Return the instant the schedule counts from; None = not yet."""
        if profile.kind == "Dynamic":
            return profile.updated_s
        if profile.kind == "Relative":
            return situation.transaction_start_s
        start_s = instant_s(profile.schedule["startSchedule"])
        if profile.kind == "Recurring" and situation.at_s >= start_s:
            every_s = RECURRENCE_S[profile.raw["recurrencyKind"]]
            return situation.at_s - (situation.at_s - start_s) % every_s
        return start_s

    def _edges_s(self, profile: InstalledProfile, situation: Situation) -> Iterator[float]:
        yield from profile.valid_window_s()
        max_offline_s = profile.raw.get("maxOfflineDuration")
        if max_offline_s is not None and situation.offline_since_s is not None:
            yield situation.offline_since_s + max_offline_s
        start_s = self._start_s(profile, situation)
        if start_s is None:
            return
        yield start_s
        if "duration" in profile.schedule:
            yield start_s + profile.schedule["duration"]
        if profile.kind == "Recurring":
            yield start_s + RECURRENCE_S[profile.raw["recurrencyKind"]]
        for period in profile.schedule["chargingSchedulePeriod"]:
            yield start_s + period["startPeriod"]

    @staticmethod
    def _offline_too_long(profile: InstalledProfile, situation: Situation) -> bool:
        longest_s = profile.raw.get("maxOfflineDuration")
        if longest_s is None or situation.offline_since_s is None:
            return False
        return situation.at_s - situation.offline_since_s >= float(longest_s)


def _period_at(schedule: JsonDict, offset_s: float) -> JsonDict:
    periods: list[JsonDict] = schedule["chargingSchedulePeriod"]
    started = [period for period in periods if period["startPeriod"] <= offset_s]
    return started[-1] if started else periods[0]
