"""Tariffs: how the exchange's price becomes what a household pays and earns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from v2g_daemon.domain.prices import PriceCurve, PriceSlot
from v2g_daemon.market.spot import SpotPrice

# The ledger keeps prices in millionths; rounded here once, every reader has the same number.
_SMALLEST = Decimal("0.000001")


@dataclass(frozen=True, slots=True, kw_only=True)
class DayAheadTariff:
    """import = (spot + adders) × (1 + vat); export = spot × export_factor + export_adder.

    `vat` is a fraction; adders are per kWh before VAT and may be negative.
    """

    currency: str
    import_adders_per_kwh: tuple[Decimal, ...]
    vat: Decimal
    export_adder_per_kwh: Decimal
    export_factor: Decimal = Decimal(1)

    def import_per_kwh(self, spot_per_kwh: Decimal) -> Decimal:
        """What one imported kWh costs, all included."""
        before_vat = spot_per_kwh + sum(self.import_adders_per_kwh, Decimal(0))
        return _rounded(before_vat * (1 + self.vat))

    def export_per_kwh(self, spot_per_kwh: Decimal) -> Decimal:
        """What one exported kWh earns; negative where exporting costs money."""
        return _rounded(spot_per_kwh * self.export_factor + self.export_adder_per_kwh)

    def curve(self, series: Sequence[SpotPrice]) -> PriceCurve:
        """The household's price curve for a spot series in time order; gaps stay gaps."""
        return PriceCurve(
            currency=self.currency,
            slots=tuple(
                PriceSlot(
                    interval=price.interval,
                    import_per_kwh=float(self.import_per_kwh(price.per_kwh)),
                    export_per_kwh=float(self.export_per_kwh(price.per_kwh)),
                )
                for price in series
            ),
        )


def _rounded(per_kwh: Decimal) -> Decimal:
    return per_kwh.quantize(_SMALLEST, rounding=ROUND_HALF_EVEN)
