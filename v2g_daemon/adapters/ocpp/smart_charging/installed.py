"""Profiles as a station reports them: GetChargingProfiles, and the messages that follow it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from v2g_daemon.adapters.ocpp.provisioning.reports import Reports
from v2g_daemon.adapters.ocpp.wire.codec import JsonObject, printable
from v2g_daemon.adapters.ocpp.wire.session import CallAnswered, StationCalls
from v2g_daemon.adapters.ocpp.wire.translate import parse_stamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """One profile, who set it, and where."""

    source: str
    evse_number: int
    profile: JsonObject


async def installed_profiles(
    calls: StationCalls,
    reports: Reports,
    *,
    patience_s: float,
    evse_number: int | None = None,
    profile_ids: Iterable[int] = (),
) -> tuple[Installed, ...] | None:
    """All that match; None: the station cannot say, or does not."""
    with reports.expecting("ReportChargingProfiles") as expected:
        asked: JsonObject = {"requestId": expected.request_id, "chargingProfile": {}}
        ids = list(profile_ids)
        if ids:
            asked["chargingProfile"] = {"chargingProfileId": ids}
        if evse_number is not None:
            asked["evseId"] = evse_number
        outcome = await calls.call("GetChargingProfiles", asked)
        if not isinstance(outcome, CallAnswered):
            return None
        if outcome.payload["status"] != "Accepted":
            return ()
        parts, complete = await expected.parts(patience_s=patience_s)
    if not complete:
        return None
    return tuple(
        Installed(
            source=printable(str(part["chargingLimitSource"])),
            evse_number=part["evseId"],
            profile=profile,
        )
        for part in parts
        for profile in part["chargingProfile"]
    )


def holds(reported: JsonObject, wanted: JsonObject, *, now_utc: datetime) -> bool:
    """Whether a reported profile does now what the wanted one would, and for as long."""
    if any(reported.get(name) is not None for name in ("validFrom", "validTo", "transactionId")):
        return False
    schedules = reported.get("chargingSchedule")
    if not isinstance(schedules, list) or len(schedules) != 1:
        return False
    (schedule,), (asked,) = schedules, wanted["chargingSchedule"]
    start_utc = parse_stamp(str(schedule.get("startSchedule", "")))
    begun = start_utc is not None and start_utc <= now_utc
    if schedule.get("duration") is not None or not (begun or "startSchedule" not in asked):
        return False
    return (
        _same(reported, wanted, but="chargingSchedule")
        and _same(schedule, asked, but="chargingSchedulePeriod")
        and _same_periods(schedule.get("chargingSchedulePeriod"), asked["chargingSchedulePeriod"])
    )


def _same(found: JsonObject, wanted: JsonObject, *, but: str) -> bool:
    apart = {but, "startSchedule"}
    return all(found.get(name) == value for name, value in wanted.items() if name not in apart)


def _same_periods(found: object, wanted: list[JsonObject]) -> bool:
    if not isinstance(found, list) or len(found) != len(wanted):
        return False
    return all(_same(one, asked, but="") for one, asked in zip(found, wanted, strict=True))
