"""NotifyEVChargingSchedule: what the car says it will take, and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from v2g_daemon.adapters.ocpp.config import EvseConfig
from v2g_daemon.adapters.ocpp.wire.codec import JsonObject
from v2g_daemon.adapters.ocpp.wire.translate import parse_stamp

MOST_PERIODS = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class EvSchedule:
    """Upper bounds as (seconds from `starts_at_utc`, W); `length_s` None: until the next one."""

    starts_at_utc: datetime
    periods_w: tuple[tuple[int, float], ...]
    length_s: int | None = None

    def at(self, now_utc: datetime) -> float | None:
        """What the car takes at most now, in W; None: the schedule says nothing of it."""
        since_s = (now_utc - self.starts_at_utc).total_seconds()
        if self.length_s is not None and since_s >= self.length_s:
            return None
        begun = [power_w for start_s, power_w in self.periods_w if start_s <= since_s]
        return begun[-1] if begun else None

    def within(self, power_w: float, now_utc: datetime) -> bool:
        """Whether it asks for no more than that now (K15.FR.11 and FR.12)."""
        asked_w = self.at(now_utc)
        return asked_w is None or asked_w <= power_w


def ev_schedule(
    payload: JsonObject, config: EvseConfig, *, direct_current: bool
) -> EvSchedule | None:
    """The request's schedule; None where it bounds nothing, or in amperes of unknown voltage."""
    schedule = payload["chargingSchedule"]
    starts_at_utc = parse_stamp(str(payload["timeBase"]))
    in_amperes = schedule["chargingRateUnit"] == "A"
    if starts_at_utc is None or (in_amperes and direct_current):
        return None
    start_utc = parse_stamp(str(schedule.get("startSchedule", "")))
    per_unit_w = config.nominal_voltage_v * config.phases if in_amperes else 1.0
    periods_w = tuple(
        (int(period["startPeriod"]), float(period["limit"]) * per_unit_w)
        for period in schedule["chargingSchedulePeriod"][:MOST_PERIODS]
        if period.get("limit") is not None
    )
    if len(periods_w) == 0:
        return None
    return EvSchedule(
        starts_at_utc=starts_at_utc if start_utc is None else start_utc,
        periods_w=periods_w,
        length_s=schedule.get("duration"),
    )
