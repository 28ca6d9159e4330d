"""Hands off: when an EVSE is not commanded, and is then part of the house like any other load."""

from __future__ import annotations

from v2g_daemon.control.situation import Situation
from v2g_daemon.domain.policy import Stage
from v2g_daemon.domain.readings import PowerControl
from v2g_daemon.domain.setpoint import Authority, Reason


def hands_off(situation: Situation) -> Reason | None:
    """Why nothing is commanded; the station then stands on its persistent default profile."""
    status = situation.status
    if situation.stage is Stage.WATCH:
        return Reason(authority=Authority.USER, rule="watch", detail="stage watch: nothing is sent")
    if not status.connected:
        return Reason(
            authority=Authority.FALLBACK,
            rule="no_station",
            detail="the charging station is away; it stands on its default profile",
        )
    if not status.plugged_in:
        return Reason(authority=Authority.FALLBACK, rule="no_car", detail="no car is plugged in")
    if status.capability is not None and status.capability.control is PowerControl.NONE:
        return Reason(
            authority=Authority.FALLBACK,
            rule="no_control",
            detail="this charging station cannot be told a power",
        )
    return None
