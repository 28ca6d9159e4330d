"""A read-only relay to a back end of somebody else's: it hears the station and commands nothing."""

from __future__ import annotations

from v2g_daemon.adapters.ocpp.relay.client import Relay

__all__ = ["Relay"]
