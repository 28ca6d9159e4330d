"""Ranges that only narrow, limits that always permit 0 W, and setpoints that refuse nonsense."""

from __future__ import annotations

from math import inf, nan

import pytest

from tests.builders import NOW, a_setpoint, ago
from v2g_daemon.domain.power import (
    NO_CHARGE,
    NO_DISCHARGE,
    ONLY_ZERO,
    UNBOUNDED,
    PowerRange,
    total_w,
)
from v2g_daemon.domain.setpoint import Authority, Limit, Reason, Setpoint

WHY = Reason(authority=Authority.SAFETY, rule="test", detail="so")


def span(lowest_w: float, highest_w: float) -> PowerRange:
    return PowerRange(lowest_w=lowest_w, highest_w=highest_w)


@pytest.mark.parametrize("bounds", [(1.0, 0.0), (nan, 0.0), (0.0, nan)])
def test_a_range_is_in_order_and_without_nan(bounds: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="not a range"):
        span(*bounds)


def test_a_range_is_closed_and_never_contains_nan() -> None:
    assert span(-1.0, 2.0).contains(-1.0)
    assert span(-1.0, 2.0).contains(2.0)
    assert not span(-1.0, 2.0).contains(2.1)
    assert not UNBOUNDED.contains(nan)


def test_clamping_finds_the_nearest_permitted_power() -> None:
    assert [span(-1.0, 2.0).clamp(power_w) for power_w in (-9.0, 0.5, 9.0)] == [-1.0, 0.5, 2.0]


def test_narrowing_never_widens() -> None:
    assert span(-5.0, 5.0).narrowed_by(span(-9.0, 3.0)) == span(-5.0, 3.0)
    assert NO_CHARGE.narrowed_by(NO_DISCHARGE) == ONLY_ZERO


def test_what_does_not_narrow_a_range_leaves_it_as_it_is() -> None:
    narrow = span(-5.0, 5.0)
    assert narrow.narrowed_by(UNBOUNDED) is narrow
    assert narrow.narrowed_by(span(-5.0, 5.0)) is narrow


def test_powers_are_added_from_left_to_right() -> None:
    assert total_w([1e16, 1.0, -1e16]) == 0.0
    assert total_w([]) == 0.0


@pytest.mark.parametrize("bounds", [(1.0, 2.0), (-2.0, -1.0)])
def test_a_limit_without_0_w_is_refused(bounds: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="does not contain 0 W"):
        Limit(permitted=span(*bounds), reason=WHY)


@pytest.mark.parametrize("target_w", [nan, inf, -inf, 5.1, -5.1])
def test_a_setpoint_that_is_not_finite_or_not_permitted_is_refused(target_w: float) -> None:
    with pytest.raises(ValueError, match=r"not finite|lies outside"):
        Setpoint(
            target_w=target_w,
            permitted=span(-5.0, 5.0),
            reason=WHY,
            issued_at=NOW,
            expires_at=NOW.later(1.0),
        )


def test_a_setpoint_that_does_not_expire_later_is_refused() -> None:
    with pytest.raises(ValueError, match="expires before"):
        Setpoint(target_w=0.0, permitted=ONLY_ZERO, reason=WHY, issued_at=NOW, expires_at=ago(0.0))


def test_a_setpoint_runs_out() -> None:
    assert not a_setpoint(100.0, age_s=89.0).expires_at.reached(NOW)
    assert a_setpoint(100.0, age_s=90.0).expires_at.reached(NOW)


def test_safety_speaks_before_all_others() -> None:
    assert sorted(Authority)[::-1][:3] == [
        Authority.SAFETY,
        Authority.GRID_OPERATOR,
        Authority.SITE,
    ]
    assert (
        Authority.FALLBACK < Authority.PLAN < Authority.PROGRAM < Authority.COMMUTE < Authority.USER
    )
