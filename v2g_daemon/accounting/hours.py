"""A day hour by hour, for people to look at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from v2g_daemon.accounting.valuation import MICRO, energy_cost
from v2g_daemon.domain.ledger import EvseInterval, PccInterval
from v2g_daemon.domain.quick import replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """One UTC hour; `import_per_kwh` is the mean of its quarter hours, `cost` what the PCC cost."""

    start_utc: datetime
    import_milliwh: int = 0
    export_milliwh: int = 0
    charge_milliwh: int = 0
    discharge_milliwh: int = 0
    import_per_kwh: Decimal | None = None
    cost: Decimal = Decimal(0)
    end_soc: float | None = None


def hours(pcc_rows: Iterable[PccInterval], evse_rows: Iterable[EvseInterval]) -> tuple[Hour, ...]:
    """The hours that have rows, in order; seeded history is left out."""
    found: dict[datetime, Hour] = {}
    prices: dict[datetime, list[Decimal]] = {}
    for row in pcc_rows:
        if row.simulated:
            continue
        start_utc = _hour(row.interval.start_utc)
        hour = found.get(start_utc, Hour(start_utc=start_utc))
        cost = energy_cost(row)
        found[start_utc] = replace(
            hour,
            import_milliwh=hour.import_milliwh + row.import_milliwh,
            export_milliwh=hour.export_milliwh + row.export_milliwh,
            cost=hour.cost if cost is None else hour.cost + cost,
        )
        if row.import_per_kwh is not None:
            prices.setdefault(start_utc, []).append(row.import_per_kwh)
    for evse in evse_rows:
        if evse.simulated:
            continue
        start_utc = _hour(evse.interval.start_utc)
        hour = found.get(start_utc, Hour(start_utc=start_utc))
        found[start_utc] = replace(
            hour,
            charge_milliwh=hour.charge_milliwh + evse.charge_milliwh,
            discharge_milliwh=hour.discharge_milliwh + evse.discharge_milliwh,
            end_soc=hour.end_soc if evse.end_soc is None else evse.end_soc,
        )
    return tuple(
        replace(found[start_utc], import_per_kwh=_mean(prices.get(start_utc, [])))
        for start_utc in sorted(found)
    )


def _hour(moment_utc: datetime) -> datetime:
    return moment_utc.replace(minute=0, second=0, microsecond=0)


def _mean(prices: list[Decimal]) -> Decimal | None:
    if not prices:
        return None
    return (sum(prices, start=Decimal(0)) / len(prices)).quantize(MICRO)
