"""Reasons, limits, and the setpoint: a lease on a signed power that no bound forbids."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from math import isfinite

from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.power import UNBOUNDED, PowerRange
from v2g_daemon.domain.quick import quick


class Authority(IntEnum):
    """Who speaks; a higher authority explains a decision when several agree."""

    FALLBACK = 1
    PLAN = 2
    PROGRAM = 3
    COMMUTE = 4
    USER = 5
    SITE = 6
    GRID_OPERATOR = 7
    SAFETY = 8


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why: the authority, the rule's name, and one sentence for people."""

    authority: Authority
    rule: str
    detail: str


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A bound with its reason; refuses a range without 0 W, so limits never conflict."""

    permitted: PowerRange
    reason: Reason

    def __post_init__(self) -> None:
        if not self.permitted.contains(0.0):
            raise ValueError(f"limit {self.reason.rule} does not contain 0 W: {self.permitted}")


def permitted_by(limits: Iterable[Limit]) -> PowerRange:
    """The intersection of all limits; contains 0 W, since each does."""
    permitted = UNBOUNDED
    for limit in limits:
        permitted = permitted.narrowed_by(limit.permitted)
    return permitted


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Setpoint:
    """A signed power for one EVSE, inside `permitted`, until `expires_at`.

    `discharge_barred`: stage, identity or a latch keep this car from any discharge. `probe`: a
    guided test; it alone may be told in words that have not been proved.
    """

    target_w: float
    permitted: PowerRange
    reason: Reason
    issued_at: Instant
    expires_at: Instant
    discharge_barred: bool = False
    probe: bool = False

    def __post_init__(self) -> None:
        if not isfinite(self.target_w):
            raise ValueError(f"setpoint is not finite: {self.target_w}")
        if not self.permitted.contains(self.target_w):
            raise ValueError(f"setpoint {self.target_w} W lies outside {self.permitted}")
        if self.expires_at.monotonic_s <= self.issued_at.monotonic_s:
            raise ValueError("setpoint expires before it is issued")


@dataclass(frozen=True, slots=True, kw_only=True)
class HandsOff:
    """Nothing is commanded; `permitted` is the bound whose breach is a fault."""

    permitted: PowerRange
    reason: Reason


Command = Setpoint | HandsOff
