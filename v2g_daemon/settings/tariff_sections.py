"""The tables of the tariff language (docs/tariffs.md): every key, its default and its range.

Amounts are in the tariff's currency, per kWh unless the key says per day, per month or per kW, and
are best written as strings. An empty string is the same as leaving the key out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, time
from decimal import Decimal
from itertools import chain
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from v2g_daemon.market.calendar import (
    ALL_DAYS,
    ALL_MONTHS,
    HOLIDAYS,
    MINUTES_PER_DAY,
    WEEKDAYS,
    WEEKEND,
    WEEKEND_AND_HOLIDAYS,
)
from v2g_daemon.settings.section import Name, Section

DAY_WORDS = {
    "all": ALL_DAYS,
    "weekday": WEEKDAYS,
    "weekend": WEEKEND,
    "holiday": HOLIDAYS,
    "weekend_holiday": WEEKEND_AND_HOLIDAYS,
}
WEEKDAY_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
# Where a bidding zone lies decides its wall times; a zone not listed needs a timezone.
TIMEZONE_OF_BIDDING_ZONE = {
    "AT": "Europe/Vienna", "BE": "Europe/Brussels", "CH": "Europe/Zurich", "CZ": "Europe/Prague",
    "DE-LU": "Europe/Berlin", "DK1": "Europe/Copenhagen", "DK2": "Europe/Copenhagen",
    "ES": "Europe/Madrid", "FI": "Europe/Helsinki", "FR": "Europe/Paris", "HU": "Europe/Budapest",
    "IT-North": "Europe/Rome", "NL": "Europe/Amsterdam", "NO2": "Europe/Oslo",
    "PL": "Europe/Warsaw", "PT": "Europe/Lisbon", "SE4": "Europe/Stockholm",
    "SI": "Europe/Ljubljana",
}  # fmt: skip
# What a rate of each kind needs, and what it may have besides.
RATE_KEYS = {
    "flat": (("value",), ()),
    "tou": ((), ("default", "periods")),
    "series": (("source",), ("mult", "adder")),
    "table576": (("values",), ()),
    "tiered": ((), ("value",)),
    "none": ((), ()),
}


def _blank_is_absent(value: object) -> object:
    return None if value == "" else value


def _currency(value: str) -> str:
    if re.fullmatch("[A-Z]{3}", value) is None:
        raise ValueError('no currency; write its three letters, such as "EUR"')
    return value


def _one_or_many(value: object) -> object:
    return [value] if isinstance(value, dict) else value


def _minute(value: object) -> object:
    """Minutes of the wall clock from "17:30", 17:30:00 or "24:00"."""
    if isinstance(value, time):
        value = value.isoformat(timespec="minutes")
    if value == "24:00":
        return MINUTES_PER_DAY
    try:
        wall = time.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        wall = None
    if wall is None or wall.tzinfo is not None or wall.second != 0:
        raise ValueError('no wall time; write it as "17:30"')
    return wall.hour * 60 + wall.minute


def _days(value: object) -> object:
    """Kinds of day (weekday, plus 7 on holidays) from a word or a list of words."""
    words = [value] if isinstance(value, str) else value
    if not isinstance(words, list) or not words:
        raise ValueError("no days; write a word or a list of words")
    found: set[int] = set()
    for word in words:
        if word in WEEKDAY_NAMES:
            found |= {WEEKDAY_NAMES.index(word), WEEKDAY_NAMES.index(word) + 7}
        elif word in DAY_WORDS:
            found |= DAY_WORDS[word]
        else:
            known = ", ".join((*DAY_WORDS, *WEEKDAY_NAMES))
            raise ValueError(f"no kind of day is called {word!r}; known are {known}")
    return frozenset(found)


def _month_of_expiry(value: object) -> object:
    """The month of "annual:04"; "" is never."""
    if value in ("", None):
        return None
    kind, _, month = value.partition(":") if isinstance(value, str) else ("", "", "")
    if kind != "annual" or not month.isdigit() or not 1 <= int(month) <= 12:
        raise ValueError('no expiry; write it as "annual:04", the month in which credit is lost')
    return int(month)


Amount = Annotated[Decimal, Field()]
MaybeAmount = Annotated[Decimal | None, BeforeValidator(_blank_is_absent)]
Minute = Annotated[int, BeforeValidator(_minute)]
Days = Annotated[frozenset[int], BeforeValidator(_days)]
Month = Annotated[int, Field(ge=1, le=12)]
Vat = Annotated[Decimal, Field(ge=0, lt=1)]


class PeriodSection(Section):
    """Hours of some days of some months; `to` = "24:00" ends a day, and an earlier one wraps."""

    months: Annotated[frozenset[Month], Field(min_length=1)] = ALL_MONTHS
    days: Days = ALL_DAYS
    from_min: Annotated[Minute, Field(alias="from")] = 0
    to_min: Annotated[Minute, Field(alias="to")] = MINUTES_PER_DAY

    @model_validator(mode="after")
    def _has_length(self) -> PeriodSection:
        if self.from_min == self.to_min:
            raise ValueError("begins when it ends; write from and to of a span of the day")
        return self


class TouPeriodSection(PeriodSection):
    """One of `periods`: what holds in it."""

    value: Amount


class RateSection(Section):
    """A price per kWh of some `kind`, and bounds of its own."""

    kind: Literal["flat", "tou", "series", "table576", "tiered"]
    value: MaybeAmount = None
    default: MaybeAmount = None
    periods: tuple[TouPeriodSection, ...] = ()
    source: str | None = None
    mult: Amount = Decimal(1)
    adder: Amount = Decimal(0)
    values: tuple[tuple[tuple[Amount, ...], ...], ...] = ()
    floor: MaybeAmount = None
    cap: MaybeAmount = None

    @model_validator(mode="after")
    def _fits_its_kind(self) -> RateSection:
        needed, optional = RATE_KEYS[self.kind]
        rate_keys = {key for keys in RATE_KEYS.values() for key in chain(*keys)}
        for key in sorted(self.model_fields_set & rate_keys - {*needed, *optional}):
            raise ValueError(f"kind {self.kind!r} has no {key}; remove it, or change the kind")
        for key in needed:
            if getattr(self, key) in (None, ()):
                raise ValueError(f"kind {self.kind!r} needs {key}; add it")
        if self.kind == "tou" and not self.periods and self.default is None:
            raise ValueError("kind 'tou' needs periods or a default; add them")
        if self.kind == "table576" and not _is_table(self.values):
            raise ValueError("values are not 12 months of 2 kinds of day of 24 hours; correct them")
        return self


def _is_table(values: tuple[tuple[tuple[Decimal, ...], ...], ...]) -> bool:
    return len(values) == 12 and all(
        len(month) == 2 and all(len(hours) == 24 for hours in month) for month in values
    )


class ComponentSection(RateSection):
    """[[tariff.import.component]] and of export: one more summand of the price, by its name."""

    name: Name


class TiersSection(Section):
    """[tariff.import.tiers]: steps of [upper kWh in the bill month, adder], "" without end."""

    steps: Annotated[tuple[tuple[MaybeAmount, Amount], ...], Field(min_length=1)]
    billing_day: Annotated[int, Field(ge=1, le=28)] | None = None

    @model_validator(mode="after")
    def _rises(self) -> TiersSection:
        *lower, last = [upper for upper, _ in self.steps]
        if last is not None:
            raise ValueError('the last step has an end; write "" for it')
        before = Decimal(0)
        for upper in lower:
            if upper is None or upper <= before:
                raise ValueError("the steps do not rise; write them from the lowest on")
            before = upper
        return self


def _windows(value: object) -> object:
    """Windows as tables; a pair ["16:00", "21:00"] holds every day."""
    if not isinstance(value, list):
        return value
    return [
        {"from": one[0], "to": one[1]} if isinstance(one, list) and len(one) == 2 else one
        for one in value
    ]


class DemandSection(Section):
    """[tariff.import.demand]: a price for the highest mean kW; several as an array of tables."""

    name: Name = "demand"
    rate_per_kw_month: Annotated[Decimal, Field(ge=0)]
    interval_s: Annotated[int, Field(ge=60, le=3600)] = 900
    windows: Annotated[tuple[PeriodSection, ...], BeforeValidator(_windows)] = ()
    ratchet_pct: Annotated[Decimal, Field(ge=0, le=100)] = Decimal(0)
    ratchet_months: Annotated[int, Field(ge=1, le=24)] = 11

    @field_validator("interval_s")
    @classmethod
    def _divides_the_hour(cls, interval_s: int) -> int:
        if 3600 % interval_s != 0:
            raise ValueError("does not divide an hour; write 300, 900, 1800 or 3600")
        return interval_s


class ImportSection(Section):
    """[tariff.import]: the price of an imported kWh; its own floor and cap include VAT."""

    energy: RateSection
    component: tuple[ComponentSection, ...] = ()
    floor: MaybeAmount = None
    cap: MaybeAmount = None
    tiers: TiersSection | None = None
    demand: Annotated[tuple[DemandSection, ...], BeforeValidator(_one_or_many)] = ()


class ExportSection(RateSection):
    """[tariff.export]: what an exported kWh earns, and how that is settled.

    `vintage` and `lock_years` say which table it is and how long it is promised; they are shown.
    """

    kind: Literal["none", "flat", "tou", "series", "table576"]  # type: ignore[assignment]
    component: tuple[ComponentSection, ...] = ()
    vintage: int | None = None
    lock_years: Annotated[int, Field(ge=0)] = 0
    vat: Vat = Decimal(0)
    negative_price_rule: Literal["pay", "zero", "no_export"] = "pay"
    negative_price_source: str | None = None
    settles: Literal["cash", "bill_credit", "netting"] = "cash"
    credit_expiry: Annotated[int | None, BeforeValidator(_month_of_expiry)] = None

    @model_validator(mode="after")
    def _settles_what_it_says(self) -> ExportSection:
        if self.credit_expiry is not None and self.settles != "bill_credit":
            raise ValueError(
                'credit_expiry belongs to settles = "bill_credit"; remove it, or settle so'
            )
        return self


class ReliefSection(Section):
    """[tariff.relief]: components that are not charged on kWh later returned to the grid."""

    components: Annotated[tuple[Name, ...], Field(min_length=1)]
    basis: Literal["quarter_hour_returned_kwh"] = "quarter_hour_returned_kwh"


class HolidaysSection(Section):
    """[tariff.holidays]: the public ones of a country, only some of them by name, and dates."""

    country: Annotated[str, Field(pattern="^([A-Z]{2})?$")] = ""
    subdivision: str = ""
    only: tuple[str, ...] = ()
    dates: tuple[date, ...] = ()


class TariffSection(Section):
    """[tariff]: one version of a contract, from `valid_from` to `valid_to`, both included."""

    id: Name
    currency: Annotated[str, AfterValidator(_currency)]
    imports: Annotated[ImportSection, Field(alias="import")]
    name: str = ""
    timezone: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    vat: Vat = Decimal(0)
    fixed_per_day: Amount = Decimal(0)
    fixed_per_month: Amount = Decimal(0)
    billing_day: Annotated[int, Field(ge=1, le=28)] | None = None
    export: ExportSection = ExportSection(kind="none")
    relief: ReliefSection | None = None
    holidays: HolidaysSection | None = None
    verified: bool = False
    source: str = ""
    source_date: date | None = None

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, name: str | None) -> str | None:
        return None if name is None else known_timezone(name)

    @model_validator(mode="after")
    def _agrees(self) -> TariffSection:
        first, last = self.valid_from, self.valid_to
        if first is not None and last is not None and last < first:
            raise ValueError(f"valid_to = {last} lies before valid_from = {first}; exchange them")
        tiers = self.imports.tiers
        if self.imports.energy.kind == "tiered" and tiers is None:
            raise ValueError("kind 'tiered' needs [tariff.import.tiers]; add it")
        days = {self.billing_day, None if tiers is None else tiers.billing_day} - {None}
        if len(days) > 1:
            raise ValueError("two billing_days; keep the one of [tariff]")
        return self


def known_timezone(name: str) -> str:
    """The name of a zone that exists; ValueError otherwise."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(
            "no such time zone; write an IANA name such as Europe/Amsterdam"
        ) from error
    return name


def timezone_of(versions: Sequence[TariffSection]) -> str | None:
    """The zone that a tariff tells: its own, else that of the bidding zone that it follows."""
    for version in versions:
        if version.timezone is not None:
            return version.timezone
    for version in versions:
        kind, _, zone = (version.imports.energy.source or "").partition(":")
        if kind == "energy-charts" and zone in TIMEZONE_OF_BIDDING_ZONE:
            return TIMEZONE_OF_BIDDING_ZONE[zone]
    return None


def sources_of(versions: Sequence[TariffSection]) -> tuple[str, ...]:
    """The sources that any version names, each once."""
    found: list[str | None] = []
    for version in versions:
        imports, export = version.imports, version.export
        rates = (imports.energy, *imports.component, export, *export.component)
        found += [*(rate.source for rate in rates), export.negative_price_source]
    return tuple(dict.fromkeys(name for name in found if name is not None))
