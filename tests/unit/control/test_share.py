"""Sharing the site's room among EVSEs."""

from __future__ import annotations

from math import inf

import pytest

from v2g_daemon.control.share import Claim, share
from v2g_daemon.domain.power import PowerRange
from v2g_daemon.domain.setpoint import Authority, Limit, Reason

WHOLE = Reason(authority=Authority.SAFETY, rule="main_fuse", detail="the fuse")


def room(lowest_w: float, highest_w: float) -> tuple[Limit, ...]:
    return (Limit(permitted=PowerRange(lowest_w=lowest_w, highest_w=highest_w), reason=WHOLE),)


def claim(wanted_w: float, authority: Authority = Authority.PLAN, *, least_w: float = 0.0) -> Claim:
    return Claim(wanted_w=wanted_w, least_w=least_w, authority=authority)


def highest(limits: tuple[Limit, ...], *claims: Claim) -> list[float]:
    return [cut[0].permitted.highest_w for cut in share(limits, claims)]


def lowest(limits: tuple[Limit, ...], *claims: Claim) -> list[float]:
    return [cut[0].permitted.lowest_w for cut in share(limits, claims)]


def test_one_evse_gets_the_site_whole() -> None:
    limits = room(-4000.0, 9000.0)
    assert share(limits, (claim(100.0),)) == (limits,)


def test_no_evse_gets_nothing() -> None:
    assert share(room(-4000.0, 9000.0), ()) == ()


def test_equals_share_in_proportion_to_what_they_want() -> None:
    assert highest(room(-inf, 6000.0), claim(6000.0), claim(3000.0)) == [4000.0, 2000.0]
    assert lowest(room(-3000.0, inf), claim(-4000.0), claim(-2000.0)) == [-2000.0, -1000.0]


def test_the_higher_authority_is_served_first() -> None:
    assert highest(room(-inf, 6000.0), claim(5000.0), claim(5000.0, Authority.COMMUTE)) == [
        1000.0,
        5000.0,
    ]


def test_a_part_too_small_to_charge_with_goes_to_the_ones_before() -> None:
    hungry = (claim(7000.0, least_w=1400.0), claim(7000.0, least_w=1400.0))
    assert highest(room(-inf, 2000.0), *hungry) == [2000.0, 0.0]
    assert highest(room(-inf, 2800.0), *hungry) == [1400.0, 1400.0]


def test_charging_and_discharging_are_shared_apart_so_that_no_headroom_is_lent() -> None:
    limits = room(-4000.0, 6000.0)
    claims = (claim(9000.0), claim(-9000.0))
    assert highest(limits, *claims) == [6000.0, 0.0]
    assert lowest(limits, *claims) == [0.0, -4000.0]


def test_what_nobody_wants_is_left_to_all_alike() -> None:
    assert highest(room(-inf, 6000.0), claim(2000.0), claim(0.0)) == [4000.0, 2000.0]


def test_an_unbounded_side_stays_unbounded() -> None:
    assert lowest(room(-inf, 6000.0), claim(2000.0), claim(-3000.0)) == [-inf, -inf]


@pytest.mark.parametrize("wanted_w", [7000.0, -7000.0])
def test_without_room_everyone_stays_at_0_w(wanted_w: float) -> None:
    assert highest(room(0.0, 0.0), claim(wanted_w), claim(wanted_w)) == [0.0, 0.0]
    assert lowest(room(0.0, 0.0), claim(wanted_w), claim(wanted_w)) == [0.0, 0.0]


def test_the_parts_keep_their_reason() -> None:
    assert [cut[0].reason for cut in share(room(-1.0, 1.0), (claim(1.0), claim(1.0)))] == [
        WHOLE
    ] * 2
