"""Discharge counters of each car: ledger rows plus the running one, by noon day and local month."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from v2g_daemon.domain.instant import Instant, fresh
from v2g_daemon.domain.interval import Interval, at_local, noon_day
from v2g_daemon.domain.ledger import EvseInterval
from v2g_daemon.domain.quick import quick, replace
from v2g_daemon.domain.readings import EvseStatus
from v2g_daemon.domain.snapshot import DischargeCounters


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class CarCounters:
    """Integer sums of one car; None stays None (unreadable) until its day or month is over."""

    vehicle_id: str
    day: Interval
    month: Interval
    exported_today_milliwh: int | None
    discharged_month_milliwh: int | None
    discharged_life_milliwh: int | None
    discharging_life_s: float | None


def local_month(moment_utc: datetime, zone: ZoneInfo) -> Interval:
    """The local calendar month that contains the moment."""
    first = moment_utc.astimezone(zone).date().replace(day=1)
    following = (first + timedelta(days=32)).replace(day=1)
    return Interval(
        start_utc=at_local(first, time(0), zone), end_utc=at_local(following, time(0), zone)
    )


def from_ledger(counters: DischargeCounters, *, now_utc: datetime, zone: ZoneInfo) -> CarCounters:
    """Go on from the sums of the stored rows."""
    return CarCounters(
        vehicle_id=counters.vehicle_id,
        day=noon_day(now_utc, zone),
        month=local_month(now_utc, zone),
        exported_today_milliwh=_milliwh(counters.exported_today_wh),
        discharged_month_milliwh=_milliwh(counters.discharged_month_wh),
        discharged_life_milliwh=_milliwh(counters.discharged_life_wh),
        discharging_life_s=counters.discharging_life_s,
    )


def rolled(counters: CarCounters, *, now_utc: datetime, zone: ZoneInfo) -> CarCounters:
    """Begin a new day or month at zero once the old one is over."""
    if now_utc >= counters.day.end_utc:
        counters = replace(counters, day=noon_day(now_utc, zone), exported_today_milliwh=0)
    if now_utc >= counters.month.end_utc:
        month = local_month(now_utc, zone)
        counters = replace(counters, month=month, discharged_month_milliwh=0)
    return counters


def counted(counters: CarCounters, rows: Iterable[EvseInterval]) -> CarCounters:
    """Add the rows of this car; a row of an earlier day or month counts only for life."""
    for row in rows:
        if row.vehicle_id != counters.vehicle_id:
            continue
        start_utc = row.interval.start_utc
        exported = row.exported_milliwh if counters.day.contains(start_utc) else 0
        discharged = row.discharge_milliwh if counters.month.contains(start_utc) else 0
        counters = replace(
            counters,
            exported_today_milliwh=_added(counters.exported_today_milliwh, exported),
            discharged_month_milliwh=_added(counters.discharged_month_milliwh, discharged),
            discharged_life_milliwh=_added(counters.discharged_life_milliwh, row.discharge_milliwh),
            discharging_life_s=(
                None
                if counters.discharging_life_s is None
                else counters.discharging_life_s + row.discharging_s
            ),
        )
    return counters


def shown(counters: CarCounters) -> DischargeCounters:
    """The counters as the snapshot carries them."""
    return DischargeCounters(
        vehicle_id=counters.vehicle_id,
        exported_today_wh=_wh(counters.exported_today_milliwh),
        discharged_month_wh=_wh(counters.discharged_month_milliwh),
        discharged_life_wh=_wh(counters.discharged_life_milliwh),
        discharging_life_s=counters.discharging_life_s,
    )


def silent_evses(statuses: Iterable[EvseStatus], now: Instant, *, max_age_s: float) -> set[str]:
    """The occupied EVSEs that do not tell (any more) how much they have discharged.

    One that can only charge has nothing to tell.
    """
    return {
        status.evse_id
        for status in statuses
        if status.plugged_in
        and _may_discharge(status)
        and (
            status.discharge_milliwh is None
            or not fresh(status.registers_observed_at, now=now, max_age_s=max_age_s)
        )
    }


def _may_discharge(status: EvseStatus) -> bool:
    return status.capability is None or status.capability.power.lowest_w < 0.0


def unreadable(vehicle_id: str) -> DischargeCounters:
    """What is shown of a car whose discharge cannot be counted."""
    return DischargeCounters(
        vehicle_id=vehicle_id,
        exported_today_wh=None,
        discharged_month_wh=None,
        discharged_life_wh=None,
        discharging_life_s=None,
    )


def _added(total_milliwh: int | None, more_milliwh: int) -> int | None:
    return None if total_milliwh is None else total_milliwh + more_milliwh


def _milliwh(energy_wh: float | None) -> int | None:
    return None if energy_wh is None else round(energy_wh * 1000.0)


def _wh(energy_milliwh: int | None) -> float | None:
    return None if energy_milliwh is None else energy_milliwh / 1000.0
