"""The PCC as the limits see it: how old, how trusted, and the house without its EVSEs."""

from __future__ import annotations

from dataclasses import dataclass

from v2g_daemon.control.beside import NOBODY, Beside
from v2g_daemon.control.hands_off import hands_off
from v2g_daemon.control.situation import Situation
from v2g_daemon.control.stillness import follow_stillness, is_frozen
from v2g_daemon.domain.instant import Instant, fresh
from v2g_daemon.domain.memory import Memory
from v2g_daemon.domain.policy import EvsePolicy, GridConnection, Policy, Timing
from v2g_daemon.domain.power import total_w
from v2g_daemon.domain.quick import quick, replace
from v2g_daemon.domain.readings import MeterReading
from v2g_daemon.domain.snapshot import Snapshot

SAME_AGE_S = 1.0


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class EvseDraw:
    """What the commanded EVSEs draw on one phase or in total: measured, commanded, how sure.

    `measured_late`: the measurement is older than the meter's, so the command may be truer.
    `unlent_w`: what EVSEs beyond our command discharge now, which is lent to nobody.
    """

    measured_w: float
    commanded_w: float
    measured_late: bool
    unlent_w: float = 0.0

    def room_below(self, bound_w: float, pcc_w: float) -> float:
        """The highest EVSE power with which the PCC stays at or below `bound_w`.

        A late measurement can neither forbid what is already commanded nor permit more.
        """
        bound_w -= self.unlent_w
        by_measurement = bound_w - pcc_w + self.measured_w
        if not self.measured_late:
            return by_measurement
        by_command = bound_w - pcc_w + self.commanded_w
        return min(by_command, max(by_measurement, self.commanded_w))

    def room_above(self, bound_w: float, pcc_w: float) -> float:
        """The lowest EVSE power with which the PCC stays at or above `bound_w`."""
        by_measurement = bound_w - pcc_w + self.measured_w
        if not self.measured_late:
            return by_measurement
        by_command = bound_w - pcc_w + self.commanded_w
        return max(by_command, min(by_measurement, self.commanded_w))


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class GridView:
    """The meter reading with its standing; `may_increase` opens more discharge."""

    meter: MeterReading | None
    usable: bool
    frozen: bool
    may_increase: bool
    total: EvseDraw
    phases: tuple[EvseDraw, ...]
    largest_phase_share: tuple[float, ...]
    battery_w: float = 0.0
    trouble: str | None = None
    beside: Beside = NOBODY

    @property
    def served_load_w(self) -> float | None:
        """The net load that is left for an EVSE to serve."""
        load_w = self._load_w
        return None if load_w is None else self.beside.left_w(load_w)

    @property
    def import_beside_w(self) -> float:
        """What other EVSEs import."""
        return self.beside.import_w(self._load_w)

    @property
    def _load_w(self) -> float | None:
        """What the home battery takes or gives is its own."""
        load_w = self.net_load_w
        return None if load_w is None else load_w - self.battery_w

    @property
    def net_load_w(self) -> float | None:
        """Load − PV of the house without its EVSEs; None without a usable meter."""
        if self.meter is None or not self.usable:
            return None
        if self.total.measured_late:
            return self.meter.power_w - self.total.commanded_w
        return self.meter.power_w - self.total.measured_w


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class _Flow:
    """One EVSE's part of an `EvseDraw`."""

    measured_w: float = 0.0
    commanded_w: float = 0.0
    unlent_w: float = 0.0


def follow_meter(memory: Memory, snapshot: Snapshot, timing: Timing) -> Memory:
    """Remember since when the meter has been good without a gap, and whether it moves."""
    meter = snapshot.meter
    observed_at = None if meter is None else meter.observed_at
    memory = replace(memory, stillness=follow_stillness(memory.stillness, snapshot, timing))
    frozen = is_frozen(memory.stillness, snapshot.now, timing)
    if not frozen and fresh(observed_at, now=snapshot.now, max_age_s=timing.meter_max_age_s):
        if memory.meter_good_since is not None:
            return memory
        return replace(memory, meter_good_since=snapshot.now)
    return replace(memory, meter_good_since=None)


def fresh_pcc_w(snapshot: Snapshot, policy: Policy) -> float | None:
    """The power at the PCC, less what a metered home battery takes: it answers to every step.

    None where the meter's value is too old to act on.
    """
    meter, max_age_s = snapshot.meter, policy.timing.meter_max_age_s
    if meter is None or not policy.grid.has_meter:
        return None
    if not fresh(meter.observed_at, now=snapshot.now, max_age_s=max_age_s):
        return None
    battery_w = 0.0 if snapshot.battery_power_w is None else snapshot.battery_power_w
    return meter.power_w - battery_w


def others_w(snapshot: Snapshot, evse_id: str) -> float:
    """What all other EVSEs say they draw."""
    return total_w(
        status.power_w
        for status in snapshot.evses
        if status.evse_id != evse_id and status.power_w is not None
    )


def view_grid(
    situations: tuple[Situation, ...],
    memory: Memory,
    snapshot: Snapshot,
    grid: GridConnection,
    timing: Timing,
) -> GridView:
    """The grid as this tick knows it."""
    meter = snapshot.meter if grid.has_meter else None
    observed_at = None if meter is None else meter.observed_at
    frozen = is_frozen(memory.stillness, snapshot.now, timing)
    usable = not frozen and fresh(observed_at, now=snapshot.now, max_age_s=timing.meter_max_age_s)
    prompt = fresh(observed_at, now=snapshot.now, max_age_s=timing.meter_no_increase_age_s)
    good_since = memory.meter_good_since
    recovery_s = timing.meter_recovery_s
    recovered = good_since is not None and snapshot.now.seconds_since(good_since) >= recovery_s
    late = _measured_late(situations, observed_at, timing)
    flows = tuple(_flow(situation) for situation in situations)
    shares = tuple(_phase_shares(s.evse, grid.phases) for s in situations)
    commanded = tuple(
        share
        for share, situation in zip(shares, situations, strict=True)
        if hands_off(situation) is None
    )
    return GridView(
        meter=meter,
        usable=usable,
        frozen=frozen,
        may_increase=usable and prompt and recovered,
        total=_draw(flows, (1.0,) * len(flows), measured_late=late),
        phases=tuple(
            _draw(flows, tuple(share[i] for share in shares), measured_late=late)
            for i in range(grid.phases)
        ),
        largest_phase_share=tuple(
            max((share[i] for share in commanded), default=0.0) for i in range(grid.phases)
        ),
        battery_w=0.0 if snapshot.battery_power_w is None else snapshot.battery_power_w,
        trouble=memory.grid_trouble,
    )


def _draw(flows: tuple[_Flow, ...], shares: tuple[float, ...], *, measured_late: bool) -> EvseDraw:
    """The sum of the flows, each with its share."""
    measured_w = commanded_w = unlent_w = 0.0
    for flow, share in zip(flows, shares, strict=True):
        measured_w += flow.measured_w * share
        commanded_w += flow.commanded_w * share
        unlent_w += flow.unlent_w * share
    return EvseDraw(
        measured_w=measured_w,
        commanded_w=commanded_w,
        measured_late=measured_late,
        unlent_w=unlent_w,
    )


def _flow(situation: Situation) -> _Flow:
    """What we command counts; the rest is house load, but its discharge is lent to nobody."""
    if hands_off(situation) is None:
        return _Flow(measured_w=_measured_w(situation), commanded_w=_commanded_w(situation))
    power_w = situation.status.power_w
    if power_w is None or not situation.telemetry_fresh:
        return _Flow()
    return _Flow(unlent_w=max(-power_w, 0.0))


def _measured_w(situation: Situation) -> float:
    power_w = situation.status.power_w
    if power_w is None or not situation.telemetry_fresh:
        return _commanded_w(situation)
    return power_w


def _commanded_w(situation: Situation) -> float:
    last = situation.memory.last
    if last is not None:
        return last.target_w
    power_w = situation.status.power_w
    return power_w if power_w is not None and situation.telemetry_fresh else 0.0


def _measured_late(
    situations: tuple[Situation, ...], meter_at: Instant | None, timing: Timing
) -> bool:
    """Whether a commanded EVSE's power may be older than the meter's, or than its last command.

    A sample that arrives within a tick of a new setpoint may have been taken before it.
    """
    for situation in situations:
        observed_at, changed_at = situation.status.power_observed_at, situation.memory.changed_at
        if hands_off(situation) is not None or meter_at is None:
            continue
        if observed_at is None or meter_at.seconds_since(observed_at) > SAME_AGE_S:
            return True
        if changed_at is not None and observed_at.seconds_since(changed_at) < timing.tick_s:
            return True
    return False


def _phase_shares(evse: EvsePolicy, grid_phases: int) -> tuple[float, ...]:
    """The share of an EVSE's power on each phase of the grid."""
    if evse.phases >= grid_phases:
        return (1.0 / grid_phases,) * grid_phases
    return tuple(1.0 if i == evse.connected_phase - 1 else 0.0 for i in range(grid_phases))
