"""The course of a strategy through the days: what it did in each quarter hour, and where it stands.

A course can be broken off after any slot and gone on with later; nothing comes out differently.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from v2g_daemon.domain.quick import quick
from v2g_daemon.rehearsal.days import Days, Stay
from v2g_daemon.rehearsal.plant import Flow, Plant, Surroundings, held

S = TypeVar("S")


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Registers:
    """Counted energy; a meter shows it rounded to whole milliwatt-hours."""

    import_wh: float = 0.0
    export_wh: float = 0.0
    charge_wh: float = 0.0
    discharge_wh: float = 0.0

    def after(self, flow: Flow, slot_h: float) -> Registers:
        """The counters a slot later."""
        moved_wh = flow.power_w * flow.share * slot_h
        return Registers(
            import_wh=self.import_wh + flow.import_wh,
            export_wh=self.export_wh + flow.export_wh,
            charge_wh=self.charge_wh + max(moved_wh, 0.0),
            discharge_wh=self.discharge_wh + max(-moved_wh, 0.0),
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """The start of a slot as a strategy finds it; `power_w` is what flows until now."""

    slot: int
    stay: Stay | None
    around: Surroundings
    energy_wh: float
    power_w: float
    registers: Registers


class Driver(Protocol[S]):
    """A strategy: from its state and the moment to its next state and a setpoint in W."""

    def start(self) -> S:
        """Its state before the first slot."""
        ...

    def drive(self, state: S, moment: Moment) -> tuple[S, float]:
        """The setpoint to hold in this slot; without a car it is not obeyed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing(Generic[S]):
    """Where a course stands before `slot`; `state` is the driver's."""

    slot: int
    state: S
    energy_wh: float
    power_w: float = 0.0
    registers: Registers = field(default_factory=Registers)


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """One slot done: what was asked for, what flowed, and the energy in the pack at its end.

    `missing_wh`: by how much a departure at its end misses the target (None: nobody leaves).
    `stranded_wh`: what the trip before it wanted and the pack did not hold.
    """

    setpoint_w: float
    flow: Flow
    energy_wh: float
    missing_wh: float | None
    stranded_wh: float
    import_milliwh: int
    export_milliwh: int
    charge_milliwh: int
    discharge_milliwh: int


def course(
    days: Days, plant: Plant, driver: Driver[S], standing: Standing[S], *, until: int
) -> tuple[Standing[S], tuple[Done, ...]]:
    """Drive the slots from where the course stands up to `until`."""
    done: list[Done] = []
    stays = iter(stay for stay in days.stays if stay.end > standing.slot)
    stay = next(stays, None)
    for slot in range(standing.slot, until):
        if stay is not None and slot == stay.end:
            stay = next(stays, None)
        here = stay if stay is not None and stay.first <= slot else None
        standing, one = _slot(days, plant, driver, standing, here)
        done.append(one)
    return standing, tuple(done)


def begun(driver: Driver[S], *, energy_wh: float) -> Standing[S]:
    """The standing before the first slot."""
    return Standing(slot=0, state=driver.start(), energy_wh=energy_wh)


def _slot(
    days: Days, plant: Plant, driver: Driver[S], standing: Standing[S], stay: Stay | None
) -> tuple[Standing[S], Done]:
    slot, energy_wh, stranded_wh = standing.slot, standing.energy_wh, 0.0
    if stay is not None and slot == stay.first:
        stranded_wh = max(stay.trip_wh - energy_wh, 0.0)
        energy_wh = max(energy_wh - stay.trip_wh, 0.0)
    around = Surroundings(
        load_w=days.load_w[slot],
        pv_w=days.pv_w[slot],
        export_per_kwh=days.export_per_kwh[slot],
    )
    moment = Moment(
        slot=slot,
        stay=stay,
        around=around,
        energy_wh=energy_wh,
        power_w=standing.power_w,
        registers=standing.registers,
    )
    state, setpoint_w = driver.drive(standing.state, moment)
    if stay is None:
        setpoint_w = 0.0
    ceiling_wh = plant.ceiling_of(None if stay is None else stay.target_wh)
    flow = held(plant, setpoint_w, energy_wh, around, ceiling_wh=ceiling_wh, slot_h=days.slot_h)
    after = Standing(
        slot=slot + 1,
        state=state,
        energy_wh=energy_wh + flow.pack_wh,
        power_w=flow.power_w if flow.share == 1.0 else 0.0,
        registers=standing.registers.after(flow, days.slot_h),
    )
    return after, _done(standing, after, setpoint_w, flow, stay, stranded_wh)


def _done(
    before: Standing[S],
    after: Standing[S],
    setpoint_w: float,
    flow: Flow,
    stay: Stay | None,
    stranded_wh: float,
) -> Done:
    missing_wh = None
    if stay is not None and after.slot == stay.end and stay.target_wh is not None:
        missing_wh = max(stay.target_wh - after.energy_wh, 0.0)
    was, now = before.registers, after.registers
    return Done(
        setpoint_w=setpoint_w,
        flow=flow,
        energy_wh=after.energy_wh,
        missing_wh=missing_wh,
        stranded_wh=stranded_wh,
        import_milliwh=milliwh(now.import_wh) - milliwh(was.import_wh),
        export_milliwh=milliwh(now.export_wh) - milliwh(was.export_wh),
        charge_milliwh=milliwh(now.charge_wh) - milliwh(was.charge_wh),
        discharge_milliwh=milliwh(now.discharge_wh) - milliwh(was.discharge_wh),
    )


def milliwh(energy_wh: float) -> int:
    """What a register shows."""
    return round(energy_wh * 1000.0)
