"""A day's statement as plain text: what it cost, what it saved, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

from v2g_daemon.accounting.hours import Hour
from v2g_daemon.accounting.statement import Statement

BAR_WIDTH = 12
CENT = Decimal("0.01")


def rendered(
    statement: Statement, hours: Iterable[Hour], *, day: date, zone: ZoneInfo, finished: bool
) -> str:
    """The whole report; an unfinished day says so first."""
    title = f"{day:%A %d %B %Y}, {zone.key}" + ("" if finished else " (so far)")
    lines = [title, "", *_energy(statement), "", *_money(statement), ""]
    lines += _table(tuple(hours), zone)
    if statement.incomplete:
        lines += ["", "Not the whole truth:", *(f"  - {why}" for why in statement.incomplete)]
    return "\n".join(lines) + "\n"


def _energy(statement: Statement) -> list[str]:
    return [
        "Energy, kWh",
        f"  imported            {_kwh(statement.import_milliwh):>9}",
        f"  exported            {_kwh(statement.export_milliwh):>9}"
        f"   of which from the car at most {_kwh(statement.exported_milliwh)}",
        f"  charged             {_kwh(statement.charge_milliwh):>9}"
        f"   plain charging: {_kwh(statement.plain_charge_milliwh)}",
        f"  discharged          {_kwh(statement.discharge_milliwh):>9}",
    ]


def _money(statement: Statement) -> list[str]:
    if statement.energy_cost is None or statement.net_cost is None:
        return ["Money: none can be stated."]
    wear = statement.wear
    lines = [
        f"Money, {statement.currency}",
        f"  import paid         {_amount(statement.import_cost):>9}",
        f"  export earned       {_amount(statement.export_revenue):>9}",
        f"  wear of the battery {_amount(wear.default):>9}"
        f"   somewhere between {_amount(wear.low)} and {_amount(wear.high)}",
        f"  net today           {_amount(statement.net_cost):>9}",
    ]
    if statement.plain_charging_cost is not None and statement.saved is not None:
        lines += [
            f"  with plain charging {_amount(statement.plain_charging_cost):>9}"
            "   full power from plug-in to the same SoC",
            f"  saved               {_amount(statement.saved):>9}",
        ]
        if abs(statement.plain_ahead_wh) >= 10.0:
            lines.append(
                f"  (plain charging leaves {statement.plain_ahead_wh / 1000.0:+.2f} kWh in the "
                f"battery, credited at {statement.neutral_per_kwh:.4f} per kWh)"
            )
    return lines


def _table(hours: tuple[Hour, ...], zone: ZoneInfo) -> list[str]:
    """One line an hour; the bar shows the car: charge to the right, discharge to the left."""
    if not hours:
        return ["No intervals are recorded."]
    largest = max(max(hour.charge_milliwh, hour.discharge_milliwh) for hour in hours)
    head = (
        f"{'hour':5} {'price':>8} {'import':>7} {'export':>7} {'car':>7} {'cost':>7} {'SoC':>4}  "
        f"{'discharge':>{BAR_WIDTH}}|charge"
    )
    return [head, *(_line(hour, largest, zone) for hour in hours)]


def _line(hour: Hour, largest: int, zone: ZoneInfo) -> str:
    price = "?" if hour.import_per_kwh is None else f"{hour.import_per_kwh:.4f}"
    soc = "" if hour.end_soc is None else f"{hour.end_soc * 100.0:.0f}%"
    car = hour.charge_milliwh - hour.discharge_milliwh
    bars = (
        f"{_bar(hour.discharge_milliwh, largest):>{BAR_WIDTH}}|{_bar(hour.charge_milliwh, largest)}"
    )
    return (
        f"{hour.start_utc.astimezone(zone):%H:%M} {price:>8} {_kwh(hour.import_milliwh):>7} "
        f"{_kwh(hour.export_milliwh):>7} {_kwh(car):>7} {_amount(hour.cost):>7} {soc:>4}  {bars}"
    ).rstrip()


def _bar(milliwh: int, largest: int) -> str:
    if largest == 0:
        return ""
    return "#" * round(BAR_WIDTH * milliwh / largest)


def _kwh(milliwh: int) -> str:
    return f"{milliwh / 1_000_000:.2f}"


def _amount(money: Decimal) -> str:
    return str(money.quantize(CENT))
