"""Leases as values: what a station was told, until when it holds, and what has to be sent next."""

from __future__ import annotations

from dataclasses import dataclass
from math import trunc

from v2g_daemon.adapters.ocpp.smart_charging.ladder import Kind
from v2g_daemon.adapters.ocpp.smart_charging.telling import (
    CentralSetpoint,
    ChargeLimit,
    FrequencyFollowing,
    Idle,
    LoadBalancing,
    NegativeLimit,
    Told,
    VendorSetpoint,
)
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.power import PowerRange
from v2g_daemon.domain.setpoint import Setpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """What the station was last told and until when it holds."""

    transaction_id: str
    told: Told
    kind: Kind
    length_s: int
    armed_at: Instant

    def remaining_s(self, now: Instant) -> float:
        """Seconds left, counted from before the message left, so never too many."""
        return self.length_s - now.seconds_since(self.armed_at)

    def does(self, wanted: Lease, now: Instant) -> bool:
        """Whether it already says what is wanted, for long enough and not for too long."""
        same = (self.told, self.kind) == (wanted.told, wanted.kind)
        return same and self.length_s / 2 <= self.remaining_s(now) <= wanted.length_s + 1

    def updatable_to(self, wanted: Lease) -> bool:
        """An update arms the old length anew: no longer than the command, and not much shorter."""
        return (
            self.kind is Kind.DYNAMIC
            and wanted.kind is Kind.DYNAMIC
            and isinstance(self.told, CentralSetpoint)
            and isinstance(wanted.told, CentralSetpoint)
            and wanted.length_s / 2 <= self.length_s <= wanted.length_s + 1
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A lease to arm now for a command."""

    lease: Lease
    command: Setpoint
    by_update: bool
    safer: bool


def is_safer(wanted: Lease, held: Lease | None, permitted: PowerRange) -> bool:
    """Less of the same direction, or the end of what is no longer permitted; 0 W always is."""
    target_w = wanted.told.target_w
    if held is None:
        return target_w == 0.0
    if not contains(permitted, held.told.span):
        return True
    return is_less(target_w, held.told.target_w)


def is_less(target_w: float, than_w: float) -> bool:
    """Closer to 0 W without crossing it."""
    if than_w < 0.0:
        return than_w < target_w <= 0.0
    return 0.0 <= target_w < than_w


def contains(permitted: PowerRange, span: PowerRange) -> bool:
    """Whether every power of the span is permitted; a watt of rounding is none of our business."""
    return permitted.lowest_w <= span.lowest_w + 1.0 and span.highest_w - 1.0 <= permitted.highest_w


def written_kind(told: Told, setpoint_kind: Kind | None, limit_kind: Kind) -> Kind:
    """The kind of profile for what is told; only a setpoint is worth a dynamic one."""
    match told:
        case CentralSetpoint():
            return Kind.ABSOLUTE if setpoint_kind is None else setpoint_kind
        case ChargeLimit():
            return limit_kind
        case Idle() | FrequencyFollowing() | LoadBalancing() | NegativeLimit() | VendorSetpoint():
            return Kind.ABSOLUTE


def pulled_length_s(lease_s: int) -> int:
    """A pulled lease is a quarter shorter than its command, so that a fresh one can renew it."""
    return max(trunc(0.75 * lease_s), 1)


def pull_every_s(length_s: int) -> int:
    """So often that a lost answer or two do no harm."""
    return max(length_s // 4, 1)
