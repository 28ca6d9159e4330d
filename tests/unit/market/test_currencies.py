"""How large a price of each currency may be before its unit is doubted."""

from __future__ import annotations

import pytest

from v2g_daemon.market.currencies import largest_per_kwh, units_of_a_euro


@pytest.mark.parametrize(
    ("currency", "units", "largest"), [("EUR", 1, 25), ("AUD", 1, 25), ("SEK", 12, 300)]
)
def test_a_price_is_bounded_in_its_own_currency(currency: str, units: int, largest: int) -> None:
    assert (units_of_a_euro(currency), largest_per_kwh(currency)) == (units, largest)
