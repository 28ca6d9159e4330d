"""Contracts in the TOML language, and steps of metered energy, for bills worked out by hand."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from v2g_daemon.domain.interval import Interval, at_local
from v2g_daemon.domain.prices import PriceCurve
from v2g_daemon.market.bill import Bill, Carried, bill
from v2g_daemon.market.curve import Standing, price_curve
from v2g_daemon.market.metered import MeteredStep
from v2g_daemon.market.rated import rated
from v2g_daemon.market.series import KnownSeries, SeriesPrice
from v2g_daemon.market.tariff import TariffBook
from v2g_daemon.settings.tariff_file import tariff_versions
from v2g_daemon.settings.tariff_rules import to_book

QUARTER = timedelta(minutes=15)
HOUR = timedelta(hours=1)


def contract(body: str, *, head: str = "", zone: str = "Europe/Amsterdam") -> TariffBook:
    """One version; `head` are keys of [tariff] itself, `body` the tables below it."""
    text = f'[tariff]\nid = "test"\ncurrency = "EUR"\ntimezone = "{zone}"\n{head}\n{body}'
    return book(tomllib.loads(text)["tariff"])


def book(raw: object) -> TariffBook:
    """The rules of a `tariff` key, which must be without fault."""
    versions, complaints = tariff_versions(raw)
    assert complaints == []
    return to_book(versions, timezone="UTC", holidays=lambda section: frozenset(section.dates))


FLAT_30 = '[tariff.import.energy]\nkind = "flat"\nvalue = "0.30"\n'
FLAT_EXPORT_8 = '[tariff.export]\nkind = "flat"\nvalue = "0.08"\n'


def local(text: str, zone: str = "Europe/Amsterdam") -> datetime:
    """The UTC moment of a local wall time; the first one of a repeated hour."""
    wall = datetime.fromisoformat(text)
    return at_local(wall.date(), wall.time(), ZoneInfo(zone))


def day_of(text: str, zone: str = "Europe/Amsterdam") -> Interval:
    """A local day."""
    day = date.fromisoformat(text)
    return Interval(
        start_utc=local(f"{day}T00:00", zone),
        end_utc=local(f"{day + timedelta(days=1)}T00:00", zone),
    )


def step(
    start_utc: datetime,
    *,
    bought: str = "0",
    sold: str = "0",
    charged: str = "0",
    returned: str = "0",
    length: timedelta = HOUR,
) -> MeteredStep:
    """Energy in kWh from a moment on."""
    return MeteredStep(
        interval=Interval(start_utc=start_utc, end_utc=start_utc + length),
        import_milliwh=milliwh(bought),
        export_milliwh=milliwh(sold),
        charge_milliwh=milliwh(charged),
        discharge_milliwh=milliwh(returned),
    )


def milliwh(kwh: str) -> int:
    return int(Decimal(kwh) * 1_000_000)


def even(
    interval: Interval, *, bought: str = "0", sold: str = "0", length: timedelta = QUARTER
) -> list[MeteredStep]:
    """The same energy in each step of an interval."""
    count = (interval.end_utc - interval.start_utc) // length
    return [
        step(interval.start_utc + length * number, bought=bought, sold=sold, length=length)
        for number in range(count)
    ]


def prices(
    start_utc: datetime, *per_kwh: str | None, length: timedelta = HOUR
) -> tuple[SeriesPrice, ...]:
    """A series from a moment on; None is a gap."""
    return tuple(
        SeriesPrice(
            interval=Interval(
                start_utc=start_utc + length * number, end_utc=start_utc + length * (number + 1)
            ),
            per_kwh=Decimal(price),
        )
        for number, price in enumerate(per_kwh)
        if price is not None
    )


def billed(
    rules: TariffBook,
    steps: Sequence[MeteredStep],
    series: KnownSeries | None = None,
    carried: Carried | None = None,
) -> Bill:
    """The bill of the steps."""
    ordered = sorted(steps, key=lambda one: one.interval.start_utc)
    whole = Interval(start_utc=ordered[0].interval.start_utc, end_utc=ordered[-1].interval.end_utc)
    return bill(rated(rules, series or {}, whole), ordered, carried)


def lines(found: Bill) -> dict[str, str]:
    """The amounts by name, as they are printed."""
    return {name: str(amount) for name, amount in found.by_name().items()}


def curve(
    rules: TariffBook,
    interval: Interval,
    series: KnownSeries | None = None,
    standing: Standing | None = None,
) -> PriceCurve:
    """The price curve over an interval."""
    return price_curve(rated(rules, series or {}, interval), standing)


def joined(*parts: Iterable[MeteredStep]) -> list[MeteredStep]:
    return [one for part in parts for one in part]


MIDNIGHT_UTC = datetime(2026, 1, 15, tzinfo=UTC)
