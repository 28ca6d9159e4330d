"""Ramps, minimum power and losses of the simulated power electronics."""

from __future__ import annotations

import pytest

from simulators.charger import LossCurve, Piece, PowerElectronics

LOSS = LossCurve(constant_w=150.0, linear=0.03, square_per_kw=0.003)
ELECTRONICS = PowerElectronics(
    phases=3,
    max_charge_w=7400.0,
    max_discharge_w=7400.0,
    min_power_w=1400.0,
    ramp_up_w_per_s=500.0,
    ramp_down_w_per_s=3700.0,
    loss=LOSS,
)


@pytest.mark.parametrize(
    ("power_w", "loss_w"),
    [(0.0, 0.0), (4000.0, 318.0), (-4000.0, 318.0), (7400.0, 536.28)],
)
def test_the_loss_is_the_same_in_both_directions_and_nothing_at_rest(
    power_w: float, loss_w: float
) -> None:
    # 0.15 + 0.03 x 4 + 0.003 x 16 = 0.318 kW; 0.15 + 0.222 + 0.16428 = 0.53628 kW
    assert LOSS.loss_w(power_w) == pytest.approx(loss_w)


def test_the_mean_loss_of_a_ramp_is_its_integral() -> None:
    # From 2 to 4 kW: 0.15 + 0.03 x 3 + 0.003 x (64 - 8) / 3 / 2 = 0.268 kW
    assert LOSS.mean_loss_w(2000.0, 4000.0) == pytest.approx(268.0)


@pytest.mark.parametrize(
    ("target_w", "realised_w"),
    [
        (9000.0, 7400.0),
        (-9000.0, -7400.0),
        (1399.0, 0.0),
        (-1399.0, 0.0),
        (1400.0, 1400.0),
        (-2000.0, -2000.0),
    ],
)
def test_a_power_below_the_minimum_is_no_power(target_w: float, realised_w: float) -> None:
    assert ELECTRONICS.realisable_w(target_w) == realised_w


def pieces(power_w: float, target_w: float) -> list[Piece]:
    """All ramps until the target is reached."""
    found = []
    while power_w != target_w:
        piece = ELECTRONICS.piece(power_w, target_w, 100.0)
        found.append(piece)
        power_w = piece.end_w
    return found


def test_power_rises_slowly_from_the_minimum() -> None:
    # (7400 - 1400) W / 500 W/s = 12 s
    assert pieces(0.0, 7400.0) == [Piece(start_w=1400.0, end_w=7400.0, duration_s=12.0)]


def test_power_falls_fast_and_is_cut_at_the_minimum() -> None:
    # (5100 - 1400) W / 3700 W/s = 1 s, then the contactor opens
    assert pieces(5100.0, 0.0) == [
        Piece(start_w=5100.0, end_w=1400.0, duration_s=1.0),
        Piece(start_w=0.0, end_w=0.0, duration_s=100.0),
    ]


def test_turning_around_is_fast_down_and_slow_up() -> None:
    assert pieces(5100.0, -2400.0) == [
        Piece(start_w=5100.0, end_w=1400.0, duration_s=1.0),
        Piece(start_w=-1400.0, end_w=-2400.0, duration_s=2.0),
    ]


def test_a_piece_can_be_cut_short() -> None:
    piece = ELECTRONICS.piece(0.0, 7400.0, 2.0)
    assert piece == Piece(start_w=1400.0, end_w=2400.0, duration_s=2.0)


def test_a_charger_without_a_minimum_starts_from_nothing() -> None:
    free = PowerElectronics(
        phases=1,
        max_charge_w=1000.0,
        max_discharge_w=1000.0,
        min_power_w=0.0,
        ramp_up_w_per_s=500.0,
        ramp_down_w_per_s=500.0,
        loss=LOSS,
    )
    assert free.piece(0.0, 1000.0, 10.0) == Piece(start_w=0.0, end_w=1000.0, duration_s=2.0)
    assert free.piece(1000.0, -500.0, 10.0).end_w == 0.0
