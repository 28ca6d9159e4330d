"""What is lost between AC at the EVSE and the pack."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LossCurve:
    """Charger and pack loss while |P| > 0: constant + linear·|P| + quadratic·P², in W."""

    constant_w: float
    linear: float
    quadratic_per_w: float
