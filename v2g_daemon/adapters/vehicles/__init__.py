"""The cars' own clouds, asked over HTTP with JSON whether their car is plugged in."""
