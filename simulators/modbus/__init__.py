"""Modbus devices of bytes: frames, a server for every transport, its mischief, register maps."""
