"""SoC: what is believed, what is counted, and how sure one may be."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import LOSSY, NOW, a_vehicle, an_evse, an_evse_status
from v2g_daemon.control.soc import SocEstimate, follow_soc
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.memory import EvseMemory
from v2g_daemon.domain.policy import EvsePolicy
from v2g_daemon.domain.vehicle import Vehicle


class Follower:
    """Follows one car's reports; each names the seconds since NOW and what was reported then."""

    def __init__(self, *, evse: EvsePolicy | None = None, vehicle: Vehicle | None = None) -> None:
        self.memory = EvseMemory(evse_id="carport")
        self.evse = an_evse() if evse is None else evse
        self.vehicle = a_vehicle() if vehicle is None else vehicle

    def report(self, at_s: float = 0.0, **reported: Any) -> SocEstimate | None:
        now: Instant = NOW.later(at_s)
        given = {"soc": None, "soc_observed_at": now, "charge_milliwh": 0, "discharge_milliwh": 0}
        status = an_evse_status(**{**given, **reported})
        self.memory, estimate = follow_soc(self.memory, status, self.evse, self.vehicle, now)
        return estimate

    def sure(self, at_s: float = 0.0, **reported: Any) -> SocEstimate:
        estimate = self.report(at_s, **reported)
        assert estimate is not None
        return estimate


def test_no_reading_is_no_soc() -> None:
    assert Follower().report(soc=None) is None


@pytest.mark.parametrize("soc", [0.0, -0.1, 1.01])
def test_a_reading_outside_the_pack_or_of_exactly_nothing_is_absent(soc: float) -> None:
    assert Follower().report(soc=soc) is None


def test_a_reading_without_its_moment_is_absent() -> None:
    assert Follower().report(soc=0.5, soc_observed_at=None) is None


def test_a_fresh_reading_is_known_to_half_a_step() -> None:
    estimate = Follower().sure(soc=0.5)
    assert (estimate.soc, estimate.sigma, estimate.low) == pytest.approx((0.5, 0.005, 0.495))


def test_energy_is_counted_between_readings() -> None:
    follower = Follower()
    follower.sure(soc=0.5)
    # 3 kWh in, 1.2 kWh out of 60 kWh: +3 points
    estimate = follower.sure(1800.0, charge_milliwh=3_000_000, discharge_milliwh=1_200_000)
    assert estimate.soc == pytest.approx(0.53)


def test_sigma_grows_by_3_percent_of_the_energy_moved_and_hardly_at_rest() -> None:
    follower = Follower()
    follower.sure(soc=0.5)
    assert follower.sure(3600.0).sigma == pytest.approx(0.0055)
    # 6 kWh moved: 0.03 x 6 / 60 = 0.3 points more
    moved = follower.sure(3600.0, charge_milliwh=3_000_000, discharge_milliwh=3_000_000)
    assert moved.sigma == pytest.approx(0.0085)


def test_losses_are_taken_off_at_the_measured_power() -> None:
    follower = Follower(evse=an_evse(loss=LOSSY))
    follower.sure(soc=0.5)
    # At 5 kW the loss is 150 + 150 + 75 = 375 W: 92.5 % of 6 kWh arrive.
    estimate = follower.sure(4320.0, charge_milliwh=6_000_000, power_w=5000.0)
    assert estimate.soc == pytest.approx(0.5925)


def test_at_an_unknown_power_the_nominal_loss_is_taken() -> None:
    follower = Follower(evse=an_evse(loss=LOSSY, max_discharge_w=5000.0))
    follower.sure(soc=0.5)
    # 5375 W leave the pack for 5000 W at the EVSE.
    estimate = follower.sure(4320.0, discharge_milliwh=6_000_000, power_w=None)
    assert estimate.soc == pytest.approx(0.5 - 0.1 * 1.075)


def test_a_register_that_went_back_counts_nothing_and_goes_on_from_there() -> None:
    follower = Follower()
    follower.sure(soc=0.5, charge_milliwh=9_000_000)
    assert follower.sure(10.0, charge_milliwh=1_000_000).soc == pytest.approx(0.5)
    assert follower.sure(20.0, charge_milliwh=1_600_000).soc == pytest.approx(0.51)


def test_registers_that_come_late_count_from_then_on() -> None:
    follower = Follower()
    follower.sure(soc=0.5, charge_milliwh=None)
    assert follower.sure(10.0, charge_milliwh=5_000_000).soc == pytest.approx(0.5)
    assert follower.sure(20.0, charge_milliwh=None).soc == pytest.approx(0.5)
    assert follower.sure(30.0, charge_milliwh=5_600_000).soc == pytest.approx(0.51)


def test_a_counted_soc_stays_inside_the_pack() -> None:
    follower = Follower()
    follower.sure(soc=0.95)
    assert follower.sure(10.0, charge_milliwh=9_000_000).soc == 1.0


def test_a_reading_that_agrees_becomes_the_new_anchor() -> None:
    follower = Follower()
    follower.sure(soc=0.5)
    follower.sure(10.0, charge_milliwh=3_000_000)
    estimate = follower.sure(20.0, charge_milliwh=3_000_000, soc=0.56)
    assert (estimate.soc, estimate.sigma) == pytest.approx((0.56, 0.005))


@pytest.mark.parametrize(("reading", "acted_on"), [(0.40, 0.40), (0.60, 0.50)])
def test_of_two_sources_more_than_8_points_apart_the_lower_counts(
    reading: float, acted_on: float
) -> None:
    follower = Follower()
    follower.sure(soc=0.5)
    estimate = follower.sure(10.0, soc=reading)
    assert (estimate.soc, estimate.sigma) == (acted_on, 0.10)


def test_a_difference_of_8_points_is_believed_at_once() -> None:
    follower = Follower()
    follower.sure(soc=0.5)
    assert follower.sure(10.0, soc=0.579).soc == 0.579


def test_a_reading_that_insists_for_60_s_is_believed() -> None:
    follower = Follower()
    follower.sure(soc=0.5)
    assert follower.sure(10.0, soc=0.7).soc == 0.5
    assert follower.sure(69.0, soc=0.7).soc == 0.5
    estimate = follower.sure(70.0, soc=0.7)
    assert (estimate.soc, estimate.sigma) == (0.7, 0.005)


def test_a_reading_that_agrees_ends_the_doubt() -> None:
    follower = Follower()
    follower.sure(soc=0.5)
    follower.sure(10.0, soc=0.7)
    follower.sure(20.0, soc=0.5)
    assert follower.sure(75.0, soc=0.7).soc == 0.5


@pytest.mark.parametrize("power_w", [0.0, 99.0, -99.0, None])
def test_a_device_that_needs_power_to_read_the_soc_is_not_believed_at_rest(
    power_w: float | None,
) -> None:
    follower = Follower(evse=an_evse(soc_needs_power=True))
    assert follower.report(soc=0.5, power_w=power_w) is None


def test_a_device_that_needs_power_is_believed_under_power_and_counted_at_rest() -> None:
    follower = Follower(evse=an_evse(soc_needs_power=True))
    assert follower.sure(soc=0.5, power_w=3000.0).soc == 0.5
    assert follower.sure(10.0, soc=0.01, power_w=0.0).soc == 0.5


def test_an_old_reading_repeated_is_not_news() -> None:
    follower = Follower()
    follower.sure(soc=0.5)
    follower.sure(10.0, charge_milliwh=600_000)
    estimate = follower.sure(20.0, charge_milliwh=600_000, soc=0.5, soc_observed_at=NOW)
    assert estimate.soc == pytest.approx(0.51)
