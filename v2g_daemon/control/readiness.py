"""Whether the next trip will be covered, as a chance, and what would help where it is not.

A told departure is charged for at full derated power if need be, whatever the prices; what is then
in doubt is the SoC and the time left, less what a stop takes of it. One that is only likely is
judged by the planner, over when it may come and how far it may go.
"""

from __future__ import annotations

from datetime import datetime
from math import sqrt

from v2g_daemon.control.commute import Commute
from v2g_daemon.control.fallback import USABLE_PLAN_S
from v2g_daemon.control.hands_off import hands_off
from v2g_daemon.control.remedies import Doubt, remedy, stopped_until
from v2g_daemon.control.situation import Situation
from v2g_daemon.control.soc import SocEstimate
from v2g_daemon.domain.instant import fresh
from v2g_daemon.domain.interval import wall_moment
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.prospect import Readiness, ReadinessLevel
from v2g_daemon.domain.snapshot import Snapshot

GREEN_SHARE = 0.98
AMBER_SHARE = 0.90
# A point of SoC that is missing keeps nobody from a trip.
UNNOTICED_SOC = 0.01
WIDEST_SIGMAS = sqrt(3.0)


def covered_share(*, soc: float, sigma: float, goal_soc: float, chargeable_soc: float) -> float:
    """The chance that the pack holds the goal when the car leaves.

    It is charged until the goal is surely there (`soc` less `sigma`), as far as `chargeable_soc`
    goes, and a pack that reads full holds a goal near full as surely as any other. The error of the
    SoC is taken as even within √3·sigma.
    """
    held_soc = max(soc, min(goal_soc + sigma, soc + max(chargeable_soc, 0.0), 1.0))
    if held_soc >= 1.0:
        goal_soc = min(goal_soc, 1.0 - sigma)
    spare_soc = held_soc - goal_soc + UNNOTICED_SOC
    widest = WIDEST_SIGMAS * sigma
    if widest <= 0.0:
        return 1.0 if spare_soc >= 0.0 else 0.0
    return min(max((spare_soc / widest + 1.0) / 2.0, 0.0), 1.0)


def readiness_of(situation: Situation, snapshot: Snapshot, policy: Policy) -> Readiness | None:
    """The next trip of the car that is here; None where nothing is known of one, or of its SoC.

    None as well where nothing is steered, or nothing of the plan can be done: what comes of the
    car by itself has no chance that could be told.
    """
    if not situation.status.plugged_in or situation.estimate is None or not _steered(situation):
        return None
    if situation.commute is not None:
        return _told(situation, situation.commute, snapshot, policy)
    plan = situation.plan
    if plan is None or plan.covered_share is None or not _can_be_charged(situation):
        return None
    if not fresh(plan.made_at, now=snapshot.now, max_age_s=USABLE_PLAN_S):
        return None
    level, share = level_of(plan.covered_share), plan.covered_share
    said = f"{share * 100.0:.0f} % of the trips that may come next are covered"
    if level is not ReadinessLevel.GREEN:
        said += (
            "; tell when it leaves and with how much (v2g leave), or raise "
            "economics.unmet_later_per_kwh"
        )
    return Readiness(level=level, covered_share=share, ready_by_utc=None, said=said)


def _steered(situation: Situation) -> bool:
    """Whether the car is commanded; a station that is away only cannot be reached."""
    not_commanded = hands_off(situation)
    return not_commanded is None or not_commanded.rule == "no_station"


def _can_be_charged(situation: Situation) -> bool:
    return situation.status.connected and stopped_until(situation) is None


def _told(
    situation: Situation, commute: Commute, snapshot: Snapshot, policy: Policy
) -> Readiness | None:
    goal, estimate, vehicle = commute.goal, situation.estimate, situation.vehicle
    if goal.soc is None or estimate is None or vehicle is None:
        return None
    now_utc = snapshot.now.utc
    # `shortfall_wh` counts with full power and the lower SoC; here with the derated one.
    left_s = _left_s(situation, goal.ready_by_utc, now_utc)
    reached = 1.0 if commute.charge_time_s <= left_s else left_s / commute.charge_time_s
    chargeable_soc = commute.needed_wh / vehicle.capacity_wh * reached
    if reached == 1.0:
        chargeable_soc += estimate.sigma
    share = covered_share(
        soc=estimate.soc, sigma=estimate.sigma, goal_soc=goal.soc, chargeable_soc=chargeable_soc
    )
    if situation.memory.car_full and _may_be_full(goal.soc, estimate):
        share = 1.0
    level = level_of(share)
    wall = wall_moment(goal.ready_by_utc, now_utc=now_utc, timezone=policy.timezone)
    said = f"{share * 100.0:.0f} % sure to hold {goal.soc * 100.0:.0f} % by {wall}"
    if level is not ReadinessLevel.GREEN:
        doubt = Doubt(
            situation=situation,
            commute=commute,
            estimate=estimate,
            left_s=left_s,
            reached_soc=estimate.low + chargeable_soc,
        )
        said += f"; {remedy(doubt, now_utc, policy)}"
    return Readiness(level=level, covered_share=share, ready_by_utc=goal.ready_by_utc, said=said)


def _may_be_full(goal_soc: float, estimate: SocEstimate) -> bool:
    """Whether a car that ended its charge has reached a goal near full, by all that is known.

    Its SoC may say that it was a limit of its own instead.
    """
    highest_soc = estimate.soc + WIDEST_SIGMAS * estimate.sigma
    return 1.0 - estimate.sigma < goal_soc <= highest_soc


def _left_s(situation: Situation, ready_by_utc: datetime, now_utc: datetime) -> float:
    """How long can be charged: not while it is stopped, nor at a station that is away."""
    if not situation.status.connected:
        return 0.0
    from_utc = stopped_until(situation) or now_utc
    return max((ready_by_utc - from_utc).total_seconds(), 0.0)


def level_of(share: float) -> ReadinessLevel:
    """Green from 98 % on, amber from 90 % on."""
    if share >= GREEN_SHARE:
        return ReadinessLevel.GREEN
    return ReadinessLevel.AMBER if share >= AMBER_SHARE else ReadinessLevel.RED
