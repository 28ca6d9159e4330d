"""Meter values as stations really send them, made into samples to be relied on: OCPP's block J."""
