"""A grid in trouble: nothing flows, and nothing comes back before a minute of normal values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from tests.builders import NOW, a_memory, a_meter, a_policy, a_snapshot
from v2g_daemon.control.decide import decide
from v2g_daemon.domain.decision import EvseDecision
from v2g_daemon.domain.power import PowerRange

ONLY_ZERO = PowerRange(lowest_w=0.0, highest_w=0.0)


def bound(decision: EvseDecision) -> PowerRange | None:
    found = [one.permitted for one in decision.limits if one.reason.rule == "grid_quality"]
    return found[0] if found else None


def bounds_over(*seen: tuple[float, Mapping[str, object]]) -> list[PowerRange | None]:
    """The limit at each moment, in seconds from NOW, with what the meter said then."""
    memory, found = a_memory(), []
    for at_s, values in seen:
        now = NOW.later(at_s)
        meter = replace(a_meter(500.0), observed_at=now, **values)  # type: ignore[arg-type]
        memory, decision = decide(memory, a_snapshot(now=now, meter=meter), a_policy())
        found.append(bound(decision.evses[0]))
    return found


@pytest.mark.parametrize(
    ("values", "trouble"),
    [
        ({"frequency_hz": 50.0}, False),
        ({"frequency_hz": 47.5}, False),
        ({"frequency_hz": 47.49}, True),
        ({"frequency_hz": 51.51}, True),
        ({"frequency_hz": 60.0}, False),
        ({"frequency_hz": 57.4}, True),
        ({"frequency_hz": None}, False),
        ({"voltage_v": (230.0, 230.0, 230.0)}, False),
        ({"voltage_v": (230.0, 183.0, 230.0)}, True),
        ({"voltage_v": (230.0, 0.0, 0.0)}, False),  # a phase that is not connected
    ],
)
def test_outside_its_bands_nothing_flows(values: dict[str, object], trouble: bool) -> None:
    assert bounds_over((0.0, values)) == [ONLY_ZERO if trouble else None]


def test_it_comes_back_after_a_minute_of_normal_values() -> None:
    good, bad = {"frequency_hz": 50.0}, {"frequency_hz": 46.9}
    assert bounds_over((0.0, bad), (1.0, good), (59.0, good), (60.0, good), (61.0, bad)) == [
        ONLY_ZERO, ONLY_ZERO, ONLY_ZERO, None, ONLY_ZERO,
    ]  # fmt: skip


def test_the_iberian_collapse_ends_the_discharge_at_the_first_sample_outside() -> None:
    """Toledo, 28 April 2025, 10:33:10 to 10:33:30 UTC, each 2 s (brmurray/apagon_april28, MIT)."""
    course_hz = [
        49.956, 49.952, 49.95, 49.942, 49.902, 48.556, 47.476, 47.408, 47.291, 47.245, 47.173,
    ]  # fmt: skip
    found = bounds_over(*((2.0 * at, {"frequency_hz": hz}) for at, hz in enumerate(course_hz)))
    assert found == [None] * 6 + [ONLY_ZERO] * 5
