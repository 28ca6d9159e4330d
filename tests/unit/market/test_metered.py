"""Steps as the billing meter settles them: its interval, its offset, and no energy lost."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.market.contracts import HOUR, QUARTER, local, step
from v2g_daemon.domain.billing_meter import BillingMeter
from v2g_daemon.market.metered import MeteredStep, settled

NOON = local("2026-01-15T12:00")


def quarters(*kwh: str) -> list[MeteredStep]:
    return [
        step(NOON + QUARTER * number, bought=one, length=QUARTER) for number, one in enumerate(kwh)
    ]


def bought(steps: tuple[MeteredStep, ...]) -> list[tuple[float, int]]:
    """(minutes after noon, imported milliwatt-hours)."""
    return [
        ((one.interval.start_utc - NOON) / timedelta(minutes=1), one.import_milliwh)
        for one in steps
    ]


def test_an_hourly_meter_adds_four_quarter_hours_up() -> None:
    found = settled(quarters("0.1", "0.2", "0.3", "0.4", "0.5"), BillingMeter(interval_s=3600))
    assert bought(found) == [(0.0, 1_000_000), (60.0, 500_000)]


def test_a_five_minute_meter_cuts_quarter_hours_evenly() -> None:
    found = settled(quarters("0.1"), BillingMeter(interval_s=300))
    # 100 000 mWh in three: boundaries at 33 333 and 66 667
    assert bought(found) == [(0.0, 33_333), (5.0, 33_334), (10.0, 33_333)]


def test_a_meter_of_the_same_interval_changes_nothing() -> None:
    steps = quarters("0.1", "0.2")
    assert settled(steps, BillingMeter()) == tuple(steps)


def test_a_clock_that_is_late_moves_energy_over_the_boundary() -> None:
    # A minute late: of 0.9 kWh in the first quarter hour the first 60 of 900 s belong before it.
    found = settled(quarters("0.9", "1.8"), BillingMeter(boundary_offset_s=60))
    assert bought(found) == [(0.0, 60_000), (1.0, 840_000 + 120_000), (16.0, 1_680_000)]


def test_a_hole_in_the_metering_is_not_bridged() -> None:
    steps = [quarters("0.1")[0], step(NOON + 2 * QUARTER, bought="0.2", length=QUARTER)]
    assert bought(settled(steps, BillingMeter(interval_s=3600))) == [
        (0.0, 100_000),
        (30.0, 200_000),
    ]


@pytest.mark.parametrize(
    ("offset_s", "start_min"), [(0, 0.0), (60, 1.0), (-60, -1.0), (899, -0.0166667)]
)
def test_the_interval_that_holds_a_moment(offset_s: int, start_min: float) -> None:
    meter = BillingMeter(boundary_offset_s=offset_s)
    found = meter.settlement_interval(NOON + timedelta(minutes=5))
    assert (found.start_utc - NOON) / timedelta(minutes=1) == pytest.approx(start_min, abs=1e-6)
    assert found.seconds_s == 900.0


@given(
    st.lists(st.integers(min_value=0, max_value=5_000_000), min_size=1, max_size=12),
    st.sampled_from([300, 900, 1800, 3600]),
    st.integers(min_value=-299, max_value=299),
)
def test_no_energy_is_lost_or_made(energies: list[int], interval_s: int, offset_s: int) -> None:
    steps = [
        MeteredStep(
            interval=step(NOON + HOUR * number).interval,
            import_milliwh=energy,
            export_milliwh=energy // 2,
            charge_milliwh=energy // 3,
            discharge_milliwh=energy // 5,
        )
        for number, energy in enumerate(energies)
    ]
    meter = BillingMeter(interval_s=interval_s, boundary_offset_s=offset_s)
    found = settled(steps, meter)
    for name in ("import_milliwh", "export_milliwh", "charge_milliwh", "discharge_milliwh"):
        assert sum(getattr(one, name) for one in found) == sum(getattr(one, name) for one in steps)
    assert all(
        meter.settlement_interval(one.interval.start_utc).end_utc >= one.interval.end_utc
        for one in found
    )
