"""When a certificate's end becomes a fault that people read (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from v2g_daemon.domain.faults import Fault, FaultCode

WARNED_BEFORE = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """One certificate and what to do before it ends; `not_after_utc` None: it cannot be read."""

    what: str
    not_after_utc: datetime | None
    next_step: str


def expiry_faults(watched: Iterable[Watched], now_utc: datetime) -> tuple[Fault, ...]:
    """A fault for each certificate that has ended, will within 30 days, or cannot be read."""
    found = []
    for one in watched:
        when = _when(one.not_after_utc, now_utc)
        if when is not None:
            found.append(
                Fault(
                    code=FaultCode.CERTIFICATE_EXPIRING,
                    detail=f"{one.what} {when}; {one.next_step}",
                )
            )
    return tuple(found)


def _when(not_after_utc: datetime | None, now_utc: datetime) -> str | None:
    if not_after_utc is None:
        return "cannot be read"
    left = not_after_utc - now_utc
    if left > WARNED_BEFORE:
        return None
    if left <= timedelta(0):
        return f"expired on {not_after_utc:%Y-%m-%d}"
    return f"expires on {not_after_utc:%Y-%m-%d} ({left.days} days left)"
