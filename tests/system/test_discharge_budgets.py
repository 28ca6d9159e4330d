"""Two real years under a warranty's budgets: kept, used, and spent where they pay most."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.benchmarks.decade import Lap, laps_of, under
from tests.unit.rehearsal.weeks import pairing
from v2g_daemon.app.backtest.pairing_case import case_of_pairing

LAPS = 2
# The term ends with the laps; half of what the unverified cap would open in that time.
YEARS = LAPS * 364 / 365.25
SCALE = 0.5 * LAPS / 8.0

pytestmark = pytest.mark.timeout(3600)


def two_years(*, priced: bool) -> list[Lap]:
    case = under(case_of_pairing(pairing("pge2025"), None), scale=SCALE, years=YEARS)
    return list(laps_of(case, laps=LAPS, priced=priced))


def test_a_budget_is_never_overdrawn_nearly_used_up_and_earns_more_with_its_price() -> None:
    priced, stopped = two_years(priced=True), two_years(priced=False)
    for laps in (priced, stopped):
        shares = [0.0, *(lap.budgets[0].used_share or 0.0 for lap in laps)]
        assert all(before <= after for before, after in pairwise(shares))
        assert 0.9 <= shares[-1] <= 1.0
        assert all((lap.budgets[1].used_share or 0.0) <= 1.0 for lap in laps)
    assert all(lap.missed_kwh < 0.1 for lap in priced)
    cost, with_stop_only = (sum(lap.net_cost for lap in laps) for laps in (priced, stopped))
    print(f"{cost:.2f} with a price, {with_stop_only:.2f} with the stop alone")
    assert cost < with_stop_only
