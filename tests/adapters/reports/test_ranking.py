"""The ranking in the terminal, on the page and as JSON."""

from __future__ import annotations

import json
from dataclasses import replace

from tests.adapters.reports.test_backtest_page import words_of
from tests.unit.rehearsal.test_ranking import a_case
from v2g_daemon.adapters.reports.ranking import ranking_json, ranking_page, ranking_text
from v2g_daemon.rehearsal.ranking import ranked

FOUND = ranked([a_case("dear", 950.0, 890.0, 990.0), a_case("<cheap>", 900.0, 880.0, 930.0)])


def test_only_what_differs_has_a_column() -> None:
    lines = ranking_text(FOUND).splitlines()
    assert lines[0].split() == ["tariff", "plain", "V1G", "V2G", "by", "wear", "V2G", "adds", "by",
                                "wear", "met"]  # fmt: skip
    assert lines[1].split() == ["1–2", "<cheap>", "1200", "1000", "900", "880", "to", "930", "50",
                                "20", "to", "70", "10/10"]  # fmt: skip
    assert lines[-1] == "The same for all: car car, charger garage, driver schedule."
    assert lines[-2] == "Rehearsed over 28 days, whose money is scaled to a year."


def test_it_is_told_where_some_were_rehearsed_for_longer() -> None:
    longer = replace(a_case("long", 700.0, 690.0, 710.0), days_count=364)
    found = ranked([longer, *(one.compared for one in FOUND)])
    assert "Rehearsed over 28 to 364 days, whose" in ranking_text(found)


def test_the_page_answers_first_and_leaves_open_what_is_open() -> None:
    page = ranking_page(FOUND)
    words = words_of(page)
    assert "Which one is cheapest? <cheap>: 900 EUR a year." in words
    assert "With other battery wear it may be place 2." in words
    assert "Rehearsed over 28 days" in words
    assert "<cheap>" not in page


def test_programs_get_the_ranks_and_the_ranges() -> None:
    first, second = json.loads(ranking_json(FOUND))
    assert (first["tariff"], first["rank"], first["best_rank"], first["worst_rank"]) == (
        "<cheap>", 1, 1, 2,
    )  # fmt: skip
    assert (second["v2g"], second["v2g_low"], second["v2g_high"]) == (950.0, 890.0, 990.0)
