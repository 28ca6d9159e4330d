"""The plant: pack, charger and grid connection as they are, whatever a strategy believes of them.

A power is held for a slot. Where the pack would pass its ceiling or floor inside it, the
charger stops there. The car gives way to import and export limit; PV is throttled where it can be.
"""

from __future__ import annotations

from dataclasses import dataclass

from v2g_daemon.battery.losses import pack_power_w
from v2g_daemon.battery.taper import accepted_share
from v2g_daemon.domain.loss import LossCurve
from v2g_daemon.domain.quick import quick

MINUTES_A_HOUR = 60.0
SLACK_W = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Plant:
    """Energies are those of the pack; powers are AC magnitudes at the EVSE and at the PCC.

    `curtails`: PV beyond the export limit, and while exports cost money, is not produced.
    """

    pack_wh: float
    floor_wh: float
    ceiling_wh: float
    taper_above_wh: float
    max_charge_w: float
    max_discharge_w: float
    min_charge_w: float
    min_discharge_w: float
    loss: LossCurve
    import_limit_w: float
    export_limit_w: float
    curtails: bool

    def ceiling_of(self, target_wh: float | None) -> float:
        """The ceiling of a stay: a trip may want more than the car's own."""
        return self.ceiling_wh if target_wh is None else max(self.ceiling_wh, target_wh)


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """The house without its car in one slot."""

    load_w: float
    pv_w: float
    export_per_kwh: float


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """What a slot moved; `pack_wh` into the pack (+) or out of it (−).

    `power_w` is what the charger held, `share` the part of the slot that it ran.
    """

    power_w: float
    share: float
    pack_wh: float
    import_wh: float
    export_wh: float


def given_way_w(plant: Plant, power_w: float, around: Surroundings) -> float:
    """The power that is left of a setpoint once the limits have been kept; 0 below the least."""
    net_w = around.load_w - around.pv_w
    if power_w > 0.0:
        power_w = min(power_w, plant.max_charge_w, plant.import_limit_w - net_w)
        return power_w if power_w >= plant.min_charge_w - SLACK_W else 0.0
    power_w = max(power_w, -plant.max_discharge_w, -plant.export_limit_w - net_w)
    return power_w if -power_w >= plant.min_discharge_w - SLACK_W else 0.0


def accepted_w(plant: Plant, energy_wh: float) -> float:
    """The most that the car accepts at this energy."""
    if energy_wh <= plant.taper_above_wh:
        return plant.max_charge_w
    soc, taper_soc = energy_wh / plant.pack_wh, plant.taper_above_wh / plant.pack_wh
    share = accepted_share(soc, taper_soc)
    return max(plant.max_charge_w * share, min(plant.min_charge_w, plant.max_charge_w))


def held(
    plant: Plant,
    setpoint_w: float,
    energy_wh: float,
    around: Surroundings,
    *,
    ceiling_wh: float,
    slot_h: float = 0.25,
) -> Flow:
    """Hold a setpoint for a slot from `energy_wh` in the pack."""
    if setpoint_w > 0.0:
        setpoint_w = _taken_w(plant, setpoint_w, energy_wh, slot_h)
    power_w = given_way_w(plant, setpoint_w, around)
    idle = _at_the_pcc(plant, 0.0, around, slot_h)
    if power_w == 0.0:
        return Flow(power_w=0.0, share=0.0, pack_wh=0.0, import_wh=idle[0], export_wh=idle[1])
    pack_wh = pack_power_w(power_w, plant.loss) * slot_h
    share = _share(plant, pack_wh, energy_wh, ceiling_wh)
    active = _at_the_pcc(plant, power_w, around, slot_h)
    return Flow(
        power_w=power_w,
        share=share,
        pack_wh=share * pack_wh,
        import_wh=idle[0] + share * (active[0] - idle[0]),
        export_wh=idle[1] + share * (active[1] - idle[1]),
    )


def _taken_w(plant: Plant, setpoint_w: float, energy_wh: float, slot_h: float) -> float:
    """What a tapering car takes on average in the slot, minute by minute."""
    if energy_wh + setpoint_w * slot_h <= plant.taper_above_wh:
        return setpoint_w
    taken_w, minutes = 0.0, round(slot_h * MINUTES_A_HOUR)
    for _ in range(minutes):
        now_w = min(setpoint_w, accepted_w(plant, energy_wh))
        energy_wh += pack_power_w(now_w, plant.loss) * slot_h / minutes
        taken_w += now_w / minutes
    return taken_w


def _share(plant: Plant, pack_wh: float, energy_wh: float, ceiling_wh: float) -> float:
    if pack_wh > 0.0 and energy_wh + pack_wh > ceiling_wh:
        return max(ceiling_wh - energy_wh, 0.0) / pack_wh
    if pack_wh < 0.0 and energy_wh + pack_wh < plant.floor_wh:
        return max(energy_wh - plant.floor_wh, 0.0) / -pack_wh
    return 1.0


def _at_the_pcc(
    plant: Plant, power_w: float, around: Surroundings, slot_h: float
) -> tuple[float, float]:
    """Energy imported and exported in a slot, after PV was throttled where it can be."""
    net_w = around.load_w - around.pv_w + power_w
    if net_w >= 0.0:
        return net_w * slot_h, 0.0
    export_w = -net_w
    if plant.curtails:
        export_w = min(export_w, plant.export_limit_w)
        if around.export_per_kwh < 0.0:
            export_w = min(export_w, max(-power_w, 0.0))
    return 0.0, export_w * slot_h
