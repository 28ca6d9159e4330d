"""The planner's inner question: a horizon as arrays, the pack, and the terms of trade."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from v2g_daemon.battery.losses import (
    ac_power_w,
    active_loss_w,
    charging_w,
    drawing_w,
    pack_power_w,
)
from v2g_daemon.domain.loss import LossCurve

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

SLACK_W = 1e-6
SMALLEST_W = 1.0  # what is worth telling a charger
SLACK_WH = 1e-6
COLUMN = (slice(None), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trips:
    """What a trip may take from the pack, and how likely each amount is (together 1)."""

    energy_wh: Floats
    weight: Floats

    def typical_wh(self) -> float:
        """The median."""
        order = np.argsort(self.energy_wh, kind="stable")
        half = int(np.searchsorted(np.cumsum(self.weight[order]), 0.5))
        return float(self.energy_wh[order[min(half, len(order) - 1)]])


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """One value per step, of the car plugged in or away.

    `leaves`, `returns`: the chance that it does so at the step's end. `trip_wh` is surely gone at
    the step's end; `target_wh` is wanted after that (NaN: none). Whoever leaves at a step of
    `unknown_trip` takes one of `trips`. `plugged` is the likely course of it, and `likely_trip_wh`
    what is gone on that.
    """

    leaves: Floats
    returns: Floats
    plugged: Bools
    trip_wh: Floats
    likely_trip_wh: Floats
    target_wh: Floats
    unknown_trip: Bools
    trips: Trips | None


def sure(plugged: Bools, trip_wh: Floats, target_wh: Floats) -> Presence:
    """A course without any doubt."""
    after = np.append(plugged[1:], plugged[-1])
    return Presence(
        leaves=(plugged & ~after).astype(np.float64),
        returns=(~plugged & after).astype(np.float64),
        plugged=plugged,
        trip_wh=trip_wh,
        likely_trip_wh=trip_wh,
        target_wh=target_wh,
        unknown_trip=np.zeros(len(plugged), dtype=np.bool_),
        trips=None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceBand:
    """What prices may be, of shape (scenarios, steps): equally likely, from low to high."""

    import_per_kwh: Floats
    export_per_kwh: Floats

    @property
    def scenarios(self) -> int:
        """How many there are."""
        return len(self.import_per_kwh)


@dataclass(frozen=True, slots=True, kw_only=True)
class Others:
    """What the other EVSEs take of the connection, one value per step, beyond the net load left.

    `import_w` and `export_w` cross the PCC for them; the room that one of them makes is lent to
    none, and while one charges nothing is exported: it would fill that pack (`export_w` is
    infinite). `load_w` is the house's own load that is left out, since they serve it or charge.
    """

    import_w: Floats
    export_w: Floats
    load_w: Floats

    @property
    def room_w(self) -> Floats:
        """What they take of the room under a cap: their import, or the load that they serve."""
        return np.maximum(self.import_w, self.load_w)

    def rows(self, chosen: slice | Ints | tuple[slice, None]) -> Others:
        """The same of some steps, or as columns."""
        return Others(
            import_w=self.import_w[chosen],
            export_w=self.export_w[chosen],
            load_w=self.load_w[chosen],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Horizon:
    """One value per step; `scenarios_w`, of shape (scenarios, members, steps), is net load.

    Scenarios are equally likely, and told apart when their time has come; the members of one are
    not. With a `price_band` each scenario has prices of its own, and those beside it are expected.
    `others`: what is not this car's to use (None: it is alone, or the others rest).
    """

    hours: Floats
    import_per_kwh: Floats
    export_per_kwh: Floats
    scenarios_w: Floats
    presence: Presence
    ceiling_wh: Floats
    export_day: Ints
    price_band: PriceBand | None = None
    others: Others | None = None

    @property
    def steps(self) -> int:
        """The number of steps."""
        return len(self.hours)

    @property
    def net_load_w(self) -> Floats:
        """What the house is expected to draw."""
        mean_w: Floats = self.scenarios_w.mean(axis=(0, 1))
        return mean_w

    @property
    def highest_export_per_kwh(self) -> Floats:
        """The most that a kWh exported in each step may earn."""
        band = self.price_band
        return self.export_per_kwh if band is None else band.export_per_kwh.max(axis=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """What stores the energy; powers are positive AC magnitudes at the EVSE."""

    start_wh: float
    floor_wh: float
    capacity_wh: float
    taper_above_wh: float
    max_charge_w: float
    max_discharge_w: float
    min_charge_w: float
    min_discharge_w: float
    charge_loss: LossCurve
    discharge_loss: LossCurve

    # An EV above its taper point accepts less and less, down to this share when full.
    FULL_SHARE = 0.25

    def delta_w(self, power_w: Floats) -> Floats:
        """Power into (+) or out of (−) the pack for signed AC powers."""
        charge_w = np.maximum(power_w, 0.0)
        drawn_w = np.maximum(-power_w, 0.0)
        into_w = charge_w - active_loss_w(charge_w, self.charge_loss)
        out_w = drawn_w + active_loss_w(drawn_w, self.discharge_loss)
        return np.where(power_w > 0.0, into_w, np.where(power_w < 0.0, -out_w, 0.0))

    def moved_w(self, power_w: float) -> float:
        """The same for one power."""
        return pack_power_w(power_w, self.charge_loss if power_w > 0.0 else self.discharge_loss)

    def landing_w(self, delta_w: float) -> float | None:
        """The AC power that moves the pack by `delta_w`; None where the charger cannot."""
        if delta_w > 0.0:
            power_w = ac_power_w(delta_w, self.charge_loss)
            within = self.min_charge_w <= power_w <= self.max_charge_w
        else:
            power_w = ac_power_w(delta_w, self.discharge_loss)
            within = self.min_discharge_w <= -power_w <= self.max_discharge_w
        reached = abs(self.moved_w(power_w) - delta_w) < 1.0
        real = within and abs(power_w) >= SMALLEST_W and reached
        return power_w if real else None

    def landings_w(self, delta_w: Floats) -> Floats:
        """The AC powers that move the pack by `delta_w`; NaN where the charger cannot."""
        out_w = -delta_w - self.discharge_loss.constant_w
        drawn_w = np.where(out_w > 0.0, drawing_w(out_w, self.discharge_loss, _root), 0.0)
        power_w = np.where(delta_w > 0.0, charging_w(delta_w, self.charge_loss, _root), -drawn_w)
        within = np.where(
            delta_w > 0.0,
            (self.min_charge_w <= power_w) & (power_w <= self.max_charge_w),
            (self.min_discharge_w <= -power_w) & (-power_w <= self.max_discharge_w),
        )
        reached = np.abs(self.delta_w(power_w) - delta_w) < 1.0
        return np.where(within & (np.abs(power_w) >= SMALLEST_W) & reached, power_w, np.nan)

    def reach_w(self) -> float:
        """The fastest the pack can change, in either direction."""
        drawn_w = self.max_discharge_w
        return max(self.max_charge_w, drawn_w + active_loss_w(drawn_w, self.discharge_loss))

    def accepted_w(self, energy_wh: float) -> float:
        """The most the EV accepts at this energy."""
        band_wh = self.capacity_wh - self.taper_above_wh
        if band_wh <= 0.0 or energy_wh <= self.taper_above_wh:
            return self.max_charge_w
        along = min((energy_wh - self.taper_above_wh) / band_wh, 1.0)
        share = 1.0 - along * (1.0 - self.FULL_SHARE)
        return max(self.max_charge_w * share, min(self.min_charge_w, self.max_charge_w))

    def accepts_w(self, energy_wh: Floats) -> Floats:
        """The most the EV accepts at each energy."""
        band_wh = self.capacity_wh - self.taper_above_wh
        if band_wh <= 0.0:
            return np.full(len(energy_wh), self.max_charge_w)
        along = np.minimum((energy_wh - self.taper_above_wh) / band_wh, 1.0)
        share = 1.0 - along * (1.0 - self.FULL_SHARE)
        tapered_w = np.maximum(self.max_charge_w * share, min(self.min_charge_w, self.max_charge_w))
        return np.where(energy_wh <= self.taper_above_wh, self.max_charge_w, tapered_w)


def _root(square: Floats) -> Floats:
    root: Floats = np.sqrt(np.maximum(square, 0.0))
    return root


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Money per kWh and the bounds of the PCC.

    PV beyond an export of `throttled_above_w`, and where export costs money, is not produced; None:
    it is exported whatever that earns. `budget_per_kwh` out of the EVSE and `budget_per_h` of
    discharging are paid to budgets, which hold no more than `budget_left_wh` and `budget_left_h`.
    `export_wear_per_kwh` out of the pack is what an export must earn on top of its wear.
    """

    import_limit_w: float
    export_limit_w: float
    may_export: bool
    throttled_above_w: float | None
    wear_per_kwh: float
    margin_per_kwh: float
    unmet_per_kwh: float
    unmet_later_per_kwh: float
    terminal_per_kwh: float
    daily_export_wh: float
    exported_today_wh: float
    budget_per_kwh: float = 0.0
    budget_per_h: float = 0.0
    budget_left_wh: float = inf
    budget_left_h: float = inf
    export_wear_per_kwh: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """An import to keep to: what flows beyond `cap_w`, one per step (infinite: none), costs.

    `pcc_w` is what that comes to with the import of the others, of the demand charge of this
    `name` (None: the connection, of which others mean to take a part).
    """

    name: str | None
    pcc_w: float
    cap_w: Floats
    over_per_kwh: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a grid program pays and charges for the energy that a step begins with, one per step.

    Whoever is plugged in is paid `paid_money`, and charged `lacking_money` where `span_wh` below
    `least_wh` or more is missing, in proportion where it is less. Who is not plugged in owes
    `lacking_money` less `paid_money`.
    """

    least_wh: Floats
    span_wh: Floats
    paid_money: Floats
    lacking_money: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """All that the dynamic programme looks at."""

    horizon: Horizon
    pack: Pack
    terms: Terms
    caps: tuple[Cap, ...] = ()
    held: tuple[Held, ...] = ()

    def export_left_wh(self) -> dict[int, float]:
        """What each export day of the horizon may still give; the first is partly used."""
        days = self.horizon.export_day.tolist()
        left_wh = dict.fromkeys(days, max(self.terms.daily_export_wh, 0.0))
        left_wh[days[0]] = max(self.terms.daily_export_wh - self.terms.exported_today_wh, 0.0)
        return left_wh
