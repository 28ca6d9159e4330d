"""Losses between AC and pack, and the taper; literals worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import LOSSLESS, LOSSY
from v2g_daemon.battery.losses import (
    ac_power_w,
    active_loss_w,
    charging_w,
    drawing_w,
    pack_power_w,
)
from v2g_daemon.battery.taper import accepted_share
from v2g_daemon.domain.loss import LossCurve


@pytest.mark.parametrize(
    ("ac_w", "pack_w"),
    [
        (5000.0, 4625.0),  # 150 + 150 + 75 W are lost
        (-5000.0, -5375.0),
        (1400.0, 1202.12),  # 150 + 42 + 5.88
        (0.0, 0.0),
    ],
)
def test_charging_loses_on_the_way_in_and_discharging_on_the_way_out(
    ac_w: float, pack_w: float
) -> None:
    assert pack_power_w(ac_w, LOSSY) == pytest.approx(pack_w)
    assert ac_power_w(pack_w, LOSSY) == pytest.approx(ac_w)


def test_the_loss_of_an_array_is_the_loss_of_each() -> None:
    assert active_loss_w(5000.0, LOSSY) == 375.0
    assert active_loss_w(np.array([1000.0, 5000.0]), LOSSY).tolist() == pytest.approx(
        [183.0, 375.0]
    )


@given(st.floats(-20_000.0, 20_000.0).filter(lambda power_w: abs(power_w) > 1.0))
def test_ac_and_pack_power_are_each_others_inverse(ac_w: float) -> None:
    assert ac_power_w(pack_power_w(ac_w, LOSSLESS), LOSSLESS) == pytest.approx(ac_w)
    if abs(ac_w) > 200.0:
        assert ac_power_w(pack_power_w(ac_w, LOSSY), LOSSY) == pytest.approx(ac_w)


@pytest.mark.parametrize("curve", [LOSSY, LOSSLESS])
def test_an_array_of_pack_powers_needs_what_each_needs(curve: LossCurve) -> None:
    pack_w = np.array([1.0, 1202.12, 4625.0, 20_000.0])
    charged_w = charging_w(pack_w, curve, lambda square: np.sqrt(np.maximum(square, 0.0)))
    drawn_w = drawing_w(pack_w, curve, lambda square: np.sqrt(np.maximum(square, 0.0)))
    assert charged_w.tolist() == [ac_power_w(power_w, curve) for power_w in pack_w.tolist()]
    below_w = (-(pack_w + curve.constant_w)).tolist()
    assert (-drawn_w).tolist() == pytest.approx([ac_power_w(power_w, curve) for power_w in below_w])


def test_a_discharge_smaller_than_the_constant_loss_gives_nothing() -> None:
    assert ac_power_w(-150.0, LOSSY) == 0.0
    assert ac_power_w(-100.0, LOSSY) == 0.0


def test_beyond_what_can_reach_the_pack_the_best_charging_power_stands() -> None:
    # 0.9 P - 1e-4 P^2 is largest at 4500 W.
    steep = LossCurve(constant_w=0.0, linear=0.1, quadratic_per_w=1e-4)
    assert ac_power_w(9000.0, steep) == pytest.approx(4500.0)


@pytest.mark.parametrize(
    ("soc", "share"), [(0.2, 1.0), (0.9, 1.0), (0.95, 0.625), (1.0, 0.25), (1.1, 0.25)]
)
def test_an_ev_accepts_less_and_less_above_its_taper(soc: float, share: float) -> None:
    assert accepted_share(soc, 0.9) == pytest.approx(share)


def test_an_ev_without_a_taper_accepts_all() -> None:
    assert accepted_share(1.0, 1.0) == 1.0
