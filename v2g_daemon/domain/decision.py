"""Decision: one command per EVSE, with everything needed to say why, and why not."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from v2g_daemon.domain.faults import Fault
from v2g_daemon.domain.outlook import Outlook
from v2g_daemon.domain.policy import Stage
from v2g_daemon.domain.probe import ProbeRun
from v2g_daemon.domain.quick import quick
from v2g_daemon.domain.setpoint import Command, Limit, Reason


class Following(Enum):
    """What an EVSE does about its last command, by measurement."""

    SETTLING = "settling"  # on its way; within the time that this EVSE needs
    FOLLOWING = "following"
    DEVIATING = "deviating"
    REFUSED = "refused"  # the device said no
    WRONG_DIRECTION = "wrong_direction"
    UNKNOWN = "unknown"  # nothing is measured


class CarState(Enum):
    """Why a car that is offered power takes none."""

    STOPPED_AT_ITS_LIMIT = "stopped_at_its_limit"
    TIMER_ACTIVE = "timer_active"


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class DailyUse:
    """What a charger was bothered with today, beside its budgets; None: it has none.

    `writes_today` are those that count: into memory that wears, where the device tells them apart.
    """

    writes_today: int
    writes_per_day: int | None
    closings_today: int
    closings_per_day: int | None


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class EvseDecision:
    """The command for one EVSE and how it came about.

    `following` judges the command of the tick before; None: there was none. `candidates` are the
    configured cars that this one may be, while nobody has said which: a question to the owner.
    `outlook`: what it does by itself, should the commands cease; None: nothing of ours.
    """

    evse_id: str
    vehicle_id: str | None
    stage: Stage
    soc: float | None
    soc_sigma: float | None
    desired_w: float
    desire: Reason
    limits: tuple[Limit, ...]
    command: Command
    following: Following | None = None
    car_state: CarState | None = None
    candidates: tuple[str, ...] = ()
    probe: ProbeRun | None = None
    use: DailyUse | None = None
    outlook: Outlook | None = None


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the house does now."""

    evses: tuple[EvseDecision, ...]
    faults: tuple[Fault, ...]
