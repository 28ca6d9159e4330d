"""Answers: what a device says of the command that it applied, beyond that it did."""

from __future__ import annotations

from v2g_daemon.domain.readings import EvseStatus, OutcomeKind


def left_to_device(status: EvseStatus, power_w: float, *, tolerance_w: float) -> bool:
    """Whether the device was left to choose that power by itself."""
    chosen = None if status.outcome is None else status.outcome.left_to_device
    if chosen is None:
        return False
    return chosen.lowest_w - tolerance_w <= power_w <= chosen.highest_w + tolerance_w


def doubt_of(status: EvseStatus) -> str | None:
    """What the device itself says against the command that it applied."""
    outcome = status.outcome
    if outcome is None or outcome.kind is not OutcomeKind.APPLIED or outcome.detail == "":
        return None
    return outcome.detail
