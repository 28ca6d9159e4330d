"""Bidirectional chargers over Modbus: profiles as data, a family of sequences each, one driver."""
