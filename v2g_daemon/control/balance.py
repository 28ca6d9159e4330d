"""Do the powers of the house add up? A meter that is missing or has the wrong sign shows here."""

from __future__ import annotations

from v2g_daemon.domain.faults import Fault, FaultCode
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.memory import Memory
from v2g_daemon.domain.policy import Timing
from v2g_daemon.domain.readings import MeterRole
from v2g_daemon.domain.snapshot import Snapshot

TOLERANCE_W = 300.0
TOLERANCE_SHARE = 0.05
TICKS = 3.0
PATIENCE_S = 60.0
SOURCES = (MeterRole.PV, MeterRole.BATTERY)


def unbalanced_since(memory: Memory, snapshot: Snapshot) -> Instant | None:
    """Since when the powers have not added up; None while they do, or while one is unknown."""
    if _imbalance(snapshot) is None:
        return None
    return memory.unbalanced_since or snapshot.now


def balance_faults(since: Instant | None, snapshot: Snapshot, timing: Timing) -> tuple[Fault, ...]:
    """The fault of powers that have not added up for a minute."""
    what = _imbalance(snapshot)
    patience_s = max(PATIENCE_S, TICKS * timing.tick_s)
    if what is None or since is None or snapshot.now.seconds_since(since) < patience_s:
        return ()
    return (Fault(code=FaultCode.POWER_BALANCE, detail=what),)


def _imbalance(snapshot: Snapshot) -> str | None:
    """What cannot be; None also where nothing tells what the house generates.

    With neither a PV nor a battery meter a house that gives may simply have a roof.
    """
    own_w = _own_load_w(snapshot)
    if own_w is None:
        return None
    sources = [status for status in snapshot.meters if status.role in SOURCES]
    largest_w = max(
        (abs(status.power_w) for status in snapshot.meters if status.power_w is not None),
        default=0.0,
    )
    slack_w = max(TOLERANCE_W, TOLERANCE_SHARE * largest_w)
    if sources and own_w < -slack_w:
        return (
            f"grid, PV, battery and chargers leave {own_w:.0f} W for the rest of the house: "
            "a meter is missing, has the wrong sign, or measures something else"
        )
    for status in snapshot.meters:
        if status.role is not MeterRole.SUB or status.power_w is None:
            continue
        if abs(status.power_w) > max(own_w, 0.0) + slack_w:
            return (
                f"sub-meter {status.meter_id} reads {status.power_w:.0f} W in a house that "
                f"draws {own_w:.0f} W: one of the two has the wrong sign or place"
            )
    return None


def _own_load_w(snapshot: Snapshot) -> float | None:
    """What the house draws beside chargers and battery; None while a configured meter is late."""
    meter = snapshot.meter
    if meter is None:
        return None
    told = [one.role for one in snapshot.meters if one.power_w is not None]
    late = [one.role for one in snapshot.meters if one.power_w is None]
    if MeterRole.GRID not in told or any(role in SOURCES for role in late):
        return None
    own_w = meter.power_w
    own_w += 0.0 if snapshot.pv_power_w is None else snapshot.pv_power_w
    own_w -= 0.0 if snapshot.battery_power_w is None else snapshot.battery_power_w
    for status in snapshot.evses:
        if status.plugged_in and status.power_w is None:
            return None
        own_w -= 0.0 if status.power_w is None else status.power_w
    return own_w
