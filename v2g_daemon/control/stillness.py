"""A frozen meter: not a digit of it moves while the car's power does."""

from __future__ import annotations

from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.memory import Stillness
from v2g_daemon.domain.policy import Timing
from v2g_daemon.domain.quick import replace
from v2g_daemon.domain.snapshot import Snapshot

MOVED_W = 1000.0


def follow_stillness(
    still: Stillness | None, snapshot: Snapshot, timing: Timing
) -> Stillness | None:
    """Since when the PCC's digits stand still, and how far the EVSEs' power moved meanwhile.

    A sample counts only if it was taken well after the digits stopped: the meter may have shown
    that change before the charger told of it.
    """
    digits = _digits(snapshot)
    if snapshot.meter is None:
        return None
    if still is None or still.digits != digits:
        return Stillness(digits=digits, since=snapshot.meter.observed_at)
    power_w = _evse_power_w(snapshot, after=still.since.later(timing.meter_max_age_s))
    if power_w is None:
        return still
    lowest_w = power_w if still.lowest_evse_w is None else min(still.lowest_evse_w, power_w)
    highest_w = power_w if still.highest_evse_w is None else max(still.highest_evse_w, power_w)
    moved_at = still.moved_at
    if moved_at is None and highest_w - lowest_w > MOVED_W:
        moved_at = snapshot.now
    return replace(still, lowest_evse_w=lowest_w, highest_evse_w=highest_w, moved_at=moved_at)


def is_frozen(still: Stillness | None, now: Instant, timing: Timing) -> bool:
    """Whether the car moved by a kilowatt and the meter had its time to show it."""
    if still is None or still.moved_at is None:
        return False
    return now.seconds_since(still.moved_at) >= timing.meter_max_age_s


def _digits(snapshot: Snapshot) -> tuple[float | None, ...]:
    """All that moves in a living meter, and who of the EVSEs is counted."""
    meter = snapshot.meter
    if meter is None:
        return ()
    told = tuple(1.0 if status.power_w is not None else 0.0 for status in snapshot.evses)
    return (*told, meter.power_w, *meter.phase_power_w, *meter.voltage_v, meter.frequency_hz)


def _evse_power_w(snapshot: Snapshot, *, after: Instant) -> float | None:
    """The EVSEs' power together; None unless every sample was taken after that moment."""
    total_w, count = 0.0, 0
    for status in snapshot.evses:
        if status.power_w is None:
            continue
        observed_at = status.power_observed_at
        if observed_at is None or observed_at.seconds_since(after) < 0.0:
            return None
        total_w += status.power_w
        count += 1
    return total_w if count > 0 else None
