"""What binds one phase: the EVSE's own phase, export per phase, and the phases' difference."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.builders import a_meter, a_policy, a_snapshot, ago, an_evse_status
from v2g_daemon.control.decide import decide
from v2g_daemon.domain.memory import Memory
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.power import PowerRange
from v2g_daemon.domain.readings import MeterReading


def bound(rule: str, policy: Policy, meter: MeterReading | None) -> PowerRange:
    status = replace(an_evse_status(), power_w=0.0)
    snapshot = a_snapshot(meter=meter, evses=(status,))
    decision = decide(Memory(meter_good_since=ago(60.0)), snapshot, policy)[1]
    return next(limit.permitted for limit in decision.evses[0].limits if limit.reason.rule == rule)


def phases(*powers_w: float) -> MeterReading:
    total_w = powers_w[0] + powers_w[1] + powers_w[2]
    return replace(a_meter(), power_w=total_w, phase_power_w=powers_w)


def single_phase_on(phase: int, max_phase_imbalance_w: float | None = None) -> Policy:
    policy = a_policy()
    evse = replace(policy.evses[0], phases=1, connected_phase=phase)
    grid = replace(policy.grid, max_phase_imbalance_w=max_phase_imbalance_w)
    return replace(policy, evses=(evse,), grid=grid)


@pytest.mark.parametrize(("phase", "highest_w"), [(1, 5135.0), (2, 635.0), (3, 5635.0)])
def test_a_single_phase_evse_is_guarded_on_the_phase_it_hangs_on(
    phase: int, highest_w: float
) -> None:
    # 25 A × 230 V = 5750 W, less the margin of 115 W, less what the house draws there.
    permitted = bound("main_fuse", single_phase_on(phase), phases(500.0, 5000.0, 0.0))
    assert permitted.highest_w == highest_w


def test_export_is_kept_under_its_limit_on_each_phase_where_that_is_agreed() -> None:
    policy = a_policy()
    grid = replace(policy.grid, export_limit_w=10_000.0, export_limit_per_phase_w=1000.0)
    # L2 has least room: 200 W of load + (1000 − 100) W of export = 1100 W a phase.
    permitted = bound("export_limit", replace(policy, grid=grid), phases(700.0, 200.0, 500.0))
    assert permitted.lowest_w == -3300.0


def test_without_values_per_phase_an_agreed_export_per_phase_permits_none() -> None:
    policy = a_policy()
    grid = replace(policy.grid, export_limit_per_phase_w=1000.0)
    meter = replace(a_meter(), phase_power_w=())
    assert bound("export_limit", replace(policy, grid=grid), meter).lowest_w == 0.0


def test_a_single_phase_evse_keeps_the_phases_within_the_imbalance() -> None:
    policy = single_phase_on(2, max_phase_imbalance_w=4600.0)
    # L2 draws 1000 W; L1 500 W and L3 2000 W: L2 may reach 500 + 4600 and fall to 2000 − 4600.
    permitted = bound("phase_imbalance", policy, phases(500.0, 1000.0, 2000.0))
    assert permitted == PowerRange(lowest_w=-3600.0, highest_w=4100.0)


def test_without_a_meter_value_the_evse_itself_stays_under_the_imbalance() -> None:
    policy = single_phase_on(2, max_phase_imbalance_w=4600.0)
    permitted = bound("phase_imbalance", policy, None)
    assert permitted == PowerRange(lowest_w=-4600.0, highest_w=4600.0)
