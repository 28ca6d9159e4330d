"""Counters into quarter-hour rows: their sum is last register less first, exactly."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from v2g_daemon.accounting.course import Course
from v2g_daemon.domain.billing_meter import BillingMeter
from v2g_daemon.domain.interval import QUARTER_HOUR, Interval, quarter_hour_start
from v2g_daemon.domain.quick import quick, replace

# A longer silence is a clock that jumped or a house that stood empty: begin anew, and say so.
LONGEST_GAP = timedelta(days=92)
MICROSECOND = timedelta(microseconds=1)
MICROSECONDS_PER_S = 1e6


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class BookedRow:
    """One finished row: amounts, and the two device registers at its end (None: never read)."""

    interval: Interval
    amounts: tuple[int, ...]
    registers_milliwh: tuple[int, int] | None
    estimated: bool


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterTrack:
    """The running row: what it holds up to `at_utc`, and the registers and power read there.

    `resumed`: the next segment spans a restart.
    """

    row_start_utc: datetime
    at_utc: datetime
    amounts: tuple[int, ...]
    registers_milliwh: tuple[int, int] | None
    power_w: float | None
    estimated: bool = False
    resumed: bool = False


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """What happened from the track's last reading to `at_utc`.

    The first two increments are those of the registers; a reset books none, from a new base.
    `courses` says how each came about, as far as that is known. `parts` names those that are a part
    of another, which they exceed in no row.
    """

    at_utc: datetime
    increments: tuple[int, ...]
    registers_milliwh: tuple[int, int] | None
    power_w: float | None
    courses: tuple[Course | None, ...]
    reset: bool = False
    parts: tuple[tuple[int, int], ...] = ()


def started(
    at_utc: datetime,
    registers_milliwh: tuple[int, int] | None,
    *,
    power_w: float | None,
    width: int,
    resumed: bool,
) -> RegisterTrack:
    """A track without a history, whose first row begins at its first reading."""
    return RegisterTrack(
        row_start_utc=at_utc,
        at_utc=at_utc,
        amounts=(0,) * width,
        registers_milliwh=registers_milliwh,
        power_w=power_w,
        resumed=resumed,
    )


def booked(
    track: RegisterTrack,
    segment: Segment,
    *,
    gap_limit_s: float,
    billing_meter: BillingMeter | None = None,
) -> tuple[RegisterTrack, tuple[BookedRow, ...]]:
    """The track after the segment, and the rows whose end it reached.

    Rows end with each quarter hour, and with each interval of the billing meter.

    A boundary inside the segment is interpolated along the courses, by a line where there is none,
    rounded once, and used by both neighbours.
    """
    span_s = (segment.at_utc - track.at_utc).total_seconds()
    doubtful = track.resumed or segment.reset
    rows: list[BookedRow] = []
    start_utc, before = track.row_start_utc, (0,) * len(segment.increments)
    amounts, estimated = track.amounts, track.estimated or doubtful
    end_utc = row_end(start_utc, billing_meter)
    while end_utc <= segment.at_utc:
        upto = _share(segment, from_utc=track.at_utc, to_utc=end_utc)
        interpolated = end_utc < segment.at_utc and span_s > gap_limit_s
        within = Interval(start_utc=start_utc, end_utc=end_utc)
        booked_here = _grown(amounts, before, upto)
        rows.append(_row(within, booked_here, segment, upto, estimated=estimated or interpolated))
        start_utc, end_utc, before = end_utc, row_end(end_utc, billing_meter), upto
        amounts, estimated = (0,) * len(upto), interpolated or doubtful
    return (
        RegisterTrack(
            row_start_utc=start_utc,
            at_utc=segment.at_utc,
            amounts=_grown(amounts, before, segment.increments),
            registers_milliwh=segment.registers_milliwh,
            power_w=segment.power_w,
            estimated=estimated and start_utc < segment.at_utc,
        ),
        tuple(rows),
    )


def _row(
    within: Interval,
    amounts: tuple[int, ...],
    segment: Segment,
    upto: tuple[int, ...],
    *,
    estimated: bool,
) -> BookedRow:
    return BookedRow(
        interval=within,
        amounts=amounts,
        registers_milliwh=_registers_at(segment, upto),
        estimated=estimated,
    )


def row_end(start_utc: datetime, billing_meter: BillingMeter | None) -> datetime:
    """Where a row that begins at the moment ends."""
    quarter_utc = quarter_hour_start(start_utc) + QUARTER_HOUR
    if billing_meter is None:
        return quarter_utc
    return min(quarter_utc, billing_meter.settlement_end(start_utc))


def cut(track: RegisterTrack) -> tuple[RegisterTrack, BookedRow | None]:
    """End the running row at its last reading; None where it has no length."""
    if track.at_utc <= track.row_start_utc:
        return track, None
    row = BookedRow(
        interval=Interval(start_utc=track.row_start_utc, end_utc=track.at_utc),
        amounts=track.amounts,
        registers_milliwh=track.registers_milliwh,
        estimated=track.estimated,
    )
    rest = replace(
        track, row_start_utc=track.at_utc, amounts=(0,) * len(track.amounts), estimated=False
    )
    return rest, row


def _share(segment: Segment, *, from_utc: datetime, to_utc: datetime) -> tuple[int, ...]:
    """The increments up to a moment of the segment, each rounded half up once; parts down."""
    if to_utc == segment.at_utc:
        return segment.increments
    whole = (segment.at_utc - from_utc) // MICROSECOND
    part = (to_utc - from_utc) // MICROSECOND
    upto = [
        (2 * amount * part + whole) // (2 * whole)
        if course is None
        else int(amount * course.part(part / MICROSECONDS_PER_S) + 0.5)
        for amount, course in zip(segment.increments, segment.courses, strict=True)
    ]
    for one, other in segment.parts:
        upto[one] = upto[other] * segment.increments[one] // max(segment.increments[other], 1)
    return tuple(upto)


def _registers_at(segment: Segment, upto: tuple[int, ...]) -> tuple[int, int] | None:
    if segment.registers_milliwh is None:
        return None
    first, second = segment.registers_milliwh
    return (
        first - segment.increments[0] + upto[0],
        second - segment.increments[1] + upto[1],
    )


def _grown(
    amounts: tuple[int, ...], before: tuple[int, ...], upto: tuple[int, ...]
) -> tuple[int, ...]:
    """The amounts with what came between two increments."""
    return tuple([a + u - b for a, b, u in zip(amounts, before, upto, strict=True)])
