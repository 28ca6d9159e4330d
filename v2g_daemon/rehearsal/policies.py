"""The house's rules in virtual time, and the rules of a house that is nothing but a plant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from math import inf

from v2g_daemon.domain.goals import WeeklySchedule
from v2g_daemon.domain.interval import QUARTER_HOUR_S
from v2g_daemon.domain.policy import (
    Cadence,
    Economics,
    EvsePolicy,
    ExportDepth,
    ExportPolicy,
    FailState,
    GridConnection,
    Policy,
    Stage,
    Timing,
)
from v2g_daemon.domain.quick import replace
from v2g_daemon.domain.vehicle import Vehicle, WarrantyTerms
from v2g_daemon.rehearsal.plant import Plant

RENEW_PLAN_S = 4.0 * 3600.0
VOLTAGE_V = 230.0
COMMUTE_MARGIN_FRACTION = 0.15
# Everything is observed at the tick, obeyed at once, and held for a quarter hour.
TIMING = Timing(
    tick_s=float(QUARTER_HOUR_S),
    meter_max_age_s=float(QUARTER_HOUR_S),
    meter_no_increase_age_s=float(QUARTER_HOUR_S),
    meter_recovery_s=0.0,
    evse_max_age_s=float(QUARTER_HOUR_S),
    discharge_lease_s=float(QUARTER_HOUR_S),
    safe_charge_lease_s=float(QUARTER_HOUR_S),
    idle_lease_s=float(QUARTER_HOUR_S),
    recording_max_age_s=float(QUARTER_HOUR_S),
    follow_within_s=float(QUARTER_HOUR_S),
    first_discharge_s=0.0,
    countercheck_s=0.0,
    renew_plan_s=RENEW_PLAN_S,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a pairing is judged by, in money per kWh."""

    currency: str
    timezone: str
    wear_per_kwh: float
    unmet_goal_per_kwh: float


def in_virtual_time(policy: Policy) -> Policy:
    """The house's own rules; what is about seconds does not touch a quarter hour.

    Its first EVSE and car alone. A SoC is known exactly, and the warranty's terms as acknowledged.
    """
    vehicle = policy.vehicles[0]
    terms = vehicle.warranty
    if terms is None:
        terms = _no_bounds()
    return replace(
        policy,
        timing=TIMING,
        grid=replace(policy.grid, has_meter=True),
        evses=(_calm_by_itself(policy.evses[0]),),
        vehicles=(
            replace(
                vehicle,
                soc_step=0.0,
                hysteresis_soc=0.0,
                assumed_when_unidentified=True,
                warranty=replace(terms, acknowledged=True, approved_serials=()),
            ),
        ),
    )


def of_a_plant(plant: Plant, terms: Terms) -> Policy:
    """Rules that add nothing to a plant's own bounds: no margin, no depth, no budget."""
    return in_virtual_time(
        Policy(
            timezone=terms.timezone,
            stage_wanted=Stage.V2G,
            export_policy=ExportPolicy.ALLOWED,
            timing=TIMING,
            grid=_connection(plant),
            evses=(_evse(plant),),
            vehicles=(_vehicle(plant, terms),),
            schedule=WeeklySchedule(timezone=terms.timezone),
            economics=Economics(
                currency=terms.currency,
                margin_per_kwh=0.0,
                unmet_goal_per_kwh=terms.unmet_goal_per_kwh,
            ),
            export_depth=ExportDepth(energy_wh=inf, share_of_pack=inf, cycles_per_month=inf),
            commute_margin_fraction=COMMUTE_MARGIN_FRACTION,
        )
    )


def _calm_by_itself(evse: EvsePolicy) -> EvsePolicy:
    """A quarter hour is calm enough: no ramp, dwell or budget shows in it."""
    calm = replace(
        evse.cadence,
        smallest_change_w=0.0,
        smallest_change_a=0.0,
        between_increases_s=0.0,
        dwell_on_s=0.0,
        dwell_off_s=0.0,
        ramp_up_w_per_s=inf,
        writes_wear_flash=False,
        rests_closed=True,
        wanted_for_s=0.0,
    )
    return replace(evse, cadence=calm, soc_needs_power=False)


def _connection(plant: Plant) -> GridConnection:
    return GridConnection(
        phases=1,
        nominal_voltage_v=VOLTAGE_V,
        main_fuse_a=plant.import_limit_w / VOLTAGE_V,
        largest_other_load_a=0.0,
        has_meter=True,
        import_limit_w=plant.import_limit_w,
        export_limit_w=plant.export_limit_w,
        max_phase_imbalance_w=None,
        grid_operator_import_w=None,
        margin_w=0.0,
        margin_share=0.0,
        throttles_pv=plant.curtails,
    )


def _evse(plant: Plant) -> EvsePolicy:
    return EvsePolicy(
        evse_id="evse",
        phases=1,
        static_safe_current_a=plant.min_charge_w / VOLTAGE_V,
        max_charge_w=plant.max_charge_w,
        max_discharge_w=plant.max_discharge_w,
        min_charge_w=plant.min_charge_w,
        min_discharge_w=plant.min_discharge_w,
        loss=plant.loss,
        fail_state=FailState.CHARGES,
        soc_needs_power=False,
        cadence=Cadence(
            smallest_change_w=0.0,
            smallest_change_a=0.0,
            between_increases_s=0.0,
            dwell_on_s=0.0,
            dwell_off_s=0.0,
            ramp_up_w_per_s=inf,
            closings_per_day=1,
            writes_per_day=1,
            writes_wear_flash=False,
            rests_closed=True,
        ),
    )


def _vehicle(plant: Plant, terms: Terms) -> Vehicle:
    return Vehicle(
        vehicle_id="car",
        capacity_wh=plant.pack_wh,
        soc_floor=plant.floor_wh / plant.pack_wh,
        soc_ceiling=plant.ceiling_wh / plant.pack_wh,
        soc_step=0.0,
        max_charge_w=plant.max_charge_w,
        max_discharge_w=plant.max_discharge_w,
        taper_above_soc=plant.taper_above_wh / plant.pack_wh,
        wear_cost_per_kwh_discharged=terms.wear_per_kwh,
        warranty=_no_bounds(),
        assumed_when_unidentified=True,
    )


def _no_bounds() -> WarrantyTerms:
    return WarrantyTerms(acknowledged=True, years=1.0, start_date=date(2000, 1, 1))
