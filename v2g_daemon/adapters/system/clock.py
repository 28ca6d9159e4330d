"""The only place that reads a clock: the real one, and the scaled one of simulated runs."""

from __future__ import annotations

import asyncio
import ctypes
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from math import floor
from pathlib import Path

from v2g_daemon.domain.instant import Instant

# Touched once the clock was set from the network (systemd-timesyncd.service(8)).
_SYNCHRONISED_MARK = Path("/run/systemd/timesync/synchronized")
_STA_UNSYNC = 0x0040  # adjtimex(2)
_TIME_ERROR = 5


class _Timex(ctypes.Structure):
    """The head of `struct timex`; the rest is room that the kernel may fill."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


def kernel_clock_synchronised() -> bool:
    """Whether the kernel, or systemd's time service, says that the clock follows NTP."""
    return _adjtimex_synchronised() or _SYNCHRONISED_MARK.exists()


def _adjtimex_synchronised() -> bool:
    try:
        adjtimex = ctypes.CDLL(None).adjtimex
    except (AttributeError, OSError):
        return False
    asked = _Timex(modes=0)  # only reads
    state: int = adjtimex(ctypes.byref(asked))
    return 0 <= state < _TIME_ERROR and asked.status & _STA_UNSYNC == 0


def _instant(utc: datetime, monotonic_s: float) -> Instant:
    """In whole milliseconds: nothing here is faster, and a trace of noise digits wears the card."""
    return Instant(
        utc=utc.replace(microsecond=utc.microsecond // 1000 * 1000),
        monotonic_s=floor(monotonic_s * 1000.0) / 1000.0,
    )


class RealClock:
    """UTC and monotonic time of this machine."""

    def __init__(self, *, synchronised: Callable[[], bool] = kernel_clock_synchronised) -> None:
        self._synchronised = synchronised

    def now(self) -> Instant:
        """This moment; `monotonic_s` counts from the start of the machine."""
        return _instant(datetime.now(UTC), time.monotonic())

    async def sleep(self, seconds_s: float) -> None:
        """Sleep that long; not at all below 0."""
        await asyncio.sleep(max(seconds_s, 0.0))

    def trusted(self) -> bool:
        """Whether it follows a time service; if not, its witnesses are asked (runtime)."""
        return self._synchronised()


class ScaledClock:
    """start + (CLOCK_MONOTONIC − anchor) × speed: the same in every process of a simulated run.

    Until the anchor it stands at its start, so that all parts can be up before time runs.
    """

    def __init__(self, *, start_utc: datetime, speed: float, anchor_monotonic_s: float) -> None:
        if not speed > 0.0:
            raise ValueError(f"a clock cannot run at speed {speed}")
        self._start_utc = start_utc.astimezone(UTC)
        self._speed = speed
        self._anchor_monotonic_s = anchor_monotonic_s

    def now(self) -> Instant:
        """The simulated moment; `monotonic_s` counts simulated seconds since the anchor."""
        elapsed_s = max(time.monotonic() - self._anchor_monotonic_s, 0.0) * self._speed
        return _instant(self._start_utc + timedelta(seconds=elapsed_s), elapsed_s)

    async def sleep(self, seconds_s: float) -> None:
        """Sleep that many simulated seconds, and before that until they run."""
        standing_s = max(self._anchor_monotonic_s - time.monotonic(), 0.0)
        await asyncio.sleep(standing_s + max(seconds_s, 0.0) / self._speed)

    def trusted(self) -> bool:
        """Always: daemon and simulators share the one clock."""
        return True
