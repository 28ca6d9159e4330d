"""SoC: a believed reading plus the energy counted since, with an honest sigma."""

from __future__ import annotations

from dataclasses import dataclass

from v2g_daemon.battery.losses import pack_power_w
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.memory import EvseMemory, SocAnchor
from v2g_daemon.domain.policy import EvsePolicy
from v2g_daemon.domain.quick import quick, replace
from v2g_daemon.domain.readings import EvseStatus
from v2g_daemon.domain.vehicle import Vehicle

DISAGREEMENT = 0.08
BELIEVE_AFTER_S = 60.0
SIGMA_PER_THROUGHPUT = 0.03
SIGMA_PER_REST_HOUR = 0.0005
DOUBT_SIGMA = 0.10
ACTIVE_W = 100.0
OLDEST_FIRST_READING_S = 900.0


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class SocEstimate:
    """The SoC to act on and its one-sigma uncertainty, both fractions of the pack."""

    soc: float
    sigma: float

    @property
    def low(self) -> float:
        """The SoC that is there for sure enough to let energy out."""
        return self.soc - self.sigma


def follow_soc(
    memory: EvseMemory, status: EvseStatus, evse: EvsePolicy, vehicle: Vehicle | None, now: Instant
) -> tuple[EvseMemory, SocEstimate | None]:
    """Count energy since the anchor, take a new reading if it can be believed.

    Of a car that nobody knows there is no estimate.
    """
    if vehicle is None:
        return memory, None
    anchor = _counted(memory.anchor, status, evse)
    reading = _new_reading(anchor, status, evse, now)
    if reading is None:
        if anchor is not memory.anchor:
            memory = replace(memory, anchor=anchor)
        return memory, _estimate(anchor, vehicle, now)
    fresh_anchor = _anchor_at(reading, status, now)
    believed = _estimate(anchor, vehicle, now)
    if believed is None or abs(believed.soc - reading) <= DISAGREEMENT:
        memory = replace(memory, anchor=fresh_anchor, soc_doubted_since=None)
        return memory, _estimate(fresh_anchor, vehicle, now)
    doubted_since = memory.soc_doubted_since or now
    if now.seconds_since(doubted_since) >= BELIEVE_AFTER_S:
        memory = replace(memory, anchor=fresh_anchor, soc_doubted_since=None)
        return memory, _estimate(fresh_anchor, vehicle, now)
    memory = replace(memory, anchor=anchor, soc_doubted_since=doubted_since)
    return memory, SocEstimate(soc=min(believed.soc, reading), sigma=DOUBT_SIGMA)


def _new_reading(
    anchor: SocAnchor | None, status: EvseStatus, evse: EvsePolicy, now: Instant
) -> float | None:
    """A reading newer than the anchor and inside (0, 1]; 0 W blinds a device that needs power.

    Without an anchor an old reading may be of another plug-in, and is not taken.
    """
    if status.soc is None or status.soc_observed_at is None:
        return None
    if anchor is None and now.seconds_since(status.soc_observed_at) > OLDEST_FIRST_READING_S:
        return None
    if not 0.0 < status.soc <= 1.0:
        return None
    if anchor is not None and status.soc_observed_at.monotonic_s <= anchor.at.monotonic_s:
        return None
    idle = status.power_w is None or abs(status.power_w) < ACTIVE_W
    return None if evse.soc_needs_power and idle else status.soc


def _anchor_at(reading: float, status: EvseStatus, now: Instant) -> SocAnchor:
    return SocAnchor(
        soc=reading,
        counted_wh=0.0,
        throughput_wh=0.0,
        charge_milliwh=status.charge_milliwh,
        discharge_milliwh=status.discharge_milliwh,
        at=status.soc_observed_at or now,
    )


def _counted(anchor: SocAnchor | None, status: EvseStatus, evse: EvsePolicy) -> SocAnchor | None:
    """The anchor with the pack energy moved since its registers were last read."""
    if anchor is None or status.charge_milliwh is None or status.discharge_milliwh is None:
        return anchor
    if anchor.charge_milliwh is None or anchor.discharge_milliwh is None:
        return replace(
            anchor,
            charge_milliwh=status.charge_milliwh,
            discharge_milliwh=status.discharge_milliwh,
        )
    if (
        status.charge_milliwh == anchor.charge_milliwh
        and status.discharge_milliwh == anchor.discharge_milliwh
    ):
        return anchor
    charged_wh = max(status.charge_milliwh - anchor.charge_milliwh, 0) / 1000.0
    discharged_wh = max(status.discharge_milliwh - anchor.discharge_milliwh, 0) / 1000.0
    into_wh = charged_wh * _pack_share(status, max(evse.max_charge_w, ACTIVE_W), evse)
    out_of_wh = discharged_wh * _pack_share(status, -max(evse.max_discharge_w, ACTIVE_W), evse)
    return replace(
        anchor,
        counted_wh=anchor.counted_wh + into_wh - out_of_wh,
        throughput_wh=anchor.throughput_wh + abs(into_wh) + out_of_wh,
        charge_milliwh=status.charge_milliwh,
        discharge_milliwh=status.discharge_milliwh,
    )


def _pack_share(status: EvseStatus, nominal_w: float, evse: EvsePolicy) -> float:
    """Pack energy per AC energy at the present power, or at nominal power if that is unknown."""
    power_w = status.power_w
    same_way = power_w is not None and power_w * nominal_w > 0.0 and abs(power_w) >= ACTIVE_W
    at_w = power_w if power_w is not None and same_way else nominal_w
    return pack_power_w(at_w, evse.loss) / at_w


def _estimate(anchor: SocAnchor | None, vehicle: Vehicle, now: Instant) -> SocEstimate | None:
    if anchor is None:
        return None
    soc = anchor.soc + anchor.counted_wh / vehicle.capacity_wh
    rest_hours = max(now.seconds_since(anchor.at), 0.0) / 3600.0
    sigma = (
        vehicle.soc_step / 2.0
        + SIGMA_PER_THROUGHPUT * anchor.throughput_wh / vehicle.capacity_wh
        + SIGMA_PER_REST_HOUR * rest_hours
    )
    return SocEstimate(soc=min(max(soc, 0.0), 1.0), sigma=sigma)
