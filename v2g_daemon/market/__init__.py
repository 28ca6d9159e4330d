"""From tariff to price curve, and the money of one step (pure)."""
