"""Needs in words: what is understood of a text, and what is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from v2g_daemon.domain.needs import (
    LARGEST_KWH,
    LONGEST_KM,
    Distance,
    Energy,
    Need,
    Share,
    Unclear,
    need_of,
    needs_in,
    says_only_needs,
)


@pytest.mark.parametrize(
    ("text", "need"),
    [
        ("80 %", Share(soc=0.8)),
        ("80%", Share(soc=0.8)),
        ("100 %", Share(soc=1.0)),
        ("120 km", Distance(distance_km=120.0)),
        ("120KM", Distance(distance_km=120.0)),
        ("62,5 km", Distance(distance_km=62.5)),
        ("100 miles", Distance(distance_km=160.9344)),
        ("10 mi", Distance(distance_km=16.09344)),
        (" 20.5 kWh ", Energy(energy_wh=20_500.0)),
        ("1200 km", Distance(distance_km=1200.0)),
        ("62.25 km", Distance(distance_km=62.25)),
    ],
)
def test_a_need_is_said_in_one_of_four_words(text: str, need: Need) -> None:
    assert need_of(text) == need


@pytest.mark.parametrize(
    "text", ["", "80", "km", "-20 km", "0 km", "101 %", "2001 km", "501 kWh", "50 km/h", "1e9 km"]
)
def test_what_no_car_can_need_is_refused_with_how_to_say_it(text: str) -> None:
    with pytest.raises(ValueError, match="say it as"):
        need_of(text)


@pytest.mark.parametrize(
    "said",
    ["1.200 km", "1,200 km", "1'200 km", "1\u2019200 km", "1 200 km", "20.500 kWh", "0,750 %"],
)
def test_three_digits_after_a_separator_are_refused_and_not_guessed_at(said: str) -> None:
    with pytest.raises(ValueError, match=f'^"{said}" can be read in two ways; write thousands'):
        need_of(f" {said}")
    (unclear,) = needs_in(f"EV Rome {said}, back late")
    assert isinstance(unclear, Unclear)


@pytest.mark.parametrize(
    ("text", "needs"),
    [
        ("EV: mum, 150 km", [Distance(distance_km=150.0)]),
        ("car 80 %, trip 100 km", [Share(soc=0.8), Distance(distance_km=100.0)]),
        ("car at 130 km/h, 18 kWh/100 km, gate 7", []),
        ("call +31 20 555 1234 km-stand", []),
        ("EV 120% 90 km", [Distance(distance_km=90.0)]),
        ("room 1.20 km2", []),
        ("EV 08:30 150 km", [Distance(distance_km=150.0)]),
        ("EV:150 km", [Distance(distance_km=150.0)]),
        ("1.200,50 km", []),
    ],
)
def test_needs_are_found_in_a_text(text: str, needs: list[Need]) -> None:
    assert list(needs_in(text)) == needs


@pytest.mark.parametrize(
    ("text", "only"),
    [
        (" 80 %", True),
        ("80 %, 150 km", True),
        ("20% discount on tyres", False),
        ("about 20 kWh", False),
        ("-20 %", False),
    ],
)
def test_a_text_of_needs_alone_is_told_from_one_with_other_words(text: str, only: bool) -> None:
    assert says_only_needs(text) == only


@given(st.text(alphabet="0123456789.,- %kKwWhHmMiles/\n€é", max_size=60))
def test_no_text_speaks_of_more_than_a_car_can_do(text: str) -> None:
    for need in needs_in(text):
        match need:
            case Share():
                assert 0.0 < need.soc <= 1.0
            case Distance():
                assert 0.0 < need.distance_km <= LONGEST_KM
            case Energy():
                assert 0.0 < need.energy_wh <= LARGEST_KWH * 1000.0
            case Unclear():
                assert "two ways" in need.why
