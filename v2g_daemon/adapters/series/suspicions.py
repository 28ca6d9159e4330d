"""What looks measured and is not: filled gaps, nights, stamps that follow the wall clock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from statistics import median
from zoneinfo import ZoneInfo

from v2g_daemon.adapters.series.table import Row, fault, span

LONGEST_FLAT_S = 4 * 3600
LONGEST_NIGHT_S = 18 * 3600
# Around a change of the clock the sun moves by minutes; wall-clock stamps move by an hour.
DAYS_COMPARED = 10
LEAST_JUMP_H, MOST_JUMP_H = 0.7, 1.3
PV = "pv_w"

Values = tuple[float | None, ...]


def taken(
    column: str, values: Values, rows: Sequence[Row], *, step_s: int
) -> tuple[Values, tuple[str, ...]]:
    """The values as they are taken, and in words what was odd about them."""
    notes: list[str] = []
    if column == PV:
        values, nights = _nights(values, step_s)
        if nights > 0:
            notes.append(f"{nights} empty {PV} fields between zeros are nights: taken as 0 W")
    for first, last in _flat(values, step_s):
        minutes = (last - first) * step_s // 60
        notes.append(
            f"{span([rows[first], rows[last - 1]])}: {column} stays at exactly {values[first]:g} "
            f"for {minutes} minutes: probably a gap that somebody filled; kept"
        )
    empty = values.count(None)
    if empty > 0:
        notes.append(f"{empty} of {len(values)} fields of {column} are empty: missing, not 0")
    return values, tuple(notes)


def refuse_wall_clock(
    pv_w: Values, *, name: str, start_utc: datetime, step_s: int, zone: ZoneInfo
) -> None:
    """SeriesFileError where noon moves by an hour whenever the clock of the place changes.

    The stamps then carry one offset all year and are wall times in truth.
    """
    noons = _noons(pv_w, start_utc + _standard_offset(zone, start_utc), step_s)
    for change in _changes(noons, zone):
        jump_h = _jump_h(noons, change)
        if jump_h is not None and LEAST_JUMP_H <= abs(jump_h) <= MOST_JUMP_H:
            line = 2 + max(0, round((_midnight(change) - start_utc).total_seconds()) // step_s)
            problem = f"the sun's noon moves by {jump_h:+.1f} h on {change}, as the clock does"
            fix = f"its stamps are wall times: read them as {zone.key} and write UTC"
            raise fault(name, line, problem, fix)


def _nights(values: Values, step_s: int) -> tuple[Values, int]:
    """Gaps no longer than a night between two zeros are dark."""
    found, filled = list(values), 0
    for missing, group in groupby(range(len(values)), key=lambda index: values[index] is None):
        run = list(group)
        before = values[run[0] - 1] if run[0] > 0 else None
        after = values[run[-1] + 1] if run[-1] + 1 < len(values) else None
        dark = before == 0.0 and after == 0.0 and len(run) * step_s <= LONGEST_NIGHT_S
        if missing and dark:
            filled += len(run)
            for index in run:
                found[index] = 0.0
    return tuple(found), filled


def _flat(values: Values, step_s: int) -> list[tuple[int, int]]:
    """[first, end) of long runs of one value; nothing at all is no such run."""
    found: list[tuple[int, int]] = []
    first = 0
    for value, group in groupby(values):
        length = sum(1 for _ in group)
        dull = value is None or value == 0.0
        if not dull and length > 1 and length * step_s > LONGEST_FLAT_S:
            found.append((first, first + length))
        first += length
    return found


def _standard_offset(zone: ZoneInfo, moment_utc: datetime) -> timedelta:
    """The offset of the place in its winter, so that a day of sun lies in one date."""
    half_years = (datetime(moment_utc.year, month, 1, tzinfo=zone) for month in (1, 7))
    return min(one.utcoffset() or timedelta(0) for one in half_years)


def _noons(pv_w: Values, start: datetime, step_s: int) -> dict[date, float]:
    """The centre of each day's production in standard time, in hours after its midnight."""
    sums: dict[date, tuple[float, float]] = {}
    for index, power_w in enumerate(pv_w):
        if power_w is None or power_w <= 0.0:
            continue
        moment = start + timedelta(seconds=step_s * index)
        hour = moment.hour + moment.minute / 60.0
        weight, weighted = sums.get(moment.date(), (0.0, 0.0))
        sums[moment.date()] = (weight + power_w, weighted + power_w * hour)
    return {day: weighted / weight for day, (weight, weighted) in sums.items()}


def _changes(noons: dict[date, float], zone: ZoneInfo) -> list[date]:
    """The days of the file on which the clock of the place changes."""
    found = []
    for day in sorted(noons):
        before = datetime(day.year, day.month, day.day, tzinfo=zone)
        after = before + timedelta(days=1)
        if before.utcoffset() != after.utcoffset():
            found.append(day)
    return found


def _jump_h(noons: dict[date, float], change: date) -> float | None:
    """How far noon moves from the days before to the days after; None where too few are known."""
    before = [noons.get(change - timedelta(days=n)) for n in range(1, DAYS_COMPARED + 1)]
    after = [noons.get(change + timedelta(days=n)) for n in range(1, DAYS_COMPARED + 1)]
    early = [one for one in before if one is not None]
    late = [one for one in after if one is not None]
    if len(early) < DAYS_COMPARED // 2 or len(late) < DAYS_COMPARED // 2:
        return None
    return median(late) - median(early)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
