"""Tariffs as rules: what a household pays and earns per kWh, per kW, per day and per month.

Every amount is in `currency`, and before VAT unless its comment says otherwise. The words are those
of the TOML language (docs/tariffs.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from zoneinfo import ZoneInfo

from v2g_daemon.market.calendar import LocalCalendar, Period


@dataclass(frozen=True, slots=True, kw_only=True)
class FlatRate:
    """The same at all times."""

    value: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class TouPeriod:
    """What holds in a period."""

    period: Period
    value: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class TouRate:
    """By time of use: the first period that holds, else the default; None has no price."""

    periods: tuple[TouPeriod, ...]
    default: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesRate:
    """A source's price × mult + adder."""

    source: str
    mult: Decimal = Decimal(1)
    adder: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRate:
    """576 values: [month][weekday, weekend or holiday][hour of the wall clock]."""

    values: tuple[tuple[tuple[Decimal, ...], tuple[Decimal, ...]], ...]


Rate = FlatRate | TouRate | SeriesRate | TableRate


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One summand of a price, with bounds of its own."""

    name: str
    rate: Rate
    floor: Decimal | None = None
    cap: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """A price: the sum of its components × (1 + vat); floor and cap bound it last, VAT included."""

    components: tuple[Component, ...]
    vat: Decimal = Decimal(0)
    floor: Decimal | None = None
    cap: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TierStep:
    """What each kWh up to so much in the bill month costs more (None: without end)."""

    upper_milliwh: int | None
    adder: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """A price for the highest mean power of any clocked interval of the bill month.

    With a ratchet no month counts less than `ratchet_pct` % of the highest of the months before.
    """

    name: str
    rate_per_kw_month: Decimal
    interval_s: int
    windows: tuple[Period, ...] = ()
    ratchet_pct: Decimal = Decimal(0)
    ratchet_months: int = 11


class Settles(Enum):
    """How exported kWh are paid."""

    CASH = "cash"
    BILL_CREDIT = "bill_credit"  # lowers bills, never below zero; the rest is carried over
    NETTING = "netting"  # offsets imported kWh of the bill month at the import price


class NegativePriceRule(Enum):
    """What a negative price does to exported kWh."""

    PAY = "pay"
    ZERO = "zero"
    NO_EXPORT = "no_export"  # they earn nothing, and nothing is exported on purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """What exported kWh earn.

    `negative_price_source`: whose price is asked whether it is negative, if not the export price.
    `credit_expiry_month`: credit left when the bill month beginning in it begins is lost.
    """

    stack: Stack
    settles: Settles = Settles.CASH
    negative_price_rule: NegativePriceRule = NegativePriceRule.PAY
    negative_price_source: str | None = None
    credit_expiry_month: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """One version of a contract; `valid_from` and `valid_to` are local days, both included.

    Tier adders come last: VAT is in them. `relieved` names the components that are not charged on
    kWh later returned to the grid.
    """

    id: str
    currency: str
    timezone: str
    imports: Stack
    export: Export | None
    valid_from: date | None = None
    valid_to: date | None = None
    fixed_per_day: Decimal = Decimal(0)
    fixed_per_month: Decimal = Decimal(0)
    billing_day: int = 1
    tiers: tuple[TierStep, ...] = ()
    demands: tuple[Demand, ...] = ()
    relieved: tuple[str, ...] = ()
    holidays: frozenset[date] = frozenset()

    @property
    def calendar(self) -> LocalCalendar:
        """Its days."""
        return LocalCalendar(zone=ZoneInfo(self.timezone), holidays=self.holidays)

    @property
    def nets(self) -> bool:
        """Whether exported kWh offset imported ones."""
        return self.export is not None and self.export.settles is Settles.NETTING

    @property
    def depends_on_month(self) -> bool:
        """Whether the next kWh costs what it does by those of the bill month before it."""
        return self.nets or len(self.tiers) > 0 or len(self.demands) > 0

    def sources(self) -> tuple[str, ...]:
        """The sources that its prices need, each once."""
        stacks = [self.imports] if self.export is None else [self.imports, self.export.stack]
        rates = [component.rate for stack in stacks for component in stack.components]
        named = [rate.source for rate in rates if isinstance(rate, SeriesRate)]
        if self.export is not None and self.export.negative_price_source is not None:
            named.append(self.export.negative_price_source)
        return tuple(dict.fromkeys(named))


@dataclass(frozen=True, slots=True, kw_only=True)
class TariffBook:
    """The versions of a contract in time order; their validities do not overlap."""

    versions: tuple[Tariff, ...]

    def at(self, moment_utc: datetime) -> Tariff | None:
        """The version that is valid at a moment."""
        for one in self.versions:
            day = moment_utc.astimezone(ZoneInfo(one.timezone)).date()
            first, last = one.valid_from or date.min, one.valid_to or date.max
            if first <= day <= last:
                return one
        return None

    @property
    def currency(self) -> str:
        """The one currency of all versions."""
        return self.versions[0].currency

    @property
    def timezone(self) -> str:
        """The one time zone of all versions."""
        return self.versions[0].timezone

    def sources(self) -> tuple[str, ...]:
        """The sources that any version needs, each once."""
        return tuple(dict.fromkeys(name for one in self.versions for name in one.sources()))
