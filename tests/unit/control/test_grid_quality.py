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


def test_the_hours_of_a_collapse_end_the_discharge_before_the_band_is_left() -> None:
    """A frequency as recorded on 28 April 2025, rounded: 50 Hz, down in seconds, then nothing."""
    course = [(0.0, 50.0), (1.0, 49.7), (2.0, 48.9), (3.0, 48.0), (4.0, 47.4), (5.0, 46.5)]
    found = bounds_over(*((at_s, {"frequency_hz": hertz}) for at_s, hertz in course))
    assert found == [None, None, None, None, ONLY_ZERO, ONLY_ZERO]
