"""Whether the next trip will be covered, as a chance, and what would help where it is not.

A told departure is charged for at full derated power if need be, whatever the prices; what is then
in doubt is the time left and the SoC. One that is only likely is judged by the planner, over when
it may come and how far it may go.
"""

from __future__ import annotations

from math import sqrt
from zoneinfo import ZoneInfo

from v2g_daemon.control.commute import Commute
from v2g_daemon.control.fallback import USABLE_PLAN_S
from v2g_daemon.control.situation import Situation
from v2g_daemon.domain.instant import fresh
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.prospect import Readiness, ReadinessLevel
from v2g_daemon.domain.snapshot import Snapshot

GREEN_SHARE = 0.98
AMBER_SHARE = 0.90
# A point of SoC that is missing keeps nobody from a trip.
UNNOTICED_SOC = 0.01
LEAST_TOLD_WH = 100.0


def covered_share(*, soc: float, sigma: float, goal_soc: float, chargeable_soc: float) -> float:
    """The chance that the pack holds the goal when the car leaves.

    It is charged until the goal is surely there (`soc` less `sigma`), as far as `chargeable_soc`
    goes. The error of the SoC is taken as even within √3·sigma.
    """
    held_soc = max(soc, min(goal_soc + sigma, soc + max(chargeable_soc, 0.0), 1.0))
    spare_soc = held_soc - goal_soc + UNNOTICED_SOC
    widest = sqrt(3.0) * sigma
    if widest <= 0.0:
        return 1.0 if spare_soc >= 0.0 else 0.0
    return min(max((spare_soc / widest + 1.0) / 2.0, 0.0), 1.0)


def readiness_of(situation: Situation, snapshot: Snapshot, policy: Policy) -> Readiness | None:
    """The next trip of the car that is here; None where nothing is known of one, or of its SoC."""
    if not situation.status.plugged_in or situation.estimate is None:
        return None
    if situation.commute is not None:
        return _told(situation, situation.commute, snapshot, policy)
    plan = situation.plan
    if plan is None or plan.covered_share is None:
        return None
    if not fresh(plan.made_at, now=snapshot.now, max_age_s=USABLE_PLAN_S):
        return None
    level, share = level_of(plan.covered_share), plan.covered_share
    said = f"{share * 100.0:.0f} % of the trips that may come next are covered"
    if level is not ReadinessLevel.GREEN:
        said += "; tell when it leaves and with how much, or raise economics.unmet_later_per_kwh"
    return Readiness(level=level, covered_share=share, ready_by_utc=None, said=said)


def _told(
    situation: Situation, commute: Commute, snapshot: Snapshot, policy: Policy
) -> Readiness | None:
    goal, estimate, vehicle = commute.goal, situation.estimate, situation.vehicle
    if goal.soc is None or estimate is None or vehicle is None:
        return None
    # `shortfall_wh` counts with full power and the lower SoC; here with the derated one.
    left_s = max((goal.ready_by_utc - snapshot.now.utc).total_seconds(), 0.0)
    reached = 1.0 if commute.charge_time_s <= left_s else left_s / commute.charge_time_s
    chargeable_soc = commute.needed_wh / vehicle.capacity_wh * reached
    if reached == 1.0:
        chargeable_soc += estimate.sigma
    share = covered_share(
        soc=estimate.soc, sigma=estimate.sigma, goal_soc=goal.soc, chargeable_soc=chargeable_soc
    )
    level = level_of(share)
    wall = f"{goal.ready_by_utc.astimezone(ZoneInfo(policy.timezone)):%a %H:%M}"
    said = f"{share * 100.0:.0f} % sure to hold {goal.soc * 100.0:.0f} % by {wall}"
    if level is not ReadinessLevel.GREEN:
        said += f"; {_fix(commute, left_s, estimate.sigma)}"
    return Readiness(level=level, covered_share=share, ready_by_utc=goal.ready_by_utc, said=said)


def _fix(commute: Commute, left_s: float, sigma: float) -> str:
    """What would help."""
    late_s = commute.charge_time_s - left_s
    if late_s > 0.0:
        return f"leave {late_s / 60.0:.0f} min later, or be content with less"
    return f"its SoC is uncertain by {sigma * 100.0:.0f} points: let the car tell it"


def level_of(share: float) -> ReadinessLevel:
    """Green from 98 % on, amber from 90 % on."""
    if share >= GREEN_SHARE:
        return ReadinessLevel.GREEN
    return ReadinessLevel.AMBER if share >= AMBER_SHARE else ReadinessLevel.RED
