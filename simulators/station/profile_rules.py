"""Why a station refuses a charging profile: one small rule after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from simulators.station.profiles import (
    SETPOINT_MODES,
    InstalledProfile,
    ProfileStore,
    instant_s,
)
from simulators.station.wire import JsonDict

EVSE_ID = 1
PURPOSES = frozenset(
    {
        "ChargingStationExternalConstraints",
        "ChargingStationMaxProfile",
        "TxDefaultProfile",
        "TxProfile",
    }
)
RATE_FIELDS = ("limit", "dischargeLimit", "setpoint", "setpointReactive")
PHASE_FIELDS = tuple(f"{name}_{phase}" for name in RATE_FIELDS for phase in ("L2", "L3"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What this station says it can do with profiles."""

    operation_modes: frozenset[str]
    dynamic_profiles: bool
    max_stack_level: int = 10
    max_periods: int = 96
    max_profiles: int = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A statusInfo: reasonCode and words."""

    reason_code: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A profile somebody wants installed, and what it is judged by."""

    evse_id: int
    raw: JsonDict
    transaction_id: str | None
    capabilities: Capabilities
    store: ProfileStore

    @property
    def purpose(self) -> str:
        """Charging profile purpose."""
        return str(self.raw["chargingProfilePurpose"])

    @property
    def kind(self) -> str:
        """Charging profile kind."""
        return str(self.raw["chargingProfileKind"])


Rule = Callable[[Proposal], Refused | None]


def refusal(proposal: Proposal) -> Refused | None:
    """Return the first reason to refuse a profile, None if there is none."""
    for rule in _RULES:
        refused = rule(proposal)
        if refused is not None:
            return refused
    return None


def period_refusal(
    schedule: JsonDict, period: JsonDict, capabilities: Capabilities
) -> Refused | None:
    """Judge one schedule period: mode, the fields the mode needs, and their order."""
    mode = period.get("operationMode", "ChargingOnly")
    if mode not in capabilities.operation_modes:
        return Refused(reason_code="UnsupportedParam", detail=f"operationMode {mode}")
    if any(name in period for name in PHASE_FIELDS):
        return Refused(reason_code="PhaseConflict", detail="the EV gave no per-phase powers")
    needed, allowed = _FIELDS_OF_MODE[mode]
    given = {name for name in RATE_FIELDS if name in period}
    if not needed <= given or not given <= allowed:
        return Refused(
            reason_code="InvalidSchedule",
            detail=f"{mode} needs {sorted(needed)} and allows {sorted(allowed)}",
        )
    if mode in SETPOINT_MODES:
        setpoint = period["setpoint"]
        highest, lowest = period.get("limit", setpoint), period.get("dischargeLimit", setpoint)
        if not lowest <= setpoint <= highest:
            return Refused(
                reason_code="InvalidSchedule", detail="setpoint outside [dischargeLimit, limit]"
            )
    return None


_FIELDS_OF_MODE: dict[str, tuple[set[str], set[str]]] = {
    "ChargingOnly": ({"limit"}, {"limit"}),
    "CentralSetpoint": ({"setpoint"}, set(RATE_FIELDS)),
    "CentralFrequency": ({"setpoint"}, {"setpoint"}),
    "Idle": (set(), set()),
}


def _evse_exists(proposal: Proposal) -> Refused | None:
    if proposal.evse_id not in {0, EVSE_ID}:
        return Refused(reason_code="UnknownEvse", detail=f"there is only EVSE {EVSE_ID}")
    return None


def _purpose_is_offered(proposal: Proposal) -> Refused | None:
    if proposal.purpose not in PURPOSES:
        return Refused(reason_code="UnsupportedPurpose", detail=proposal.purpose)
    if proposal.purpose == "ChargingStationExternalConstraints":
        # K01.FR.22: a CSMS shall not set this purpose.
        return Refused(reason_code="InvalidProfile", detail="external constraints are not CSMS's")
    if proposal.purpose == "ChargingStationMaxProfile" and proposal.evse_id != 0:
        return Refused(reason_code="InvalidProfile", detail="a station maximum belongs to EVSE 0")
    return None


def _transaction_fits(proposal: Proposal) -> Refused | None:
    named = proposal.raw.get("transactionId")
    if proposal.purpose != "TxProfile":
        if named is None:
            return None
        return Refused(reason_code="InvalidProfile", detail="transactionId is for TxProfile only")
    if proposal.evse_id == 0:
        return Refused(reason_code="InvalidProfile", detail="a TxProfile needs an EVSE")
    if named is None:
        return Refused(reason_code="MissingParam", detail="a TxProfile needs a transactionId")
    if named != proposal.transaction_id:
        return Refused(reason_code="TxNotFound", detail="no such transaction is running")
    return None


def _kind_fits(proposal: Proposal) -> Refused | None:
    raw, kind = proposal.raw, proposal.kind
    if kind == "Dynamic":
        return _dynamic_fits(proposal)
    if "dynUpdateInterval" in raw or "dynUpdateTime" in raw:  # K01.FR.122
        return Refused(reason_code="InvalidProfile", detail="dynUpdate fields are for Dynamic")
    if kind == "Relative" and proposal.purpose == "ChargingStationMaxProfile":
        return Refused(reason_code="InvalidProfile", detail="a station maximum is never Relative")
    if (kind == "Recurring") != ("recurrencyKind" in raw):
        return Refused(reason_code="InvalidProfile", detail="recurrencyKind goes with Recurring")
    timed = kind in {"Absolute", "Recurring"}
    if any(timed != ("startSchedule" in schedule) for schedule in raw["chargingSchedule"]):
        return Refused(
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
        return Refused(reason_code="InvalidProfile", detail="no room for another profile")
    for schedule in proposal.raw["chargingSchedule"]:
        if len(schedule["chargingSchedulePeriod"]) > proposal.capabilities.max_periods:
            return Refused(reason_code="InvalidSchedule", detail="above PeriodsPerSchedule")
        if "limitAtSoC" in schedule:
            return Refused(reason_code="UnsupportedParam", detail="limitAtSoC")
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


def _periods_fit(proposal: Proposal) -> Refused | None:
    for schedule in proposal.raw["chargingSchedule"]:
        starts = [period["startPeriod"] for period in schedule["chargingSchedulePeriod"]]
        if starts[0] != 0 or starts != sorted(set(starts)):
            return Refused(reason_code="InvalidSchedule", detail="startPeriod must rise from 0")
        for period in schedule["chargingSchedulePeriod"]:
            refused = period_refusal(schedule, period, proposal.capabilities)
            if refused is not None:
                return refused
            mode = period.get("operationMode", "ChargingOnly")
            if mode == "CentralFrequency" and proposal.kind != "Dynamic":
                return Refused(reason_code="InvalidProfile", detail="CentralFrequency is Dynamic")
            if mode != "ChargingOnly" and proposal.purpose == "ChargingStationMaxProfile":
                return Refused(reason_code="InvalidProfile", detail="only ChargingOnly here")
    return None


def _stack_level_is_free(proposal: Proposal) -> Refused | None:
    offered = InstalledProfile(evse_id=proposal.evse_id, raw=proposal.raw, updated_s=0.0)
    for other in proposal.store.installed.values():
        same_place = (other.purpose, other.stack_level) == (offered.purpose, offered.stack_level)
        if other.id == offered.id or not same_place or not _overlap(other, offered):
            continue
        if offered.purpose == "TxProfile":
            return Refused(reason_code="InvalidStackLevel", detail=f"taken by id {other.id}")
        # K01.FR.06, and FR.52/53 for EVSE 0 beside EVSE 1.
        return Refused(reason_code="DuplicateProfile", detail=f"id {other.id} is there")
    return None


def _overlap(one: InstalledProfile, other: InstalledProfile) -> bool:
    one_from_s, one_to_s = one.valid_window_s()
    other_from_s, other_to_s = other.valid_window_s()
    return one_from_s < other_to_s and other_from_s < one_to_s


_RULES: tuple[Rule, ...] = (
    _evse_exists,
    _purpose_is_offered,
    _times_are_readable,
    _transaction_fits,
    _kind_fits,
    _sizes_fit,
    _periods_fit,
    _stack_level_is_free,
)
