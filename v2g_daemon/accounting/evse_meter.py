"""One EVSE's energy: registers, the exported share of a discharge, its seconds and its wear."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from v2g_daemon.accounting import valuation
from v2g_daemon.accounting.course import courses
from v2g_daemon.accounting.registers import (
    LONGEST_GAP,
    BookedRow,
    RegisterTrack,
    Segment,
    booked,
    cut,
    started,
)
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.ledger import EvseInterval, PccInterval
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.quick import quick, replace
from v2g_daemon.domain.readings import EvseStatus, MeterReading

# Amounts of the track: charge, discharge, exported (milliwatt-hours), discharging (milliseconds).
WIDTH = 4
EXPORTED_OF_DISCHARGED = (2, 1)
# Registers of some stations move in steps; a step is no jump.
SLACK_MILLIWH = 200_000
OVER_RATING = 1.5


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class EvseMeter:
    """The running row of one EVSE and whose it is; `export_milliwh` is the PCC's at `track.at_utc`.

    `moved_milliwh` is what the last tick booked (charge, discharge).
    """

    evse_id: str
    track: RegisterTrack | None = None
    session_id: str | None = None
    vehicle_id: str | None = None
    end_soc: float | None = None
    export_milliwh: int | None = None
    pending_s: float = 0.0
    last_tick: Instant | None = None
    reset_utc: datetime | None = None
    moved_milliwh: tuple[int, int] = (0, 0)


def resumed(row: EvseInterval, pcc: PccInterval | None) -> EvseMeter:
    """The meter as the last stored rows of EVSE and PCC left it."""
    track = None
    if row.charge_register_milliwh is not None and row.discharge_register_milliwh is not None:
        registers = (row.charge_register_milliwh, row.discharge_register_milliwh)
        track = started(row.interval.end_utc, registers, power_w=None, width=WIDTH, resumed=True)
    together = pcc is not None and pcc.interval.end_utc == row.interval.end_utc
    return EvseMeter(
        evse_id=row.evse_id,
        track=track,
        session_id=row.session_id,
        vehicle_id=row.vehicle_id,
        end_soc=row.end_soc,
        export_milliwh=pcc.export_register_milliwh if together and pcc is not None else None,
    )


def advanced(
    meter: EvseMeter,
    status: EvseStatus,
    *,
    pcc: MeterReading | None,
    vehicle_id: str | None,
    soc: float | None,
    now: Instant,
    gap_limit_s: float,
    policy: Policy,
) -> tuple[EvseMeter, tuple[EvseInterval, ...]]:
    """The meter after this tick and the rows it finished."""
    session_id = status.session_id if status.plugged_in else None
    rows: tuple[EvseInterval, ...] = ()
    if session_id is not None and _is_another(meter, session_id, vehicle_id):
        meter, rows = _handed_over(meter, policy)
    meter, booked_rows = _read(meter, status, pcc, now, gap_limit_s=gap_limit_s, policy=policy)
    rows += tuple(as_row(meter, row, policy) for row in booked_rows)
    whose = (meter.session_id, meter.vehicle_id)
    if session_id is not None:
        whose = (session_id, vehicle_id)
    elif booked_rows:
        whose = (None, None)
    meter = replace(meter, session_id=whose[0], vehicle_id=whose[1], end_soc=soc, last_tick=now)
    return meter, rows


def _is_another(meter: EvseMeter, session_id: str, vehicle_id: str | None) -> bool:
    """Whether another plug-in, or within this one another car than was thought, stands here."""
    if meter.session_id not in (None, session_id):
        return True
    return meter.vehicle_id is not None and meter.vehicle_id != vehicle_id


def as_row(meter: EvseMeter, row: BookedRow, policy: Policy) -> EvseInterval:
    """A finished row as the ledger keeps it; a guest's car wears at its owner's cost."""
    charge, discharge, exported, discharging_ms = row.amounts
    vehicle = next((one for one in policy.vehicles if one.vehicle_id == meter.vehicle_id), None)
    discharging_s = discharging_ms / 1000.0
    registers = row.registers_milliwh
    return EvseInterval(
        interval=row.interval,
        evse_id=meter.evse_id,
        session_id=meter.session_id,
        vehicle_id=meter.vehicle_id,
        charge_milliwh=charge,
        discharge_milliwh=discharge,
        exported_milliwh=exported,
        discharging_s=discharging_s,
        wear_cost=valuation.wear_cost(
            discharge,
            discharging_s=discharging_s,
            loss=policy.evse(meter.evse_id).loss,
            per_kwh=0.0 if vehicle is None else vehicle.wear_cost_per_kwh_discharged,
        ),
        end_soc=meter.end_soc,
        charge_register_milliwh=None if registers is None else registers[0],
        discharge_register_milliwh=None if registers is None else registers[1],
        estimated=row.estimated,
    )


def running_row(meter: EvseMeter, policy: Policy) -> EvseInterval | None:
    """The row in progress, up to the last reading."""
    if meter.track is None:
        return None
    _, row = cut(meter.track)
    return None if row is None else as_row(meter, row, policy)


def _handed_over(meter: EvseMeter, policy: Policy) -> tuple[EvseMeter, tuple[EvseInterval, ...]]:
    """Another car stands here: the old one's row ends at its last reading."""
    rows: tuple[EvseInterval, ...] = ()
    if meter.track is not None:
        track, row = cut(meter.track)
        rows = () if row is None else (as_row(meter, row, policy),)
        meter = replace(meter, track=track)
    return replace(meter, session_id=None, vehicle_id=None), rows


def _pending_s(meter: EvseMeter, status: EvseStatus, now: Instant, *, longest_s: float) -> float:
    """The seconds of discharge not booked yet, with those since the last tick if it is one."""
    discharging = status.power_w is not None and status.power_w < 0.0
    if meter.last_tick is None or not discharging:
        return meter.pending_s
    return meter.pending_s + min(max(now.seconds_since(meter.last_tick), 0.0), longest_s)


def _read(
    meter: EvseMeter,
    status: EvseStatus,
    pcc: MeterReading | None,
    now: Instant,
    *,
    gap_limit_s: float,
    policy: Policy,
) -> tuple[EvseMeter, tuple[BookedRow, ...]]:
    """Book the segment up to a new reading, if there is one."""
    pending_s = _pending_s(meter, status, now, longest_s=policy.timing.evse_max_age_s)
    reading = _reading(meter.track, status, now)
    export_milliwh = None if pcc is None else pcc.export_milliwh
    if reading is None:
        return replace(meter, pending_s=pending_s, moved_milliwh=(0, 0)), ()
    at_utc, registers = reading
    power_w = _power_at(at_utc, status)
    before = meter.track
    if before is None or at_utc - before.at_utc > LONGEST_GAP:
        meter = replace(
            meter,
            track=started(at_utc, registers, power_w=power_w, width=WIDTH, resumed=False),
            export_milliwh=export_milliwh,
            pending_s=0.0,
            reset_utc=meter.reset_utc if before is None else at_utc,
            moved_milliwh=(0, 0),
        )
        return meter, ()
    segment = _segment(meter, before, at_utc, registers, power_w, export_milliwh, pending_s, policy)
    track, rows = booked(before, segment, gap_limit_s=gap_limit_s)
    meter = replace(
        meter,
        track=track,
        export_milliwh=export_milliwh,
        pending_s=0.0,
        reset_utc=at_utc if segment.reset else meter.reset_utc,
        moved_milliwh=(segment.increments[0], segment.increments[1]),
    )
    return meter, rows


def _reading(
    track: RegisterTrack | None, status: EvseStatus, now: Instant
) -> tuple[datetime, tuple[int, int] | None] | None:
    """Moment and registers of a reading newer than the track's.

    An empty outlet moves no energy, so that its registers stand as of now, even if never read.
    """
    registers = None if track is None else track.registers_milliwh
    if status.charge_milliwh is not None:
        told = status.discharge_milliwh
        registers = (status.charge_milliwh, 0 if told is None else told)
    if status.connected and not status.plugged_in:
        at_utc = now.utc
    elif registers is not None and status.registers_observed_at is not None:
        at_utc = status.registers_observed_at.utc
    else:
        return None
    return None if track is not None and at_utc <= track.at_utc else (at_utc, registers)


def _power_at(at_utc: datetime, status: EvseStatus) -> float | None:
    """The power that was told with the registers, W; an empty outlet has none."""
    if status.connected and not status.plugged_in:
        return 0.0
    observed_at = status.power_observed_at
    return status.power_w if observed_at is not None and observed_at.utc == at_utc else None


def _segment(
    meter: EvseMeter,
    track: RegisterTrack,
    at_utc: datetime,
    registers: tuple[int, int] | None,
    power_w: float | None,
    export_milliwh: int | None,
    pending_s: float,
    policy: Policy,
) -> Segment:
    before = track.registers_milliwh
    span_s = (at_utc - track.at_utc).total_seconds()
    if before is None or registers is None:
        return _without_energy(at_utc, registers, power_w, reset=False)
    charge, discharge = registers[0] - before[0], registers[1] - before[1]
    rated = policy.evse(meter.evse_id)
    if not (
        0 <= charge <= most_milliwh(rated.max_charge_w, span_s)
        and 0 <= discharge <= most_milliwh(max(rated.max_discharge_w, rated.max_charge_w), span_s)
    ):
        return _without_energy(at_utc, registers, power_w, reset=True)
    exported = _exported(discharge, meter.export_milliwh, export_milliwh)
    discharging_ms = _discharging_ms(pending_s, discharge, span_s, rated.max_discharge_w)
    charging, discharging = courses(
        (charge, discharge), before_w=track.power_w, after_w=power_w, span_s=span_s
    )
    return Segment(
        at_utc=at_utc,
        increments=(charge, discharge, exported, discharging_ms),
        registers_milliwh=registers,
        power_w=power_w,
        courses=(charging, discharging, discharging, discharging),
        parts=(EXPORTED_OF_DISCHARGED,),
    )


def _without_energy(
    at_utc: datetime, registers: tuple[int, int] | None, power_w: float | None, *, reset: bool
) -> Segment:
    return Segment(
        at_utc=at_utc,
        increments=(0,) * WIDTH,
        registers_milliwh=registers,
        power_w=power_w,
        courses=(None,) * WIDTH,
        reset=reset,
    )


def most_milliwh(rated_w: float, span_s: float) -> float:
    """More than any device moves in the span: half above its rating, and one register step."""
    return rated_w * OVER_RATING * span_s / 3.6 + SLACK_MILLIWH


def _exported(discharge: int, before_milliwh: int | None, after_milliwh: int | None) -> int:
    """min(discharge, PCC export) between two readings of the EVSE; all of it where unknown."""
    if discharge == 0 or before_milliwh is None or after_milliwh is None:
        return discharge
    return min(discharge, max(after_milliwh - before_milliwh, 0))


def _discharging_ms(pending_s: float, discharge: int, span_s: float, max_discharge_w: float) -> int:
    """Seconds seen discharging, at least those that full power needs, at most the span."""
    if discharge == 0:
        return 0
    fastest_s = discharge * 3.6 / max_discharge_w if max_discharge_w > 0.0 else span_s
    return round(min(max(pending_s, fastest_s), span_s) * 1000.0)
