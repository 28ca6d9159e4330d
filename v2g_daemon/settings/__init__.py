"""The one TOML file: its sections, what makes it wrong, and the policy it means; stops at app/."""

from __future__ import annotations

from v2g_daemon.settings.load import load_settings
from v2g_daemon.settings.policy import timing_for, to_policy
from v2g_daemon.settings.sections import Charger, Meter, Settings
from v2g_daemon.settings.station_access import least_profile
from v2g_daemon.settings.warnings import exposed_secrets, warnings_of

__all__ = [
    "Charger",
    "Meter",
    "Settings",
    "exposed_secrets",
    "least_profile",
    "load_settings",
    "timing_for",
    "to_policy",
    "warnings_of",
]
