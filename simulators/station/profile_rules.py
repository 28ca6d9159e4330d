"""Why a station refuses a charging profile: one small rule after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from simulators.station.period_rules import Capabilities, Period, Refused, period_refusal
from simulators.station.profiles import (
    EXTERNAL,
    InstalledProfile,
    ProfileStore,
    instant_s,
)
from simulators.station.wire import JsonDict

EVSE_ID = 1
PURPOSES = frozenset({"ChargingStationMaxProfile", "TxDefaultProfile", "TxProfile"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A profile somebody wants installed, and what it is judged by."""

    evse_id: int
    raw: JsonDict
    transaction_id: str | None
    capabilities: Capabilities
    store: ProfileStore
    needs_told: bool = False  # by an EV of ISO 15118
    needs_due: bool = False  # such an EV has yet to tell them

    @property
    def purpose(self) -> str:
        """Charging profile purpose."""
        return str(self.raw["chargingProfilePurpose"])

    @property
    def kind(self) -> str:
        """Charging profile kind."""
        return str(self.raw["chargingProfileKind"])

    def period(self, schedule: JsonDict, raw: JsonDict) -> Period:
        """Return a period of one of its schedules in its place."""
        return Period(
            raw=raw,
            rate_unit=schedule["chargingRateUnit"],
            purpose=self.purpose,
            kind=self.kind,
            capabilities=self.capabilities,
        )


Rule = Callable[[Proposal], Refused | None]
ScheduleRule = Callable[[Proposal, JsonDict], Refused | None]


def refusal(proposal: Proposal) -> Refused | None:
    """Return the first reason to refuse a profile, None if there is none."""
    for rule in _RULES:
        refused = rule(proposal)
        if refused is not None:
            return refused
    return None


def _evse_exists(proposal: Proposal) -> Refused | None:
    if proposal.evse_id not in {0, EVSE_ID}:  # K01.FR.28
        return Refused(reason_code="UnknownEvse", detail=f"there is only EVSE {EVSE_ID}")
    return None


def _purpose_is_offered(proposal: Proposal) -> Refused | None:
    if proposal.purpose == EXTERNAL:  # K01.FR.22
        return Refused(reason_code="InvalidProfile", detail="external constraints are not CSMS's")
    if proposal.purpose not in PURPOSES | proposal.capabilities.additional_purposes:  # K01.FR.120
        return Refused(reason_code="UnsupportedPurpose", detail=proposal.purpose)
    if proposal.purpose == "ChargingStationMaxProfile" and proposal.evse_id != 0:
        return Refused(reason_code="InvalidProfile", detail="a station maximum belongs to EVSE 0")
    return None


def _id_is_free(proposal: Proposal) -> Refused | None:
    """K01.FR.05 and .81."""
    highest = proposal.capabilities.highest_external_id
    if highest is not None and proposal.raw["id"] <= highest:
        return Refused(reason_code="InvalidProfileId", detail=f"not above {highest}")
    known = proposal.store.installed.get(proposal.raw["id"])
    if known is not None and known.purpose == EXTERNAL:
        detail = "an external constraint has this id and cannot be replaced"
        return Refused(reason_code="InvalidProfileId", detail=detail)
    return None


def _transaction_fits(proposal: Proposal) -> Refused | None:
    named = proposal.raw.get("transactionId")
    if proposal.purpose != "TxProfile":
        if named is None:
            return None
        return Refused(reason_code="InvalidProfile", detail="transactionId is for TxProfile only")
    if proposal.evse_id == 0:  # K01.FR.16
        return Refused(reason_code="InvalidProfile", detail="a TxProfile needs an EVSE")
    if named is None:  # K01.FR.03
        return Refused(reason_code="MissingParam", detail="a TxProfile needs a transactionId")
    if named != proposal.transaction_id:  # K01.FR.09 and .33
        return Refused(reason_code="TxNotFound", detail="no such transaction is running")
    if proposal.needs_due:  # K18.FR.17
        detail = "the EV has not told its needs yet"
        return Refused(reason_code="InvalidMessageSeq", detail=detail)
    return None


def _kind_fits(proposal: Proposal) -> Refused | None:
    raw, kind = proposal.raw, proposal.kind
    if kind == "Dynamic":
        return _dynamic_fits(proposal)
    if "dynUpdateInterval" in raw or "dynUpdateTime" in raw:  # K01.FR.122
        return Refused(reason_code="InvalidProfile", detail="dynUpdate fields are for Dynamic")
    if kind == "Relative" and proposal.purpose == "ChargingStationMaxProfile":  # K01.FR.38
        return Refused(reason_code="InvalidProfile", detail="a station maximum is never Relative")
    if (kind == "Recurring") != ("recurrencyKind" in raw):
        return Refused(reason_code="InvalidProfile", detail="recurrencyKind goes with Recurring")
    timed = kind in {"Absolute", "Recurring"}
    if any(timed != ("startSchedule" in schedule) for schedule in raw["chargingSchedule"]):
        return Refused(  # K01.FR.40 and .41
            reason_code="InvalidSchedule",
            detail="startSchedule belongs to Absolute and Recurring, and to no other kind",
        )
    return None


def _dynamic_fits(proposal: Proposal) -> Refused | None:
    if not proposal.capabilities.dynamic_profiles:  # K01.FR.121
        return Refused(reason_code="UnsupportedKind", detail="no dynamic profiles here")
    schedules = proposal.raw["chargingSchedule"]
    periods = schedules[0]["chargingSchedulePeriod"]
    # K28.FR.01-03
    if len(schedules) != 1 or len(periods) != 1 or "startSchedule" in schedules[0]:
        return Refused(
            reason_code="InvalidSchedule",
            detail="Dynamic has one schedule with one period and no startSchedule",
        )
    return None


def _sizes_fit(proposal: Proposal) -> Refused | None:
    if proposal.raw["stackLevel"] > proposal.capabilities.max_stack_level:
        return Refused(reason_code="InvalidStackLevel", detail="above ProfileStackLevel")
    known = proposal.raw["id"] in proposal.store.installed
    if not known and len(proposal.store.installed) >= proposal.capabilities.max_profiles:
        return Refused(reason_code="TooManyElements", detail="no room for another profile")
    schedules = proposal.raw["chargingSchedule"]
    if len(schedules) > 1 and (proposal.purpose != "TxProfile" or not proposal.needs_told):
        # K01.FR.34: alternatives are for an EV that chooses.
        return Refused(reason_code="InvalidProfile", detail="only one schedule here")
    if "maxOfflineDuration" in proposal.raw and not proposal.capabilities.offline_limits:
        return Refused(reason_code="UnsupportedParam", detail="maxOfflineDuration")
    return None


def _times_are_readable(proposal: Proposal) -> Refused | None:
    stamps = [proposal.raw.get("validFrom"), proposal.raw.get("validTo")]
    stamps += [schedule.get("startSchedule") for schedule in proposal.raw["chargingSchedule"]]
    try:
        for stamp in stamps:
            if stamp is not None:
                instant_s(stamp)
    except ValueError as error:
        return Refused(reason_code="InvalidValue", detail=str(error)[:200])
    return None


def _schedules_fit(proposal: Proposal) -> Refused | None:
    for schedule in proposal.raw["chargingSchedule"]:
        for rule in _SCHEDULE_RULES:
            refused = rule(proposal, schedule)
            if refused is not None:
                return refused
    return None


def _unit_is_offered(proposal: Proposal, schedule: JsonDict) -> Refused | None:
    unit = schedule["chargingRateUnit"]
    if unit not in proposal.capabilities.rate_units:  # K01.FR.26
        return Refused(reason_code="UnsupportedRateUnit", detail=unit)
    return None


def _options_are_offered(proposal: Proposal, schedule: JsonDict) -> Refused | None:
    """K01.FR.70, .95 and .123 to .125: this station supports none of them."""
    if proposal.purpose == "PriorityCharging" and "duration" in schedule:
        return Refused(reason_code="InvalidSchedule", detail="PriorityCharging has no duration")
    asked = {
        "useLocalTime": bool(schedule.get("useLocalTime", False)),
        "randomizedDelay": int(schedule.get("randomizedDelay", 0)) > 0,
        "limitAtSoC": "limitAtSoC" in schedule,
    }
    unsupported = [name for name, is_asked in asked.items() if is_asked]
    if unsupported:
        return Refused(reason_code="InvalidSchedule", detail=f"no {unsupported[0]} here")
    return None


def _periods_fit(proposal: Proposal, schedule: JsonDict) -> Refused | None:
    periods = schedule["chargingSchedulePeriod"]
    if len(periods) > proposal.capabilities.max_periods:
        return Refused(reason_code="TooManyElements", detail="above PeriodsPerSchedule")
    starts = [period["startPeriod"] for period in periods]
    if starts[:1] != [0] or starts != sorted(set(starts)):  # K01.FR.31 and .35
        return Refused(reason_code="InvalidSchedule", detail="startPeriod must rise from 0")
    refusals = (period_refusal(proposal.period(schedule, period)) for period in periods)
    return next((refused for refused in refusals if refused is not None), None)


def _stack_level_is_free(proposal: Proposal) -> Refused | None:
    offered = InstalledProfile(evse_id=proposal.evse_id, raw=proposal.raw, updated_s=0.0)
    for other in proposal.store.installed.values():
        same_place = (other.purpose, other.stack_level) == (offered.purpose, offered.stack_level)
        if other.id == offered.id or not same_place or not _overlap(other, offered):
            continue
        if offered.purpose == "TxProfile":  # K01.FR.39
            return Refused(reason_code="InvalidStackLevel", detail=f"taken by id {other.id}")
        # K01.FR.06, and FR.52/53 for EVSE 0 beside EVSE 1.
        return Refused(reason_code="DuplicateProfile", detail=f"id {other.id} is there")
    return None


def _overlap(one: InstalledProfile, other: InstalledProfile) -> bool:
    one_from_s, one_to_s = one.valid_window_s()
    other_from_s, other_to_s = other.valid_window_s()
    return one_from_s < other_to_s and other_from_s < one_to_s


_SCHEDULE_RULES: tuple[ScheduleRule, ...] = (
    _unit_is_offered,
    _options_are_offered,
    _periods_fit,
)
_RULES: tuple[Rule, ...] = (
    _evse_exists,
    _purpose_is_offered,
    _id_is_free,
    _times_are_readable,
    _transaction_fits,
    _kind_fits,
    _sizes_fit,
    _schedules_fit,
    _stack_level_is_free,
)
