"""What no plan can be made of: numbers that are none, and sizes that nothing in a house has.

A NaN would not stop the programme: it compares as false everywhere and ends in a plan that knows no
bound. What is merely odd (a target out of reach, a SoC above the ceiling) is planned, not refused.
The rows of the past, by the thousand, are looked at where they are read (`past_powers`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from math import isfinite, isnan
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from v2g_daemon.domain.budget import DischargeBudget
from v2g_daemon.domain.errors import ProblemRefused
from v2g_daemon.domain.goals import DepartureGoal
from v2g_daemon.domain.loss import LossCurve
from v2g_daemon.domain.plan import PlanProblem, Store
from v2g_daemon.domain.prices import PeakCharge
from v2g_daemon.domain.programs import AvailabilityPay, AvailabilityTerms, Commitment
from v2g_daemon.domain.sun import SunForecast

MAY_BE_INFINITE = (
    "import_limit_w",
    "export_limit_w",
    "daily_export_wh",
    "pv_throttled_above_w",
)
NO_SOC_BELOW, NO_SOC_ABOVE = -1.0, 2.0
LARGEST_W = 1e6


def refuse_unplannable(problem: PlanProblem) -> None:
    """Raise ProblemRefused with the first complaint, if there is any but of the past."""
    for complaint in _complaints(problem):
        raise ProblemRefused(complaint)


def _complaints(problem: PlanProblem) -> Iterator[str]:
    yield from _of_time(problem)
    for name, value in _numbers(problem):
        if isnan(value) or not (isfinite(value) or name in MAY_BE_INFINITE):
            yield f"{name} is {value}: it must be a number"
    yield from _of_series(problem)
    for name in ("unmet_goal_per_kwh", "unmet_later_per_kwh"):
        if getattr(problem, name) <= 0.0:
            yield f"{name} is {getattr(problem, name)}: missing a goal must cost something"
    yield from _of_store(problem.store)
    for number, pay in enumerate(problem.availability):
        soc = pay.terms.soc_at_least
        if not NO_SOC_BELOW <= soc <= NO_SOC_ABOVE:
            name = f"availability[{number}].terms.soc_at_least"
            yield f"{name} is {soc}: it is a fraction, 0 to 1, of the pack"


def _of_time(problem: PlanProblem) -> Iterator[str]:
    if problem.start_utc.utcoffset() is None:
        yield f"start_utc is {problem.start_utc}: it must say that it is UTC"
    try:
        ZoneInfo(problem.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield f"timezone is {problem.timezone!r}: no such zone is known here"


def _of_store(store: Store) -> Iterator[str]:
    if store.capacity_wh <= 0.0:
        yield f"store.capacity_wh is {store.capacity_wh}: a pack without capacity stores nothing"
    for name in ("soc", "soc_floor", "soc_ceiling", "taper_above_soc"):
        if not NO_SOC_BELOW <= getattr(store, name) <= NO_SOC_ABOVE:
            yield f"store.{name} is {getattr(store, name)}: it is a fraction, 0 to 1, of the pack"
    for name in ("max_charge_w", "max_discharge_w"):
        if getattr(store, name) > LARGEST_W:
            yield f"store.{name} is {getattr(store, name)}: no charger of a house has {LARGEST_W} W"


def _numbers(problem: PlanProblem) -> Iterator[tuple[str, float]]:
    """Every number that stands alone, by its name; what is absent is left out."""
    yield from _floats_of(problem, "")
    yield from _floats_of(problem.store, "store.")
    yield from _floats_of(problem.store.loss, "store.loss.")
    for number, goal in enumerate(problem.goals):
        yield from _floats_of(goal, f"goals[{number}].")
    for number, charge in enumerate(problem.prices.peak_charges):
        yield from _floats_of(charge, f"prices.peak_charges[{number}].")
    for number, budget in enumerate(problem.budgets):
        yield from _floats_of(budget, f"budgets[{number}].")
    for number, commitment in enumerate(problem.commitments):
        yield from _floats_of(commitment, f"commitments[{number}].")
    for number, pay in enumerate(problem.availability):
        yield from _floats_of(pay, f"availability[{number}].")
        yield from _floats_of(pay.terms, f"availability[{number}].terms.")
    if problem.sun is not None:
        yield from _floats_of(problem.sun, "sun.")


def _of_series(problem: PlanProblem) -> Iterator[str]:
    """The same of columns."""
    slots = (*problem.past_prices, *problem.prices.slots)
    imports = [slot.import_per_kwh for slot in slots]
    exports = [slot.export_per_kwh for slot in slots]
    trips_wh = [0.0 if stay.trip_wh is None else stay.trip_wh for stay in problem.stays]
    yield from _odd(imports, lambda at: f"the import price at {slots[at].interval.start_utc}")
    yield from _odd(exports, lambda at: f"the export price at {slots[at].interval.start_utc}")
    yield from _odd(trips_wh, lambda at: f"stays[{at}].trip_wh")
    told = () if problem.sun is None else problem.sun.irradiance_w_per_m2
    light = [0.0 if one is None else one for one in told]
    yield from _odd(light, lambda at: f"the sun of the quarter hour {at} that was told")
    others_w = [one.power_w for planned in problem.beside for one in planned]
    yield from _odd(others_w, lambda at: "a power planned beside")


def _odd(column: Sequence[float], name: Callable[[int], str]) -> Iterator[str]:
    """What of a column is no number; its sum tells at once that nothing is."""
    if not isfinite(sum(column)):
        for place, value in enumerate(column):
            if not isfinite(value):
                yield f"{name(place)} is {value}: it must be a number"


def _floats_of(
    one: PlanProblem
    | Store
    | LossCurve
    | DepartureGoal
    | DischargeBudget
    | Commitment
    | AvailabilityPay
    | AvailabilityTerms
    | PeakCharge
    | SunForecast,
    prefix: str,
) -> Iterator[tuple[str, float]]:
    for field in fields(one):
        value = getattr(one, field.name)
        if isinstance(value, float):
            yield prefix + field.name, value
