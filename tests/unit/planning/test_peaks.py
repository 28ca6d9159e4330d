"""Demand charges: the caps that a plan keeps to, worked by hand and against the MILP."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.benchmarks.demand_cases import matched, under_demand
from tests.benchmarks.planner_vs_milp import fixed_cases
from tests.unit.planning.problems import (
    START_UTC,
    as_advised,
    hourly_curve,
    plan_problem,
    toy_case,
)
from v2g_daemon.domain.goals import DepartureGoal
from v2g_daemon.domain.interval import Interval
from v2g_daemon.domain.plan import Plan
from v2g_daemon.domain.prices import PeakCharge
from v2g_daemon.planning.case import Case
from v2g_daemon.planning.depth import optimise
from v2g_daemon.planning.peaks import capped
from v2g_daemon.planning.plan import advise, solve
from v2g_daemon.planning.wall import Steps


def a_charge(per_kw: float = 10.0, billed_w: float = 0.0, **changes: Any) -> PeakCharge:
    charge = PeakCharge(name="demand", per_kw=per_kw, billed_w=billed_w, windows=None)
    return replace(charge, **changes)


def hours_of(case: Case) -> Steps:
    count = case.horizon.steps
    return Steps.of([START_UTC + timedelta(hours=hour) for hour in range(count)], [3600] * count)


def imports_w(case: Case, *charges: PeakCharge) -> tuple[list[float], float]:
    """The import of each hour under the charges, and the energy at the end."""
    case = capped(case, charges, hours_of(case)) if charges else case
    path = optimise(case).path
    flows = np.maximum(case.horizon.net_load_w + path.power_w, 0.0)
    return flows.round(3).tolist(), float(path.energy_wh[-1])


def a_night(**changes: Any) -> Case:
    """Four hours, the second one cheapest; 8 kWh are wanted at the end, 2 are there."""
    given: dict[str, Any] = {
        "imports": [0.20, 0.10, 0.20, 0.20],
        "exports": [0.0] * 4,
        "net_load_w": [1000.0] * 4,
        "start_wh": 2000.0,
        "target_wh": [np.nan, np.nan, np.nan, 8000.0],
        "terminal_per_kwh": 0.0,
    }
    return toy_case(**(given | changes))


def test_without_a_demand_charge_the_cheapest_hour_takes_all() -> None:
    found_w, end_wh = imports_w(a_night())
    assert max(found_w) == found_w[1] >= 7000.0
    assert end_wh >= 8000.0


def test_under_a_demand_charge_the_energy_is_spread() -> None:
    # 6 kWh over four hours: 1.5 kW each beside 1 kW of load.
    found_w, end_wh = imports_w(a_night(), a_charge())
    assert max(found_w) == pytest.approx(2500.0, rel=0.03)
    assert end_wh >= 7990.0


def test_what_is_billed_already_is_free() -> None:
    # 4 kW are billed: 3 kWh in the cheapest hour, the rest wherever.
    found_w, end_wh = imports_w(a_night(), a_charge(billed_w=4000.0))
    assert found_w[1] == 4000.0
    assert max(found_w) == 4000.0
    assert end_wh >= 7990.0
    assert imports_w(a_night(), a_charge(billed_w=20_000.0)) == imports_w(a_night())


def test_a_cheap_demand_charge_is_paid_where_energy_is_cheaper_for_it() -> None:
    # The cheap hour saves 0.10 per kWh: for 0.05 per kW a higher peak is worth it.
    assert imports_w(a_night(), a_charge(0.05)) == imports_w(a_night())


def test_only_what_counts_is_kept_low() -> None:
    second = Interval(
        start_utc=START_UTC + timedelta(hours=1), end_utc=START_UTC + timedelta(hours=2)
    )
    found_w, end_wh = imports_w(a_night(), a_charge(windows=(second,)))
    assert found_w[1] <= 1000.0
    assert end_wh >= 7990.0


def test_a_charge_at_all_times_and_one_in_a_window_are_weighed_together() -> None:
    last = Interval(
        start_utc=START_UTC + timedelta(hours=3), end_utc=START_UTC + timedelta(hours=4)
    )
    window = a_charge(15.0, name="evening", windows=(last,))
    found_w, end_wh = imports_w(a_night(), a_charge(), window)
    # Each hour but the last takes 2 kWh: its kW would cost 25, a third of one elsewhere 3.33.
    assert found_w == pytest.approx([3000.0, 3000.0, 3000.0, 1000.0], abs=250.0)
    assert end_wh >= 7990.0


def test_the_houses_own_peak_is_shaved_by_discharging() -> None:
    case = toy_case(
        imports=[0.20] * 4,
        exports=[0.0] * 4,
        net_load_w=[1000.0, 1000.0, 7000.0, 1000.0],
        start_wh=9000.0,
        terminal_per_kwh=0.20,
        export_limit_w=0.0,
    )
    assert max(imports_w(case)[0]) >= 7000.0
    assert max(imports_w(case, a_charge())[0]) < 2000.0


def test_a_goal_that_needs_full_power_has_it_whatever_a_peak_costs() -> None:
    # 8 kWh in one hour.
    case = a_night(target_wh=[np.nan, 10_000.0, np.nan, np.nan], net_load_w=[4000.0] * 4)
    found_w, _ = imports_w(case, a_charge(1000.0))
    assert found_w[0] + found_w[1] == pytest.approx(16_000.0)


@given(
    rates=st.tuples(st.floats(0.0, 20.0), st.floats(0.0, 20.0)),
    loads_w=st.lists(st.floats(-3000.0, 8000.0), min_size=6, max_size=6),
    imports=st.lists(st.floats(0.05, 0.60), min_size=6, max_size=6),
    target_wh=st.floats(2000.0, 12_000.0),
    billed_w=st.floats(0.0, 6000.0),
)
@settings(max_examples=15, deadline=None)
def test_no_limit_and_no_goal_gives_way_to_a_cap_and_a_dearer_peak_is_no_higher(
    rates: tuple[float, float],
    loads_w: Sequence[float],
    imports: Sequence[float],
    target_wh: float,
    billed_w: float,
) -> None:
    targets_wh = [np.nan] * 5 + [target_wh]
    case = toy_case(imports=imports, exports=[0.05] * 6, net_load_w=loads_w, target_wh=targets_wh)
    free = optimise(case).path
    added_w = []
    for per_kw in sorted(rates):
        charge = a_charge(per_kw, billed_w)
        path = optimise(capped(case, (charge,), hours_of(case))).path
        flows_w = case.horizon.net_load_w + path.power_w
        charging = path.power_w > 0.0
        assert float(flows_w[charging].max(initial=0.0)) <= case.terms.import_limit_w + 1e-3
        assert float(path.energy_wh[-1]) >= min(target_wh, float(free.energy_wh[-1])) - 10.0
        added_w.append(max(float(flows_w.max()) - billed_w, 0.0))
    # A search of so many cuts ends this near to the best cap.
    assert added_w[1] <= added_w[0] + 0.1 * max(added_w[0], 1000.0)


# --- the whole plan


def a_plan(*charges: PeakCharge, **changes: Any) -> Plan:
    curve = replace(hourly_curve([0.20, 0.10, 0.20, 0.20], [0.0] * 4), peak_charges=charges)
    wanted = DepartureGoal(ready_by_utc=START_UTC + timedelta(hours=4), soc=0.8)
    return solve(
        plan_problem(
            step_s=(3600,) * 4,
            prices=curve,
            goals=(wanted,),
            soc=0.2,
            max_charge_w=6000.0,
            max_discharge_w=0.0,
            **changes,
        )
    )


def test_a_plan_tells_its_caps_and_says_so() -> None:
    plan = a_plan(a_charge())
    (cap,) = plan.peak_caps
    assert (cap.name, cap.counts) == ("demand", (True,) * 4)
    assert cap.cap_w == pytest.approx(2500.0, rel=0.03)
    assert "Keeps the import to 2.5 kW while the demand charge counts." in plan.summary
    assert plan.missed_wh == 0.0
    # What is paid to the demand charge is no part of the money at the PCC.
    assert plan.expected_cost == pytest.approx(2.5 * 0.70, rel=0.03)


def test_without_a_demand_charge_there_is_no_cap() -> None:
    plan = a_plan()
    assert plan.peak_caps == ()
    assert "Keeps" not in plan.summary


def test_advice_has_the_caps_of_the_plan() -> None:
    problem = plan_problem(
        prices=replace(hourly_curve([0.10, 0.50], [0.0, 0.0]), peak_charges=(a_charge(),))
    )
    assert advise(problem).peak_caps == solve(problem).peak_caps
    assert advise(problem).value == as_advised(solve(problem).value)


def test_the_caps_are_as_good_as_the_milps_within_its_share_of_the_gain() -> None:
    match = matched(under_demand(fixed_cases()[0], per_kw=25.0, billed_kw=2.0))
    assert match is not None
    assert match.worse_share <= 0.004
    assert match.missed_kwh == 0.0
    assert match.planner < match.unaware
