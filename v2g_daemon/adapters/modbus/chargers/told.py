"""What a charger was told last, and whether what flows is that."""

from __future__ import annotations

from dataclasses import dataclass

from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.setpoint import Command, Setpoint

DISOBEYED_W = 500.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the charger was told last: until when, since when, and when it was last refreshed."""

    target_w: float
    expires_at: Instant
    since: Instant
    refreshed_at: Instant


def beyond(power_w: float, target_w: float) -> bool:
    """Whether more flows than was told, or the other way."""
    if target_w >= 0.0:
        return power_w > target_w + DISOBEYED_W or power_w < -DISOBEYED_W
    return power_w < target_w - DISOBEYED_W or power_w > DISOBEYED_W


def wants_rest(command: Command, now: Instant) -> bool:
    """Whether nothing shall flow by our word: hands off, a lease that ran out, or 0 W."""
    if not isinstance(command, Setpoint) or command.expires_at.reached(now):
        return True
    return round(command.target_w) == 0
