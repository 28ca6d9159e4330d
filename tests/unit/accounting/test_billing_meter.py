"""The meter that is billed by: how it nets, its interval and its clock, worked by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from tests.builders import a_grid, a_price_curve
from tests.unit.accounting.house import (
    NOBODY,
    T0,
    at,
    decided,
    interval,
    plugged,
    policy,
    prices,
    snapshot,
)
from v2g_daemon.accounting.circulation import circulating_w, settled
from v2g_daemon.accounting.metering import Metering, advance, resume
from v2g_daemon.accounting.statement import PlainTarget, Statement, statement
from v2g_daemon.domain.billing_meter import BillingMeter, Netting
from v2g_daemon.domain.interval import Interval
from v2g_daemon.domain.ledger import EvseInterval, LedgerRow, PccInterval
from v2g_daemon.domain.policy import GridConnection, Policy
from v2g_daemon.domain.prices import PriceCurve
from v2g_daemon.domain.readings import MeterReading

FLAT = prices((0.30, 0.10), (0.30, 0.10))


def reading(seconds_s: float, imported: int, exported: int, phases_w: Sequence[float]):
    """Registers in milliwatt-hours and the power of each phase, so many seconds after 10:00."""
    total_w = 0.0
    for power_w in phases_w:
        total_w += power_w
    return MeterReading(
        observed_at=at(seconds_s),
        power_w=total_w,
        phase_power_w=tuple(phases_w),
        import_milliwh=imported,
        export_milliwh=exported,
    )


def house(netting: Netting = Netting.SUM, *, ours: Netting = Netting.SUM, **meter: int) -> Policy:
    billing = BillingMeter(netting=netting, **meter)
    return replace(policy(), grid=a_grid(meter_netting=ours, billing_meter=billing))


def played(
    readings: Sequence[MeterReading], *, rules: Policy, curve: PriceCurve | None = FLAT
) -> list[PccInterval]:
    """The rows of the readings, one tick each."""
    state = Metering()
    rows: list[LedgerRow] = []
    for one in readings:
        passed_s = one.observed_at.seconds_since(at(0.0))
        taken = snapshot(passed_s, pcc=one, curve=curve)
        state, more = advance(state, taken, NOBODY, rules)
        rows += more
    return [row for row in rows if isinstance(row, PccInterval)]


def a_quarter(phases_w: Sequence[float], *, imported: int, exported: int) -> list[MeterReading]:
    """A reading each 30 s over a quarter hour of even power."""
    return [reading(30.0 * n, imported * n // 30, exported * n // 30, phases_w) for n in range(31)]


@pytest.mark.parametrize(
    ("phases_w", "circulates_w"),
    [
        ((1000.0, 500.0, 200.0), 0.0),
        ((-1000.0, -500.0, -200.0), 0.0),
        ((3000.0, -1000.0, -500.0), 1500.0),  # 3000 in, 1500 net
        ((1000.0, -3000.0, 0.0), 1000.0),  # 1000 in, 2000 net out
        ((500.0, -500.0, 0.0), 500.0),
        ((2000.0,), 0.0),
        ((), None),
    ],
)
def test_what_circulates_is_what_enters_beside_the_net(
    phases_w: tuple[float, ...], circulates_w: float | None
) -> None:
    assert circulating_w(phases_w) == circulates_w


# The car gives 3 kW on one phase while the house takes 1 and 0.5 kW on the others: the sum of the
# phases exports 1.5 kW; phase by phase 1.5 kW come in and 3 kW go out. A quarter hour of it.
PHASES_W = (-3000.0, 1000.0, 500.0)
EXPORTED = 375_000  # 1.5 kW × 0.25 h, as a meter that adds up has it


def test_circulation_is_booked_beside_the_registers() -> None:
    (row,) = played(a_quarter(PHASES_W, imported=0, exported=EXPORTED), rules=house())
    assert (row.import_milliwh, row.export_milliwh) == (0, 375_000)
    assert row.circulating_milliwh == 375_000


def test_a_billing_meter_of_single_phases_counts_both_ways() -> None:
    rules = house(Netting.PER_PHASE)
    (row,) = played(a_quarter(PHASES_W, imported=0, exported=EXPORTED), rules=rules)
    billed = settled(row, rules.grid)
    # 1.5 kW × 0.25 h in and 3 kW × 0.25 h out
    assert (billed.import_milliwh, billed.export_milliwh) == (375_000, 750_000)


def test_a_billing_meter_that_nets_as_ours_does_changes_nothing() -> None:
    for netting in Netting:
        rules = house(netting, ours=netting)
        (row,) = played(a_quarter(PHASES_W, imported=0, exported=EXPORTED), rules=rules)
        assert settled(row, rules.grid) is row


def test_a_billing_meter_that_adds_up_takes_the_circulation_off_ours() -> None:
    # Our meter counts each phase: 375 000 in, 750 000 out; billed is the difference.
    rules = house(Netting.SUM, ours=Netting.PER_PHASE)
    (row,) = played(a_quarter(PHASES_W, imported=375_000, exported=750_000), rules=rules)
    billed = settled(row, rules.grid)
    assert (billed.import_milliwh, billed.export_milliwh) == (0, 375_000)


def test_no_more_is_taken_off_than_there_is() -> None:
    grid = house(Netting.SUM, ours=Netting.PER_PHASE).grid
    row = replace(a_row(), import_milliwh=100, export_milliwh=900, circulating_milliwh=120)
    billed = settled(row, grid)
    assert (billed.import_milliwh, billed.export_milliwh) == (0, 800)


def a_row() -> PccInterval:
    (row,) = played(a_quarter(PHASES_W, imported=0, exported=EXPORTED), rules=house())
    return row


def stated(rows: Sequence[PccInterval], grid: GridConnection) -> Statement:
    return statement(
        interval(0.0, 900.0),
        pcc_rows=rows,
        evse_rows=(),
        sessions=(),
        policy=replace(policy(), grid=grid),
        target=PlainTarget.SOC_REACHED,
        neutral_per_kwh=Decimal("0.20"),
    )


def test_the_statement_follows_the_billing_meter() -> None:
    # Summed: 0.375 × 0.10 earned. Per phase: 0.375 × 0.30 paid, 0.75 × 0.10 earned.
    summed = stated([a_row()], house().grid)
    assert summed.energy_cost == Decimal("-0.0375")
    per_phase = stated([a_row()], house(Netting.PER_PHASE).grid)
    assert (per_phase.import_milliwh, per_phase.export_milliwh) == (375_000, 750_000)
    assert per_phase.energy_cost == Decimal("0.0375")
    assert per_phase.incomplete == ()


def test_plain_charging_keeps_what_circulated() -> None:
    # Without a car nothing changes: the same house, the same cost.
    per_phase = stated([a_row()], house(Netting.PER_PHASE).grid)
    assert per_phase.plain_charging_cost == per_phase.energy_cost
    assert per_phase.saved == 0


def test_without_the_power_of_each_phase_the_statement_says_so() -> None:
    readings = [reading(0.0, 0, 0, ()), reading(900.0, 0, EXPORTED, ())]
    (row,) = played(readings, rules=house(Netting.PER_PHASE))
    assert row.circulating_milliwh is None
    found = stated([row], house(Netting.PER_PHASE).grid)
    assert found.energy_cost == Decimal("-0.0375")
    assert found.incomplete == (
        "1 quarter hours have no power of each phase: they are counted as our own meter nets "
        "them (sum), not as the billing meter does",
    )
    assert stated([row], house().grid).incomplete == ()


def test_a_gap_in_the_phases_makes_the_row_unknown_and_the_next_one_known_again() -> None:
    first = a_quarter(PHASES_W, imported=0, exported=EXPORTED)
    blind = replace(first[10], phase_power_w=())
    second = [
        reading(900.0 + 30.0 * n, 0, EXPORTED + EXPORTED * n // 30, PHASES_W) for n in range(1, 31)
    ]
    rows = played([*first[:10], blind, *first[11:], *second], rules=house())
    assert [row.circulating_milliwh for row in rows] == [None, 375_000]


def test_after_a_restart_the_first_row_knows_no_circulation() -> None:
    row = a_row()
    state = resume(
        pcc=row,
        evses=(),
        sessions=(),
        soc_days=(),
        counters_read=(),
        decisions=(),
        now_utc=at(900.0).utc,
        timezone="Europe/Amsterdam",
    )
    rows: list[LedgerRow] = []
    for n in range(31):
        at_s = 900.0 + 30.0 * n
        one = reading(at_s, 0, EXPORTED + EXPORTED * n // 30, PHASES_W)
        state, more = advance(state, snapshot(at_s, pcc=one, curve=FLAT), NOBODY, house())
        rows += more
    (after,) = (one for one in rows if isinstance(one, PccInterval))
    assert after.circulating_milliwh is None


def test_a_five_minute_meter_makes_rows_of_five_minutes() -> None:
    rules = house(interval_s=300)
    rows = played(a_quarter((1000.0, 0.0, 0.0), imported=250_000, exported=0), rules=rules)
    assert [row.interval for row in rows] == [
        interval(0.0, 300.0),
        interval(300.0, 600.0),
        interval(600.0, 900.0),
    ]
    assert sum(row.import_milliwh for row in rows) == 250_000


def test_a_clock_that_is_late_cuts_rows_at_its_own_boundaries_too() -> None:
    rules = house(boundary_offset_s=60)
    rows = played(a_quarter((1000.0, 0.0, 0.0), imported=250_000, exported=0), rules=rules)
    assert [row.interval for row in rows] == [interval(0.0, 60.0), interval(60.0, 900.0)]


def quarter_prices(*per_kwh: float) -> PriceCurve:
    hourly = a_price_curve(per_kwh, per_kwh, start_utc=T0)
    slots = tuple(
        replace(
            slot,
            interval=Interval(start_utc=at(900.0 * n).utc, end_utc=at(900.0 * (n + 1)).utc),
        )
        for n, slot in enumerate(hourly.slots)
    )
    return PriceCurve(currency="EUR", slots=slots)


def test_an_hourly_meter_settles_each_quarter_at_the_mean_of_its_hour() -> None:
    # (0.10 + 0.20 + 0.30 + 0.40) / 4
    curve = quarter_prices(0.10, 0.20, 0.30, 0.40, 0.90)
    hour = [reading(30.0 * n, 1000 * n, 0, ()) for n in range(121)]
    hourly = played(hour, rules=house(interval_s=3600), curve=curve)
    assert [row.import_per_kwh for row in hourly] == [Decimal("0.25")] * 4
    quarterly = played(hour, rules=house(), curve=curve)
    assert [str(row.import_per_kwh) for row in quarterly] == [
        "0.100000", "0.200000", "0.300000", "0.400000",
    ]  # fmt: skip


def test_prices_finer_than_the_meter_settle_at_their_mean() -> None:
    # 15-minute prices under a row of 15 minutes shifted by five: 10 min at 0.10, 5 min at 0.40
    curve = quarter_prices(0.10, 0.40, 0.40)
    found = curve.mean_over(interval(300.0, 1200.0))
    assert found is not None
    assert found.import_per_kwh == pytest.approx(0.20)
    assert curve.mean_over(interval(1800.0, 2701.0)) is None
    whole = curve.mean_over(interval(0.0, 900.0))
    assert whole is curve.slots[0]


def test_an_hour_whose_rest_is_unknown_settles_at_what_is_in_force() -> None:
    curve = quarter_prices(0.10, 0.20)
    hour = [reading(30.0 * n, 1000 * n, 0, ()) for n in range(61)]
    rows = played(hour, rules=house(interval_s=3600), curve=curve)
    assert [row.import_per_kwh for row in rows] == [Decimal("0.1"), Decimal("0.2")]


def test_without_any_price_a_row_has_none() -> None:
    readings = a_quarter((1000.0, 0.0, 0.0), imported=250_000, exported=0)
    rows = played(readings, rules=house(), curve=None)
    assert rows[0].import_per_kwh is None


def test_the_cars_energy_is_not_the_billing_meters() -> None:
    status = plugged(900.0, charged=250_000)
    start = plugged(0.0, charged=0)
    state, _ = advance(Metering(), snapshot(0.0, evses=[start]), decided(), house(interval_s=300))
    _, rows = advance(state, snapshot(900.0, evses=[status]), decided(900.0), house(interval_s=300))
    lengths = [row.interval.seconds_s for row in rows if isinstance(row, EvseInterval)]
    assert lengths == [900.0]
