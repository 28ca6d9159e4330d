"""A slice of the calibration: what readiness says of the trips of some weeks comes about."""

from __future__ import annotations

import pytest

from tests.benchmarks.readiness import Told, figures, told_in


@pytest.mark.timeout(180)
def test_some_weeks_of_a_real_year_are_as_ready_as_they_are_said_to_be() -> None:
    # Of so few trips one more or less is some points by itself.
    told = told_in("nl2024pv", days=25)
    found = figures("nl2024pv", told)
    assert len(told) >= 12
    assert abs(float(str(found["apart_points"]))) <= 3.0 + 100.0 / len(told)


def test_what_was_told_is_held_against_what_came() -> None:
    told = [
        Told(covered_share=share, covered=covered)
        for share, covered in ((1.0, True), (1.0, True), (0.9, True), (0.8, False))
    ]
    assert figures("made up", told) == {
        "year": "made up",
        "stays": 4,
        "told_percent": 92.5,
        "came_percent": 75.0,
        "apart_points": 17.5,
        "bands": {
            "from 0": {
                "stays": 1,
                "told_percent": 80.0,
                "came_percent": 0.0,
                "apart_points": 80.0,
            },
            "from 0.9": {
                "stays": 1,
                "told_percent": 90.0,
                "came_percent": 100.0,
                "apart_points": -10.0,
            },
            "from 0.98": {
                "stays": 2,
                "told_percent": 100.0,
                "came_percent": 100.0,
                "apart_points": 0.0,
            },
        },
    }


def test_too_few_days_say_so() -> None:
    assert figures("made up", []) == {"year": "made up", "stays": 0}
