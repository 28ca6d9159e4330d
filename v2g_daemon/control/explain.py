"""Explain: one reason for the command, from whoever had the last word."""

from __future__ import annotations

from v2g_daemon.control.wish import Wish
from v2g_daemon.domain.setpoint import Authority, Limit, Reason

NOTICEABLE_W = 50.0


def explain(wish: Wish, limits: tuple[Limit, ...], target_w: float) -> Reason:
    """The highest authority among the limits that keep the wish from being granted, else the wish.

    A target short of the wish that no limit explains is shape's: the charger's steps and calm.
    """
    binding = [limit for limit in limits if not limit.permitted.contains(wish.target_w)]
    if binding and abs(target_w - wish.target_w) >= NOTICEABLE_W:
        tightest = max(binding, key=lambda limit: (limit.reason.authority, _cut_w(limit, wish)))
        reason = tightest.reason
        return Reason(
            authority=reason.authority,
            rule=reason.rule,
            detail=f"{reason.detail} (wanted {wish.target_w:.0f} W: {wish.reason.detail})",
        )
    if abs(target_w - wish.target_w) < NOTICEABLE_W:
        return wish.reason
    return Reason(
        authority=max(wish.reason.authority, Authority.FALLBACK),
        rule=wish.reason.rule,
        detail=f"{wish.reason.detail}; moving calmly to {wish.target_w:.0f} W",
    )


def _cut_w(limit: Limit, wish: Wish) -> float:
    """How much of the wish the limit takes away."""
    return abs(wish.target_w - limit.permitted.clamp(wish.target_w))
