"""What a price source is asked, and how its answers are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Protocol

from v2g_daemon.market.series import SeriesPrice


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """A GET, or a POST where there is a body; headers may hold a secret and are never shown."""

    url: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRequest:
    """A file of this machine."""

    path: Path


Request = HttpRequest | FileRequest


class Shape(Protocol):
    """One way of publishing prices; `series` is pure and raises PriceSourceError."""

    def request(self, first: date, last: date) -> Request:
        """Ask for the local days from first to last, both included."""
        ...

    def series(self, payload: bytes) -> tuple[SeriesPrice, ...]:
        """The prices of an answer in time order, per kWh."""
        ...
