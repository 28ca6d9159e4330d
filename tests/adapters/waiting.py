"""Waiting for what other tasks bring about, in real time and never for long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


async def until(reached: Callable[[], bool], *, timeout_s: float = 30.0) -> None:
    """Return once it is so; AssertionError after `timeout_s` real seconds."""
    for _ in range(round(timeout_s / 0.01)):
        if reached():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not happen")
