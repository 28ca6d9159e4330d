"""What is the case at one EVSE, worked out once per tick for desire and limits alike."""

from __future__ import annotations

from dataclasses import dataclass

from v2g_daemon.control.budgets import daily_use, writes_left
from v2g_daemon.control.commute import Commute, SessionEnergy, commute_of
from v2g_daemon.control.dependable import dependable_charge_w, static_safe_w
from v2g_daemon.control.excerpt import counters_of, goals_of, override_of, plan_of, told_of
from v2g_daemon.control.identity import candidates, feed_doubt, stage_of
from v2g_daemon.control.session import (
    car_full,
    car_of_this_session,
    charged_wh,
    of_this_session,
    witnesses_of,
)
from v2g_daemon.control.soc import SocEstimate, follow_soc
from v2g_daemon.control.vehicle_feed import Witnesses
from v2g_daemon.domain.decision import DailyUse, Following
from v2g_daemon.domain.goals import DepartureGoal, UserOverride
from v2g_daemon.domain.instant import fresh
from v2g_daemon.domain.memory import DischargeLatch, EvseMemory
from v2g_daemon.domain.plan import Plan
from v2g_daemon.domain.policy import EvsePolicy, Policy, Stage
from v2g_daemon.domain.probe import ProbePhase
from v2g_daemon.domain.quick import quick, replace
from v2g_daemon.domain.readings import EvseStatus, PowerControl
from v2g_daemon.domain.setpoint import Authority
from v2g_daemon.domain.snapshot import CommandCounters, DischargeCounters, Snapshot
from v2g_daemon.domain.vehicle import Vehicle

RELEASE_SLACK_S = 4.0 * 3600.0


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """One EVSE and its car now; `commute` None: nobody knows when this car leaves.

    `use`, worked out from `evse`, `status` and `told`: what the charger was bothered with today,
    beside its budgets. `candidates`: the cars it may be, while nobody has said which. `feed_doubt`:
    what the cars' own clouds say against the name, or why they name none.
    """

    evse: EvsePolicy
    status: EvseStatus
    memory: EvseMemory
    vehicle: Vehicle | None
    estimate: SocEstimate | None
    stage: Stage
    stage_detail: str
    goals: tuple[DepartureGoal, ...]
    commute: Commute | None
    charged_wh: float
    override: UserOverride | None
    plan: Plan | None
    counters: DischargeCounters | None
    told: CommandCounters | None
    use: DailyUse
    latch: DischargeLatch | None
    telemetry_fresh: bool
    candidates: tuple[str, ...] = ()
    feed_doubt: str | None = None
    following: Following | None = None

    @property
    def max_charge_w(self) -> float:
        """The most that charger, station and car take together."""
        highest_w = self.evse.max_charge_w
        if self.vehicle is not None:
            highest_w = min(highest_w, self.vehicle.max_charge_w)
        if self.status.capability is not None:
            highest_w = min(highest_w, max(self.status.capability.power.highest_w, 0.0))
        return highest_w

    @property
    def max_discharge_w(self) -> float:
        """The most that charger, station and car give together; 0 where unknown or unsigned.

        A guided test may try what nobody has proved yet.
        """
        capability = self.status.capability
        if self.vehicle is None or capability is None:
            return 0.0
        offered_w = max(-capability.power.lowest_w, 0.0)
        if capability.control is not PowerControl.SIGNED:
            offered_w = capability.untried_discharge_w if self.probing else 0.0
        return min(self.evse.max_discharge_w, self.vehicle.max_discharge_w, offered_w)

    @property
    def probing(self) -> bool:
        """Whether a guided test runs."""
        run = self.memory.probe
        return run is not None and run.phase is not ProbePhase.OVER

    @property
    def tries_unproved(self) -> bool:
        """Whether the test tries what only a test may command; a signed setpoint needs no trial."""
        capability = self.status.capability
        signed = capability is not None and capability.control is PowerControl.SIGNED
        return self.probing and not signed

    @property
    def min_charge_w(self) -> float:
        """The least charging power that is not 0."""
        capability = self.status.capability
        offered_w = 0.0 if capability is None else capability.min_charge_w
        return max(self.evse.min_charge_w, offered_w)

    @property
    def min_discharge_w(self) -> float:
        """The least discharging power that is not 0, as a positive magnitude."""
        capability = self.status.capability
        offered_w = 0.0 if capability is None else capability.min_discharge_w
        return max(self.evse.min_discharge_w, offered_w)

    @property
    def soc_ceiling(self) -> float:
        """The ceiling in force: the car's, or the next goal where that lies higher.

        A trip that must be charged for may go up by sigma, so that its goal is surely reached.
        """
        ceiling = 1.0 if self.vehicle is None else self.vehicle.soc_ceiling
        if self.commute is None or self.commute.goal.soc is None:
            return ceiling
        goal_soc = self.commute.goal.soc
        if self.memory.must_charge and self.estimate is not None:
            goal_soc = min(goal_soc + self.estimate.sigma, 1.0)
        return max(ceiling, goal_soc)


def assess(
    status: EvseStatus,
    memory: EvseMemory,
    snapshot: Snapshot,
    policy: Policy,
    latches: tuple[DischargeLatch, ...],
) -> Situation:
    """The situation at one EVSE, with its memory brought up to this tick."""
    evse = policy.evse(status.evse_id)
    memory = of_this_session(memory, status, snapshot.now)
    witnesses = witnesses_of(status, memory, snapshot)
    vehicle = car_of_this_session(status, memory, witnesses, policy)
    memory = _with_car(memory, status, vehicle, full=car_full(status, memory, evse, snapshot.now))
    memory, estimate = follow_soc(memory, status, evse, vehicle, snapshot.now)
    stage, stage_detail = stage_of(
        snapshot.commissioning, status.serial, policy, meter_serial=snapshot.grid_meter_serial
    )
    told = told_of(status.evse_id, snapshot)
    situation = Situation(
        evse=evse,
        status=status,
        memory=memory,
        vehicle=vehicle,
        estimate=estimate,
        stage=stage,
        stage_detail=stage_detail,
        goals=goals_of(vehicle, snapshot),
        commute=None,
        charged_wh=charged_wh(memory, status),
        override=override_of(status.evse_id, snapshot),
        plan=plan_of(status.evse_id, vehicle, snapshot),
        counters=counters_of(vehicle, snapshot),
        told=told,
        use=daily_use(evse.cadence, status, told),
        latch=next((one for one in latches if one.evse_id == status.evse_id), None),
        telemetry_fresh=_fresh_power(status, snapshot, policy),
        candidates=_open_question(status, vehicle, witnesses, policy),
        feed_doubt=feed_doubt(status, vehicle, witnesses, policy),
    )
    return _with_commute(situation, snapshot, policy)


def _with_car(
    memory: EvseMemory, status: EvseStatus, vehicle: Vehicle | None, *, full: bool
) -> EvseMemory:
    """The memory with the car of this plug-in."""
    vehicle_id = None if vehicle is None else vehicle.vehicle_id
    if not status.plugged_in or (memory.vehicle_id, memory.car_full) == (vehicle_id, full):
        return memory
    return replace(memory, vehicle_id=vehicle_id, car_full=full)


def _open_question(
    status: EvseStatus, vehicle: Vehicle | None, witnesses: Witnesses, policy: Policy
) -> tuple[str, ...]:
    """The cars it may be, where nobody has said which car this plug-in is."""
    unknown = vehicle is None and witnesses.answer is None
    if not (unknown and status.plugged_in and status.session_id is not None):
        return ()
    return candidates(status, witnesses, policy)


def _with_commute(situation: Situation, snapshot: Snapshot, policy: Policy) -> Situation:
    commute = commute_of(
        goals=situation.goals,
        vehicle=situation.vehicle,
        estimate=situation.estimate,
        evse=situation.evse,
        max_charge_w=_dependable_w(situation, policy),
        session=SessionEnergy(charged_wh=situation.charged_wh, car_full=situation.memory.car_full),
        snapshot=snapshot,
        policy=policy,
    )
    memory = _with_flags(situation, commute, snapshot)
    return replace(situation, commute=commute, memory=memory)


def _dependable_w(situation: Situation, policy: Policy) -> float:
    """What the trip can count on: no more than is safe, once trust or today's writes are gone."""
    power_w = dependable_charge_w(situation.max_charge_w, situation.evse, policy)
    if situation.memory.distrusted or writes_left(situation.use, Authority.SAFETY) == 0:
        return min(power_w, static_safe_w(situation.evse, policy.grid))
    return power_w


def _with_flags(situation: Situation, commute: Commute | None, snapshot: Snapshot) -> EvseMemory:
    """The two hystereses: below the floor until a step above it, must-charge until the goal.

    A trip whose latest start lies far ahead again (the goal changed) is left to the plan.
    """
    memory, vehicle, estimate = situation.memory, situation.vehicle, situation.estimate
    below_floor = False
    if vehicle is not None and estimate is not None:
        release = vehicle.soc_floor + (vehicle.hysteresis_soc if memory.below_floor else 0.0)
        below_floor = estimate.soc < release
    must_charge = (
        commute is not None
        and commute.unmet
        and (
            commute.urgent
            or not snapshot.clock_trusted
            or (memory.must_charge and commute.slack_s < RELEASE_SLACK_S)
        )
    )
    if (below_floor, must_charge) == (memory.below_floor, memory.must_charge):
        return memory
    return replace(memory, below_floor=below_floor, must_charge=must_charge)


def _fresh_power(status: EvseStatus, snapshot: Snapshot, policy: Policy) -> bool:
    max_age_s = policy.timing.evse_max_age_s
    return fresh(status.power_observed_at, now=snapshot.now, max_age_s=max_age_s)
