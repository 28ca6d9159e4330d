"""Profiles as a station reports them: GetChargingProfiles, and the messages that follow it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from v2g_daemon.adapters.ocpp.codec import JsonObject
from v2g_daemon.adapters.ocpp.session import CallAnswered, StationCalls
from v2g_daemon.adapters.ocpp.translate import parse_stamp

REPORT_TIMEOUT_S = 3.0  # real: a car may wait for its safety net meanwhile


@dataclass(slots=True, kw_only=True)
class _Report:
    profiles: list[JsonObject] = field(default_factory=list)
    complete: asyncio.Event = field(default_factory=asyncio.Event)


class ProfileReports:
    """The reports that one station still owes us."""

    def __init__(self) -> None:
        self._awaited: dict[int, _Report] = {}
        self._last_id = 0

    async def ask(
        self, calls: StationCalls, *, evse_number: int, profile_ids: Iterable[int]
    ) -> tuple[JsonObject, ...] | None:
        """The profiles of those ids as installed; None: the station cannot say, or does not."""
        self._last_id += 1
        request_id, report = self._last_id, _Report()
        self._awaited[request_id] = report
        try:
            outcome = await calls.call(
                "GetChargingProfiles",
                {
                    "requestId": request_id,
                    "evseId": evse_number,
                    "chargingProfile": {"chargingProfileId": list(profile_ids)},
                },
            )
            if not isinstance(outcome, CallAnswered):
                return None
            if outcome.payload["status"] != "Accepted":
                return ()
            async with asyncio.timeout(REPORT_TIMEOUT_S):
                await report.complete.wait()
        except TimeoutError:
            return None
        finally:
            del self._awaited[request_id]
        return tuple(report.profiles)

    def told(self, payload: JsonObject) -> None:
        """ReportChargingProfiles; the last one of a request says that no more comes."""
        report = self._awaited.get(payload["requestId"])
        if report is None:
            return
        report.profiles += payload["chargingProfile"]
        if not payload.get("tbc", False):
            report.complete.set()


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
