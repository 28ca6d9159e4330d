"""The page and the table of a rehearsal: the answer, how sure it is, and nothing from a network."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

import pytest

from tests.unit.rehearsal.contests import TWO_DAYS, a_contest, days_alike
from tests.unit.rehearsal.toys import days_of
from v2g_daemon.adapters.reports.backtest_page import backtest_page
from v2g_daemon.adapters.reports.backtest_text import gain_words, payback_words, rendered
from v2g_daemon.adapters.reports.verdict_words import Verdict, verdict, years_words
from v2g_daemon.rehearsal.contest import Contest
from v2g_daemon.rehearsal.score import Carbon, WarrantyUse
from v2g_daemon.rehearsal.strategies import Strategy
from v2g_daemon.rehearsal.verdict import Gain, Payback

VOID = {"meta", "br", "line", "rect", "path", "circle"}


class Reader(HTMLParser):
    """Every element is closed where it was opened; words and addresses are kept."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.words.append(data)


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


def words_of(page: str) -> str:
    return " ".join(" ".join(read(page).words).split())


def the_verdict(contest: Contest, hardware_price: float | None = None) -> Verdict:
    found = verdict(contest, hardware_price=hardware_price)
    assert found is not None
    return found


def test_the_page_needs_no_network_and_no_script() -> None:
    page = backtest_page(a_contest(), hardware_price=None)
    reader = read(page)
    assert [key for key, _ in reader.attributes if key in {"src", "href", "onload"}] == []
    assert "<script" not in page
    assert "url(" not in page
    assert "@import" not in page


def test_the_answer_stands_first_and_how_sure_it_is_right_below() -> None:
    words = words_of(backtest_page(a_contest(), hardware_price=None))
    # 0.26 EUR a day beyond smart charging of 3.00 EUR a day with plain charging: 9 %.
    assert "Is V2G worth it for me? Yes: about 95 EUR a year." in words
    assert "How sure is that? Quite sure: even high wear and an unlucky year leave 77 EUR." in words
    assert "Only 2 days were rehearsed and blown up to a year: other seasons differ." in words
    assert words.index("How sure is that?") < words.index("All strategies")


@pytest.mark.parametrize(
    ("out_kwh", "bought_kwh", "answer"),
    [
        (1.0, 8.1, "No: it would cost about 26 EUR a year."),
        (1.0, 7.85, "Hardly: about 2 EUR a year."),
        (1.0, 7.5, "A little: about 40 EUR a year."),
        (1.0, 7.0, "Yes: about 95 EUR a year."),
    ],
)
def test_the_answer_without_a_price_goes_by_what_the_house_pays(
    out_kwh: float, bought_kwh: float, answer: str
) -> None:
    contest = a_contest(energies={**TWO_DAYS, Strategy.V2G: (bought_kwh, out_kwh)})
    assert the_verdict(contest).answer == answer


@pytest.mark.parametrize(
    ("price", "answer"),
    [
        (500.0, "Yes: it earns back 500 EUR in about 5 years."),
        (1000.0, "Probably: it earns back 1,000 EUR in about 11 years."),
        (1500.0, "Only with luck: it earns back 1,500 EUR in about 16 years."),
        (5000.0, "Not at this price: it takes about 53 years to earn back 5,000 EUR."),
        (50_000.0, "Not at this price: it takes about over 100 years to earn back 50,000 EUR."),
    ],
)
def test_the_answer_to_a_price_goes_by_when_it_is_earned_back(price: float, answer: str) -> None:
    assert the_verdict(a_contest(), price).answer == answer.replace("about over", "over")


def test_what_never_earns_is_said_so() -> None:
    losing = a_contest(energies={**TWO_DAYS, Strategy.V2G: (9.0, 1.0)})
    assert the_verdict(losing, 1000.0).answer == "No: it never earns back 1,000 EUR."


def test_where_it_comes_from_decides_what_the_owner_needs() -> None:
    at_home = a_contest(energies={**TWO_DAYS, Strategy.V2H: (7.0, 1.0)})
    assert "covering the house's own load, not from export" in the_verdict(at_home).reasons[2]
    exported = a_contest(energies={**TWO_DAYS, Strategy.V2H: (8.0, 0.0)})
    assert "without permission for that, it is not there" in the_verdict(exported).reasons[2]


def test_high_wear_that_leaves_nothing_makes_it_not_sure() -> None:
    near = a_contest(energies={**TWO_DAYS, Strategy.V2G: (6.5, 6.0)})
    assert the_verdict(near).sureness.startswith("Not sure")


def test_how_sure_is_said_of_the_answer_that_was_given() -> None:
    # 20 EUR a year at most of 1095.
    little = a_contest(energies={**TWO_DAYS, Strategy.V2G: (7.8, 1.0)})
    assert the_verdict(little).sureness == (
        "Quite sure that it is little: between -11 EUR with high wear in an unlucky year and 18 EUR"
        " with low wear in a lucky one."
    )
    assert the_verdict(little, 4000.0).sureness == (
        "Quite sure: even with low wear and lucky years it takes over 100 years."
    )


def test_missed_departures_are_not_hidden() -> None:
    contest = a_contest()
    entry = contest.entries[Strategy.V2G]
    score = replace(
        entry.score, departures_count=9, departures_met_count=8, missed_wh=1500.0
    )  # fmt: skip
    entries = {**contest.entries, Strategy.V2G: replace(entry, score=score)}
    words = words_of(backtest_page(replace(contest, entries=entries), hardware_price=None))
    assert "The car had its energy at 8 of 9 departures; 1.5 kWh were missing" in words


def test_a_rehearsal_broken_off_says_so_and_what_is_missing() -> None:
    energies = {one: TWO_DAYS[one] for one in (Strategy.PLAIN, Strategy.V1G)}
    contest = a_contest(energies=energies, unfinished={Strategy.V2G: 96})
    words = words_of(backtest_page(contest, hardware_price=None))
    assert "Stopped before the end: these are partial results. Broken off: our V2G." in words
    assert "Broken off: our V2G after 1 days." in rendered(contest, hardware_price=None)


def test_months_and_an_ordinary_day_are_drawn() -> None:
    contest = a_contest(days_alike(40))
    page = backtest_page(contest, hardware_price=None)
    words = words_of(page)
    assert "When it comes in" in words
    assert "The day that brought most" in words
    assert page.count("<svg") == 2 * 4


def test_a_name_from_a_file_cannot_become_markup() -> None:
    contest = a_contest()
    case = replace(contest.case, name="<b>&house", notes=("<i>a note",))
    page = backtest_page(replace(contest, case=case), hardware_price=None)
    assert "<b>" not in page
    assert "<i>" not in page
    assert "<b>&house" in words_of(page)


def test_carbon_and_warranty_are_told_where_there_are_any() -> None:
    contest = a_contest()
    entries = {
        strategy: replace(
            entry,
            score=replace(
                entry.score,
                carbon=Carbon(import_kg=12.0, export_kg=1.0),
                warranty=WarrantyUse(energy_share=0.25, hours_share=None, cycles_share=0.5),
            ),
        )
        for strategy, entry in contest.entries.items()
    }
    contest = replace(contest, entries=entries)
    text = rendered(contest, hardware_price=1000.0)
    assert "kg CO2" in text
    assert "Our V2G uses 25% of its energy, 50% of its cycles" in text
    assert "emitted, kg CO2" in words_of(backtest_page(contest, hardware_price=None))


def test_the_table_lines_its_columns_up() -> None:
    lines = rendered(a_contest(), hardware_price=None).splitlines()
    head = next(line for line in lines if line.endswith("share"))
    plain = next(line for line in lines if line.startswith("plain charging"))
    assert head.split() == ["import", "export_energy", "wear", "end", "energy", "net", "wear",
                            "low–high", "share"]  # fmt: skip
    assert plain.split() == ["plain", "charging", "6.00", "0.00", "0.00", "0.00", "6.00",
                             "0.00–0.00", "0.0%"]  # fmt: skip
    assert len(head) == len(plain)
    relaxed = next(line for line in lines if line.startswith("linear relaxation"))
    assert relaxed.split()[-1] == "4.00"


def test_gains_and_paybacks_in_words() -> None:
    contest = a_contest(days_of([0.3] * 96), {})
    gain = Gain(default=50.4, low=20.0, high=70.0, by_chance=9.6, best_days_share=1.2)
    assert gain_words(gain, contest) == (
        "50 EUR a year (20 to 70 by wear, ±10 by the luck of the weeks); without the ten best days"
        " nothing would be left of it"
    )
    never = Payback(soonest_years=None, default_years=None, latest_years=None)
    assert payback_words(never, 900.0, contest) == "900 EUR are never paid back"
    open_ended = Payback(soonest_years=12.0, default_years=40.0, latest_years=None)
    said = "900 EUR are paid back in 40 years (12 to never)"
    assert payback_words(open_ended, 900.0, contest) == said
    assert years_words(2437.0) == "over 100"
