"""Files of recorded series and sessions as the days of a rehearsal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from v2g_daemon.adapters.series.sessions import RecordedSession
from v2g_daemon.adapters.series.translate import SeriesFile
from v2g_daemon.domain.errors import SeriesFileError
from v2g_daemon.domain.interval import QUARTER_HOUR, Interval
from v2g_daemon.market.series import SeriesPrice
from v2g_daemon.rehearsal.days import Stay
from v2g_daemon.rehearsal.quarters import Quarters, Recorded, quarters

# Of what was charged, so much reached the pack, and left it again on the road.
KEPT_OF_A_CHARGE = 0.92


def amounts(
    file: SeriesFile, column: str, interval: Interval, *, step: timedelta = QUARTER_HOUR
) -> Quarters:
    """A column on the quarter hours, or other steps; SeriesFileError where it does not reach."""
    if column not in file.amounts:
        raise SeriesFileError(f"{file.name}: there is no column {column}")
    recorded = Recorded(
        start_utc=file.start_utc,
        step=timedelta(seconds=file.step_s),
        values=file.amounts[column],
    )
    return _reaching(recorded, interval, f"{file.name}: {column}", step=step)


def prices(
    series: Sequence[SeriesPrice], interval: Interval, *, name: str, step: timedelta = QUARTER_HOUR
) -> Quarters:
    """Prices on the quarter hours, or other steps; SeriesFileError where they do not reach."""
    return _reaching(_as_recorded(series, name), interval, name, step=step)


def prices_on_their_steps(
    series: Sequence[SeriesPrice], interval: Interval, *, name: str
) -> tuple[timedelta, Quarters]:
    """Prices on steps of their own length over the interval, and that length."""
    record = _as_recorded(series, name)
    return record.step, _reaching(record, interval, name, step=record.step)


def stays(
    sessions: Sequence[RecordedSession],
    interval: Interval,
    *,
    floor_wh: float,
    pack_wh: float,
    step: timedelta = QUARTER_HOUR,
) -> tuple[tuple[Stay, ...], tuple[str, ...]]:
    """The stays within the interval, and in words what was left out.

    Where a file tells no trip, it took what was charged after it; where it tells no target, that is
    the next trip above the floor.
    """
    found: list[Stay] = []
    notes: list[str] = []
    trips_wh = [_trip_wh(one, pack_wh) for one in sessions]
    for number, session in enumerate(sessions):
        first = max(-((interval.start_utc - session.plug_in_utc) // step), 0)
        whole = session.plug_out_utc <= interval.end_utc
        end_utc = min(session.plug_out_utc, interval.end_utc)
        end = (end_utc - interval.start_utc) // step
        if session.plug_out_utc <= interval.start_utc or session.plug_in_utc >= interval.end_utc:
            continue
        if end <= first or (found and first < found[-1].end):
            why = "is too short" if end <= first else "overlaps the one before"
            notes.append(f"the stay from {session.plug_in_utc:%Y-%m-%d %H:%M}Z {why}: left out")
            continue
        later_wh = trips_wh[number + 1] if number + 1 < len(sessions) else None
        here_already = session.plug_in_utc < interval.start_utc
        found.append(
            Stay(
                first=first,
                end=end,
                trip_wh=0.0 if here_already else trips_wh[number],
                target_wh=_target_wh(session, later_wh, floor_wh, pack_wh) if whole else None,
            )
        )
    return tuple(found), tuple(notes)


def _trip_wh(session: RecordedSession, pack_wh: float) -> float:
    """What left the pack before a stay."""
    if session.trip_before_kwh is not None:
        return session.trip_before_kwh * 1000.0
    charged_kwh = 0.0 if session.energy_kwh is None else session.energy_kwh
    return min(charged_kwh * 1000.0 * KEPT_OF_A_CHARGE, pack_wh)


def _target_wh(
    session: RecordedSession, later_wh: float | None, floor_wh: float, pack_wh: float
) -> float | None:
    """What should be in the pack at plug-out."""
    if session.target_at_plug_out_kwh is not None:
        return min(session.target_at_plug_out_kwh * 1000.0, pack_wh)
    return None if later_wh is None else min(later_wh + floor_wh, pack_wh)


def _as_recorded(series: Sequence[SeriesPrice], name: str) -> Recorded:
    if not series:
        raise SeriesFileError(f"{name}: there is no price at all")
    start_utc = series[0].interval.start_utc
    step = min(price.interval.end_utc - price.interval.start_utc for price in series)
    values: list[float | None] = [None] * ((series[-1].interval.end_utc - start_utc) // step)
    for price in series:
        values[(price.interval.start_utc - start_utc) // step] = float(price.per_kwh)
    return Recorded(start_utc=start_utc, step=step, values=values)


def _reaching(
    recorded: Recorded, interval: Interval, name: str, *, step: timedelta = QUARTER_HOUR
) -> Quarters:
    found = quarters(recorded, interval, step=step)
    if found is None:
        raise SeriesFileError(
            f"{name}: it holds {recorded.start_utc:%Y-%m-%d} to {recorded.end_utc:%Y-%m-%d}, which "
            f"does not reach over {interval.start_utc:%Y-%m-%d} to {interval.end_utc:%Y-%m-%d}, "
            "nor when moved by whole times 52 weeks; rehearse less with --from and --to"
        )
    return found


def told(name: str, found: Quarters) -> tuple[str, ...]:
    """In words what was done to a record."""
    notes = []
    if found.moved_days != 0:
        notes.append(f"{name} was moved by {found.moved_days:+d} days, so that weekdays agree")
    if found.filled_count > 0:
        count = found.filled_count
        notes.append(f"{name}: {count} steps without a value hold another week's")
    return tuple(notes)
