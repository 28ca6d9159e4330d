"""Energy into money, in Decimal; positive is paid, negative is earned."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from v2g_daemon.battery.losses import active_loss_w
from v2g_daemon.battery.wear import HIGH_WEAR_FACTOR, LOW_WEAR_FACTOR
from v2g_daemon.domain.ledger import PccInterval
from v2g_daemon.domain.loss import LossCurve

MICRO = Decimal("0.000001")
NOTHING = Decimal("0.000000")
MILLIWH_PER_KWH = 1_000_000
# A price settles a few rows in a row.
PRICES_KEPT = 8
WEAR_LOW, WEAR_HIGH = Decimal(str(LOW_WEAR_FACTOR)), Decimal(str(HIGH_WEAR_FACTOR))


@dataclass(frozen=True, slots=True, kw_only=True)
class WearRange:
    """What the discharge may have cost the pack; one number would claim more than is known."""

    low: Decimal
    default: Decimal
    high: Decimal


@lru_cache(maxsize=PRICES_KEPT)
def exact(number: float) -> Decimal:
    """A configured or quoted amount as money to six places, rounded once."""
    return Decimal(repr(number)).quantize(MICRO)


def money(milliwh: int, per_kwh: Decimal) -> Decimal:
    """Energy times price, unrounded."""
    return milliwh * per_kwh / MILLIWH_PER_KWH


def energy_cost(row: PccInterval) -> Decimal | None:
    """What crossed the PCC cost; None where a price that matters is unknown."""
    return priced(
        row.import_milliwh,
        row.export_milliwh,
        import_per_kwh=row.import_per_kwh,
        export_per_kwh=row.export_per_kwh,
    )


def priced(
    import_milliwh: int,
    export_milliwh: int,
    *,
    import_per_kwh: Decimal | None,
    export_per_kwh: Decimal | None,
) -> Decimal | None:
    """Import paid less export earned; no energy needs no price."""
    cost = Decimal(0)
    if import_milliwh != 0:
        if import_per_kwh is None:
            return None
        cost += money(import_milliwh, import_per_kwh)
    if export_milliwh != 0:
        if export_per_kwh is None:
            return None
        cost -= money(export_milliwh, export_per_kwh)
    return cost


def pack_out_milliwh(discharge_milliwh: int, *, discharging_s: float, loss: LossCurve) -> int:
    """What left the pack: the AC energy and the loss at its mean power while discharging."""
    if discharge_milliwh == 0 or discharging_s <= 0.0:
        return discharge_milliwh
    mean_w = discharge_milliwh * 3.6 / discharging_s
    return discharge_milliwh + round(active_loss_w(mean_w, loss) * discharging_s / 3.6)


def wear_cost(
    discharge_milliwh: int, *, discharging_s: float, loss: LossCurve, per_kwh: float
) -> Decimal:
    """Wear of a discharge in micro-units of money; counted once per round trip, on the way out."""
    if discharge_milliwh == 0:
        return NOTHING
    out_milliwh = pack_out_milliwh(discharge_milliwh, discharging_s=discharging_s, loss=loss)
    return money(out_milliwh, exact(per_kwh)).quantize(MICRO)


def wear_range(default: Decimal) -> WearRange:
    """The band around the booked wear."""
    return WearRange(low=default * WEAR_LOW, default=default, high=default * WEAR_HIGH)
