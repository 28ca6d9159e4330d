"""The value function that a plan tells: the lattice as it is, and targets between its points."""

from __future__ import annotations

import numpy as np
import pytest

from tests.unit.planning.problems import plan_problem, toy_case
from v2g_daemon.planning.backward import Values, values
from v2g_daemon.planning.case import Floats
from v2g_daemon.planning.tables import Tables, tables_of
from v2g_daemon.planning.worth import value_function

HOUR_S = 3600
TARGET_WH = 7_130.0  # lies between two points of the lattice


def worked(target_wh: float) -> tuple[Tables, Values]:
    """Four hours; the target is wanted at the end of the third."""
    case = toy_case(
        imports=[0.1, 0.3, 0.2, 0.4],
        exports=[0.05] * 4,
        net_load_w=[500.0] * 4,
        target_wh=[np.nan, np.nan, target_wh, np.nan],
    )
    tables = tables_of(case)
    return tables, values(tables, np.zeros(4))


def told(target_wh: float, steps: int) -> tuple[list[float], Floats]:
    """Energies and rows of the first steps."""
    tables, found = worked(target_wh)
    problem = plan_problem(step_s=(HOUR_S,) * 4)
    value = value_function(problem, tables, found, steps)
    assert value.step_s == (HOUR_S,) * steps
    return [soc * problem.store.capacity_wh for soc in value.soc_grid], np.array(value.rows)


def test_a_target_between_two_points_is_a_point_of_its_own_and_the_others_stay() -> None:
    energies_wh, rows = told(TARGET_WH, 4)
    tables, found = worked(TARGET_WH)
    place = int(np.abs(np.array(energies_wh) - TARGET_WH).argmin())
    assert np.delete(energies_wh, place) == pytest.approx(tables.grid.energy_wh)
    # Nothing of a target that is due is missed at the start, or once it has passed.
    for row, here in ((0, found.before[0]), (1, found.after[0]), (4, found.after[3])):
        assert np.delete(rows[row], place) == pytest.approx(-here, abs=1e-4)


def test_on_a_target_that_is_next_the_value_is_exact() -> None:
    energies_wh, rows = told(TARGET_WH, 4)
    place = int(np.abs(np.array(energies_wh) - TARGET_WH).argmin())
    # An hour before it is wanted, who holds it idles; a little less must still be charged.
    line = np.interp(TARGET_WH, np.delete(energies_wh, place), np.delete(rows[2], place))
    assert rows[2, place] > line


def test_what_is_told_of_the_first_steps_is_what_is_told_of_all() -> None:
    energies_wh, every = told(TARGET_WH, 4)
    for steps in (1, 2, 3):
        fewer_wh, rows = told(TARGET_WH, steps)
        assert fewer_wh == energies_wh
        assert (rows == every[: steps + 1]).all()


def test_a_target_on_the_lattice_adds_no_point() -> None:
    tables, _ = worked(6_000.0)
    energies_wh, _ = told(6_000.0, 4)
    assert energies_wh == pytest.approx(tables.grid.energy_wh)
