"""Recorded series and sessions from CSV files: read exactly, or refused with line and fix."""
