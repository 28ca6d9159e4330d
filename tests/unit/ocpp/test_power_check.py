"""A power that contradicts its register, and registers of any resolution."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from v2g_daemon.adapters.ocpp.metering.power_check import PowerCheck, Told
from v2g_daemon.adapters.ocpp.metering.register_base import RegisterBase


def told_by(
    powers_w: Iterable[float], *, every_s: float, step_milliwh: int = 1000, says: float | None = 1.0
) -> PowerCheck:
    """A charger that draws each power for one interval; it `says` so many times its power."""
    check, energy, at_s = PowerCheck(), 0.0, 0.0
    for power_w in powers_w:
        energy += power_w * every_s / 3.6
        at_s += every_s
        check = check.after(
            Told(
                at_s=at_s,
                power_w=None if says is None else says * power_w,
                net_milliwh=int(energy // step_milliwh) * step_milliwh,
            )
        )
    return check


@pytest.mark.parametrize("step_milliwh", [1, 1000, 10_000, 100_000])
@pytest.mark.parametrize("power_w", [1400.0, 7400.0, -5000.0])
@pytest.mark.parametrize("every_s", [5.0, 10.0, 60.0])
def test_a_power_of_zero_beside_a_register_that_moves_is_not_believed(
    step_milliwh: int, power_w: float, every_s: float
) -> None:
    check = told_by([power_w] * 400, every_s=every_s, step_milliwh=step_milliwh, says=0.0)
    assert check.doubted
    by_energy_w = check.by_energy_w()
    assert by_energy_w is not None
    # Of the last step it is only known between which two samples it fell.
    assert by_energy_w == pytest.approx(power_w, rel=0.5)


@pytest.mark.parametrize("says", [-1.0, 0.001, 1000.0])
def test_a_wrong_sign_or_unit_of_the_power_shows_in_the_energy(says: float) -> None:
    assert told_by([5000.0] * 100, every_s=5.0, says=says).doubted


def test_it_is_believed_again_once_it_agrees() -> None:
    check = told_by([5000.0] * 100, every_s=5.0, says=0.0)
    for number in range(1, 101):
        at_s = 500.0 + number * 5.0
        net = 694_444 + int(number * 5 * 5000 / 3.6)
        check = check.after(Told(at_s=at_s, power_w=5000.0, net_milliwh=net))
    assert not check.doubted


def test_what_is_no_longer_counted_is_no_longer_power() -> None:
    check = told_by([7000.0] * 60 + [0.0] * 24, every_s=5.0, says=None)
    by_energy_w = check.by_energy_w()
    assert by_energy_w is not None
    assert 0.0 <= by_energy_w < 500.0


def test_a_register_that_is_set_is_no_power() -> None:
    check = told_by([7000.0] * 60, every_s=5.0)
    check = check.after(Told(at_s=305.0, power_w=7000.0, net_milliwh=10**12))
    check = check.after(Told(at_s=310.0, power_w=7000.0, net_milliwh=0))
    assert (check.doubted, check.by_energy_w()) == (False, None)


powers_w = st.lists(
    st.sampled_from([0.0, 1400.0, 3700.0, 7400.0, -1400.0, -5000.0]), min_size=1, max_size=12
)


@given(powers_w, st.sampled_from([5.0, 10.0]), st.sampled_from([1, 1000, 10_000, 100_000]))
def test_a_truthful_station_is_never_doubted(
    levels_w: list[float], every_s: float, step_milliwh: int
) -> None:
    # Each level holds for some minutes, as the calm of the house demands.
    held = [level for level in levels_w for _ in range(int(180 / every_s))]
    assert not told_by(held, every_s=every_s, step_milliwh=step_milliwh).doubted


@given(powers_w, st.sampled_from([5.0, 30.0]), st.sampled_from([1, 10_000]))
def test_power_by_energy_is_bounded_by_what_flowed(
    levels_w: list[float], every_s: float, step_milliwh: int
) -> None:
    held = [level for level in levels_w for _ in range(12)]
    by_energy_w = told_by(held, every_s=every_s, step_milliwh=step_milliwh, says=None).by_energy_w()
    one_step_w = step_milliwh * 3.6 / 10.0
    assert by_energy_w is None or -5000.0 - one_step_w <= by_energy_w <= 7400.0 + one_step_w


def told(base: RegisterBase, *values: int) -> list[int | None]:
    found = []
    for value in values:
        base = base.after(value)
        found.append(base.value)
    return found


def test_a_register_of_the_session_goes_on_from_the_session_before() -> None:
    base = RegisterBase().after(0).after(4000).transaction_began()
    assert told(base, 0, 0, 50, 120) == [4000, 4000, 4050, 4120]


def test_a_lifetime_register_that_says_zero_at_the_start_loses_nothing() -> None:
    base = RegisterBase().after(4000).transaction_began()
    assert told(base, 0, 4050, 4120) == [4000, 4050, 4120]


def test_a_fall_within_a_transaction_stays_a_fall() -> None:
    base = RegisterBase().transaction_began().after(4000)
    assert told(base, 5000, 10) == [5000, 10]
