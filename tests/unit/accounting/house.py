"""A small house for the ledger's tests: 60 kWh car, 7.4 kW charger, 3 × 25 A."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta

from v2g_daemon.domain.decision import Decision, EvseDecision
from v2g_daemon.domain.goals import WeeklyDeparture, WeeklySchedule
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.interval import Interval
from v2g_daemon.domain.policy import (
    Cadence,
    Economics,
    EvsePolicy,
    ExportDepth,
    ExportPolicy,
    FailState,
    GridConnection,
    LossCurve,
    Policy,
    Stage,
    Timing,
)
from v2g_daemon.domain.power import PowerRange
from v2g_daemon.domain.prices import PriceCurve, PriceSlot
from v2g_daemon.domain.readings import EvseStatus, MeterReading
from v2g_daemon.domain.setpoint import Authority, Reason, Setpoint
from v2g_daemon.domain.snapshot import RecordingHealth, Snapshot
from v2g_daemon.domain.vehicle import Vehicle

T0 = datetime(2024, 12, 11, 10, 0, tzinfo=UTC)
LOSSLESS = LossCurve(constant_w=0.0, linear=0.0, quadratic_per_w=0.0)


def at(seconds_s: float) -> Instant:
    """The instant so many seconds after 10:00 UTC."""
    return Instant(utc=T0 + timedelta(seconds=seconds_s), monotonic_s=1000.0 + seconds_s)


def interval(start_s: float, end_s: float) -> Interval:
    return Interval(start_utc=at(start_s).utc, end_utc=at(end_s).utc)


def car(vehicle_id: str = "car", *, wear: float = 0.04) -> Vehicle:
    return Vehicle(
        vehicle_id=vehicle_id,
        capacity_wh=60_000.0,
        soc_floor=0.3,
        soc_ceiling=0.8,
        soc_step=0.01,
        max_charge_w=7400.0,
        max_discharge_w=7400.0,
        taper_above_soc=0.9,
        wear_cost_per_kwh_discharged=wear,
        warranty=None,
    )


def policy(
    *,
    loss: LossCurve = LOSSLESS,
    tick_s: float = 1.0,
    cars: tuple[Vehicle, ...] = (car(),),
    departures: tuple[WeeklyDeparture, ...] = (),
) -> Policy:
    return Policy(
        timezone="Europe/Amsterdam",
        stage_wanted=Stage.V2G,
        export_policy=ExportPolicy.ALLOWED,
        timing=Timing(
            tick_s=tick_s,
            meter_max_age_s=5.0,
            meter_no_increase_age_s=3.0,
            meter_recovery_s=30.0,
            evse_max_age_s=30.0,
            discharge_lease_s=60.0,
            safe_charge_lease_s=900.0,
            idle_lease_s=3600.0,
            recording_max_age_s=180.0,
            follow_within_s=30.0,
        ),
        grid=GridConnection(
            phases=3,
            nominal_voltage_v=230.0,
            main_fuse_a=25.0,
            largest_other_load_a=16.0,
            has_meter=True,
            import_limit_w=None,
            export_limit_w=4000.0,
            max_phase_imbalance_w=None,
            grid_operator_import_w=None,
        ),
        evses=(
            EvsePolicy(
                evse_id="garage",
                phases=1,
                static_safe_current_a=6.0,
                max_charge_w=7400.0,
                max_discharge_w=7400.0,
                min_charge_w=1400.0,
                min_discharge_w=1400.0,
                loss=loss,
                fail_state=FailState.CHARGES,
                soc_needs_power=False,
                cadence=Cadence(
                    smallest_change_w=100.0,
                    between_increases_s=30.0,
                    dwell_on_s=600.0,
                    dwell_off_s=300.0,
                    ramp_up_w_per_s=1000.0,
                ),
            ),
        ),
        vehicles=cars,
        schedule=WeeklySchedule(timezone="Europe/Amsterdam", departures=departures),
        economics=Economics(currency="EUR", margin_per_kwh=0.02, unmet_goal_per_kwh=1.0),
        export_depth=ExportDepth(energy_wh=15_000.0, share_of_pack=0.25, cycles_per_month=30.0),
        commute_margin_fraction=0.1,
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
) -> EvseStatus:
    return EvseStatus(
        evse_id=evse_id,
        connected=True,
        plugged_in=True,
        session_id=session_id,
        transaction_id=transaction_id,
        plugged_in_at_utc=None,
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
    return PriceCurve(
        currency="EUR",
        slots=tuple(
            PriceSlot(
                interval=interval(3600.0 * hour, 3600.0 * (hour + 1)),
                import_per_kwh=one[0],
                export_per_kwh=one[1],
            )
            for hour, one in enumerate(per_kwh)
        ),
    )


def snapshot(
    seconds_s: float,
    *,
    pcc: MeterReading | None = None,
    evses: Iterable[EvseStatus] = (),
    curve: PriceCurve | None = None,
    clock_trusted: bool = True,
    pv_power_w: float | None = None,
) -> Snapshot:
    return Snapshot(
        now=at(seconds_s),
        clock_trusted=clock_trusted,
        meter=pcc,
        pv_power_w=pv_power_w,
        evses=tuple(evses),
        prices=curve,
        plans=(),
        goals=(),
        overrides=(),
        commissioning=(),
        counters=(),
        recording=RecordingHealth(last_durable_at=None, queue_full=False, records_lost=0),
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
                command=Setpoint(
                    target_w=target_w,
                    permitted=PowerRange(lowest_w=-7400.0, highest_w=7400.0),
                    reason=reason,
                    issued_at=at(seconds_s),
                    expires_at=at(seconds_s + 60.0),
                ),
            ),
        ),
        faults=(),
    )


NOBODY = Decision(evses=(), faults=())
