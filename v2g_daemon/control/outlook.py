"""Outlook: what an EVSE shall do by itself over the next hours, should the daemon die now.

Nobody guards the fuse then, so it charges at the static safe power at most and never discharges. It
is written into devices that wear: it moves by quarter hours, and only when plan, goal, floor,
override or a band of the SoC does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import floor

from v2g_daemon.control.commute import SessionEnergy, commute_of
from v2g_daemon.control.dependable import static_safe_w
from v2g_daemon.control.fallback import USABLE_PLAN_S
from v2g_daemon.control.situation import Situation
from v2g_daemon.control.soc import SocEstimate
from v2g_daemon.domain.goals import OverrideKind, UserOverride
from v2g_daemon.domain.instant import fresh
from v2g_daemon.domain.interval import QUARTER_HOUR, Interval, quarter_hour_start
from v2g_daemon.domain.outlook import Outlook, OutlookStep
from v2g_daemon.domain.policy import FailState, Policy
from v2g_daemon.domain.quick import quick, replace
from v2g_daemon.domain.snapshot import Snapshot

LONGEST = timedelta(hours=48)  # as far as a plan reaches
STANDING = timedelta(hours=24)  # where no departure is known
LEAST_AHEAD = timedelta(hours=12)
SOC_BANDS = 20
BAND_SLACK_SOC = 0.02  # the noise of a SoC that is told in whole points
FLOAT_NOISE = 1e-9
BAND_WH = 2000.0


def look_ahead(situation: Situation, snapshot: Snapshot, policy: Policy) -> Situation:
    """The situation with its outlook; the one it has stands for as long as it says the same."""
    memory = situation.memory
    if not situation.status.plugged_in:
        return situation
    low_soc = _banded(memory.outlook_soc, situation.estimate)
    old, new = memory.outlook, _outlook(situation, low_soc, snapshot, policy)
    if old is not None and _says_the_same(old, new, snapshot.now.utc):
        new = old
    if new is old and low_soc == memory.outlook_soc:
        return situation
    return replace(situation, memory=replace(memory, outlook=new, outlook_soc=low_soc))


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class _Reasons:
    """What decides whether the car charges at a moment; `planned` None: nothing to wait for."""

    override: UserOverride | None
    below_floor: bool
    latest_start_utc: datetime | None
    planned: tuple[Interval, ...] | None

    def charge_at(self, moment_utc: datetime) -> bool:
        """A person's word, the floor and the trip, and else the plan."""
        late = self.latest_start_utc is not None and moment_utc >= self.latest_start_utc
        override = self.override
        if override is not None and moment_utc < override.until_utc:
            must = self.below_floor or late
            return override.kind is OverrideKind.CHARGE or (must and not override.confirmed)
        if self.below_floor or late or self.planned is None:
            return True
        return any(span.contains(moment_utc) for span in self.planned)

    def moments(self) -> Iterator[datetime]:
        """When that may change."""
        if self.override is not None:
            yield self.override.until_utc
        if self.latest_start_utc is not None:
            yield self.latest_start_utc
        for span in () if self.planned is None else self.planned:
            yield span.start_utc
            yield span.end_utc


def _outlook(
    situation: Situation, low_soc: float | None, snapshot: Snapshot, policy: Policy
) -> Outlook:
    now_utc, commute = snapshot.now.utc, situation.commute
    start_utc = quarter_hour_start(now_utc)
    end_utc = start_utc + STANDING
    if commute is not None:
        end_utc = min(commute.goal.ready_by_utc, start_utc + LONGEST)
    safe_w = min(static_safe_w(situation.evse, policy.grid), situation.evse.max_charge_w)
    if situation.evse.fail_state is FailState.IDLES or safe_w < situation.min_charge_w:
        waiting = OutlookStep(starts_at_utc=start_utc, limit_w=0.0)
        return Outlook(steps=(waiting,), ends_at_utc=end_utc)
    reasons = _Reasons(
        override=situation.override,
        below_floor=situation.memory.below_floor,
        latest_start_utc=_latest_start_utc(situation, low_soc, safe_w, snapshot, policy),
        planned=_planned(situation, snapshot, until_utc=end_utc),
    )
    quarters_utc = {_quarter_from(moment_utc) for moment_utc in reasons.moments()}
    steps: list[OutlookStep] = []
    for at_utc in sorted({start_utc, *quarters_utc}):
        limit_w = safe_w if reasons.charge_at(max(at_utc, now_utc)) else 0.0
        if start_utc <= at_utc < end_utc and (not steps or limit_w != steps[-1].limit_w):
            steps.append(OutlookStep(starts_at_utc=at_utc, limit_w=limit_w))
    return Outlook(steps=tuple(steps), ends_at_utc=end_utc)


def _quarter_from(moment_utc: datetime) -> datetime:
    """The first quarter hour that begins at the moment or after it."""
    start_utc = quarter_hour_start(moment_utc)
    return start_utc if start_utc == moment_utc else start_utc + QUARTER_HOUR


def _planned(
    situation: Situation, snapshot: Snapshot, *, until_utc: datetime
) -> tuple[Interval, ...] | None:
    """When the plan charges, until a moment, if one may be waited for.

    It must be usable, be for a trip, and the clock be trusted.
    """
    plan = situation.plan
    if plan is None or situation.commute is None or not snapshot.clock_trusted:
        return None
    if not fresh(plan.made_at, now=snapshot.now, max_age_s=USABLE_PLAN_S):
        return None
    spans: list[tuple[datetime, datetime]] = []
    for slot in plan.slots:
        if slot.interval.start_utc >= until_utc:
            break
        if slot.power_w <= 0.0:
            continue
        start_utc, end_utc = slot.interval.start_utc, slot.interval.end_utc
        if spans and spans[-1][1] == start_utc:
            start_utc = spans.pop()[0]
        spans.append((start_utc, end_utc))
    return tuple(Interval(start_utc=start_utc, end_utc=end_utc) for start_utc, end_utc in spans)


def _latest_start_utc(
    situation: Situation,
    low_soc: float | None,
    safe_w: float,
    snapshot: Snapshot,
    policy: Policy,
) -> datetime | None:
    """The quarter hour from which on static safe power, derated, still makes the trip.

    None: it has its energy, by the band of the SoC.
    """
    commute, vehicle = situation.commute, situation.vehicle
    if commute is None:
        return None
    banded_wh = situation.charged_wh // BAND_WH * BAND_WH
    unaided = commute_of(
        goals=(commute.goal,),
        vehicle=vehicle,
        estimate=None if low_soc is None else SocEstimate(soc=low_soc, sigma=0.0),
        evse=situation.evse,
        max_charge_w=min(safe_w, situation.max_charge_w),
        session=SessionEnergy(charged_wh=banded_wh, car_full=situation.memory.car_full),
        snapshot=snapshot,
        policy=policy,
    )
    if unaided is None or not unaided.unmet:
        return None
    return quarter_hour_start(unaided.latest_start_utc)


def _banded(before_soc: float | None, estimate: SocEstimate | None) -> float | None:
    """The lower edge of the band that the SoC surely lies in; noise at an edge changes nothing."""
    if estimate is None:
        return None
    low_soc = max(estimate.low, 0.0) + FLOAT_NOISE
    upper_soc = 0.0 if before_soc is None else before_soc + 1.0 / SOC_BANDS + BAND_SLACK_SOC
    if before_soc is not None and before_soc <= low_soc < upper_soc:
        return before_soc
    return floor(low_soc * SOC_BANDS) / SOC_BANDS


def _says_the_same(old: Outlook, new: Outlook, now_utc: datetime) -> bool:
    """Whether from now on both want the same, for as long as matters."""
    if old.ends_at_utc != new.ends_at_utc and old.ends_at_utc - now_utc < LEAST_AHEAD:
        return False
    until_utc = min(old.ends_at_utc, new.ends_at_utc)
    return now_utc < until_utc and _ahead(old, now_utc, until_utc) == _ahead(
        new, now_utc, until_utc
    )


def _ahead(
    outlook: Outlook, now_utc: datetime, until_utc: datetime
) -> tuple[tuple[datetime, float], ...]:
    """The limit of the moment, and the changes to come."""
    past = [step for step in outlook.steps if step.starts_at_utc <= now_utc]
    current_w = past[-1].limit_w if past else outlook.steps[0].limit_w
    return (
        (now_utc, current_w),
        *(
            (step.starts_at_utc, step.limit_w)
            for step in outlook.steps
            if now_utc < step.starts_at_utc < until_utc
        ),
    )
