"""What a tariff file says that can be used and looks wrong: each a sentence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from v2g_daemon.market.calendar import ALL_DAYS, ALL_MONTHS, HOLIDAYS, MINUTES_PER_DAY
from v2g_daemon.market.currencies import units_of_a_euro
from v2g_daemon.settings.tariff_sections import (
    WEEKDAY_NAMES,
    PeriodSection,
    RateSection,
    TariffSection,
    TouPeriodSection,
    sources_of,
)

SOON = timedelta(days=60)
# A dear kWh and a dear day, in euro; above them an amount is suspicious.
DEAR_PER_KWH = Decimal(2)
DEAR_PER_DAY = Decimal(20)
LEAST_MULT, MOST_MULT = Decimal("0.2"), Decimal(5)
ASKED_UNCONFIGURED = ("energy-charts", "octopus")
# The wall minutes of each (month, kind of day), as bits.
Minutes = dict[tuple[int, int], int]
MONTH_NAMES = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


def lints(versions: Sequence[TariffSection], *, today: date) -> tuple[str, ...]:
    """The doubts, whether anybody stands for the amounts, and what a house must add."""
    ordered = sorted(versions, key=lambda one: one.valid_from or date.min)
    unproved = [f"{one.id}: {text}" for one in ordered for text in _provenance(one)]
    return (*unproved, *doubts(ordered, today=today), *_sources(ordered))


def doubts(versions: Sequence[TariffSection], *, today: date) -> tuple[str, ...]:
    """Everything that looks wrong, in the order of the versions."""
    ordered = sorted(versions, key=lambda one: one.valid_from or date.min)
    found = list(_between(ordered))
    for version in ordered:
        found += [f"{version.id}: {text}" for text in _version(version)]
    return (*found, *_expiry(ordered, today))


def _between(versions: Sequence[TariffSection]) -> Iterator[str]:
    for earlier, later in pairwise(versions):
        if earlier.valid_to is not None and later.valid_from is not None:
            next_day = earlier.valid_to + timedelta(days=1)
            if later.valid_from > next_day:
                last = later.valid_from - timedelta(days=1)
                yield f"no version is valid from {next_day} to {last}"


def _expiry(versions: Sequence[TariffSection], today: date) -> Iterator[str]:
    first, last = versions[0].valid_from, versions[-1].valid_to
    if first is not None and today < first:
        yield f"nothing is valid before {first}"
    if last is not None and last < today:
        yield f"it expired on {last}: from then on no price is known"
    elif last is not None and last - today <= SOON:
        yield f"it expires on {last}; add the next version"


def _provenance(version: TariffSection) -> Iterator[str]:
    if not version.verified:
        day = "" if version.source_date is None else f" on {version.source_date}"
        where = f" (taken{day} from: {version.source})" if version.source else ""
        yield f"its amounts are not verified against a contract{where}"
    if not version.source or version.source_date is None:
        yield "it does not say where its amounts are from, and when; add source and source_date"


def _version(version: TariffSection) -> Iterator[str]:
    for place, rate in _rates(version):
        yield from _amounts(version, place, rate)
        if rate.kind == "tou":
            yield from _periods(version, place, rate)
    yield from _others(version)


def _rates(version: TariffSection) -> Iterator[tuple[str, RateSection]]:
    yield "import.energy", version.imports.energy
    for one in version.imports.component:
        yield f"import component {one.name}", one
    if version.export.kind != "none":
        yield "export", version.export
    for one in version.export.component:
        yield f"export component {one.name}", one


def _amounts(version: TariffSection, place: str, rate: RateSection) -> Iterator[str]:
    named = [("value", rate.value), ("default", rate.default), ("adder", rate.adder)]
    named += [("floor", rate.floor), ("cap", rate.cap)]
    named += [(f"periods[{n}].value", one.value) for n, one in enumerate(rate.periods)]
    cells = [cell for month in rate.values for day in month for cell in day]
    if cells:
        named.append(("values (median)", sorted(cells)[len(cells) // 2]))
    dear = DEAR_PER_KWH * units_of_a_euro(version.currency)
    for key, amount in named:
        if amount is not None and abs(amount) > dear and key != "cap":
            yield (
                f"{place}: {key} = {amount} {version.currency} per kWh is a lot; "
                "is it in hundredths (ct, p) or per MWh?"
            )
    if rate.kind == "series" and not LEAST_MULT <= abs(rate.mult) <= MOST_MULT:
        yield (
            f"{place}: mult = {rate.mult} is unusual; series are in {version.currency} per kWh "
            "already, whatever unit their source has"
        )


def _sources(versions: Sequence[TariffSection]) -> Iterator[str]:
    for name in sources_of(versions):
        if name.partition(":")[0] not in ASKED_UNCONFIGURED:
            yield f"source {name!r} needs a [[prices.source]] of that name in the house"


def _others(version: TariffSection) -> Iterator[str]:
    if abs(version.fixed_per_day) > DEAR_PER_DAY * units_of_a_euro(version.currency):
        yield (
            f"fixed_per_day = {version.fixed_per_day} {version.currency} is a lot; "
            "is it in hundredths (ct, p), per month or per year?"
        )
    for one in version.imports.demand:
        if one.rate_per_kw_month == 0:
            yield f"demand {one.name} costs nothing"
        for number, window in enumerate(one.windows):
            if not _occurs(version, window):
                yield f"demand {one.name}: windows[{number}] never occurs{_why(version, window)}"
    if version.relief is not None and version.export.kind == "none":
        yield "relief is for returned kWh, and exports earn nothing"
    if version.imports.tiers is not None and len(version.imports.tiers.steps) == 1:
        yield "tiers have one step only: write it as a component"


def _periods(version: TariffSection, place: str, rate: RateSection) -> Iterator[str]:
    """Periods that never occur or are hidden by an earlier one, overlaps, and hours without any."""
    days = _days_that_occur(version)
    taken: Minutes = {}
    for number, period in enumerate(rate.periods):
        own = {day: _minutes(period) for day in days if _has(period, *day)}
        if not own:
            yield f"{place}: periods[{number}] never occurs{_why(version, period)}"
            continue
        if all(minutes & ~taken.get(day, 0) == 0 for day, minutes in own.items()):
            yield f"{place}: periods[{number}] never occurs: earlier ones hold all of it"
        elif (clash := _first_overlap(own, taken)) is not None:
            yield f"{place}: periods[{number}] overlaps an earlier one, which counts, {clash}"
        for day, minutes in own.items():
            taken[day] = taken.get(day, 0) | minutes
    if rate.default is None:
        whole = (1 << MINUTES_PER_DAY) - 1
        holes = {day: whole & ~taken.get(day, 0) for day in days}
        hole = _first(holes)
        if hole is not None:
            yield f"{place}: no price {hole}; add a period or a default"


def _first_overlap(own: Minutes, taken: Minutes) -> str | None:
    return _first({day: minutes & taken.get(day, 0) for day, minutes in own.items()})


def _first(minutes_of: Minutes) -> str | None:
    """The first of the marked minutes, in words."""
    for (month, kind), minutes in sorted(minutes_of.items()):
        if minutes:
            first = (minutes & -minutes).bit_length() - 1
            holiday = " that is a holiday" if kind in HOLIDAYS else ""
            day = WEEKDAY_NAMES[kind % 7].capitalize()
            wall = f"{first // 60:02}:{first % 60:02}"
            return f"at {wall} on a {day}{holiday} in {MONTH_NAMES[month - 1]}"
    return None


def _occurs(version: TariffSection, period: PeriodSection) -> bool:
    return any(_has(period, *day) for day in _days_that_occur(version))


def _why(version: TariffSection, period: PeriodSection | TouPeriodSection) -> str:
    if version.holidays is None and period.days <= HOLIDAYS:
        return ": there are no [tariff.holidays]"
    return ": the version is not valid in its months"


def _has(period: PeriodSection, month: int, kind: int) -> bool:
    return month in period.months and kind in period.days


def _days_that_occur(version: TariffSection) -> list[tuple[int, int]]:
    """(month, kind of day) that the version's validity and holidays can bring."""
    kinds = ALL_DAYS if version.holidays is not None else ALL_DAYS - HOLIDAYS
    months = ALL_MONTHS
    first, last = version.valid_from, version.valid_to
    if first is not None and last is not None and last - first < timedelta(days=335):
        months = frozenset(
            (first + timedelta(days=number)).month for number in range((last - first).days + 1)
        )
    return [(month, kind) for month in sorted(months) for kind in sorted(kinds)]


def _minutes(period: PeriodSection) -> int:
    """The wall minutes of a day that it holds, as bits."""
    first, end = 1 << period.from_min, 1 << period.to_min
    if period.from_min < period.to_min:
        return end - first
    return ((1 << MINUTES_PER_DAY) - first) | (end - 1)
