"""Home-energy daemon that drives a bidirectional EV charger."""

from __future__ import annotations

__version__ = "0.1.0"
