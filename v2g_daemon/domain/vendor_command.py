"""A command in a vendor's own words, as text with {power_w} or {current_a}, and {duration_s}."""

from __future__ import annotations


def whole_command(data: str) -> str:
    """The text, if it names a power and ends by itself; else ValueError with the fix."""
    if "{power_w}" not in data and "{current_a}" not in data:
        raise ValueError("the command would name no power; say {power_w}, or {current_a} per phase")
    if "{duration_s}" not in data:
        raise ValueError(
            "the command would never end by itself; say {duration_s}, the seconds it holds"
        )
    return data
