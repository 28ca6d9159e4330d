"""The builders' house for the ledger's tests: a single-phase charger, and times from 10:00 UTC."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

from tests.builders import (
    LOSSLESS,
    a_policy,
    a_price_curve,
    a_setpoint,
    a_snapshot,
    a_timing,
    a_vehicle,
    an_evse,
)
from v2g_daemon.domain.decision import Decision, EvseDecision
from v2g_daemon.domain.goals import WeeklyDeparture, WeeklySchedule
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.interval import Interval
from v2g_daemon.domain.loss import LossCurve
from v2g_daemon.domain.policy import Policy, Stage
from v2g_daemon.domain.prices import PriceCurve
from v2g_daemon.domain.readings import EvseStatus, MeterReading
from v2g_daemon.domain.setpoint import Authority, Reason
from v2g_daemon.domain.snapshot import Snapshot
from v2g_daemon.domain.vehicle import Vehicle

T0 = datetime(2024, 12, 11, 10, 0, tzinfo=UTC)


def at(seconds_s: float) -> Instant:
    """The instant so many seconds after 10:00 UTC."""
    return Instant(utc=T0 + timedelta(seconds=seconds_s), monotonic_s=1000.0 + seconds_s)


def interval(start_s: float, end_s: float) -> Interval:
    return Interval(start_utc=at(start_s).utc, end_utc=at(end_s).utc)


def car(vehicle_id: str = "car", *, wear: float = 0.04) -> Vehicle:
    return a_vehicle(vehicle_id=vehicle_id, wear_cost_per_kwh_discharged=wear)


def policy(
    *,
    loss: LossCurve = LOSSLESS,
    tick_s: float = 1.0,
    cars: tuple[Vehicle, ...] = (car(),),
    departures: tuple[WeeklyDeparture, ...] = (),
) -> Policy:
    return a_policy(
        timing=a_timing(tick_s=tick_s),
        evses=(an_evse(evse_id="garage", phases=1, loss=loss),),
        vehicles=cars,
        schedule=WeeklySchedule(timezone="Europe/Amsterdam", departures=departures),
    )


def every_day(
    *, ready_by: time, soc: float | None, energy_wh: float | None = None
) -> WeeklyDeparture:
    return WeeklyDeparture(
        vehicle_id="car",
        weekdays=(0, 1, 2, 3, 4, 5, 6),
        ready_by=ready_by,
        returns_at=time(17, 30),
        soc=soc,
        energy_wh=energy_wh,
        trip_wh=9000.0,
    )


def meter(
    seconds_s: float, *, imported: int, exported: int = 0, power_w: float = 0.0
) -> MeterReading:
    """Registers in milliwatt-hours, read so many seconds after 10:00."""
    return MeterReading(
        observed_at=at(seconds_s), power_w=power_w, import_milliwh=imported, export_milliwh=exported
    )


def plugged(
    seconds_s: float,
    *,
    charged: int | None = 0,
    discharged: int | None = 0,
    power_w: float = 0.0,
    session_id: str = "S1",
    transaction_id: str | None = None,
    evse_id: str = "garage",
    connected: bool = True,
    plugged_in_at_utc: datetime | None = None,
) -> EvseStatus:
    return EvseStatus(
        evse_id=evse_id,
        connected=connected,
        plugged_in=True,
        session_id=session_id,
        transaction_id=transaction_id,
        plugged_in_at_utc=plugged_in_at_utc,
        power_w=power_w,
        power_observed_at=at(seconds_s),
        charge_milliwh=charged,
        discharge_milliwh=discharged,
        registers_observed_at=at(seconds_s),
    )


def empty_outlet(*, charged: int | None = None, discharged: int | None = None) -> EvseStatus:
    return EvseStatus(
        evse_id="garage", connected=True, charge_milliwh=charged, discharge_milliwh=discharged
    )


def prices(*per_kwh: tuple[float, float]) -> PriceCurve:
    """Hourly (import, export) prices from 10:00 on."""
    imported, exported = zip(*per_kwh, strict=True)
    return a_price_curve(imported, exported, start_utc=T0)


def snapshot(
    seconds_s: float,
    *,
    pcc: MeterReading | None = None,
    evses: Iterable[EvseStatus] = (),
    curve: PriceCurve | None = None,
    clock_trusted: bool = True,
    pv_power_w: float | None = None,
) -> Snapshot:
    return a_snapshot(
        now=at(seconds_s),
        clock_trusted=clock_trusted,
        meter=pcc,
        pv_power_w=pv_power_w,
        evses=tuple(evses),
        prices=curve,
    )


def decided(
    seconds_s: float = 0.0,
    *,
    vehicle_id: str | None = "car",
    soc: float | None = None,
    target_w: float = 0.0,
    rule: str = "plan",
    authority: Authority = Authority.PLAN,
) -> Decision:
    reason = Reason(authority=authority, rule=rule, detail=f"{target_w:.0f} W")
    return Decision(
        evses=(
            EvseDecision(
                evse_id="garage",
                vehicle_id=vehicle_id,
                stage=Stage.V2G,
                soc=soc,
                soc_sigma=None,
                desired_w=target_w,
                desire=reason,
                limits=(),
                command=replace(
                    a_setpoint(target_w),
                    reason=reason,
                    issued_at=at(seconds_s),
                    expires_at=at(seconds_s + 60.0),
                ),
            ),
        ),
        faults=(),
    )


NOBODY = Decision(evses=(), faults=())
