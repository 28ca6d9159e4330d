"""The daemon's own step as a driver: each slot is one tick, and its setpoint is held.

What the daemon would observe is made from the plant; nothing in it is told apart from the real.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from v2g_daemon.accounting import metering
from v2g_daemon.domain.decision import Decision
from v2g_daemon.domain.goals import DepartureGoal
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.ledger import LedgerRow
from v2g_daemon.domain.plan import Plan, PlanProblem
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.power import PowerRange
from v2g_daemon.domain.prices import PriceCurve
from v2g_daemon.domain.quick import quick, replace
from v2g_daemon.domain.readings import EvseCapability, EvseStatus, MeterReading, PowerControl
from v2g_daemon.domain.setpoint import Setpoint
from v2g_daemon.domain.snapshot import (
    CommissioningRecord,
    CommissioningStep,
    DischargeCounters,
    RecordingHealth,
    VehicleGoals,
)
from v2g_daemon.rehearsal.course import Moment, milliwh
from v2g_daemon.rehearsal.days import Days, Stay
from v2g_daemon.rehearsal.knowledge import Knowledge, KnownPrices, told_goal
from v2g_daemon.rehearsal.peaks import DemandRule, PeakSoFar, after, charges
from v2g_daemon.rehearsal.plant import Plant
from v2g_daemon.step.house import House, Outcome, booked, considered, counted
from v2g_daemon.step.news import News

Planner = Callable[[PlanProblem], Plan]
SERIAL = "SIM-REHEARSAL"
SOC_DECIMALS = 6
# An SoC of 0 is what a car reports that does not know it; an empty one reads just more.
LEAST_SOC = 1e-6


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class HouseState:
    """The house between two ticks, and the prices it holds, up to slot `held`.

    `empty`: what was decided for an outlet without a car, while it stays so. `peaks`: where the
    demand charges stand, `imported_wh` had been imported by then.
    """

    house: House
    prices: PriceCurve | None = None
    held: int = 0
    empty: Decision | None = None
    peaks: tuple[PeakSoFar, ...] = ()
    imported_wh: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualHouse:
    """One EVSE and one car of `policy` in the days; the planner answers within the tick."""

    days: Days
    plant: Plant
    policy: Policy
    prices: KnownPrices
    knowledge: Knowledge
    planner: Planner
    capability: EvseCapability
    commissioning: tuple[CommissioningRecord, ...]
    demands: tuple[DemandRule, ...] = ()
    record: Callable[[tuple[LedgerRow, ...]], None] = lambda rows: None

    def start(self) -> HouseState:
        """A house without a past, whose charger is commissioned and whose counters stand at 0."""
        counters = DischargeCounters(
            vehicle_id=self.policy.vehicles[0].vehicle_id,
            exported_today_wh=0.0,
            discharged_month_wh=0.0,
            discharged_life_wh=0.0,
            discharging_life_s=0.0,
        )
        begun = metering.resume(
            pcc=None,
            evses=(),
            sessions=(),
            soc_days=(),
            counters_read=(counters,),
            decisions=(),
            now_utc=self.days.start_utc,
            timezone=self.policy.timezone,
        )
        return HouseState(house=House(metering=begun), peaks=(PeakSoFar(),) * len(self.demands))

    def drive(self, state: HouseState, moment: Moment) -> tuple[HouseState, float]:
        """One tick."""
        held = self.prices.held[moment.slot]
        if state.prices is None or held != state.held:
            state = replace(state, prices=self.prices.curve(moment.slot), held=held)
        if self.demands:
            state = self._with_peaks(state, moment)
        news = self._news(state, moment)
        if moment.stay is None and state.empty is not None:
            house, rows = counted(state.house, news, state.empty, self.policy)
            self.record(rows)
            return replace(state, house=house), 0.0
        house, outcome = self._ticked(state.house, news)
        self.record(outcome.rows)
        command = outcome.decision.evses[0].command
        setpoint_w = command.target_w if isinstance(command, Setpoint) else 0.0
        empty = outcome.decision if moment.stay is None else None
        return replace(state, house=house, empty=empty), setpoint_w

    def _with_peaks(self, state: HouseState, moment: Moment) -> HouseState:
        """The prices with the demand charges as they stand after the slot before."""
        import_wh = moment.registers.import_wh
        peaks, rules = state.peaks, self.demands
        if moment.slot > 0:
            slot_wh = import_wh - state.imported_wh
            peaks = after(peaks, rules, self.days, moment.slot - 1, slot_wh)
        prices, told = state.prices, charges(peaks, rules)
        if prices is not None and prices.peak_charges != told:
            prices = replace(prices, peak_charges=told)
        return replace(state, prices=prices, peaks=peaks, imported_wh=import_wh)

    def _ticked(self, house: House, news: News) -> tuple[House, Outcome]:
        """The house after the tick; one that asks for plans is considered again with them."""
        tick = considered(house, news, self.policy)
        if tick.problems != ():
            plans = tuple(self.planner(problem) for problem in tick.problems)
            asked = replace(house, questions=tick.questions)
            tick = considered(asked, replace(news, plans=plans), self.policy)
        return booked(tick, self.policy)

    def _news(self, state: HouseState, moment: Moment) -> News:
        now = Instant(
            utc=self.days.utc(moment.slot), monotonic_s=float(moment.slot * self.days.slot_s)
        )
        around, registers = moment.around, moment.registers
        return News(
            now=now,
            clock_trusted=True,
            meter=MeterReading(
                observed_at=now,
                power_w=around.load_w - around.pv_w + moment.power_w,
                import_milliwh=milliwh(registers.import_wh),
                export_milliwh=milliwh(registers.export_wh),
            ),
            pv_power_w=around.pv_w,
            evses=(self._evse(moment, now),),
            prices=state.prices,
            plans=(),
            failed_plans=(),
            overrides=(),
            commissioning=self.commissioning,
            recording=RecordingHealth(last_durable_at=now, queue_full=False, records_lost=0),
            goals=self._goals(moment.stay),
        )

    def _evse(self, moment: Moment, now: Instant) -> EvseStatus:
        stay, plant, registers = moment.stay, self.plant, moment.registers
        soc = max(round(moment.energy_wh / plant.pack_wh, SOC_DECIMALS), LEAST_SOC)
        return EvseStatus(
            evse_id=self.policy.evses[0].evse_id,
            connected=True,
            serial=SERIAL,
            plugged_in=stay is not None,
            session_id=None if stay is None else f"stay-{stay.first}",
            plugged_in_at_utc=None if stay is None else self.days.utc(stay.first),
            capability=self.capability,
            power_w=moment.power_w,
            power_observed_at=now,
            soc=None if stay is None else soc,
            soc_observed_at=None if stay is None else now,
            charge_milliwh=milliwh(registers.charge_wh),
            discharge_milliwh=milliwh(registers.discharge_wh),
            registers_observed_at=now,
        )

    def _goals(self, stay: Stay | None) -> tuple[VehicleGoals, ...]:
        """The goal that was told at plug-in."""
        if stay is None or self.knowledge is Knowledge.LEARNED:
            return ()
        goal: DepartureGoal = told_goal(
            self.days, stay, pack_wh=self.plant.pack_wh, floor_wh=self.plant.floor_wh
        )
        return (VehicleGoals(vehicle_id=self.policy.vehicles[0].vehicle_id, goals=(goal,)),)


def capable(plant: Plant) -> EvseCapability:
    """What a charger that follows a plant's bounds tells of itself."""
    return EvseCapability(
        power=PowerRange(lowest_w=-plant.max_discharge_w, highest_w=plant.max_charge_w),
        min_charge_w=plant.min_charge_w,
        min_discharge_w=plant.min_discharge_w,
        control=PowerControl.SIGNED,
    )


def commissioned(at_utc: datetime) -> tuple[CommissioningRecord, ...]:
    """All records of a charger that exists in the rehearsal only."""
    return tuple(
        CommissioningRecord(
            step=step,
            evse_serial=SERIAL,
            recorded_at_utc=at_utc,
            recorded_by="rehearsal",
            evidence="simulated",
            simulated=True,
        )
        for step in CommissioningStep
    )
