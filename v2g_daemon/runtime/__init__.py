"""Drives the step: control loop, latest values, recorder, supervisor, planning."""
