"""A day of our V2G from noon to noon: prices, power, and what is in the pack."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from v2g_daemon.adapters.reports import charts
from v2g_daemon.adapters.reports.charts import Panel
from v2g_daemon.adapters.reports.html import Html, figure, joined, tag, text
from v2g_daemon.domain.interval import noon_day
from v2g_daemon.rehearsal.contest import Contest
from v2g_daemon.rehearsal.strategies import Strategy

HOUR_SLOTS = 4
LEAST_OUT_WH = 500.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownDay:
    """The slots of a day worth looking at, and why."""

    first: int
    end: int
    title: str


def shown_days(contest: Contest) -> tuple[ShownDay, ...]:
    """The day on which V2G added most to V1G, and one in the middle of those it discharged on."""
    if not {Strategy.V1G, Strategy.V2G} <= contest.entries.keys():
        return ()
    ran = contest.entries[Strategy.V2G].ran
    days = [
        (first, end)
        for first, end in _noon_days(contest)
        if -sum(min(moved_wh, 0.0) for moved_wh in ran.pack_wh[first:end]) >= LEAST_OUT_WH
    ]
    if not days:
        return ()
    ranked = sorted(days, key=lambda day: _added(contest, *day))
    best, usual = ranked[-1], ranked[len(ranked) // 2]
    found = [ShownDay(first=best[0], end=best[1], title="The day that brought most")]
    if usual != best:
        found.append(ShownDay(first=usual[0], end=usual[1], title="An ordinary day"))
    return tuple(found)


def day_figure(contest: Contest, day: ShownDay) -> Html:
    """The day in three panels, under its title."""
    zone = ZoneInfo(contest.case.days.timezone)
    local = contest.case.days.utc(day.first).astimezone(zone)
    panels, hours, away = _panels(contest, day), _hours(contest, day), _away(contest, day)
    added = _added(contest, day.first, day.end)
    said = (
        f"{local:%A %-d %B %Y} from noon to noon: V2G added {added:.2f} "
        f"{contest.case.days.currency} to smart charging"
    )
    drawn = [
        charts.day_panels(panels, hours, away, width=width, said=said)
        for width in (charts.NARROW, charts.ROOMY)
    ]
    caption = (
        f"{said}. Blue charges, orange gives back; the grey line is what the house draws less its "
        "sun. In the shaded hours the car is away."
    )
    return joined((tag("h3", text(day.title)), figure(drawn[0], drawn[1], caption)))


def _noon_days(contest: Contest) -> Iterator[tuple[int, int]]:
    days = contest.case.days
    zone = ZoneInfo(days.timezone)
    moment_utc = days.start_utc
    while moment_utc < days.end_utc:
        night = noon_day(moment_utc, zone)
        first, end = days.slot_at(night.start_utc), days.slot_at(night.end_utc)
        if first >= 0 and end <= days.count:
            yield first, end
        moment_utc = night.end_utc


def _added(contest: Contest, first: int, end: int) -> float:
    """What V2G saved over V1G in these slots, energy moved between days credited alike."""
    return _cost(contest, Strategy.V1G, first, end) - _cost(contest, Strategy.V2G, first, end)


def _cost(contest: Contest, strategy: Strategy, first: int, end: int) -> float:
    days, ran, case = contest.case.days, contest.entries[strategy].ran, contest.case
    total = 0.0
    for slot in range(first, end):
        total += ran.import_milliwh[slot] / 1e6 * days.import_per_kwh[slot]
        total -= ran.export_milliwh[slot] / 1e6 * days.export_per_kwh[slot]
        total += max(-ran.pack_wh[slot], 0.0) / 1000.0 * case.wear_per_kwh
    before_wh = case.start_wh if first == 0 else ran.energy_wh[first - 1]
    stored_wh = ran.energy_wh[end - 1] - before_wh
    return total - stored_wh / 1000.0 * float(case.market.end_per_kwh)


def _panels(contest: Contest, day: ShownDay) -> tuple[Panel, ...]:
    days, plant = contest.case.days, contest.case.plant
    ran, slots = contest.entries[Strategy.V2G].ran, slice(day.first, day.end)
    net = zip(days.load_w[slots], days.pv_w[slots], strict=True)
    return (
        Panel(
            title="Prices: import, export dashed",
            unit=f"{days.currency} per kWh",
            lines=(
                ("price", days.import_per_kwh[slots]),
                ("sold", days.export_per_kwh[slots]),
            ),
            from_zero=True,
        ),
        Panel(
            title="Power of car and house",
            unit="kW",
            lines=(("load", tuple((load_w - pv_w) / 1000.0 for load_w, pv_w in net)),),
            bars=tuple(power_w / 1000.0 for power_w in ran.power_w[slots]),
            height=130.0,
        ),
        Panel(
            title="In the pack",
            unit="%",
            lines=(("stored", _soc(contest, day)),),
            marks=(
                100.0 * plant.floor_wh / plant.pack_wh,
                100.0 * plant.ceiling_wh / plant.pack_wh,
            ),
            height=90.0,
            from_zero=True,
        ),
    )


def _soc(contest: Contest, day: ShownDay) -> tuple[float | None, ...]:
    """None while the car is away: nobody sees it."""
    ran, here = contest.entries[Strategy.V2G].ran, _here(contest, day)
    pack_wh = contest.case.plant.pack_wh
    return tuple(
        100.0 * ran.energy_wh[slot] / pack_wh if plugged else None
        for slot, plugged in zip(range(day.first, day.end), here, strict=True)
    )


def _here(contest: Contest, day: ShownDay) -> list[bool]:
    plugged = [False] * (day.end - day.first)
    for stay in contest.case.days.stays:
        for slot in range(max(stay.first, day.first), min(stay.end, day.end)):
            plugged[slot - day.first] = True
    return plugged


def _away(contest: Contest, day: ShownDay) -> tuple[tuple[float, float], ...]:
    here, length = _here(contest, day), day.end - day.first
    edges = [0, *(k for k in range(1, length) if here[k] != here[k - 1]), length]
    return tuple((a / length, b / length) for a, b in pairwise(edges) if not here[a])


def _hours(contest: Contest, day: ShownDay) -> tuple[tuple[float, str], ...]:
    days = contest.case.days
    zone = ZoneInfo(days.timezone)
    length = day.end - day.first
    found = []
    for slot in range(day.first, day.end + 1, HOUR_SLOTS):
        local = (days.start_utc + slot * timedelta(minutes=15)).astimezone(zone)
        if local.hour % 6 == 0:
            found.append(((slot - day.first) / length, f"{local:%H:%M}"))
    return tuple(found)
