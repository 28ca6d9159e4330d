"""The transaction that runs at an EVSE, and who commands there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from v2g_daemon.adapters.ocpp.wire.codec import JsonObject
from v2g_daemon.domain.instant import Instant


@dataclass(slots=True, kw_only=True)
class Transaction:
    """The transaction now running; `heard` says whether this connection has told of it.

    `charging_state` and `operation_mode` as last told, and when.
    """

    transaction_id: str
    since: Instant
    adopted: bool
    heard: bool = True
    claimed: bool = False
    name_asks: int = 0
    name_asked_at: Instant | None = None
    charging_state: str | None = None
    operation_mode: str | None = None
    state_told_at: Instant | None = None
    mode_told_at: Instant | None = None


class Commander(Protocol):
    """Who commands this EVSE, as far as a station asks."""

    @property
    def command_stands(self) -> bool: ...

    def pulled(self, profile_id: int) -> JsonObject | None: ...

    def outlook_reported(self, profile: JsonObject) -> None:
        """An outlook of ours lies in the station, as it reports."""
        ...
