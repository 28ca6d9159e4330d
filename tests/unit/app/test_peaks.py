"""What a demand charge bills already, read from a real ledger."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.builders import a_grid, a_pcc_row
from tests.unit.market.contracts import FLAT_30, contract, local
from v2g_daemon.adapters.database.reader import DatabaseReader
from v2g_daemon.adapters.database.writer import DatabaseLedger
from v2g_daemon.app.price_sources import month_so_far
from v2g_daemon.domain.interval import QUARTER_HOUR, Interval
from v2g_daemon.domain.ledger import PccInterval

NOW_UTC = local("2026-03-20T12:00")
DEMAND = (
    FLAT_30
    + """
[tariff.import.demand]
name = "demand"
rate_per_kw_month = "10.00"
interval_s = 1800
ratchet_pct = "{ratchet}"
ratchet_months = 2
"""
)


def row(start_utc: datetime, kw: float, *, simulated: bool = False) -> PccInterval:
    """A quarter hour at one power."""
    interval = Interval(start_utc=start_utc, end_utc=start_utc + QUARTER_HOUR)
    return a_pcc_row(interval, import_milliwh=round(kw * 250_000), simulated=simulated)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[DatabaseReader]:
    """Peaks of half an hour: 40 kW in December, 20 in January, 12 in February, 7 in March."""
    url = f"sqlite:///{tmp_path / 'ledger.sqlite3'}"
    writer = DatabaseLedger(url, now_utc=NOW_UTC)
    rows = []
    for day, kw in (("2025-12-10", 40.0), ("2026-01-10", 20.0), ("2026-02-10", 12.0)):
        rows += [row(local(f"{day}T08:00"), kw), row(local(f"{day}T08:15"), kw)]
    march = local("2026-03-02T08:00")
    rows += [row(march, 4.0), row(march + QUARTER_HOUR, 10.0)]
    rows += [row(march + timedelta(days=1), 90.0, simulated=True)]
    writer.commit(rows).result()
    yield writer.reader()
    writer.close()


def billed_kw(reader: DatabaseReader, ratchet: str) -> Decimal:
    book = contract(DEMAND.replace("{ratchet}", ratchet))
    found = month_so_far(book, reader, a_grid(), NOW_UTC)
    assert found is not None
    return found.billed_kw["demand"]


def test_the_peak_so_far_is_the_mean_of_the_clocked_interval(ledger: DatabaseReader) -> None:
    assert billed_kw(ledger, "0") == Decimal(7)


def test_a_ratchet_bills_a_share_of_the_highest_of_its_months(ledger: DatabaseReader) -> None:
    # Half of January's 20 kW; December lies three months back.
    assert billed_kw(ledger, "50") == Decimal(10)
    assert billed_kw(ledger, "10") == Decimal(7)
