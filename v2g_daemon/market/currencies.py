"""How large amounts of a currency are, roughly: only to tell a slip of the unit from a price."""

from __future__ import annotations

# Units that are worth about a euro, by the order of magnitude; others are taken as 1.
_UNITS_OF_A_EURO = {
    "CZK": 25, "DKK": 8, "HUF": 400, "INR": 90, "ISK": 150, "JPY": 160, "NOK": 12, "PLN": 4,
    "RON": 5, "SEK": 12, "ZAR": 20,
}  # fmt: skip
# Prices up to 17.5 AUD per kWh have been settled; a thousandfold slip lies above this.
LARGEST_EURO_PER_KWH = 25


def units_of_a_euro(currency: str) -> int:
    """How many units of the currency are worth about a euro."""
    return _UNITS_OF_A_EURO.get(currency, 1)


def largest_per_kwh(currency: str) -> int:
    """No published price of a kWh is higher, nor lower than its negative."""
    return LARGEST_EURO_PER_KWH * units_of_a_euro(currency)
