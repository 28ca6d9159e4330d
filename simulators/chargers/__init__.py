"""Chargers that speak Modbus: their registers and refusals, on the same outlets as the stations."""
