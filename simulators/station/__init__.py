"""A charging station that speaks OCPP 2.1 and 2.0.1 over raw, schema-checked JSON."""

from __future__ import annotations
