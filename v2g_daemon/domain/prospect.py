"""The plan read aloud: what is meant to happen in each slot, why, and what would change it.

Money and prices are of the plan's currency; a kWh in the pack is the pack's own, after losses.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from v2g_daemon.domain.interval import Interval


class Move(Enum):
    """What an EVSE does in a slot."""

    CHARGE = "charge"
    IDLE = "idle"
    DISCHARGE = "discharge"
    AWAY = "away"  # no car is likely to be there


class PriceSide(Enum):
    """Which of the two prices at the PCC is meant."""

    IMPORT = "import"
    EXPORT = "export"


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """The price of a slot at which another move would be made; the other price moves along.

    A charge wants `threshold_per_kwh` or less, a discharge that or more. `price_per_kwh` is what
    the same side costs or pays as it is.
    """

    move: Move
    side: PriceSide
    threshold_per_kwh: float
    price_per_kwh: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DischargeTerms:
    """A kWh out of the pack: what it brings at the PCC, and everything that it costs.

    `earns` is the price after the loss of discharging; `refill` is what the plan counts for buying
    the energy again, and `losses` what is lost on the way back in. `depth` is the shadow price of
    the daily export depth, `budget` that of the budgets which outlast the plan. What is left of the
    first is `gains`.
    """

    price_per_kwh: float
    earns_per_kwh: float
    refill_per_kwh: float
    losses_per_kwh: float
    wear_per_kwh: float
    margin_per_kwh: float
    depth_per_kwh: float
    budget_per_kwh: float
    gains_per_kwh: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerUp:
    """The best of the moves that are not made, and by how much it would be dearer."""

    move: Move
    power_w: float
    dearer_by_money: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotProspect:
    """One slot; `soc` is at its end, `worth_per_kwh` what one kWh more in the pack adds then.

    `terms` are of a slot that discharges. A `runner_up` or a turn is missing where nothing else can
    be done.
    """

    interval: Interval
    import_per_kwh: float
    export_per_kwh: float
    price_is_forecast: bool
    net_load_w: float
    move: Move
    power_w: float
    soc: float
    worth_per_kwh: float | None
    reason: str
    terms: DischargeTerms | None
    runner_up: RunnerUp | None
    turns: tuple[Turn, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NowProspect:
    """The moment at its real price and load: what the plan would do, and what would change it.

    `said` answers "why not now", a sentence for each move that is not made.
    """

    move: Move
    power_w: float
    gains_money: float
    runner_up: RunnerUp | None
    turns: tuple[Turn, ...]
    said: tuple[str, ...]


class HintKind(Enum):
    """What somebody could do for the plan."""

    PLUG_IN = "plug_in"
    TELL_DEPARTURE = "tell_departure"
    TELL_LONG_TRIP = "tell_long_trip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """Something that only a person can do, and what it is worth.

    The money is about that, or between two amounts; None where none can be stated. `lacking_wh` is
    what a trip may lack otherwise.
    """

    kind: HintKind
    evse_id: str
    low_money: float | None
    high_money: float | None
    lacking_wh: float | None
    said: str


class ReadinessLevel(Enum):
    """How sure it is that the next trip is covered."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """The chance that the next trip is covered; `said` names the fix where it is not surely.

    `ready_by_utc` None: nobody told when the car leaves.
    """

    level: ReadinessLevel
    covered_share: float
    ready_by_utc: datetime | None
    said: str


class Standing(Enum):
    """What there is of a plan at an EVSE."""

    PLANNED = "planned"
    STALE = "stale"  # its renewal has failed, and it is used all the same
    NO_PLAN = "no_plan"
    NO_CAR = "no_car"
    UNKNOWN_CAR = "unknown_car"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvseProspect:
    """All that can be told of one EVSE's plan; `said` is the sentence on what there is of it.

    `soc_of_energy_wanted`: the car tells no SoC, so that every `soc` is of the energy it wants.
    `now` is missing where the moment has no price or load, the slots where there is no usable plan.
    """

    evse_id: str
    vehicle_id: str | None
    standing: Standing
    said: str
    soc_of_energy_wanted: bool
    plan_id: str | None
    made_at_utc: datetime | None
    age_s: float | None
    summary: str | None
    expected_cost: float | None
    missed_wh: float | None
    readiness: Readiness | None
    now: NowProspect | None
    slots: tuple[SlotProspect, ...]
    hints: tuple[Hint, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CarSentence:
    """Something said of one car."""

    vehicle_id: str
    said: str
