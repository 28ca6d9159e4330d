"""Simple strategies to be measured against: plain charging, cheapest hours, a break-even threshold.

They are what a timer, a tariff app and a small script do; none of them plans.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from v2g_daemon.battery.losses import pack_power_w
from v2g_daemon.rehearsal.course import Moment
from v2g_daemon.rehearsal.days import Days, Stay
from v2g_daemon.rehearsal.plant import Plant

EIGHTY_PERCENT = 0.8
# What is not published yet is expected to cost what the same quarter hour did on average.
DAYS_AVERAGED = 14
DAYS_SEARCHED = 39
SLACK_WH = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    """Full power from plug-in to the ceiling."""

    plant: Plant

    def start(self) -> None:
        """It remembers nothing."""

    def drive(self, state: None, moment: Moment) -> tuple[None, float]:
        """Always the same; the plant stops it at the ceiling."""
        return None, self.plant.max_charge_w


@dataclass(frozen=True, slots=True, kw_only=True)
class Scripted:
    """Setpoints that are known beforehand, one per slot."""

    setpoint_w: tuple[float, ...]

    def start(self) -> None:
        """It remembers nothing."""

    def drive(self, state: None, moment: Moment) -> tuple[None, float]:
        """As written."""
        return None, self.setpoint_w[moment.slot]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """Import prices of a stay as known or expected, from slot `first` on, in order and sorted."""

    first: int
    until: int
    prices: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheapestHours:
    """Full power in the cheapest quarter hours of the stay that reach 80 %, or the target above it.

    `until[slot]` is the slot up to which prices are published. PV surplus is taken up to the
    ceiling.
    """

    days: Days
    plant: Plant
    until: tuple[int, ...]

    def start(self) -> Expected | None:
        """Nothing is expected before a stay."""
        return None

    def drive(self, state: Expected | None, moment: Moment) -> tuple[Expected | None, float]:
        """Charge now if fewer cheaper quarter hours lie ahead than are needed."""
        if moment.stay is None:
            return None, 0.0
        state = expected(self.days, moment.stay, moment.slot, self.until, state)
        needed = needed_slots(self.plant, moment.stay, moment.energy_wh, self.days.slot_h)
        if needed > _cheaper_ahead(state, moment):
            return state, self.plant.max_charge_w
        return state, surplus_w(self.plant, moment)


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakEven:
    """Cheapest hours, and discharge where a kWh earns more than its refill, losses and wear.

    It is refilled in the cheapest quarter hour of the stay that is not needed yet.
    """

    days: Days
    plant: Plant
    until: tuple[int, ...]
    wear_per_kwh: float

    def start(self) -> Expected | None:
        """Nothing is expected before a stay."""
        return None

    def drive(self, state: Expected | None, moment: Moment) -> tuple[Expected | None, float]:
        """Charge, else take the sun, else discharge if it pays."""
        if moment.stay is None:
            return None, 0.0
        state = expected(self.days, moment.stay, moment.slot, self.until, state)
        needed = needed_slots(self.plant, moment.stay, moment.energy_wh, self.days.slot_h)
        if needed > _cheaper_ahead(state, moment):
            return state, self.plant.max_charge_w
        sun_w = surplus_w(self.plant, moment)
        if sun_w > 0.0:
            return state, sun_w
        ahead = sorted(state.prices[moment.slot - state.first :])
        if needed + 1 >= len(ahead):
            return state, 0.0
        return state, -self._discharge_w(moment, moment.stay, ahead[needed])

    def _discharge_w(self, moment: Moment, stay: Stay, refill_per_kwh: float) -> float:
        """The power out of the car that pays, a positive magnitude."""
        plant = self.plant
        if plant.max_discharge_w <= 0.0 or moment.energy_wh <= self._kept_wh(moment, stay):
            return 0.0
        stored = self._break_even(refill_per_kwh, plant.max_discharge_w)
        net_w = moment.around.load_w - moment.around.pv_w
        if self.days.export_per_kwh[moment.slot] > stored:
            return min(plant.max_discharge_w, max(net_w + plant.export_limit_w, 0.0))
        if self.days.import_per_kwh[moment.slot] <= stored or net_w <= 0.0:
            return 0.0
        if net_w >= plant.min_discharge_w:
            return min(plant.max_discharge_w, net_w)
        return self._least_w(moment, net_w, refill_per_kwh)

    def _least_w(self, moment: Moment, net_w: float, refill_per_kwh: float) -> float:
        """The least power where the house draws less, if the rest's export does not spoil it."""
        least_w, slot = self.plant.min_discharge_w, moment.slot
        earned = net_w * self.days.import_per_kwh[slot]
        earned += (least_w - net_w) * self.days.export_per_kwh[slot]
        return least_w if earned > least_w * self._break_even(refill_per_kwh, least_w) else 0.0

    def _break_even(self, refill_per_kwh: float, power_w: float) -> float:
        """What a kWh out of the charger has to earn at this power."""
        plant = self.plant
        into_pack = pack_power_w(plant.max_charge_w, plant.loss) / plant.max_charge_w
        out_of_pack = pack_power_w(-power_w, plant.loss) / -power_w
        return (refill_per_kwh / into_pack + self.wear_per_kwh) * out_of_pack

    def _kept_wh(self, moment: Moment, stay: Stay) -> float:
        """What the target needs beyond all that can still be charged after this quarter hour."""
        target_wh = 0.0 if stay.target_wh is None else stay.target_wh
        later_wh = (stay.end - moment.slot - 1) * slot_wh(self.plant, self.days.slot_h)
        return max(self.plant.floor_wh, target_wh - later_wh) + SLACK_WH


def slot_wh(plant: Plant, slot_h: float) -> float:
    """What a slot at full power puts into the pack."""
    return pack_power_w(plant.max_charge_w, plant.loss) * slot_h


def needed_slots(plant: Plant, stay: Stay, energy_wh: float, slot_h: float) -> int:
    """How many slots at full power still lead to 80 %, or to the target above it."""
    goal_wh = EIGHTY_PERCENT * plant.pack_wh
    if stay.target_wh is not None:
        goal_wh = max(goal_wh, stay.target_wh)
    missing_wh = goal_wh - energy_wh
    return ceil((missing_wh - SLACK_WH) / slot_wh(plant, slot_h)) if missing_wh > SLACK_WH else 0


def surplus_w(plant: Plant, moment: Moment) -> float:
    """What the sun leaves over, if the charger can take it and the pack has room."""
    left_w = moment.around.pv_w - moment.around.load_w
    if left_w < plant.min_charge_w or moment.energy_wh >= plant.ceiling_wh - SLACK_WH:
        return 0.0
    return min(left_w, plant.max_charge_w)


def expected(
    days: Days, stay: Stay, slot: int, until: tuple[int, ...], known: Expected | None
) -> Expected:
    """Prices from now to the end of the stay; made anew only with a stay or a publication."""
    if known is not None and known.until == until[slot] and known.first <= slot:
        return known
    prices = tuple(_expected_price(days, ahead, until[slot]) for ahead in range(slot, stay.end))
    return Expected(first=slot, until=until[slot], prices=prices)


def _expected_price(days: Days, slot: int, until: int) -> float:
    if slot < until:
        return days.import_per_kwh[slot]
    same = (slot - days.slots_a_day * day for day in range(1, DAYS_SEARCHED + 1))
    seen = [days.import_per_kwh[one] for one in same if 0 <= one < until][:DAYS_AVERAGED]
    return _mean(seen) if seen else days.import_per_kwh[until - 1]


def _mean(values: list[float]) -> float:
    total = 0.0
    for value in values:
        total += value
    return total / len(values)


def _cheaper_ahead(state: Expected, moment: Moment) -> int:
    """How many later quarter hours of the stay are cheaper; of equal ones the first counts."""
    here = moment.slot - state.first
    now = state.prices[here]
    return sum(1 for price in state.prices[here + 1 :] if price < now)
