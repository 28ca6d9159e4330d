"""A day of a tariff as people look at it: hours, means, gaps, and the changes of the clock."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from tests.unit.market.contracts import (
    FLAT_30,
    FLAT_EXPORT_8,
    HOUR,
    QUARTER,
    contract,
    local,
    prices,
)
from v2g_daemon.market.day import day_prices

DAY = date(2026, 1, 15)
MIDNIGHT = local("2026-01-15T00:00")
SPOT = '[tariff.import.energy]\nkind = "series"\nsource = "spot"\n'
HALF_PAST = """\
[tariff.import.energy]
kind = "tou"
default = "0.20"
periods = [{ from = "08:30", to = "21:30", value = "0.40" }]
"""


def test_a_flat_day_is_one_step_or_a_line_for_each_hour() -> None:
    rules = contract(FLAT_30 + FLAT_EXPORT_8, head='vat = "0.21"')
    whole = day_prices(rules, {}, DAY)
    assert whole is not None
    (step,) = whole.steps
    assert (step.import_per_kwh, step.export_per_kwh) == (Decimal("0.363"), Decimal("0.08"))
    assert step.components == {"energy": Decimal("0.30")}
    assert step.vat_per_kwh == Decimal("0.063")
    hourly = day_prices(rules, {}, DAY, most_steps=30)
    assert hourly is not None
    assert len(hourly.steps) == 24
    assert all(one.exact for one in hourly.steps)


def test_changes_at_half_past_are_steps_of_their_own() -> None:
    found = day_prices(contract(HALF_PAST), {}, DAY, most_steps=30)
    assert found is not None
    # 24 hours, two of them in halves
    assert len(found.steps) == 26
    starts = [(one.interval.start_utc - MIDNIGHT) / HOUR for one in found.steps]
    assert (8.5 in starts, 21.5 in starts) == (True, True)


def test_what_is_finer_than_fits_is_shown_by_the_hours_mean() -> None:
    series = {"spot": prices(MIDNIGHT, *["0.10", "0.20", "0.30", "0.40"] * 24, length=QUARTER)}
    found = day_prices(contract(SPOT), series, DAY, most_steps=30)
    assert found is not None
    assert len(found.steps) == 24
    assert {one.import_per_kwh for one in found.steps} == {Decimal("0.25")}
    assert not any(one.exact for one in found.steps)
    assert len(day_prices(contract(SPOT), series, DAY).steps) == 96  # type: ignore[union-attr]


def test_what_is_unknown_stays_unknown_beside_what_is_known() -> None:
    body = SPOT + '[[tariff.import.component]]\nname = "tax"\nkind = "flat"\nvalue = "0.10"\n'
    found = day_prices(contract(body, head='vat = "0.21"'), {}, DAY)
    assert found is not None
    (step,) = found.steps
    assert (step.import_per_kwh, step.vat_per_kwh) == (None, None)
    assert step.components == {"energy": None, "tax": Decimal("0.10")}


def test_the_first_tier_is_in_the_price_and_so_is_the_cap() -> None:
    tiers = '[tariff.import.tiers]\nsteps = [["500", "0.05"], ["", "0.90"]]\n'
    found = day_prices(contract(FLAT_30 + tiers), {}, DAY)
    assert found is not None
    assert found.steps[0].import_per_kwh == Decimal("0.35")
    capped = day_prices(contract('[tariff.import]\ncap = "0.32"\n' + FLAT_30 + tiers), {}, DAY)
    assert capped is not None
    assert capped.steps[0].import_per_kwh == Decimal("0.32")


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 29), 23.0), (DAY, 24.0), (date(2026, 10, 25), 25.0)]
)
def test_a_day_has_the_hours_that_its_clock_gives_it(day: date, hours: float) -> None:
    found = day_prices(contract(FLAT_30), {}, day, most_steps=30)
    assert found is not None
    assert (found.hours, len(found.steps)) == (hours, hours)
    assert found.interval.end_utc - found.interval.start_utc == timedelta(hours=hours)


def test_a_day_without_a_version_is_none() -> None:
    assert day_prices(contract(FLAT_30, head="valid_from = 2027-01-01"), {}, DAY) is None
