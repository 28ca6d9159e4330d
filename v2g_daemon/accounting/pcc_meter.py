"""The energy at the PCC: registers into rows with their price and the PV beside them."""

from __future__ import annotations

from datetime import datetime

from v2g_daemon.accounting import evse_meter, valuation
from v2g_daemon.accounting.course import courses
from v2g_daemon.accounting.registers import BookedRow, RegisterTrack, Segment, started
from v2g_daemon.domain.ledger import PccInterval
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.prices import PriceSlot
from v2g_daemon.domain.readings import MeterReading

# Amounts of the track: import, export, PV, circulation between the phases (milliwatt-hours).
PCC_WIDTH = 4


def begun(at_utc: datetime, registers: tuple[int, int], power_w: float) -> RegisterTrack:
    """The track of a meter that is read for the first time."""
    return started(at_utc, registers, power_w=power_w, width=PCC_WIDTH, resumed=False)


def resumed(row: PccInterval | None) -> RegisterTrack | None:
    """The track as the last stored row left it; None where that knew no registers."""
    if row is None or row.import_register_milliwh is None or row.export_register_milliwh is None:
        return None
    registers = (row.import_register_milliwh, row.export_register_milliwh)
    return started(row.interval.end_utc, registers, power_w=None, width=PCC_WIDTH, resumed=True)


def segment(
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


def as_row(
    row: BookedRow, slot: PriceSlot | None, *, pv_known: bool, phases_known: bool, policy: Policy
) -> PccInterval:
    """A finished row as the ledger keeps it, at the prices of `slot`."""
    registers = row.registers_milliwh
    return PccInterval(
        interval=row.interval,
        import_milliwh=row.amounts[0],
        export_milliwh=row.amounts[1],
        pv_milliwh=row.amounts[2] if pv_known else None,
        import_register_milliwh=None if registers is None else registers[0],
        export_register_milliwh=None if registers is None else registers[1],
        estimated=row.estimated,
        import_per_kwh=None if slot is None else valuation.exact(slot.import_per_kwh),
        export_per_kwh=None if slot is None else valuation.exact(slot.export_per_kwh),
        currency=policy.economics.currency,
        circulating_milliwh=row.amounts[3] if phases_known else None,
    )
