"""The energy at the PCC: registers into rows with their price, and beside them what no register
counts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from v2g_daemon.accounting import evse_meter, held_power, valuation
from v2g_daemon.accounting.circulation import circulating_w
from v2g_daemon.accounting.course import courses
from v2g_daemon.accounting.held_power import HeldPower
from v2g_daemon.accounting.registers import (
    LONGEST_GAP,
    BookedRow,
    RegisterTrack,
    Segment,
    booked,
    cut,
    started,
)
from v2g_daemon.domain.interval import Interval
from v2g_daemon.domain.ledger import PccInterval
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.prices import PriceCurve, PriceSlot
from v2g_daemon.domain.quick import quick, replace
from v2g_daemon.domain.readings import MeterReading
from v2g_daemon.domain.snapshot import Snapshot

# Amounts of the track: import, export, PV, circulation between the phases (milliwatt-hours).
PCC_WIDTH = 4


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class PccMeter:
    """The running row of the PCC; PV and circulation have no register of their own."""

    track: RegisterTrack | None = None
    reset_utc: datetime | None = None
    pv: HeldPower = field(default_factory=HeldPower)
    circulation: HeldPower = field(default_factory=HeldPower)


def resumed(row: PccInterval | None) -> PccMeter:
    """The meter as the last stored row left it; without a track where that knew no registers."""
    if row is None:
        return PccMeter()
    track = None
    if row.import_register_milliwh is not None and row.export_register_milliwh is not None:
        registers = (row.import_register_milliwh, row.export_register_milliwh)
        end_utc = row.interval.end_utc
        track = started(end_utc, registers, power_w=None, width=PCC_WIDTH, resumed=True)
    unseen = HeldPower(known=False)
    return PccMeter(track=track, pv=unseen, circulation=unseen)


def advanced(
    meter: PccMeter,
    snapshot: Snapshot,
    in_force: PriceSlot | None,
    *,
    gap_limit_s: float,
    policy: Policy,
) -> tuple[PccMeter, tuple[PccInterval, ...]]:
    """The meter after this tick and the rows it finished; `in_force` is the price until now."""
    meter, reading = _held(meter, snapshot, longest_s=gap_limit_s), snapshot.meter
    if reading is None or reading.import_milliwh is None or reading.export_milliwh is None:
        return meter, ()
    track, at_utc = meter.track, reading.observed_at.utc
    registers = (reading.import_milliwh, reading.export_milliwh)
    if track is None or (before := track.registers_milliwh) is None:
        return replace(meter, track=_begun(at_utc, registers, reading.power_w)), ()
    if at_utc <= track.at_utc:
        return meter, ()
    if at_utc - track.at_utc > LONGEST_GAP:
        fresh = _begun(at_utc, registers, reading.power_w)
        return replace(meter, track=fresh, reset_utc=at_utc), ()
    pv, pv_milliwh = held_power.taken(meter.pv)
    circulation, circulating_milliwh = held_power.taken(meter.circulation)
    held_milliwh = (pv_milliwh, circulating_milliwh)
    moved = _segment(track, before, reading, registers, policy, held_milliwh=held_milliwh)
    track, finished = booked(
        track, moved, gap_limit_s=gap_limit_s, billing_meter=policy.grid.billing_meter
    )
    rows = tuple(_row(meter, row, in_force, snapshot.prices, policy) for row in finished)
    meter = PccMeter(
        track=track,
        reset_utc=at_utc if moved.reset else meter.reset_utc,
        pv=held_power.next_row(pv) if rows else pv,
        circulation=held_power.next_row(circulation) if rows else circulation,
    )
    return meter, rows


def running_row(meter: PccMeter, in_force: PriceSlot | None, policy: Policy) -> PccInterval | None:
    """The row in progress, up to the last reading."""
    if meter.track is None:
        return None
    _, row = cut(meter.track)
    return None if row is None else _row(meter, row, in_force, None, policy)


def _begun(at_utc: datetime, registers: tuple[int, int], power_w: float) -> RegisterTrack:
    """The track of a meter that is read for the first time."""
    return started(at_utc, registers, power_w=power_w, width=PCC_WIDTH, resumed=False)


def _held(meter: PccMeter, snapshot: Snapshot, *, longest_s: float) -> PccMeter:
    """Hold the powers that no register counts over the seconds since the last tick."""
    reading, now = snapshot.meter, snapshot.now
    phases_w = None if reading is None else circulating_w(reading.phase_power_w)
    pv = held_power.timed(meter.pv, snapshot.pv_power_w, now, longest_s=longest_s)
    circulation = held_power.timed(meter.circulation, phases_w, now, longest_s=longest_s)
    if pv is meter.pv and circulation is meter.circulation:
        return meter
    return replace(meter, pv=pv, circulation=circulation)


def _segment(
    track: RegisterTrack,
    before: tuple[int, int],
    reading: MeterReading,
    registers: tuple[int, int],
    policy: Policy,
    *,
    held_milliwh: tuple[int, int],
) -> Segment:
    """What moved from the track's registers to those of the reading; `held`: PV, circulation."""
    grid = policy.grid
    rated_w = grid.phases * grid.nominal_voltage_v * grid.main_fuse_a
    at_utc = reading.observed_at.utc
    span_s = (at_utc - track.at_utc).total_seconds()
    most = evse_meter.most_milliwh(rated_w, span_s)
    moved = (registers[0] - before[0], registers[1] - before[1])
    reset = not all(0 <= one <= most for one in moved)
    steps = courses(moved, before_w=track.power_w, after_w=reading.power_w, span_s=span_s)
    return Segment(
        at_utc=at_utc,
        increments=(0, 0, *held_milliwh) if reset else (*moved, *held_milliwh),
        registers_milliwh=registers,
        power_w=reading.power_w,
        courses=(None,) * PCC_WIDTH if reset else (*steps, None, None),
        reset=reset,
    )


def _row(
    meter: PccMeter,
    row: BookedRow,
    in_force: PriceSlot | None,
    curve: PriceCurve | None,
    policy: Policy,
) -> PccInterval:
    """A finished row as the ledger keeps it, at the price that its billing interval settles at."""
    registers = row.registers_milliwh
    slot = _price(in_force, row, curve, policy)
    return PccInterval(
        interval=row.interval,
        import_milliwh=row.amounts[0],
        export_milliwh=row.amounts[1],
        pv_milliwh=row.amounts[2] if meter.pv.known else None,
        import_register_milliwh=None if registers is None else registers[0],
        export_register_milliwh=None if registers is None else registers[1],
        estimated=row.estimated,
        import_per_kwh=None if slot is None else valuation.exact(slot.import_per_kwh),
        export_per_kwh=None if slot is None else valuation.exact(slot.export_per_kwh),
        currency=policy.economics.currency,
        circulating_milliwh=row.amounts[3] if meter.circulation.known else None,
    )


def _price(
    in_force: PriceSlot | None, row: BookedRow, curve: PriceCurve | None, policy: Policy
) -> PriceSlot | None:
    """The slot in force all through the billing interval, else the mean over it, else any of it."""
    start_utc = row.interval.start_utc
    whole = policy.grid.billing_meter.settlement_interval(start_utc)
    if in_force is not None and not in_force.interval.contains(start_utc):
        in_force = None
    if in_force is not None and _holds(in_force.interval, whole):
        return in_force
    mean = None if curve is None else curve.mean_over(whole)
    if mean is not None or in_force is not None:
        return in_force if mean is None else mean
    return None if curve is None else curve.at(start_utc)


def _holds(slot: Interval, whole: Interval) -> bool:
    return slot.start_utc <= whole.start_utc and whole.end_utc <= slot.end_utc
