"""Bills worked by hand: tiers, demand, ratchets, fixed charges, versions and rounding."""

from __future__ import annotations

import tomllib
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.unit.market.contracts import (
    FLAT_30,
    HOUR,
    QUARTER,
    billed,
    book,
    contract,
    day_of,
    even,
    lines,
    local,
    step,
)
from v2g_daemon.domain.interval import Interval
from v2g_daemon.market.bill import Carried, MonthBill, bill
from v2g_daemon.market.metered import MeteredStep
from v2g_daemon.market.rated import rated
from v2g_daemon.market.tariff import TariffBook

FLAT_20 = '[tariff.import.energy]\nkind = "flat"\nvalue = "0.20"\n'
TIERS = '[tariff.import.tiers]\nsteps = [["500", "0"], ["", "0.05"]]\n'


def on(*kwh_by_day: tuple[str, str]) -> list[MeteredStep]:
    """An hour at noon of each day with so many kWh."""
    return [step(local(f"{day}T12:00"), bought=kwh) for day, kwh in kwh_by_day]


def test_a_bill_month_crosses_its_tier() -> None:
    # 600 × 0.20 = 120.00; the 100 above 500 cost 0.05 more
    steps = on(("2026-01-05", "300"), ("2026-01-20", "300"))
    assert lines(billed(contract(FLAT_20 + TIERS), steps)) == {"energy": "120.00", "tier": "5.00"}


def test_a_step_that_crosses_a_tier_is_split() -> None:
    # 490, then 20: 10 of them above
    steps = on(("2026-01-05", "490"), ("2026-01-20", "20"))
    assert lines(billed(contract(FLAT_20 + TIERS), steps))["tier"] == "0.50"


def test_tiers_begin_anew_with_each_bill_month() -> None:
    steps = on(("2026-01-31", "400"), ("2026-02-01", "400"))
    found = billed(contract(FLAT_20 + TIERS), steps)
    assert lines(found) == {"energy": "160.00"}
    assert [month.total for month in found.months] == [Decimal("80.00")] * 2


def test_a_bill_month_begins_on_the_billing_day() -> None:
    # Both days lie in the month from 15 January to 14 February: 300 above.
    rules = contract(FLAT_20 + TIERS + "billing_day = 15\n")
    steps = on(("2026-01-31", "400"), ("2026-02-01", "400"))
    assert lines(billed(rules, steps))["tier"] == "15.00"
    # 14 January is in the month before.
    split = on(("2026-01-14", "400"), ("2026-01-15", "400"))
    assert "tier" not in lines(billed(rules, split))


def test_a_tiered_price_is_its_tiers_alone() -> None:
    # 100 × 0.10 + 200 × 0.20 + 50 × 0.30 = 10 + 40 + 15
    body = """\
[tariff.import.energy]
kind = "tiered"
[tariff.import.tiers]
steps = [["100", "0.10"], ["300", "0.20"], ["", "0.30"]]
"""
    found = billed(contract(body), on(("2026-01-05", "350")))
    assert lines(found) == {"energy": "0.00", "tier": "65.00"}


def test_tier_adders_come_last_and_hold_their_vat() -> None:
    # 600 × 0.20 = 120.00, VAT 25.20; 100 × 0.05 without any more VAT
    rules = contract(FLAT_20 + TIERS, head='vat = "0.21"')
    found = billed(rules, on(("2026-01-05", "600")))
    assert lines(found) == {"energy": "120.00", "tier": "5.00", "vat": "25.20"}


def test_the_car_that_carries_the_house_keeps_it_in_the_lower_tier() -> None:
    # 40 kWh less from the grid: 520 − 40 = 480, below the step
    rules = contract(FLAT_20 + TIERS)
    assert lines(billed(rules, on(("2026-01-05", "520")))) == {"energy": "104.00", "tier": "1.00"}
    assert lines(billed(rules, on(("2026-01-05", "480")))) == {"energy": "96.00"}


def test_a_bill_says_in_which_tier_it_ends() -> None:
    found = billed(contract(FLAT_20 + TIERS), on(("2026-01-05", "480"))).months[0]
    assert found.tier is not None
    assert (found.tier.adder, found.tier.left_milliwh) == (Decimal("0"), 20_000_000)
    over = billed(contract(FLAT_20 + TIERS), on(("2026-01-05", "501"))).months[0]
    assert over.tier is not None
    assert (over.tier.adder, over.tier.left_milliwh) == (Decimal("0.05"), None)


def demand(more: str = "", *, rate: str = "10") -> TariffBook:
    return contract(FLAT_20 + f'[tariff.import.demand]\nrate_per_kw_month = "{rate}"\n{more}')


def test_demand_is_the_highest_quarter_hour_of_the_month() -> None:
    # 2 kWh in a quarter hour are 8 kW: 8 × 10
    steps = even(day_of("2026-01-15"), bought="0.5")
    steps[40] = step(steps[40].interval.start_utc, bought="2", length=QUARTER)
    found = billed(demand(), steps)
    # 95 × 0.5 + 2 = 49.5 kWh
    assert lines(found) == {"energy": "9.90", "demand": "80.00"}
    assert found.months[0].peaks[0].kw == 8


def test_demand_counts_in_its_windows_only() -> None:
    # 8 kW at 10:00, 3 kW at 17:00: the window sees 3
    steps = [
        step(local("2026-01-15T10:00"), bought="2", length=QUARTER),
        step(local("2026-01-15T17:00"), bought="0.75", length=QUARTER),
    ]
    found = billed(demand('windows = [["16:00", "21:00"]]'), steps)
    assert lines(found)["demand"] == "30.00"


def test_a_window_of_weekdays_sees_no_saturday() -> None:
    window = 'windows = [{ days = "weekday", from = "16:00", to = "21:00" }]'
    saturday = [step(local("2026-01-17T17:00"), bought="2", length=QUARTER)]
    assert lines(billed(demand(window), saturday))["demand"] == "0.00"


def test_intervals_are_clocked_and_do_not_slide() -> None:
    # 12 kW from 10:10 to 10:20: 1 kWh in each of two quarter hours is 4 kW, not 8
    steps = [
        step(local("2026-01-15T10:10"), bought="1", length=timedelta(minutes=5)),
        step(local("2026-01-15T10:15"), bought="1", length=timedelta(minutes=5)),
    ]
    assert lines(billed(demand(), steps))["demand"] == "40.00"


def test_an_hourly_step_counts_with_its_mean_power() -> None:
    # 6 kWh in an hour: 6 kW in each of its quarter hours
    assert lines(billed(demand(), on(("2026-01-15", "6"))))["demand"] == "60.00"


def test_demand_by_the_hour_and_by_five_minutes() -> None:
    # 2 kWh in five minutes and nothing else: 24 kW over five minutes, 2 kW over the hour
    steps = [step(local("2026-01-15T10:10"), bought="2", length=timedelta(minutes=5))]
    assert lines(billed(demand("interval_s = 300"), steps))["demand"] == "240.00"
    assert lines(billed(demand("interval_s = 3600"), steps))["demand"] == "20.00"


def test_half_hours_are_clocked_from_local_midnight() -> None:
    # Adelaide is 9.5 h ahead: 10:00–11:00 there is one clocked hour and no two halves of UTC hours
    rules = contract(
        FLAT_20 + '[tariff.import.demand]\nrate_per_kw_month = "10"\ninterval_s = 3600\n',
        zone="Australia/Adelaide",
    )
    steps = [
        step(local("2026-01-15T10:00", "Australia/Adelaide"), bought="3", length=2 * QUARTER),
        step(local("2026-01-15T10:30", "Australia/Adelaide"), bought="3", length=2 * QUARTER),
    ]
    assert lines(billed(rules, steps))["demand"] == "60.00"


def test_exports_are_no_demand() -> None:
    steps = [step(local("2026-01-15T10:00"), sold="5")]
    assert lines(billed(demand(), steps))["demand"] == "0.00"


def test_one_bad_interval_costs_the_month() -> None:
    # 2976 quarter hours at 1 kW and one at 11 kW: 110.00 instead of 10.00
    steps = even(
        Interval(start_utc=local("2026-01-01T00:00"), end_utc=local("2026-02-01T00:00")),
        bought="0.25",
    )
    assert len(steps) == 2976
    assert lines(billed(demand(), steps))["demand"] == "10.00"
    steps[1234] = step(steps[1234].interval.start_utc, bought="2.75", length=QUARTER)
    assert lines(billed(demand(), steps))["demand"] == "110.00"


RATCHET = "ratchet_pct = 80\nratchet_months = 2\n"


def test_a_ratchet_holds_the_following_months_up() -> None:
    # | month | kW | billed               |
    # | Jan   | 10 | 10                   |
    # | Feb   |  3 | 80 % of 10 =  8      |
    # | Mar   |  9 |  9                   |
    # | Apr   |  2 | 80 % of 9 (Mar) = 7.2 |
    # | May   |  2 | 7.2                  |
    # | Jun   |  2 | 80 % of 2 → 2        |
    peaks = ("10", "3", "9", "2", "2", "2")
    steps = on(*((f"2026-0{number}-10", kw) for number, kw in enumerate(peaks, start=1)))
    found = billed(demand(RATCHET), steps)
    billed_kw = [str(month.peaks[0].billed_kw.normalize()) for month in found.months]
    assert billed_kw == ["1E+1", "8", "9", "7.2", "7.2", "2"]
    assert lines(found)["demand"] == "434.00"


def test_a_ratchet_reaches_over_separately_made_bills() -> None:
    rules = demand(RATCHET)
    january = billed(rules, on(("2026-01-10", "10")))
    february = billed(rules, on(("2026-02-10", "3")), carried=january.carried)
    assert lines(february)["demand"] == "80.00"


def test_two_demand_charges_stand_side_by_side() -> None:
    body = (
        FLAT_20
        + """\
[[tariff.import.demand]]
name = "any_time"
rate_per_kw_month = "5"
[[tariff.import.demand]]
name = "evening"
rate_per_kw_month = "20"
windows = [["16:00", "21:00"]]
"""
    )
    # 8 kW at 10:00: 40.00; 2 kW at 17:00: 40.00
    steps = [
        step(local("2026-01-15T10:00"), bought="2", length=QUARTER),
        step(local("2026-01-15T17:00"), bought="0.5", length=QUARTER),
    ]
    found = lines(billed(contract(body), steps))
    assert (found["any_time"], found["evening"]) == ("40.00", "40.00")


FIXED = 'vat = "0.19"\nfixed_per_day = "0.35"\nfixed_per_month = "12.90"'


def test_fixed_charges_of_a_whole_month() -> None:
    # 31 × 0.35 = 10.85; 12.90; VAT of 23.75: 4.5125
    steps = even(
        Interval(start_utc=local("2026-03-01T00:00"), end_utc=local("2026-04-01T00:00")),
        length=HOUR,
    )
    found = billed(contract(FLAT_30, head=FIXED), steps)
    assert len(steps) == 743
    assert lines(found) == {
        "energy": "0.00",
        "fixed_per_day": "10.85",
        "fixed_per_month": "12.90",
        "vat": "4.51",
    }


def test_fixed_charges_of_part_of_a_month_go_by_time() -> None:
    # 10.5 of 30 days of April: 10.5 × 0.35 = 3.675; 12.90 × 0.35 = 4.515
    steps = even(
        Interval(start_utc=local("2026-04-01T00:00"), end_utc=local("2026-04-11T12:00")),
        length=HOUR,
    )
    found = lines(billed(contract(FLAT_30, head=FIXED), steps))
    assert (found["fixed_per_day"], found["fixed_per_month"]) == ("3.68", "4.52")


@pytest.mark.parametrize(
    ("kwh", "amount"), [("0.01", "0.00"), ("0.016667", "0.01"), ("0.05", "0.02"), ("0.25", "0.08")]
)
def test_a_line_is_rounded_half_up_once(kwh: str, amount: str) -> None:
    # 0.003, 0.0050001, 0.015 and 0.075
    assert lines(billed(contract(FLAT_30), on(("2026-01-15", kwh))))["energy"] == amount


def test_small_steps_are_not_rounded_each() -> None:
    # 96 × 0.01 kWh × 0.30 = 0.288, though each alone is 0.003
    steps = [
        step(local("2026-01-15T00:00") + QUARTER * n, bought="0.01", length=QUARTER)
        for n in range(96)
    ]
    assert billed(contract(FLAT_30), steps).total == Decimal("0.29")


VERSIONS = """\
[[tariff]]
id = "old"
currency = "EUR"
timezone = "Europe/Amsterdam"
valid_to = 2026-06-30
fixed_per_month = "10.00"
[tariff.import.energy]
kind = "flat"
value = "0.30"
[[tariff]]
id = "new"
currency = "EUR"
timezone = "Europe/Amsterdam"
valid_from = 2026-07-01
valid_to = 2026-07-31
fixed_per_month = "12.40"
[tariff.import.energy]
kind = "flat"
value = "0.40"
"""


def test_a_new_version_begins_at_local_midnight() -> None:
    # 30 June 23:00 at 0.30; 1 July 00:00 at 0.40
    rules = book(tomllib.loads(VERSIONS)["tariff"])
    steps = [step(local("2026-06-30T23:00") + HOUR * number, bought="10") for number in range(2)]
    found = billed(rules, steps)
    assert [month.tariff_id for month in found.months] == ["old", "new"]
    # 3.00 + 10.00 / 720 and 4.00 + 12.40 / 744: an hour of each month
    assert [str(month.total) for month in found.months] == ["3.01", "4.02"]


HALVES = """\
[[tariff]]
id = "first"
currency = "EUR"
timezone = "Europe/Amsterdam"
valid_to = 2026-04-15
[tariff.import.energy]
kind = "flat"
value = "0.20"
[tariff.import.demand]
rate_per_kw_month = "10"
ratchet_pct = "50"
[tariff.export]
kind = "flat"
value = "0.08"
settles = "bill_credit"
credit_expiry = "annual:04"
"""


def test_a_version_that_ends_inside_a_month_shares_it_with_the_next() -> None:
    second = HALVES.replace('"first"', '"second"').replace("valid_to = 2026-04-15", "")
    second = second.replace("timezone", "valid_from = 2026-04-16\ntimezone")
    rules = book(tomllib.loads(HALVES + second)["tariff"])
    steps = [
        *on(("2026-04-10", "8"), ("2026-04-20", "6"), ("2026-05-10", "1")),
        step(local("2026-04-11T12:00"), sold="100"),
    ]
    found = billed(rules, steps, carried=Carried(credit=Decimal("9.00")))
    # | part            | energy | demand: 15 of 30 days | credit before, lost, earned, used |
    # | first, April    |   1.60 | 8 kW × 10 / 2 = 40.00 | 9.00, 9.00, 8.00, 8.00            |
    # | second, April   |   1.20 | 6 kW × 10 / 2 = 30.00 | 0.00                              |
    # | May             |   0.20 | 50 % of 8 kW:   40.00 |                                   |
    assert [str(month.total) for month in found.months] == ["33.60", "31.20", "40.20"]
    assert [str(month.credit.expired) for month in found.months] == ["9.00", "0", "0"]
    assert found.carried.peaks_kw == {"demand": (Decimal(8), Decimal(1))}


def test_credit_earned_in_the_month_of_expiry_lives_on() -> None:
    second = HALVES.replace('"first"', '"second"').replace("valid_to = 2026-04-15", "")
    second = second.replace("timezone", "valid_from = 2026-04-16\ntimezone")
    rules = book(tomllib.loads(HALVES + second)["tariff"])
    steps = [step(local("2026-04-11T12:00"), sold="100"), *on(("2026-04-20", "1"))]
    # 8.00 earned by the first version pay 5.20 of the second: 1 kWh and half a month of 1 kW.
    found = billed(rules, steps)
    assert [str(month.total) for month in found.months] == ["0.00", "0.00"]
    assert found.carried.credit == Decimal("2.80")


def test_steps_that_no_version_covers_are_counted_and_not_billed() -> None:
    rules = book(tomllib.loads(VERSIONS)["tariff"])
    steps = on(("2026-07-31", "1"), ("2026-08-01", "1"), ("2026-08-02", "1"))
    found = billed(rules, steps)
    assert (found.outside_count, len(found.months)) == (2, 1)


def test_a_year_is_its_twelve_months_to_the_cent() -> None:
    body = (
        FLAT_20
        + TIERS
        + f'[tariff.import.demand]\nrate_per_kw_month = "7.77"\n{RATCHET}'
        + """\
[tariff.export]
kind = "flat"
value = "0.071"
settles = "bill_credit"
credit_expiry = "annual:04"
[tariff.relief]
components = ["energy"]
"""
    )
    rules = contract(body, head=FIXED)
    year = Interval(start_utc=local("2026-01-01T00:00"), end_utc=local("2027-01-01T00:00"))
    steps = [
        step(
            year.start_utc + HOUR * number,
            bought=f"{(number * 7919) % 2203 / 1000}",
            sold=f"{(number * 104729) % 1301 / 1000 if number % 3 == 0 else 0}",
            charged=f"{(number * 31) % 700 / 1000}",
            returned=f"{(number * 17) % 600 / 1000}",
        )
        for number in range(8760)
    ]
    whole = billed(rules, steps)
    assert len(whole.months) == 12
    one_by_one: list[MonthBill] = []
    carried = None
    for month in whole.months:
        part = [one for one in steps if month.month.contains(one.interval.start_utc)]
        alone = bill(rated(rules, {}, month.month), part, carried)
        one_by_one += alone.months
        carried = alone.carried
    assert one_by_one == list(whole.months)
    assert carried == whole.carried


def test_steps_that_overlap_are_refused() -> None:
    steps = [
        step(local("2026-01-15T10:00"), bought="1"),
        step(local("2026-01-15T10:30"), bought="1"),
    ]
    with pytest.raises(ValueError, match="steps overlap at 2026-01-15 09:30"):
        billed(contract(FLAT_30), steps)
