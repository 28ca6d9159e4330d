"""The station's answers about charging profiles and schedules."""

from __future__ import annotations

from collections.abc import Iterator

from simulators.clock import iso_from_s
from simulators.station.misbehaviour import profile_writes
from simulators.station.misbehaviour.profile_writes import Write
from simulators.station.period_rules import Period, period_refusal
from simulators.station.profile_rules import EVSE_ID, Proposal, refusal
from simulators.station.profiles import EXTERNAL, InstalledProfile
from simulators.station.station import Station
from simulators.station.statuses import rejected, status_answer
from simulators.station.targets import NOMINAL_VOLTAGE_V
from simulators.station.wire import JsonDict

MOST_COMPOSITE_PERIODS = 200
UNTOUCHABLE = frozenset({EXTERNAL, "LocalGeneration"})  # K10.FR.04
LIMIT_MODES = frozenset({"ChargingOnly", "ExternalLimits"})


def set_charging_profile(station: Station, request: JsonDict) -> JsonDict:
    """Install a profile, or say by which rule not."""
    profile = request["chargingProfile"]
    return install(station, request["evseId"], profile, needs_due=station.needs_due)


def install(station: Station, evse_id: int, raw: JsonDict, *, needs_due: bool) -> JsonDict:
    """Install a profile, or say by which rule not."""
    if station.model.get("SmartChargingCtrlr", "Enabled") != "true":
        return rejected("NotEnabled", "SmartChargingCtrlr.Enabled is false")
    proposal = Proposal(
        evse_id=evse_id,
        raw=raw,
        transaction_id=None if station.transaction is None else station.transaction.id,
        capabilities=station.capabilities,
        store=station.store,
        needs_told=station.needs_told,
        needs_due=needs_due,
    )
    write = Write(
        action="SetChargingProfile",
        purpose=proposal.purpose,
        periods=[
            period
            for schedule in raw["chargingSchedule"]
            for period in schedule["chargingSchedulePeriod"]
        ],
    )
    refused = profile_writes.refused(station, write) or refusal(proposal)
    if refused is not None:
        return status_answer("Rejected", refused)
    profile_writes.suffer(station, write)
    if not profile_writes.ignored(station, write):
        if proposal.kind == "Dynamic":  # K28.FR.05
            raw = {"dynUpdateTime": iso_from_s(station.world.now_s), **raw}
        updated_s = station.world.now_s
        station.store.put(InstalledProfile(evse_id=evse_id, raw=raw, updated_s=updated_s))
        station.profile_changed()
    return status_answer("Accepted")


def update_dynamic_schedule(station: Station, request: JsonDict) -> JsonDict:
    """Change the only period of a Dynamic profile and start its duration anew (K28)."""
    write = Write(action="UpdateDynamicSchedule", purpose="", periods=[request["scheduleUpdate"]])
    refused = profile_writes.refused(station, write)
    if refused is not None:
        return status_answer("Rejected", refused)
    profile = station.store.installed.get(request["chargingProfileId"])
    if profile is None:
        return rejected("InvalidProfileId", "no such profile")
    if profile.kind != "Dynamic":  # K28.FR.11
        return rejected("InvalidProfile", "this profile is not Dynamic")
    updated = {**profile.schedule["chargingSchedulePeriod"][0], **request["scheduleUpdate"]}
    refused = period_refusal(
        Period(
            raw=updated,
            rate_unit=profile.schedule["chargingRateUnit"],
            purpose=profile.purpose,
            kind=profile.kind,
            capabilities=station.capabilities,
        )
    )
    if refused is not None:
        return status_answer("Rejected", refused)
    profile_writes.suffer(station, write)
    if not profile_writes.ignored(station, write):
        profile.update(request["scheduleUpdate"], station.world.now_s)
    return status_answer("Accepted")


def clear_charging_profile(station: Station, request: JsonDict) -> JsonDict:
    """Remove by id or by criteria; clearing the last one is not a stop."""
    found = [
        profile
        for profile in station.store.installed.values()
        if _clear_matches(profile, request) and profile.purpose not in UNTOUCHABLE
    ]
    for profile in found:
        del station.store.installed[profile.id]
    return status_answer("Accepted" if found else "Unknown")


def _clear_matches(profile: InstalledProfile, request: JsonDict) -> bool:
    wanted = request.get("chargingProfileId")
    if wanted is not None:
        return profile.id == int(wanted)
    criteria: JsonDict = request.get("chargingProfileCriteria", {})
    return _matches(profile, criteria, criteria.get("evseId", profile.evse_id))


def _matches(profile: InstalledProfile, criteria: JsonDict, evse_id: int) -> bool:
    purpose = criteria.get("chargingProfilePurpose", profile.purpose)
    stack_level = criteria.get("stackLevel", profile.stack_level)
    wanted: tuple[int, str, int] = (evse_id, purpose, stack_level)
    return wanted == (profile.evse_id, profile.purpose, profile.stack_level)


def get_charging_profiles(station: Station, request: JsonDict) -> JsonDict:
    """Report the profiles that match, one message per source and EVSE (K09)."""
    criteria = request["chargingProfile"]
    groups: dict[tuple[str, int], list[JsonDict]] = {}
    for profile in station.store.installed.values():
        if (
            _matches(profile, criteria, request.get("evseId", profile.evse_id))
            and profile.id in criteria.get("chargingProfileId", [profile.id])
            and profile.source in criteria.get("chargingLimitSource", [profile.source])
        ):
            groups.setdefault((profile.source, profile.evse_id), []).append(profile.raw)
    for index, ((source, evse_id), raws) in enumerate(groups.items()):
        report: JsonDict = {
            "requestId": request["requestId"],
            "chargingLimitSource": source,
            "evseId": evse_id,
            "chargingProfile": raws,
            "tbc": index < len(groups) - 1,
        }
        station.send("ReportChargingProfiles", report)
    return status_answer("Accepted" if groups else "NoProfiles")


def get_composite_schedule(station: Station, request: JsonDict) -> JsonDict:
    """Return what will govern during the asked time."""
    unit = request.get("chargingRateUnit", "W")
    if request["evseId"] not in {0, EVSE_ID}:  # K08.FR.05
        return rejected("UnknownEvse", f"there is only EVSE {EVSE_ID}")
    if unit not in station.capabilities.rate_units:  # K08.FR.07
        return rejected("UnsupportedRateUnit", unit)
    if request["duration"] <= 0:
        return rejected("ValuePositiveOnly", "duration")
    schedule: JsonDict = {
        "evseId": request["evseId"],
        "duration": request["duration"],
        "scheduleStart": iso_from_s(station.world.now_s),
        "chargingRateUnit": unit,
        "chargingSchedulePeriod": list(_composite(station, request["duration"], unit)),
    }
    return {"status": "Accepted", "schedule": schedule}


def _composite(station: Station, duration_s: int, unit: str) -> Iterator[JsonDict]:
    start_s = station.world.now_s
    at_s: float | None = start_s
    phases = station.table.phases
    per_unit = 1.0 if unit == "W" else NOMINAL_VOLTAGE_V * phases
    previous = -1
    for _ in range(MOST_COMPOSITE_PERIODS):
        if at_s is None or at_s >= start_s + duration_s:
            return
        governing = station.governing(at_s)
        offset_s = round(at_s - start_s)
        if offset_s > previous:
            previous = offset_s
            rate = round(governing.target_w / per_unit, 1)
            period: JsonDict = {"startPeriod": offset_s, "numberPhases": phases}
            if governing.operation_mode in LIMIT_MODES:
                period["limit"] = rate
            elif governing.operation_mode != "Idle":
                period["setpoint"] = rate
            if station.version == "ocpp2.1":
                period["operationMode"] = governing.operation_mode
            yield period
        at_s = station.next_profile_change_s(at_s)


def use_priority_charging(station: Station, request: JsonDict) -> JsonDict:
    """Let a PriorityCharging profile overrule the others of a transaction, or no longer (K21)."""
    transaction = station.transaction
    if transaction is None or transaction.id != request["transactionId"]:
        return rejected("TxNotFound", "no such transaction is running")
    profiles = station.store.installed.values()
    if all(profile.purpose != "PriorityCharging" for profile in profiles):
        return status_answer("NoProfile")
    transaction.priority = bool(request["activate"])
    return status_answer("Accepted")
