"""What charging and discharging does to a pack: losses and wear (pure)."""
