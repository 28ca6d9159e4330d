"""What it is worth to be plugged in, and to know when the car leaves: both from the same values."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from v2g_daemon.domain.plan import PlanProblem, StayWorth
from v2g_daemon.planning.backward import Unplugged, Values, unplugged, values
from v2g_daemon.planning.case import Case, Floats
from v2g_daemon.planning.depth import Solution
from v2g_daemon.planning.habits import TRIPS_HALF_LIFE
from v2g_daemon.planning.programs import paid_money
from v2g_daemon.planning.tables import Standing

MONEY_DECIMALS = 4
WH_DECIMALS = 1
TRIP_SPREAD = (0.1, 0.9)
RECENT_TRIPS = int(TRIPS_HALF_LIFE)
# The next departure stands for all that may come about as early or late as these of them.
DEPARTURES = (0.1, 0.3, 0.5, 0.7, 0.9)


def stays_worth(solution: Solution) -> tuple[StayWorth | None, ...]:
    """Per step in which the car is likely plugged in, what that is worth until it leaves.

    A car that has come back stands with what it came with, until it is plugged in.
    """
    standing = unplugged(solution.tables, solution.values)
    spread_wh = _spread_wh(solution.tables.case)
    found: list[StayWorth | None] = []
    came_with_wh: float | None = None
    for step, (before_wh, plugged, after_wh) in enumerate(_course(solution)):
        if not plugged:
            came_with_wh = after_wh
            found.append(None)
            continue
        likely_wh = before_wh if came_with_wh is None else came_with_wh
        found.append(_worth(solution, standing, step, likely_wh, spread_wh))
    return tuple(found)


def told_money(solution: Solution, *, plugged_in: bool) -> float | None:
    """What it would be worth to know the next departure; None where it is known, or none is likely.

    The programme that knows is solved for a few departures, as early and late as they are likely,
    with the trips as uncertain as before. The price of missing energy is in it.
    """
    case = solution.tables.case
    here = case.horizon.presence
    if here.trips is None or not plugged_in or bool((~np.isnan(here.target_wh)).any()):
        return None
    start_wh = case.pack.start_wh
    solution = _unpaid(solution)
    grid, without = solution.tables.grid, solution.values.before[0]
    departures = _likely_departures(here.leaves)
    knowing = {leaving: _knowing(solution, leaving) for leaving in set(departures)}
    known = [grid.at(knowing[leaving].before[0], start_wh) for leaving in departures]
    gained = grid.at(without, start_wh) - float(np.mean(known))
    return round(max(gained, 0.0), MONEY_DECIMALS)


def largest_trip_wh(problem: PlanProblem) -> float | None:
    """The most that one of the last ten known trips took; None without any.

    They are those that count more than half where habits learn what a trip takes: of a holiday
    nobody is reminded once ten trips have followed.
    """
    ordered = sorted(problem.stays, key=lambda stay: stay.plugged_in_utc)
    trips_wh = [stay.trip_wh for stay in ordered if stay.trip_wh is not None]
    return max(trips_wh[-RECENT_TRIPS:], default=None)


def _knowing(solution: Solution, leaving: int | None) -> Values:
    """The programme of a car that surely leaves at the end of this step (None: of none ahead)."""
    case = solution.tables.case
    leaves = case.horizon.presence.leaves.copy()
    leaves[: len(leaves) if leaving is None else leaving] = 0.0
    if leaving is not None:
        leaves[leaving] = 1.0
    here = replace(case.horizon.presence, leaves=leaves)
    known = replace(case, horizon=replace(case.horizon, presence=here))
    tables, shadow = replace(solution.tables, case=known), solution.shadow_per_kwh
    # Once it has left, knowing of it changes nothing any more.
    return values(tables, shadow, later=solution.values, last=leaving)


def _unpaid(solution: Solution) -> Solution:
    """Without what programs pay for being here: that depends on when the car leaves alone."""
    tables, case = solution.tables, solution.tables.case
    paid = paid_money(case.held, case.horizon.steps)
    if tables.standing is None or not paid.any():
        return solution
    owed = Standing(
        cost=tables.standing.cost + paid[:, None], on_target=tables.standing.on_target + paid
    )
    tables = replace(tables, standing=owed)
    return replace(solution, tables=tables, values=values(tables, solution.shadow_per_kwh))


def _likely_departures(leaves: Floats) -> tuple[int | None, ...]:
    """The steps by whose end a car that is here has left with each chance of `DEPARTURES`."""
    left = 1.0 - np.cumprod(1.0 - leaves)
    steps = (int(np.searchsorted(left, chance)) for chance in DEPARTURES)
    return tuple(step if step < len(leaves) else None for step in steps)


def _course(solution: Solution) -> list[tuple[float, bool, float]]:
    """Energy at the start of each step, whether the car is likely plugged in, energy at its end."""
    case, after_wh = solution.tables.case, solution.path.energy_wh.tolist()
    plugged = case.horizon.presence.plugged.tolist()
    return list(zip([case.pack.start_wh, *after_wh[:-1]], plugged, after_wh, strict=True))


def _worth(
    solution: Solution,
    standing: Unplugged,
    step: int,
    likely_wh: float,
    spread_wh: tuple[float, float],
) -> StayWorth:
    grid, terms = solution.tables.grid, solution.tables.case.terms
    targets_wh = solution.tables.case.horizon.presence.target_wh[step:]
    told = not bool(np.isnan(targets_wh).all())
    unmet_per_kwh = terms.unmet_per_kwh if told else terms.unmet_later_per_kwh
    money = standing.cost[step] - standing.unmet[step] - solution.values.before[step]
    span = [grid.at(money, likely_wh + apart_wh) for apart_wh in (*spread_wh, 0.0)]
    lacking = grid.at(standing.unmet[step], likely_wh)
    return StayWorth(
        low_money=round(min(span), MONEY_DECIMALS),
        likely_money=round(span[-1], MONEY_DECIMALS),
        high_money=round(max(span), MONEY_DECIMALS),
        lacking_wh=round(lacking / unmet_per_kwh * 1000.0, WH_DECIMALS),
    )


def _spread_wh(case: Case) -> tuple[float, float]:
    """How much less and more than likely is in the pack, as the trips differ."""
    trips = case.horizon.presence.trips
    if trips is None:
        return 0.0, 0.0
    order = np.argsort(trips.energy_wh, kind="stable")
    reached = np.cumsum(trips.weight[order])
    low_wh, high_wh = (
        float(trips.energy_wh[order[min(int(np.searchsorted(reached, share)), len(order) - 1)]])
        for share in TRIP_SPREAD
    )
    return trips.typical_wh() - high_wh, trips.typical_wh() - low_wh
