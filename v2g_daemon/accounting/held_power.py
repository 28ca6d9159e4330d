"""Energy between two readings at the PCC of what has no register, from its power held over time."""

from __future__ import annotations

from dataclasses import dataclass

from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.quick import quick, replace


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class HeldPower:
    """Energy not booked yet; `known`: the power was seen all through the running row."""

    pending_ws: float = 0.0
    last_at: Instant | None = None
    known: bool = True


def timed(held: HeldPower, power_w: float | None, now: Instant, *, longest_s: float) -> HeldPower:
    """Hold the power (>= 0) over the seconds since the last tick."""
    if power_w is None:
        unseen = held.last_at is None and not held.known
        return held if unseen else replace(held, last_at=None, known=False)
    if held.last_at is None:
        return replace(held, last_at=now)
    passed_s = now.seconds_since(held.last_at)
    if not 0.0 <= passed_s <= longest_s:
        return replace(held, last_at=now, known=False)
    pending_ws = held.pending_ws + max(power_w, 0.0) * passed_s
    return replace(held, last_at=now, pending_ws=pending_ws)


def taken(held: HeldPower) -> tuple[HeldPower, int]:
    """The pending energy in whole milliwatt-hours; the rest stays pending."""
    milliwh = round(held.pending_ws / 3.6)
    if milliwh == 0:
        return held, 0
    return replace(held, pending_ws=held.pending_ws - milliwh * 3.6), milliwh


def next_row(held: HeldPower) -> HeldPower:
    """A new row knows what its own ticks see."""
    known = held.last_at is not None
    return held if known is held.known else replace(held, known=known)
