"""What `decide` remembers from tick to tick.

Latches outlive a restart as event rows of the ledger, a running session's car and energy as its
rows; SoC anchors, ramps, dwell and tracking are transient and start empty.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.setpoint import Setpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class SocAnchor:
    """The last believed SoC reading and the energy counted since (pack side, Wh)."""

    soc: float
    counted_wh: float
    throughput_wh: float
    charge_milliwh: int | None
    discharge_milliwh: int | None
    at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class DischargeLatch:
    """Discharge is off for this EVSE until someone clears the ledger's row."""

    evse_id: str
    rule: str
    detail: str
    since_utc: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LatchClearance:
    """A person found the cause: discharge may go on."""

    evse_id: str
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EvseMemory:
    """Memory of one EVSE; `last` is the setpoint of the tick before.

    `decreased_at`: since when a decrease waits for its confirmation. `grid_at_switch_w`: power at
    the PCC when the direction last changed. `contradictions`: samples against the command, the
    last of them observed at `contradicted_at`. `car_full`: a car without SoC stopped drawing by
    itself in this session. `apart_since`: since when measured power and command differ. `lag_s`:
    how long this EVSE takes to follow, learned over its sessions. `discharge_proven`: the session's
    first discharge flowed for long enough, from `discharging_since` on.
    """

    evse_id: str
    session_id: str | None = None
    vehicle_id: str | None = None
    session_base_milliwh: int | None = None
    anchor: SocAnchor | None = None
    soc_doubted_since: Instant | None = None
    below_floor: bool = False
    must_charge: bool = False
    car_full: bool = False
    last: Setpoint | None = None
    changed_at: Instant | None = None
    increased_at: Instant | None = None
    decreased_at: Instant | None = None
    switched_at: Instant | None = None
    grid_at_switch_w: float | None = None
    contradicted_since: Instant | None = None
    contradicted_at: Instant | None = None
    contradictions: int = 0
    apart_since: Instant | None = None
    lag_s: float | None = None
    discharging_since: Instant | None = None
    discharge_proven: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Stillness:
    """The PCC's digits that have not changed, and the span of the EVSEs' power since.

    `moved_at`: when that span first grew past what no house hides to the watt.
    """

    digits: tuple[float | None, ...]
    since: Instant
    lowest_evse_w: float | None = None
    highest_evse_w: float | None = None
    moved_at: Instant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """All memory of `decide`; `unbalanced_since`: the powers of the house do not add up."""

    evses: tuple[EvseMemory, ...] = ()
    latches: tuple[DischargeLatch, ...] = ()
    meter_good_since: Instant | None = None
    stillness: Stillness | None = None
    unbalanced_since: Instant | None = None

    def of(self, evse_id: str) -> EvseMemory:
        """The memory of one EVSE; a fresh one if it is new."""
        for evse in self.evses:
            if evse.evse_id == evse_id:
                return evse
        return EvseMemory(evse_id=evse_id)
