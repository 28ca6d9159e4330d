"""Exact energies of a power that changes linearly from start to end of a short piece of time."""

from __future__ import annotations

SECONDS_PER_HOUR = 3600.0


def split_energy_wh(start_w: float, end_w: float, duration_s: float) -> tuple[float, float]:
    """Return (positive, negative) energy of a linear piece, both as non-negative Wh."""
    if start_w >= 0.0 and end_w >= 0.0:
        return (start_w + end_w) / 2.0 * duration_s / SECONDS_PER_HOUR, 0.0
    if start_w <= 0.0 and end_w <= 0.0:
        return 0.0, -(start_w + end_w) / 2.0 * duration_s / SECONDS_PER_HOUR
    start_share = abs(start_w) / (abs(start_w) + abs(end_w))
    before_wh = abs(start_w) / 2.0 * duration_s * start_share / SECONDS_PER_HOUR
    after_wh = abs(end_w) / 2.0 * duration_s * (1.0 - start_share) / SECONDS_PER_HOUR
    return (before_wh, after_wh) if start_w > 0.0 else (after_wh, before_wh)
