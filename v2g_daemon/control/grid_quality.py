"""Frequency and voltage of the grid: outside what it holds in health, nothing flows at a car.

The charger's own protection comes first and is faster; this one keeps the daemon from starting
anything into a grid in trouble, and from coming back at once with all other houses.
"""

from __future__ import annotations

from v2g_daemon.control.grid import GridView
from v2g_daemon.control.situation import Situation
from v2g_daemon.domain.instant import Instant, fresh
from v2g_daemon.domain.memory import Memory
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.power import ONLY_ZERO
from v2g_daemon.domain.quick import replace
from v2g_daemon.domain.setpoint import Authority, Limit, Reason
from v2g_daemon.domain.snapshot import Snapshot

LOWEST_HZ, HIGHEST_HZ = 47.5, 51.5  # EN 50549-1, 4.4.2: beyond, a generator may leave
AROUND_HZ = 10.0  # a 60 Hz grid has the same room around its own
LEAST_VOLTAGE_SHARE = 0.8
RETURN_S = 60.0


def follow_quality(memory: Memory, snapshot: Snapshot, policy: Policy) -> Memory:
    """Remember when the grid was last seen in trouble, and how."""
    trouble = _trouble(snapshot, policy)
    if trouble is not None:
        return replace(memory, grid_trouble=trouble, grid_trouble_at=snapshot.now)
    if memory.grid_trouble_at is None or not _over(memory.grid_trouble_at, snapshot.now):
        return memory
    return replace(memory, grid_trouble=None, grid_trouble_at=None)


def grid_quality(
    situations: tuple[Situation, ...], grid: GridView, snapshot: Snapshot, policy: Policy
) -> Limit | None:
    """0 W while frequency or voltage are not those of a healthy grid, and a minute longer."""
    if grid.trouble is None:
        return None
    reason = Reason(
        authority=Authority.SAFETY,
        rule="grid_quality",
        detail=f"{grid.trouble}; nothing flows before {RETURN_S:.0f} s of normal values",
    )
    return Limit(permitted=ONLY_ZERO, reason=reason)


def _over(at: Instant, now: Instant) -> bool:
    return now.seconds_since(at) >= RETURN_S


def _trouble(snapshot: Snapshot, policy: Policy) -> str | None:
    """What is wrong with the grid now; None also where no meter tells."""
    meter = snapshot.meter
    max_age_s = policy.timing.meter_max_age_s
    if meter is None or not fresh(meter.observed_at, now=snapshot.now, max_age_s=max_age_s):
        return None
    hertz = meter.frequency_hz
    if hertz is not None:
        shift_hz = AROUND_HZ if hertz > (HIGHEST_HZ + LOWEST_HZ + AROUND_HZ) / 2.0 else 0.0
        if not LOWEST_HZ + shift_hz <= hertz <= HIGHEST_HZ + shift_hz:
            return f"the grid's frequency was {hertz:.2f} Hz"
    least_v = LEAST_VOLTAGE_SHARE * policy.grid.nominal_voltage_v
    lows = [one for one in meter.voltage_v if 0.0 < one < least_v]
    return None if len(lows) == 0 else f"a phase of the grid had {min(lows):.0f} V"
