"""How much less an EV accepts as it fills up."""

from __future__ import annotations

FULL_SHARE = 0.25


def accepted_share(soc: float, taper_above_soc: float) -> float:
    """Share of full charging power accepted at `soc`: 1 up to the taper, `FULL_SHARE` at 1.0."""
    if soc <= taper_above_soc or taper_above_soc >= 1.0:
        return 1.0
    along = min((soc - taper_above_soc) / (1.0 - taper_above_soc), 1.0)
    return 1.0 - along * (1.0 - FULL_SHARE)
