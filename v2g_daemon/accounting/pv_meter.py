"""PV energy between two readings at the PCC, from power: it has no register."""

from __future__ import annotations

from dataclasses import dataclass, replace

from v2g_daemon.domain.instant import Instant

# The third amount of the PCC's track.
PCC_WIDTH = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class PvMeter:
    """Energy not booked yet; `known`: the power was seen all through the running row."""

    pending_ws: float = 0.0
    last_at: Instant | None = None
    known: bool = True


def timed(pv: PvMeter, power_w: float | None, now: Instant, *, longest_s: float) -> PvMeter:
    """Hold the power over the seconds since the last tick."""
    if power_w is None:
        return replace(pv, last_at=None, known=False)
    if pv.last_at is None:
        return replace(pv, last_at=now)
    passed_s = now.seconds_since(pv.last_at)
    if not 0.0 <= passed_s <= longest_s:
        return replace(pv, last_at=now, known=False)
    pending_ws = pv.pending_ws + max(power_w, 0.0) * passed_s
    return replace(pv, last_at=now, pending_ws=pending_ws)


def taken(pv: PvMeter) -> tuple[PvMeter, int]:
    """The pending energy in whole milliwatt-hours; the rest stays pending."""
    milliwh = round(pv.pending_ws / 3.6)
    return replace(pv, pending_ws=pv.pending_ws - milliwh * 3.6), milliwh


def next_row(pv: PvMeter) -> PvMeter:
    """A new row knows what its own ticks see."""
    return replace(pv, known=pv.last_at is not None)
