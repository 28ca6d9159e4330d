"""Day-ahead prices over HTTP: bytes to a spot series, a spot series to the house's curve."""
