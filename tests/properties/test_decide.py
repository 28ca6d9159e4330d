"""What holds for any snapshot, plan, override and history: what carries the project."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.properties.houses import commanded, days, discharges, run
from v2g_daemon.control.decide import decide
from v2g_daemon.control.limits import LIMIT_RULES, SITE_LIMIT_RULES
from v2g_daemon.domain.policy import Policy, Stage
from v2g_daemon.domain.readings import PowerControl
from v2g_daemon.domain.setpoint import permitted_by
from v2g_daemon.domain.snapshot import Snapshot


@settings(max_examples=100)
@given(days())
def test_0_w_is_permitted_and_every_setpoint_is_finite_inside_every_limit_and_expires(
    day: tuple[Policy, tuple[Snapshot, ...]],
) -> None:
    policy, some = day
    for _, snapshot, decision in run(policy, some):
        for evse in decision.evses:
            assert evse.command.permitted.contains(0.0)
            assert all(limit.permitted.contains(0.0) for limit in evse.limits)
            setpoint = commanded(evse)
            if setpoint is None:
                continue
            assert isfinite(setpoint.target_w)
            for limit in evse.limits:
                assert limit.permitted.contains(setpoint.target_w), limit
            assert 0.0 < setpoint.expires_at.seconds_since(snapshot.now) <= 3600.0
            if discharges(evse):
                assert setpoint.expires_at.seconds_since(snapshot.now) <= 120.0


@settings(max_examples=100)
@given(days())
def test_decide_answers_every_evse_gives_its_reason_and_repeats_itself(
    day: tuple[Policy, tuple[Snapshot, ...]],
) -> None:
    policy, some = day
    for before, snapshot, decision in run(policy, some):
        assert decide(before, snapshot, policy)[1] == decision
        assert [evse.evse_id for evse in decision.evses] == [e.evse_id for e in snapshot.evses]
        for evse in decision.evses:
            assert evse.command.reason.detail
            assert all(limit.reason.detail for limit in evse.limits)


@settings(max_examples=80)
@given(days(), st.randoms(use_true_random=False))
def test_the_order_of_the_limits_never_matters(
    day: tuple[Policy, tuple[Snapshot, ...]], random: Any
) -> None:
    policy, some = day
    own, site = list(LIMIT_RULES), list(SITE_LIMIT_RULES)
    random.shuffle(own)
    random.shuffle(site)
    for before, snapshot, decision in run(policy, some):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("v2g_daemon.control.limits.LIMIT_RULES", tuple(own))
            patch.setattr("v2g_daemon.control.limits.SITE_LIMIT_RULES", tuple(site))
            _, shuffled = decide(before, snapshot, policy)
        for one, other in zip(decision.evses, shuffled.evses, strict=True):
            assert permitted_by(one.limits) == permitted_by(other.limits)
            first, second = commanded(one), commanded(other)
            assert (first is None) is (second is None)
            if first is not None and second is not None:
                assert first.target_w == second.target_w


@settings(max_examples=80)
@given(days())
def test_shares_never_sum_past_a_site_limit(day: tuple[Policy, tuple[Snapshot, ...]]) -> None:
    policy, some = day
    for _, snapshot, decision in run(policy, some):
        targets = [setpoint.target_w for e in decision.evses if (setpoint := commanded(e))]
        charge_w = sum(max(target_w, 0.0) for target_w in targets)
        discharge_w = sum(max(-target_w, 0.0) for target_w in targets)
        grid, meter = policy.grid, snapshot.meter
        if grid.grid_operator_import_w is not None:
            assert charge_w <= max(grid.grid_operator_import_w, 4200.0 * len(targets)) + 1e-3
        usable = meter is not None and 0.0 <= snapshot.now.seconds_since(meter.observed_at) <= 5.0
        if not usable or not grid.has_meter:
            spare_a = grid.main_fuse_a - grid.largest_other_load_a
            assert charge_w <= max(spare_a, 0.0) * grid.nominal_voltage_v * grid.phases + 1e-3
        if not usable:
            assert discharge_w == 0.0


@settings(max_examples=80)
@given(days())
def test_the_parts_of_a_site_limit_sum_to_no_more_than_the_whole(
    day: tuple[Policy, tuple[Snapshot, ...]],
) -> None:
    policy, some = day
    for before, snapshot, decision in run(policy, some):
        if len(decision.evses) < 2:
            continue
        whole: dict[str, tuple[float, float]] = {}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("v2g_daemon.control.decide.share", _not_shared(whole))
            decide(before, snapshot, policy)
        for rule, (lowest_w, highest_w) in whole.items():
            parts = [
                limit.permitted
                for evse in decision.evses
                for limit in evse.limits
                if limit.reason.rule == rule
            ]
            assert sum(part.highest_w for part in parts) <= highest_w + 1e-3
            assert sum(part.lowest_w for part in parts) >= lowest_w - 1e-3


def _not_shared(whole: dict[str, tuple[float, float]]) -> Callable[..., Any]:
    """A stand-in for `share` that only notes the site's limits."""

    def note(limits: Any, claims: Any) -> Any:
        for limit in limits:
            whole[limit.reason.rule] = (limit.permitted.lowest_w, limit.permitted.highest_w)
        return tuple(() for _ in claims)

    return note


@settings(max_examples=150)
@given(days())
def test_nothing_discharges_without_all_that_a_discharge_needs(
    day: tuple[Policy, tuple[Snapshot, ...]],
) -> None:
    policy, some = day
    for before, snapshot, decision in run(policy, some):
        for status, evse in zip(snapshot.evses, decision.evses, strict=True):
            if not discharges(evse):
                continue
            assert evse.vehicle_id is not None, "a guest"
            assert evse.soc is not None, "an unknown SoC"
            assert evse.soc_sigma is not None
            assert evse.soc_sigma <= 0.05
            vehicle = policy.vehicle(evse.vehicle_id)
            assert evse.soc - evse.soc_sigma > vehicle.soc_floor, "below the floor"
            assert evse.stage >= Stage.V2H
            assert vehicle.warranty is not None
            assert vehicle.warranty.acknowledged
            assert snapshot.clock_trusted
            assert not snapshot.recording.queue_full
            assert snapshot.recording.last_durable_at is not None
            assert snapshot.now.seconds_since(snapshot.recording.last_durable_at) <= 180.0
            assert policy.grid.has_meter
            assert snapshot.meter is not None
            assert 0.0 <= snapshot.now.seconds_since(snapshot.meter.observed_at) <= 5.0
            assert status.capability is not None
            assert status.capability.control is PowerControl.SIGNED
            assert status.power_observed_at is not None
            assert snapshot.now.seconds_since(status.power_observed_at) <= 30.0
            assert all(latch.evse_id != evse.evse_id for latch in before.latches)


@settings(max_examples=80)
@given(days())
def test_below_v2g_or_without_a_known_limit_nothing_is_exported_by_intent(
    day: tuple[Policy, tuple[Snapshot, ...]],
) -> None:
    policy, some = day
    for _, snapshot, decision in run(policy, some):
        out = [evse for evse in decision.evses if discharges(evse)]
        no_export = policy.grid.export_limit_w is None or any(e.stage < Stage.V2G for e in out)
        meter = snapshot.meter
        if not out or not no_export or meter is None or len(snapshot.evses) > 1:
            continue
        power_w, setpoint = snapshot.evses[0].power_w, commanded(out[0])
        at = snapshot.evses[0].power_observed_at
        if power_w is None or at is None or setpoint is None:
            continue
        if abs(snapshot.now.seconds_since(at) - snapshot.now.seconds_since(meter.observed_at)) > 1:
            continue
        assert meter.power_w - power_w + setpoint.target_w >= 0.0
