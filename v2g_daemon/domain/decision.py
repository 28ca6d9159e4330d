"""Decision: one command per EVSE, with everything needed to say why, and why not."""

from __future__ import annotations

from dataclasses import dataclass

from v2g_daemon.domain.faults import Fault
from v2g_daemon.domain.policy import Stage
from v2g_daemon.domain.setpoint import Command, Limit, Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class EvseDecision:
    """The command for one EVSE and how it came about."""

    evse_id: str
    vehicle_id: str | None
    stage: Stage
    soc: float | None
    soc_sigma: float | None
    desired_w: float
    desire: Reason
    limits: tuple[Limit, ...]
    command: Command


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the house does now."""

    evses: tuple[EvseDecision, ...]
    faults: tuple[Fault, ...]
