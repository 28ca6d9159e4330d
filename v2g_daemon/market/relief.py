"""Relief: components that are not charged on kWh which were stored and later returned to the grid.

Every returned kWh gives back what its components cost when it was bought, the earliest bought kWh
first, and never more kWh than were bought: the losses of storing stay charged.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from v2g_daemon.market.charges import NamedPrices
from v2g_daemon.market.metered import MILLIWH_PER_KWH, Columns
from v2g_daemon.market.rated import ONE
from v2g_daemon.market.tariff import Tariff


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """Bought and not yet returned energy, and what each kWh of it gives back when it is."""

    milliwh: int
    per_kwh: Decimal


def relieved(
    lots: tuple[Lot, ...], steps: Columns, imports: Iterable[NamedPrices], tariff: Tariff
) -> tuple[Decimal, tuple[Lot, ...]]:
    """What the returned energy of the steps gives back, and the lots that are left.

    What was bought while a price was unknown gives back nothing.
    """
    if not tariff.relieved:
        return Decimal(0), lots
    columns = [one.prices for one in imports if one.name in tariff.relieved]
    factor = ONE + tariff.imports.vat
    open_lots, first, total = list(lots), 0, Decimal(0)
    for index, bought in enumerate(steps.bought_milliwh):
        if bought > 0:
            prices = [column[index] for column in columns]
            known = [price for price in prices if price is not None]
            per_kwh = sum(known, start=Decimal(0)) * factor
            open_lots.append(Lot(milliwh=bought, per_kwh=per_kwh))
        left = steps.returned_milliwh[index]
        while left > 0 and first < len(open_lots):
            lot = open_lots[first]
            taken = min(left, lot.milliwh)
            total += taken * lot.per_kwh
            left -= taken
            if taken == lot.milliwh:
                first += 1
            else:
                open_lots[first] = Lot(milliwh=lot.milliwh - taken, per_kwh=lot.per_kwh)
    return total / MILLIWH_PER_KWH, tuple(open_lots[first:])
