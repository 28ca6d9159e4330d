"""Snapshots and decisions as versioned JSON lines, and their replay (pure)."""
