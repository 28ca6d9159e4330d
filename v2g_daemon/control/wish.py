"""A wish: what someone wants of one EVSE before any limit has spoken."""

from __future__ import annotations

from dataclasses import dataclass

from v2g_daemon.domain.quick import quick
from v2g_daemon.domain.setpoint import Reason


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A signed target power (charge +, discharge −) and why."""

    target_w: float
    reason: Reason
