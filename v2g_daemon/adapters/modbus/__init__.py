"""Meters over Modbus TCP: one link per host and port, profiles as data, one convention."""
