"""The one place in the runtime where a sign changes its convention."""

from __future__ import annotations


def produced_w(flow_w: float) -> float:
    """What the roof gives, positive, from the flow into its meters."""
    return -flow_w
