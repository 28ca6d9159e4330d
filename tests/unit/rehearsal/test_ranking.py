"""Ranks of combinations, and what the ranges leave open."""

from __future__ import annotations

from tests.unit.rehearsal.contests import a_contest
from v2g_daemon.rehearsal.ranking import Combination, Compared, compared, ranked
from v2g_daemon.rehearsal.verdict import Gain

GAIN = Gain(default=50.0, low=20.0, high=70.0, by_chance=None, best_days_share=None)


def a_case(tariff: str, v2g: float, low: float, high: float) -> Compared:
    return Compared(
        combination=Combination(tariff=tariff, car="car", charger="garage", driver="schedule"),
        currency="EUR",
        days_count=28,
        plain=1200.0,
        v1g=1000.0,
        v2g=v2g,
        v2g_low=low,
        v2g_high=high,
        extra=GAIN,
        missed_kwh=0.0,
        departures_count=10,
        departures_met_count=10,
    )


def test_the_cheapest_year_is_first_and_overlapping_ranges_leave_ranks_open() -> None:
    cases = [a_case("c", 950.0, 920.0, 990.0), a_case("a", 900.0, 880.0, 930.0)]
    cases += [a_case("d", 1500.0, 1450.0, 1600.0), a_case("b", 940.0, 931.0, 960.0)]
    found = ranked(cases)
    assert [one.compared.combination.tariff for one in found] == ["a", "b", "c", "d"]
    # a (880 to 930) touches c (920 to 990), b (931 to 960) only c, d nobody.
    assert [(one.rank, one.best_rank, one.worst_rank) for one in found] == [
        (1, 1, 2), (2, 2, 3), (3, 1, 3), (4, 4, 4),
    ]  # fmt: skip


def test_figures_of_some_days_are_blown_up_to_a_year() -> None:
    contest = a_contest()
    where = Combination(tariff="toy", car="car", charger="evse", driver="schedule")
    found = compared(contest, where)
    # Two of 365 days: 10, 8 and 7 kWh a day at 0.30, and 1 kWh a day out of the pack at 0.04.
    assert round(found.plain, 6) == round(365 * 3.0, 6)
    assert round(found.v1g, 6) == round(365 * 2.4, 6)
    assert round(found.v2g, 6) == round(365 * (2.1 + 0.04), 6)
    assert round(found.v2g_low, 6) == round(365 * (2.1 + 0.01), 6)
    assert round(found.v2g_high, 6) == round(365 * (2.1 + 0.09), 6)
    assert round(found.extra.default, 6) == round(365 * 0.26, 6)
