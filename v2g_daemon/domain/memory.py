"""What `decide` remembers from tick to tick.

Latches outlive a restart as event rows of the ledger, a running session's car and energy as its
rows; SoC anchors, ramps, dwell and tracking are transient and start empty.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.outlook import Outlook
from v2g_daemon.domain.probe import ProbeRun
from v2g_daemon.domain.quick import quick
from v2g_daemon.domain.setpoint import Setpoint


@quick
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
class Evidence:
    """Samples against the command: the first seen `since`, the newest observed `at`.

    `charged`: the EVSE charged when told to discharge; else it discharged when told not to.
    """

    charged: bool
    since: Instant
    at: Instant
    samples: int


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Direction:
    """Which way an EVSE was told to go, and what its samples say against that.

    `charge_told_at`, `discharge_told_at`: when a command that way was last in force; None: nothing
    was commanded. `house_w`: what the PCC drew without this EVSE, by the last sample that did not
    contradict.
    """

    charge_told_at: Instant | None = None
    discharge_told_at: Instant | None = None
    sampled_at: Instant | None = None
    sampled_w: float | None = None
    house_w: float | None = None
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Countercheck:
    """A step of an EVSE's power, watched at the PCC: where both stood when it was commanded.

    `moved_sum_w` and `claimed_sum_w`: by how much PCC and EVSE differ from then, summed over the
    ticks since `arrived_at`. `ending`: the step ends a discharge that the PCC spoke against.
    """

    begun_at: Instant
    target_w: float
    pcc_w: float
    evse_w: float
    others_w: float
    ending: bool = False
    arrived_at: Instant | None = None
    moved_sum_w: float = 0.0
    claimed_sum_w: float = 0.0
    ticks: int = 0


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class EvseMemory:
    """Memory of one EVSE; `last` is the setpoint of the tick before.

    `raised_since`: since when without a break more is wanted than commanded, at least `raised_w`.
    `decreased_at`: since when a decrease waits for its confirmation. `car_full`: a car without SoC
    stopped drawing by itself in this session. `apart_since`: since when measured power and command
    differ, `unmeasured_since`: since when no power is measured that could tell. `lag_s`: how long
    this EVSE takes to follow, learned over its sessions.
    `breached_since`: since when more flows than is permitted; `distrusted`: it did for too long.
    `discharge_proven`: in this session a discharge, `discharge_shown` by the PCC, flowed for long
    enough, the last one from `discharging_since` on. `steps_against`, `steps_unseen`: so many steps
    in a row went the other way at the PCC, or did not show there. `outlook_soc`: the lower edge of
    the band of SoC that the `outlook` was made for. `probe`: the guided test of this session.
    `plugged_in_at_utc`: when its plug-in began. `left_at`: until when another one stood here.
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
    raised_since: Instant | None = None
    raised_w: float | None = None
    decreased_at: Instant | None = None
    switched_at: Instant | None = None
    direction: Direction = Direction()
    apart_since: Instant | None = None
    unmeasured_since: Instant | None = None
    lag_s: float | None = None
    breached_since: Instant | None = None
    distrusted: bool = False
    discharging_since: Instant | None = None
    discharge_shown: bool = False
    discharge_proven: bool = False
    probe: ProbeRun | None = None
    check: Countercheck | None = None
    steps_against: int = 0
    steps_unseen: int = 0
    outlook: Outlook | None = None
    outlook_soc: float | None = None
    plugged_in_at_utc: datetime | None = None
    left_at: Instant | None = None


@quick
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


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """All memory of `decide`; `unbalanced_since`: the powers of the house do not add up.

    `grid_trouble`: what was wrong with frequency or voltage when it was last seen so.
    """

    evses: tuple[EvseMemory, ...] = ()
    latches: tuple[DischargeLatch, ...] = ()
    meter_good_since: Instant | None = None
    stillness: Stillness | None = None
    unbalanced_since: Instant | None = None
    grid_trouble: str | None = None
    grid_trouble_at: Instant | None = None

    def of(self, evse_id: str) -> EvseMemory:
        """The memory of one EVSE; a fresh one if it is new."""
        for evse in self.evses:
            if evse.evse_id == evse_id:
                return evse
        return EvseMemory(evse_id=evse_id)
