"""Landing exactly on a level: lattice points at once do what each of them does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.planning.problems import LOSSLESS, REAL_LOSS, toy_case
from v2g_daemon.domain.loss import LossCurve
from v2g_daemon.planning.actions import bands, landing
from v2g_daemon.planning.case import Case
from v2g_daemon.planning.grid import grid_of
from v2g_daemon.planning.stage import StepTerms, cost_of_moves, priced

FLOOR_WH, CEILING_WH = 12_000.0, 54_000.0


def car(loss: LossCurve, *, taper_above_wh: float = 48_000.0) -> Case:
    """60 kWh, 1.4 to 7.4 kW, by one loss curve, accepting less above the taper."""
    case = toy_case(imports=[0.3], exports=[0.1], net_load_w=[500.0])
    pack = replace(
        case.pack,
        start_wh=30_000.0,
        floor_wh=FLOOR_WH,
        capacity_wh=60_000.0,
        taper_above_wh=taper_above_wh,
        max_charge_w=7400.0,
        max_discharge_w=7400.0,
        min_charge_w=1400.0,
        min_discharge_w=1400.0,
        charge_loss=loss,
        discharge_loss=loss,
    )
    return replace(
        case, pack=pack, horizon=replace(case.horizon, ceiling_wh=np.array([CEILING_WH]))
    )


@pytest.mark.parametrize("loss", [LOSSLESS, REAL_LOSS])
@pytest.mark.parametrize("hours", [0.25, 1.0])
def test_a_band_is_what_each_of_its_points_can_do(loss: LossCurve, hours: float) -> None:
    case = car(loss)
    grid, levels_wh = grid_of(case), (FLOOR_WH, 30_123.0, CEILING_WH)
    found = {band.level_wh: band for band in bands(case, grid, levels_wh, hours, CEILING_WH)}
    assert set(found) == set(levels_wh)
    for level_wh, band in found.items():
        told = np.full(grid.points, np.nan)
        told[band.points] = np.where(band.lands, band.power_w, np.nan)
        for energy_wh, power_w in zip(grid.energy_wh.tolist(), told.tolist(), strict=True):
            alone_w = landing(case.pack, energy_wh, level_wh, hours, CEILING_WH)
            assert alone_w == (None if np.isnan(power_w) else power_w)


@pytest.mark.parametrize("level_wh", [FLOOR_WH - 500.0, 200_000.0])
def test_nothing_lands_below_the_floor_or_out_of_reach(level_wh: float) -> None:
    case = car(REAL_LOSS)
    assert bands(case, grid_of(case), (level_wh,), 0.25, CEILING_WH) == []


def test_a_level_above_the_ceiling_is_only_discharged_to() -> None:
    case = car(REAL_LOSS)
    (band,) = bands(case, grid_of(case), (50_000.0,), 0.25, 40_000.0)
    assert (band.power_w[band.lands] < 0.0).all()


@pytest.mark.parametrize("taper_above_wh", [48_000.0, 60_000.0])
def test_an_array_of_energies_is_accepted_as_each(taper_above_wh: float) -> None:
    pack = car(REAL_LOSS, taper_above_wh=taper_above_wh).pack
    energy_wh = np.linspace(0.0, 66_000.0, 45)
    assert pack.accepts_w(energy_wh).tolist() == [pack.accepted_w(wh) for wh in energy_wh.tolist()]


def test_what_moves_cost_is_what_they_are_priced_at() -> None:
    case = replace(car(REAL_LOSS), terms=replace(car(REAL_LOSS).terms, throttled_above_w=4000.0))
    power_w = np.array([[-7000.0, -1500.0, 0.0, 3000.0]])
    for export_per_kwh in (0.1, -0.1):
        here = replace(StepTerms.of(case), export_per_kwh=np.array([[export_per_kwh]]))
        cost = cost_of_moves(case, here, power_w, case.pack.delta_w(power_w))
        assert cost.tolist() == priced(case, here, power_w).cost.tolist()


def test_one_power_moves_the_pack_as_it_does_among_many() -> None:
    pack = replace(car(REAL_LOSS).pack, discharge_loss=replace(REAL_LOSS, linear=0.05))
    power_w = np.linspace(-7400.0, 7400.0, 38 * 2 + 1)
    assert 0.0 in power_w
    assert [pack.moved_w(one) for one in power_w.tolist()] == pack.delta_w(power_w).tolist()
