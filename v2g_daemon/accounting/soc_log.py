"""The SoC of each car over each local day: minimum, time-weighted mean, maximum."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.interval import Interval, local_day
from v2g_daemon.domain.ledger import SocDay
from v2g_daemon.domain.quick import quick, replace


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class SocLog:
    """The running day of one car; `last_at` None: nothing to hold the SoC from."""

    vehicle_id: str
    day: date
    bounds: Interval
    soc_min: float
    soc_max: float
    soc_seconds_s: float
    observed_s: float
    last_soc: float
    last_at: Instant | None


def observed(
    log: SocLog | None,
    *,
    vehicle_id: str,
    soc: float,
    now: Instant,
    zone: ZoneInfo,
    longest_hold_s: float,
) -> tuple[SocLog, SocDay | None]:
    """Hold the last SoC until now and note the new one; the day that ended, if one did."""
    if log is None:
        return _begun(vehicle_id, soc, now, zone), None
    held_s = 0.0 if log.last_at is None else now.seconds_since(log.last_at)
    held_s = held_s if 0.0 < held_s <= longest_hold_s else 0.0
    soc_seconds_s = log.soc_seconds_s + log.last_soc * held_s
    observed_s = log.observed_s + held_s
    if not log.bounds.contains(now.utc):
        over = replace(log, soc_seconds_s=soc_seconds_s, observed_s=observed_s)
        return _begun(vehicle_id, soc, now, zone), as_row(over)
    log = replace(
        log,
        soc_seconds_s=soc_seconds_s,
        observed_s=observed_s,
        soc_min=min(log.soc_min, soc),
        soc_max=max(log.soc_max, soc),
        last_soc=soc,
        last_at=now,
    )
    return log, None


def as_row(log: SocLog) -> SocDay:
    """The day so far; a single observation is its own mean."""
    mean = log.last_soc if log.observed_s == 0.0 else log.soc_seconds_s / log.observed_s
    return SocDay(
        day=log.day,
        vehicle_id=log.vehicle_id,
        soc_min=log.soc_min,
        soc_mean=mean,
        soc_max=log.soc_max,
        observed_s=log.observed_s,
    )


def resumed(row: SocDay, *, now_utc: datetime, zone: ZoneInfo) -> SocLog | None:
    """Go on with a stored day; None where it is over."""
    bounds = local_day(row.day, zone)
    if not bounds.contains(now_utc):
        return None
    return SocLog(
        vehicle_id=row.vehicle_id,
        day=row.day,
        bounds=bounds,
        soc_min=row.soc_min,
        soc_max=row.soc_max,
        soc_seconds_s=row.soc_mean * row.observed_s,
        observed_s=row.observed_s,
        last_soc=row.soc_mean,
        last_at=None,
    )


def _begun(vehicle_id: str, soc: float, now: Instant, zone: ZoneInfo) -> SocLog:
    day = now.utc.astimezone(zone).date()
    return SocLog(
        vehicle_id=vehicle_id,
        day=day,
        bounds=local_day(day, zone),
        soc_min=soc,
        soc_max=soc,
        soc_seconds_s=0.0,
        observed_s=0.0,
        last_soc=soc,
        last_at=now,
    )
