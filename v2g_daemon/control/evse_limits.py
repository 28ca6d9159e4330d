"""Limits that bind one EVSE: device, car, people's permission, recording, clock."""

from __future__ import annotations

from v2g_daemon.battery.budgets import warranty_budgets
from v2g_daemon.battery.taper import accepted_share
from v2g_daemon.control.dependable import static_safe_w
from v2g_daemon.control.identity import may_test
from v2g_daemon.control.situation import Situation
from v2g_daemon.domain.instant import fresh
from v2g_daemon.domain.interval import wall_clock
from v2g_daemon.domain.policy import Policy, Stage
from v2g_daemon.domain.power import NO_CHARGE, NO_DISCHARGE, PowerRange
from v2g_daemon.domain.setpoint import Authority, Limit, Reason
from v2g_daemon.domain.snapshot import Snapshot

MAX_SOC_SIGMA = 0.05
UNACKNOWLEDGED = "the car's warranty terms are unknown and the owner has not acknowledged that"


def device(situation: Situation, snapshot: Snapshot, policy: Policy) -> Limit | None:
    """Ratings of charger and car, both directions, tapered by SoC; no car data: charge only."""
    highest_w = situation.max_charge_w
    vehicle, estimate = situation.vehicle, situation.estimate
    if vehicle is not None and estimate is not None and estimate.soc > vehicle.taper_above_soc:
        share = accepted_share(estimate.soc, vehicle.taper_above_soc)
        highest_w = max(highest_w * share, min(situation.min_charge_w, highest_w))
    return Limit(
        permitted=PowerRange(lowest_w=-situation.max_discharge_w, highest_w=highest_w),
        reason=because(
            "device",
            f"charger and car permit {situation.max_discharge_w:.0f} W of discharge"
            f" and {highest_w:.0f} W of charge",
        ),
    )


def telemetry(situation: Situation, snapshot: Snapshot, policy: Policy) -> Limit | None:
    """No discharge without a recent power measurement from the EVSE."""
    if situation.telemetry_fresh:
        return None
    return no_discharge("telemetry", "the charger has reported no power lately")


def static_safe(situation: Situation, snapshot: Snapshot, policy: Policy) -> Limit | None:
    """Without a fresh meter value, or any meter, the static safe current and no discharge."""
    observed_at = None if snapshot.meter is None else snapshot.meter.observed_at
    max_age_s = policy.timing.meter_max_age_s
    if policy.grid.has_meter and fresh(observed_at, now=snapshot.now, max_age_s=max_age_s):
        return None
    what = "no fresh meter value" if policy.grid.has_meter else "no meter"
    return Limit(
        permitted=PowerRange(lowest_w=0.0, highest_w=static_safe_w(situation.evse, policy.grid)),
        reason=because(
            "static_safe",
            f"{what}: at most {situation.evse.static_safe_current_a:g} A, charge only",
        ),
    )


def permission(situation: Situation, snapshot: Snapshot, policy: Policy) -> Limit | None:
    """No discharge below stage V2H, by dated commissioning records; a guided test needs fewer."""
    if situation.stage >= Stage.V2H:
        return None
    if situation.probing and may_test(snapshot.commissioning, situation.status.serial):
        return None
    return no_discharge(
        "permission", f"stage {situation.stage.name}: {situation.stage_detail}", Authority.SITE
    )


def identity(situation: Situation, snapshot: Snapshot, policy: Policy) -> Limit | None:
    """A guest's car is never discharged."""
    if situation.vehicle is not None:
        return None
    return no_discharge("identity", "this car is not known here: a guest only charges")


def soc_known(situation: Situation, snapshot: Snapshot, policy: Policy) -> Limit | None:
    """No discharge with an unknown SoC, or one less certain than 5 points."""
    if situation.estimate is None:
        return no_discharge("soc_known", "the SoC is unknown")
    if situation.estimate.sigma > MAX_SOC_SIGMA:
        return no_discharge(
            "soc_known", f"the SoC is only known to ±{situation.estimate.sigma * 100:.0f} points"
        )
    return None


def commute_buffer(situation: Situation, snapshot: Snapshot, policy: Policy) -> Limit | None:
    """No discharge while SoC − sigma is below the floor or what the next trip must keep.

    A discharge starts only a SoC step above that, so that noise does not switch it on and off.
    """
    vehicle, estimate = situation.vehicle, situation.estimate
    if vehicle is None or estimate is None:
        return None
    keep = vehicle.soc_floor
    why = f"the floor of {keep * 100:.0f} %"
    commute = situation.commute
    if commute is not None and commute.reserve_soc > keep:
        keep = commute.reserve_soc
        leaves = wall_clock(commute.goal.ready_by_utc, policy.timezone)
        why = f"the trip at {leaves}, which needs {keep * 100:.0f} %"
    last = situation.memory.last
    if last is None or last.target_w >= 0.0:
        keep += vehicle.hysteresis_soc
    if estimate.low > keep:
        return None
    return no_discharge(
        "commute_buffer", f"{estimate.soc * 100:.0f} % is kept for {why}", Authority.COMMUTE
    )


def soc_ceiling(situation: Situation, snapshot: Snapshot, policy: Policy) -> Limit | None:
    """No charge above the ceiling in force (the car's, or a goal's that lies higher)."""
    if situation.estimate is None or situation.estimate.soc < situation.soc_ceiling:
        return None
    ceiling = situation.soc_ceiling
    return Limit(
        permitted=NO_CHARGE,
        reason=because("soc_ceiling", f"the car has its {ceiling * 100:.0f} %", Authority.SITE),
    )


def warranty(situation: Situation, snapshot: Snapshot, policy: Policy) -> Limit | None:
    """Discharge only inside the warranty's budgets, paced over its term and whole for good.

    What a lease may still take must be left, and what the running tick takes, which nobody has
    counted yet: then not even a daemon that dies goes beyond the whole.
    """
    vehicle, counters = situation.vehicle, situation.counters
    if vehicle is None:
        return None
    terms = vehicle.warranty
    if terms is None or not terms.acknowledged:
        return no_discharge("warranty", UNACKNOWLEDGED)
    if terms.approved_serials and situation.status.serial not in terms.approved_serials:
        return no_discharge("warranty", "this charger is not on the warranty's list")
    if situation.estimate is not None and situation.estimate.low < terms.min_soc:
        return no_discharge("warranty", f"the warranty keeps {terms.min_soc * 100:.0f} %")
    if counters is None or counters.discharged_life_wh is None:
        return no_discharge("warranty", "the warranty counters cannot be read")
    open_s = policy.timing.discharge_lease_s + policy.timing.tick_s
    open_wh = situation.max_discharge_w * open_s / 3600.0
    for budget in warranty_budgets(vehicle, counters, snapshot.now.utc):
        if budget.spent or not budget.holds(open_wh, open_s):
            return no_discharge("warranty", f"the {budget.name} budget is used up for now")
    return None


def monthly_cycles(situation: Situation, snapshot: Snapshot, policy: Policy) -> Limit | None:
    """At most so many equivalent cycles a month."""
    vehicle, counters = situation.vehicle, situation.counters
    if vehicle is None:
        return None
    if counters is None or counters.discharged_month_wh is None:
        return no_discharge("monthly_cycles", "the month's counter cannot be read")
    if counters.discharged_month_wh < policy.export_depth.cycles_per_month * vehicle.capacity_wh:
        return None
    return no_discharge("monthly_cycles", "this month's cycles are used up")


def recording(situation: Situation, snapshot: Snapshot, policy: Policy) -> Limit | None:
    """Nothing is discharged while nothing is being recorded."""
    stalled = recording_stalled(snapshot, policy)
    return None if stalled is None else no_discharge("recording", stalled)


def recording_stalled(snapshot: Snapshot, policy: Policy) -> str | None:
    """Why the recorder cannot be relied on now; None while it can."""
    health = snapshot.recording
    if health.queue_full:
        return "the record queue is full"
    max_age_s = policy.timing.recording_max_age_s
    if not fresh(health.last_durable_at, now=snapshot.now, max_age_s=max_age_s):
        return f"nothing was recorded for {max_age_s:.0f} s"
    return None


def clock(situation: Situation, snapshot: Snapshot, policy: Policy) -> Limit | None:
    """No discharge while the clock is not trusted."""
    if snapshot.clock_trusted:
        return None
    return no_discharge("clock", "the clock is not trusted yet")


def because(rule: str, detail: str, authority: Authority = Authority.SAFETY) -> Reason:
    return Reason(authority=authority, rule=rule, detail=detail)


def no_discharge(rule: str, detail: str, authority: Authority = Authority.SAFETY) -> Limit:
    return Limit(permitted=NO_DISCHARGE, reason=because(rule, detail, authority))
