"""Prices from their sources: bytes to series, series to the house's curve, and a cache between."""
