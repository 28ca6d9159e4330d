"""What the guided test of the meters says of each way to wire them wrong."""

from __future__ import annotations

import pytest

from v2g_daemon.app.meter_test.judging import (
    Powers,
    car_verdict,
    is_still,
    load_moved,
    load_verdict,
    mean_of,
    moved,
    unseen_load,
)
from v2g_daemon.domain.readings import MeterRole

ROLES = {"grid": MeterRole.GRID, "roof": MeterRole.PV, "box": MeterRole.EVSE}


def a_step(grid_w: float, *phase_w: float, **meter_w: float) -> Powers:
    return Powers(grid_w=grid_w, phase_w=phase_w, meter_w=meter_w)


def test_a_load_that_imports_passes_and_names_its_phase() -> None:
    verdict = load_verdict(a_step(1950.0, 0.0, 1950.0, 0.0))
    assert (verdict.passed, verdict.detail) == (True, "a load of 1950 W shows as import on L2")


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (a_step(-1950.0), "counts the other way round"),
        (a_step(-1950.0, -650.0, -650.0, -650.0), "counts the other way round"),
        (a_step(-1950.0, 0.0, -1950.0, 0.0), "the current transformer on L2 is reversed"),
        (a_step(650.0, 650.0, -650.0, 650.0), "the current transformer on L2 is reversed"),
    ],
)
def test_a_load_that_exports_is_a_meter_or_a_phase_the_wrong_way_round(
    step: Powers, said: str
) -> None:
    verdict = load_verdict(step)
    assert not verdict.passed
    assert said in verdict.detail


def test_a_load_that_only_another_meter_shows_names_that_one() -> None:
    verdict = unseen_load(a_step(3.0, grid=3.0, roof=1990.0), ROLES)
    assert not verdict.passed
    assert "the PV meter was taken for the grid meter" in verdict.detail
    assert "roof" in verdict.detail
    assert "roof" not in unseen_load(a_step(3.0, grid=3.0, roof=5.0), ROLES).detail


def car(step: Powers, *, power_w: float, phases: int = 3, connected_phase: int = 1) -> str:
    verdict = car_verdict(
        step, power_w=power_w, phases=phases, connected_phase=connected_phase, roles=ROLES
    )
    return f"{'passed' if verdict.passed else 'failed'}: {verdict.detail}"


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (a_step(4200.0, 1400.0, 1400.0, 1400.0, grid=4200.0), "passed: of 4200 W into the car"),
        (
            a_step(4200.0, 1400.0, 1400.0, 1400.0, grid=4200.0, box=4190.0),
            "passed: of 4200 W into the car the grid meter shows 4200 W; seen also by box",
        ),
        (a_step(1400.0, 1400.0, -1400.0, 1400.0), "failed: the current transformer on L2"),
        (a_step(-4200.0, -1400.0, -1400.0, -1400.0), "failed: the car charges and the grid meter"),
        (a_step(-4200.0), "failed: the car charges and the grid meter falls"),
        (a_step(2800.0, 1400.0, 0.0, 1400.0), "failed: L2 shows nothing of the car"),
        (a_step(4.0, 1.0, 2.0, 1.0, grid=4.0), "failed: no meter shows the car"),
        (
            a_step(4.0, 1.0, 2.0, 1.0, grid=4.0, roof=4200.0),
            "failed: meter roof (role 'pv') shows it and the grid meter does not: the PV meter",
        ),
        (a_step(6300.0, 2100.0, 2100.0, 2100.0), "failed: of 4200 W into the car the grid meter"),
    ],
)
def test_a_car_on_three_phases(step: Powers, said: str) -> None:
    assert car(step, power_w=4200.0).startswith(said)


@pytest.mark.parametrize(
    ("step", "connected_phase", "said"),
    [
        (a_step(1400.0, 0.0, 1400.0, 0.0), 2, "passed:"),
        (a_step(1400.0, 0.0, 1400.0, 0.0), 1, "failed: the charger hangs on L2"),
        (
            a_step(-1400.0, -1400.0, 0.0, 0.0),
            1,
            "failed: the current transformer on L1 is reversed",
        ),
    ],
)
def test_a_car_on_one_phase(step: Powers, connected_phase: int, said: str) -> None:
    told = car(step, power_w=1400.0, phases=1, connected_phase=connected_phase)
    assert told.startswith(said)


def test_a_move_is_the_difference_of_two_means() -> None:
    rest = mean_of((a_step(400.0, 100.0, 200.0, 100.0, grid=400.0), a_step(440.0, grid=440.0)))
    assert rest == Powers(grid_w=420.0, phase_w=(), meter_w={"grid": 420.0})
    now = Powers(grid_w=1420.0, phase_w=(500.0,), meter_w={"grid": 1420.0, "roof": 1.0})
    assert moved(rest, now) == Powers(grid_w=1000.0, phase_w=(), meter_w={"grid": 1000.0})
    assert load_moved(a_step(1000.0))
    assert not load_moved(a_step(500.0, 300.0, 300.0, -100.0))
    assert is_still((a_step(400.0), a_step(500.0)))
    assert not is_still((a_step(400.0), a_step(600.0)))
