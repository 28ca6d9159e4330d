"""How exported kWh are paid in a bill month: in cash, as credit, or by netting."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from enum import Enum
from typing import assert_never

from v2g_daemon.market.charges import ZERO, Exports, Side
from v2g_daemon.market.rated import ONE
from v2g_daemon.market.tariff import Export, Settles

CENT = Decimal("0.01")


class LineKind(Enum):
    """What a line of a bill is in the books; what was never bought is no income."""

    ENERGY_PURCHASE = "energy_purchase"
    ENERGY_SALE = "energy_sale"
    BILL_CREDIT = "bill_credit"
    RETAIL_SAVING = "retail_saving"
    FEE = "fee"
    TAX_VAT = "tax_vat"


@dataclass(frozen=True, slots=True, kw_only=True)
class BillLine:
    """One line: `amount` is `exact` to the cent; positive is paid, negative is earned."""

    kind: LineKind
    name: str
    amount: Decimal
    exact: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Credit:
    """The account of bill credits over one month; all amounts to the cent."""

    before: Decimal = ZERO
    expired: Decimal = ZERO
    earned: Decimal = ZERO
    used: Decimal = ZERO

    @property
    def left(self) -> Decimal:
        """What is carried to the next month."""
        return self.before - self.expired + self.earned - self.used


def line(kind: LineKind, name: str, exact: Decimal) -> BillLine:
    """A line, rounded to the cent here and nowhere else."""
    amount = exact.quantize(CENT, rounding=ROUND_HALF_UP)
    return BillLine(kind=kind, name=name, amount=amount, exact=exact)


def side_lines(side: Side, kind: LineKind, *, sign: int, prefix: str = "") -> tuple[BillLine, ...]:
    """The lines of one direction; VAT, tiers and bounds only where they are anything."""
    extras = (
        (LineKind.TAX_VAT, "vat", side.vat),
        (kind, "tier", side.tier),
        (kind, "bounds", side.bounds),
    )
    named = [(kind, one.name, one.money) for one in side.components]
    named += [extra for extra in extras if extra[2] != 0]
    return tuple(line(one, f"{prefix}{name}", sign * money) for one, name, money in named)


def worth_lines(exports: Exports) -> tuple[BillLine, ...]:
    """What the exports are worth by component, however they settle; earned is negative."""
    return side_lines(exports.worth, LineKind.ENERGY_SALE, sign=-1, prefix="export_")


def settlement(
    export: Export | None, exports: Exports, *, charges: Iterable[BillLine], credit: Credit
) -> tuple[tuple[BillLine, ...], Credit]:
    """The lines by which a month's exports settle, and the credit account after them."""
    if export is None:
        return (), credit
    match export.settles:
        case Settles.CASH:
            return worth_lines(exports), credit
        case Settles.BILL_CREDIT:
            return _credited(exports.worth, charges, credit)
        case Settles.NETTING:
            return _netted(exports), credit
        case _ as unreachable:
            assert_never(unreachable)


def _netted(exports: Exports) -> tuple[BillLine, ...]:
    """kWh for kWh; of a surplus every exported kWh has its equal share."""
    netted, exported = ONE, exports.worth.milliwh
    if exported > exports.imported_milliwh:
        netted = Decimal(exports.imported_milliwh) / exported
    return (
        line(LineKind.RETAIL_SAVING, "netted", -exports.at_import_price * netted),
        line(LineKind.ENERGY_SALE, "export_surplus", -exports.worth.money * (ONE - netted)),
    )


def _credited(
    worth: Side, charges: Iterable[BillLine], credit: Credit
) -> tuple[tuple[BillLine, ...], Credit]:
    """Credit lowers the bill to zero and no further; exports that cost money are paid at once."""
    earned = line(LineKind.BILL_CREDIT, "credit", worth.money).amount
    paid: tuple[BillLine, ...] = ()
    if earned < 0:
        paid = (line(LineKind.ENERGY_SALE, "export_at_negative_prices", -worth.money),)
        earned = ZERO
    due = amounts((*charges, *paid))
    used = max(min(due, credit.before - credit.expired + earned), ZERO)
    settled = replace(credit, earned=earned, used=used)
    return (*paid, line(LineKind.BILL_CREDIT, "credit", -used)), settled


def amounts(lines: Iterable[BillLine]) -> Decimal:
    """The sum of the lines to the cent."""
    return sum((one.amount for one in lines), start=Decimal(0))
