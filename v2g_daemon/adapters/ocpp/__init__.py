"""The OCPP central system (CSMS): OCPP 2.1 and 2.0.1 over WebSocket, one session per station."""

from __future__ import annotations

from v2g_daemon.adapters.ocpp.config import (
    CentralSystemConfig,
    EvseConfig,
    OcppVersion,
    StationConfig,
)
from v2g_daemon.adapters.ocpp.server import CentralSystem

__all__ = ["CentralSystem", "CentralSystemConfig", "EvseConfig", "OcppVersion", "StationConfig"]
