"""What a demand charge bills already, by the ledger: the peak so far, or a ratchet's share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from v2g_daemon.accounting.circulation import settled
from v2g_daemon.domain.interval import Interval
from v2g_daemon.domain.policy import GridConnection
from v2g_daemon.market.calendar import bill_months
from v2g_daemon.market.demand import peak
from v2g_daemon.market.metered import MeteredStep, columns
from v2g_daemon.market.tariff import Demand, Tariff
from v2g_daemon.market.track import Span, posix_s
from v2g_daemon.ports import LedgerReader


def metered(
    reader: LedgerReader, grid: GridConnection, within: Interval
) -> tuple[MeteredStep, ...]:
    """What the billing meter counted, as far as the ledger holds it; nothing simulated."""
    rows = (settled(row, grid) for row in reader.pcc_intervals(within) if not row.simulated)
    return tuple(
        MeteredStep(
            interval=row.interval,
            import_milliwh=row.import_milliwh,
            export_milliwh=row.export_milliwh,
        )
        for row in rows
    )


def billed_kw(
    tariff: Tariff, steps: Sequence[MeteredStep], month: Interval, before: MonthsBefore
) -> Mapping[str, Decimal]:
    """What each demand charge bills of a running month, by its name."""
    seen, span = columns(steps), _span(month)

    def earlier_kw(demand: Demand) -> tuple[Decimal, ...]:
        if demand.ratchet_pct == 0:
            return ()
        return tuple(before.peaks_kw(tariff, demand, month))

    return {
        one.name: peak(one, tariff, seen, span, before_kw=earlier_kw(one)).billed_kw
        for one in tariff.demands
    }


class MonthsBefore:
    """The peaks of bill months that are over, each looked up once."""

    def __init__(self, reader: LedgerReader, grid: GridConnection) -> None:
        self._reader, self._grid = reader, grid
        self._known: dict[tuple[str, Interval], dict[str, Decimal]] = {}

    def peaks_kw(self, tariff: Tariff, demand: Demand, month: Interval) -> Iterator[Decimal]:
        """Those of one demand charge in the months that its ratchet looks back to, newest last."""
        months: list[Interval] = []
        for _ in range(demand.ratchet_months):
            month = _before(month, tariff)
            months.append(month)
        for one in reversed(months):
            yield self._of(tariff, one)[demand.name]

    def _of(self, tariff: Tariff, month: Interval) -> dict[str, Decimal]:
        key = (tariff.id, month)
        if key not in self._known:
            steps, span = columns(metered(self._reader, self._grid, month)), _span(month)
            self._known[key] = {
                demand.name: peak(demand, tariff, steps, span, before_kw=()).kw
                for demand in tariff.demands
            }
        return self._known[key]


def _before(month: Interval, tariff: Tariff) -> Interval:
    """The bill month before another."""
    last_s = posix_s(month.start_utc - timedelta(seconds=1))
    zone = ZoneInfo(tariff.timezone)
    (found,) = bill_months((last_s, last_s + 1), zone, billing_day=tariff.billing_day)
    return found


def _span(month: Interval) -> Span:
    return posix_s(month.start_utc), posix_s(month.end_utc)
