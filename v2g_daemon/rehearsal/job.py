"""One strategy through the days: what a process of its own is asked, and what it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import time
from typing import TypeVar, assert_never

from v2g_daemon.domain.policy import Policy, Stage
from v2g_daemon.domain.quick import replace
from v2g_daemon.rehearsal.course import Done, Driver, begun, course
from v2g_daemon.rehearsal.days import Days
from v2g_daemon.rehearsal.knowledge import Knowledge, known_prices
from v2g_daemon.rehearsal.peaks import DemandRule
from v2g_daemon.rehearsal.plant import Plant
from v2g_daemon.rehearsal.rules import BreakEven, CheapestHours, Plain, Scripted
from v2g_daemon.rehearsal.strategies import Strategy
from v2g_daemon.rehearsal.virtual_house import Planner, VirtualHouse, capable, commissioned

S = TypeVar("S")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Everything a strategy needs; `policy` is that of a house in virtual time, at its last stage.

    `published`: the wall time at which tomorrow's prices are known (None: all prices always are).
    `real_time_s`: the interval of a market whose prices are known only while it runs,
    from `told_after_s` on.
    `end_per_kwh`: what energy left in the pack is credited at. `demands` are told to a house.
    """

    strategy: Strategy
    knowledge: Knowledge
    days: Days
    plant: Plant
    policy: Policy
    published: time | None
    start_wh: float
    end_per_kwh: float
    real_time_s: int | None = None
    told_after_s: int = 0
    demands: tuple[DemandRule, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a strategy did, one value per slot; `energy_wh` is in the pack at the slot's end.

    `pack_wh` went into the pack (+) or out of it (−). Departures: the slots at whose end the car
    left, and what was missing then. `stranded_wh`: what trips wanted and the pack did not hold.
    """

    setpoint_w: tuple[float, ...]
    power_w: tuple[float, ...]
    pack_wh: tuple[float, ...]
    energy_wh: tuple[float, ...]
    import_milliwh: tuple[int, ...]
    export_milliwh: tuple[int, ...]
    charge_milliwh: tuple[int, ...]
    discharge_milliwh: tuple[int, ...]
    departure_slots: tuple[int, ...]
    missing_wh: tuple[float, ...]
    stranded_wh: float


Progress = Callable[[int], None]
Foresight = Callable[[Job], tuple[float, ...]]


def run(job: Job, *, planner: Planner, foresight: Foresight, progress: Progress) -> Ran:
    """Drive the strategy; `progress` hears week by week how many slots are done."""
    days, plant = job.days, job.plant
    known = known_prices(
        days,
        published=job.published,
        real_time_s=job.real_time_s,
        told_after_s=job.told_after_s,
    )
    wear_per_kwh = job.policy.vehicles[0].wear_cost_per_kwh_discharged
    match job.strategy:
        case Strategy.PLAIN:
            return _driven(job, Plain(plant=plant), progress)
        case Strategy.CHEAPEST:
            return _driven(job, CheapestHours(days=days, plant=plant, until=known.until), progress)
        case Strategy.THRESHOLD:
            rule = BreakEven(days=days, plant=plant, until=known.until, wear_per_kwh=wear_per_kwh)
            return _driven(job, rule, progress)
        case Strategy.PERFECT:
            return _driven(job, Scripted(setpoint_w=foresight(job)), progress)
        case Strategy.V1G | Strategy.V2H | Strategy.V2G:
            house = VirtualHouse(
                days=days,
                plant=plant,
                policy=replace(job.policy, stage_wanted=Stage[job.strategy.name]),
                prices=known,
                knowledge=job.knowledge,
                planner=planner,
                capability=capable(plant),
                commissioning=commissioned(days.start_utc),
                demands=job.demands,
            )
            return _driven(job, house, progress)
        case _ as unreachable:
            assert_never(unreachable)


def _driven(job: Job, driver: Driver[S], progress: Progress) -> Ran:
    standing = begun(driver, energy_wh=job.start_wh)
    done: list[Done] = []
    while standing.slot < job.days.count:
        until = min(standing.slot + 7 * job.days.slots_a_day, job.days.count)
        standing, week = course(job.days, job.plant, driver, standing, until=until)
        done += week
        progress(standing.slot)
    return columns(done)


def columns(done: list[Done]) -> Ran:
    """The slots from the first on, as columns."""
    left = [(slot, one.missing_wh) for slot, one in enumerate(done) if one.missing_wh is not None]
    stranded_wh = 0.0
    for one in done:
        stranded_wh += one.stranded_wh
    return Ran(
        setpoint_w=tuple(one.setpoint_w for one in done),
        power_w=tuple(one.flow.power_w * one.flow.share for one in done),
        pack_wh=tuple(one.flow.pack_wh for one in done),
        energy_wh=tuple(one.energy_wh for one in done),
        import_milliwh=tuple(one.import_milliwh for one in done),
        export_milliwh=tuple(one.export_milliwh for one in done),
        charge_milliwh=tuple(one.charge_milliwh for one in done),
        discharge_milliwh=tuple(one.discharge_milliwh for one in done),
        departure_slots=tuple(slot for slot, _ in left),
        missing_wh=tuple(missing_wh for _, missing_wh in left),
        stranded_wh=stranded_wh,
    )
