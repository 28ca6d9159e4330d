"""Simulated house, vehicles, charging stations, meter and prices; imports nothing of the daemon."""

from __future__ import annotations
