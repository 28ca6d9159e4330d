"""Meters at the grid connection that have no registers: one file for each way of telling."""
