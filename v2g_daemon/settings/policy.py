"""Settings as the domain's Policy, with everything that is derived and not written."""

from __future__ import annotations

from math import floor

from v2g_daemon.battery.wear import HIGH_WEAR_FACTOR
from v2g_daemon.domain.billing_meter import BillingMeter, Netting
from v2g_daemon.domain.goals import WeeklySchedule
from v2g_daemon.domain.loss import LossCurve
from v2g_daemon.domain.policy import (
    Cadence,
    Economics,
    EvsePolicy,
    ExportDepth,
    ExportPolicy,
    ExportWindow,
    FailState,
    GridConnection,
    Policy,
    Stage,
    Timing,
)
from v2g_daemon.domain.vehicle import Vehicle, WarrantyTerms
from v2g_daemon.settings import sections
from v2g_daemon.settings.departures import weekly
from v2g_daemon.settings.programs import availability, commitment

LEAST_CURRENT_A = 6.0  # IEC 61851-1: no smaller current is offered to an EV
USUAL_CABLE_A = 16.0
LEAST_HYSTERESIS_SOC = 0.01  # one point of noise never turns a direction
# Per kWh out of the pack, in the tariff's currency; LFP packs stand more cycles.
WEAR_BY_CHEMISTRY = {"nmc": 0.04, "lfp": 0.02, "unknown": 0.05}


def to_policy(settings: sections.Settings) -> Policy:
    """The house's rules as configured."""
    return Policy(
        timezone=settings.timezone,
        stage_wanted=Stage[settings.control.stage.upper()],
        export_policy=ExportPolicy(settings.export.policy),
        timing=_timing(settings),
        grid=_grid(settings),
        evses=tuple(_evse(charger, settings) for charger in settings.charger),
        vehicles=tuple(_vehicle(vehicle, settings) for vehicle in settings.vehicle),
        schedule=_schedule(settings),
        economics=Economics(
            currency=settings.currency,
            margin_per_kwh=settings.economics.margin_per_kwh,
            unmet_goal_per_kwh=settings.economics.unmet_goal_per_kwh,
            unmet_later_per_kwh=settings.economics.unmet_later_per_kwh,
            hint_from_money=settings.economics.hint_from,
            carbon_price_per_t=settings.economics.carbon_price_per_t,
            export_wear_factor=1.0 if settings.export.despite_high_wear else HIGH_WEAR_FACTOR,
        ),
        export_depth=ExportDepth(
            energy_wh=settings.export.energy_wh,
            share_of_pack=settings.export.share_of_pack,
            cycles_per_month=settings.export.cycles_per_month,
        ),
        commute_margin_fraction=settings.control.commute_margin_fraction,
    )


def timing_for(tick_s: float, meter_period_s: float, *, sample_interval_s: float = 5.0) -> Timing:
    """Ages and leases for a tick and a meter period; in time-lapse never shorter than their ticks.

    With a tick of a second or less the tick changes nothing: no age is longer than designed.
    """
    safe_charge_lease_s = max(1800.0, 6.0 * tick_s)
    return Timing(
        tick_s=tick_s,
        meter_max_age_s=max(5.0, 2.5 * meter_period_s, 3.0 * tick_s),
        meter_no_increase_age_s=max(3.0, 1.5 * meter_period_s, 3.0 * tick_s),
        meter_recovery_s=max(30.0, 3.0 * tick_s),
        evse_max_age_s=max(30.0, 2.5 * sample_interval_s, 3.0 * tick_s),
        discharge_lease_s=max(90.0, 6.0 * tick_s),
        safe_charge_lease_s=safe_charge_lease_s,
        idle_lease_s=safe_charge_lease_s,
        # A commit takes real time: in time-lapse it gets as many ticks as a flush may take.
        recording_max_age_s=max(180.0, 60.0 * tick_s if tick_s > 1.0 else 0.0),
        follow_within_s=max(30.0, 6.0 * tick_s),
    )


def _timing(settings: sections.Settings) -> Timing:
    first = next((meter for meter in settings.meter if meter.role == "grid"), None)
    period_s = 1.0 if first is None or first.period_s is None else first.period_s
    sample_interval_s = max(charger.sample_interval_s for charger in settings.charger)
    return timing_for(settings.control.tick_s, period_s, sample_interval_s=sample_interval_s)


def _grid(settings: sections.Settings) -> GridConnection:
    site = settings.site
    return GridConnection(
        phases=site.phases,
        nominal_voltage_v=site.nominal_voltage_v,
        main_fuse_a=site.main_fuse_a,
        largest_other_load_a=site.largest_other_load_a,
        has_meter=settings.has_grid_meter,
        import_limit_w=site.import_limit_w,
        export_limit_w=site.export_limit_w,
        export_limit_per_phase_w=site.export_limit_per_phase_w,
        export_windows=tuple(ExportWindow(**one.model_dump()) for one in site.export_windows),
        max_phase_imbalance_w=site.max_phase_imbalance_w,
        grid_operator_import_w=site.grid_operator_import_w,
        meter_netting=Netting(site.meter_netting),
        billing_meter=BillingMeter(
            interval_s=site.billing_meter.interval_s,
            netting=Netting(site.billing_meter.netting),
            boundary_offset_s=site.billing_meter.boundary_offset_s,
        ),
        throttles_pv=site.throttles_pv,
    )


def _evse(charger: sections.Charger, settings: sections.Settings) -> EvsePolicy:
    site = settings.site
    phases = site.phases if charger.phases is None else charger.phases
    least_w = LEAST_CURRENT_A * site.nominal_voltage_v * phases
    min_charge_w = min(least_w, charger.max_charge_w)
    if charger.min_charge_w is not None:
        min_charge_w = charger.min_charge_w
    min_discharge_w = min(min_charge_w, charger.max_discharge_w)
    if charger.min_discharge_w is not None:
        min_discharge_w = charger.min_discharge_w
    return EvsePolicy(
        evse_id=charger.id,
        phases=phases,
        static_safe_current_a=static_safe_current_a(charger, settings),
        max_charge_w=charger.max_charge_w,
        max_discharge_w=0.0 if charger.charge_only else charger.max_discharge_w,
        min_charge_w=min_charge_w,
        min_discharge_w=min_discharge_w,
        loss=LossCurve(**charger.loss.model_dump()),
        fail_state=FailState(charger.fail_state),
        soc_needs_power=charger.soc_needs_power,
        cadence=Cadence(**charger.cadence.model_dump()),
        connected_phase=charger.connected_phase,
    )


def static_safe_current_a(charger: sections.Charger, settings: sections.Settings) -> float:
    """What may flow per phase whatever the house does: as given, else an equal share of the rest.

    Derived in whole amperes; below what an EV needs it is 0.
    """
    site = settings.site
    if charger.static_safe_current_a is not None:
        return charger.static_safe_current_a
    phases = site.phases if charger.phases is None else charger.phases
    rated_a = charger.max_charge_w / (site.nominal_voltage_v * phases)
    given_a = [one.static_safe_current_a for one in settings.charger]
    left_a = site.main_fuse_a - site.largest_other_load_a
    for current_a in given_a:
        left_a -= 0.0 if current_a is None else current_a
    share_a = left_a / given_a.count(None)
    derived_a = float(floor(min(share_a, rated_a, USUAL_CABLE_A)))
    return derived_a if derived_a >= LEAST_CURRENT_A else 0.0


def _vehicle(vehicle: sections.Vehicle, settings: sections.Settings) -> Vehicle:
    max_charge_w, max_discharge_w = vehicle.max_charge_w, vehicle.max_discharge_w
    wear = vehicle.wear_cost_per_kwh_discharged
    if max_charge_w is None:
        max_charge_w = max(charger.max_charge_w for charger in settings.charger)
    if max_discharge_w is None:
        max_discharge_w = max(charger.max_discharge_w for charger in settings.charger)
    warranty = vehicle.warranty
    return Vehicle(
        vehicle_id=vehicle.id,
        capacity_wh=vehicle.capacity_wh,
        soc_floor=vehicle.soc_floor,
        soc_ceiling=vehicle.soc_ceiling,
        soc_step=vehicle.soc_step,
        max_charge_w=max_charge_w,
        max_discharge_w=max_discharge_w,
        taper_above_soc=vehicle.taper_above_soc,
        wear_cost_per_kwh_discharged=WEAR_BY_CHEMISTRY[vehicle.chemistry] if wear is None else wear,
        warranty=None if warranty is None else WarrantyTerms(**warranty.model_dump()),
        evccid=vehicle.evccid,
        id_token=_token_of(vehicle, settings),
        assumed_when_unidentified=vehicle.assumed_when_unidentified,
        usual_energy_wh=vehicle.usual_energy_wh,
        hysteresis_soc=max(vehicle.soc_step, LEAST_HYSTERESIS_SOC),
        consumption_wh_per_km=vehicle.consumption_wh_per_km,
        consumption_margin_fraction=vehicle.consumption_margin_fraction,
        commitments=tuple(commitment(one) for one in vehicle.commitment),
        availability=tuple(
            availability(one, soc_floor=vehicle.soc_floor) for one in vehicle.availability
        ),
    )


def _token_of(vehicle: sections.Vehicle, settings: sections.Settings) -> str | None:
    """Its own token, or that of the charge key which names it."""
    keys = (key.id_token for key in settings.charge_key if key.vehicle == vehicle.id)
    return vehicle.id_token or next(keys, None)


def _schedule(settings: sections.Settings) -> WeeklySchedule:
    cars = {vehicle.id: _vehicle(vehicle, settings) for vehicle in settings.vehicle}
    return WeeklySchedule(
        timezone=settings.timezone,
        departures=tuple(
            weekly(departure, cars[departure.vehicle or settings.vehicle[0].id])
            for departure in settings.departure
        ),
    )
