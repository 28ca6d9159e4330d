"""Certificates as the house sees them: what was issued, and until when something holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedCertificate:
    """A certificate for a station, leaf first in the PEM chain; the serial is hexadecimal."""

    chain_pem: str
    serial: str
    not_after_utc: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledRoot:
    """A root certificate that a station says it holds; `ours` is the local CA's."""

    serial: str
    use: str
    ours: bool
