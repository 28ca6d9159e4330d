"""Whatever a station sends: bounded, and the same in any order and any unit."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from v2g_daemon.adapters.ocpp.metering.meter_values import Sample, newest_sample

Json = dict[str, Any]

MEASURANDS = (
    "Power.Active.Import", "Power.Active.Export", "Energy.Active.Import.Register",
    "Energy.Active.Export.Register", "SoC", "Current.Import", "Current.Export", "Voltage",
    "Power.Offered", "Frequency",
)  # fmt: skip
UNITS = {
    "Power": (("W", 1), ("kW", 1000), ("KW ", 1000)),
    "Energy": (("Wh", 1), ("kWh", 1000), (" kwh", 1000)),
}
PHASES = ("L1", "L2", "L3", "N", "L1-N", "L2-N", "L3-N", "L1-L2", "L2-L3", "L3-L1")
LOCATIONS = ("Body", "Cable", "EV", "Inlet", "Outlet", "Upstream")
CONTEXTS = (
    "Interruption.Begin", "Interruption.End", "Other", "Sample.Clock", "Sample.Periodic",
    "Transaction.Begin", "Transaction.End", "Trigger",
)  # fmt: skip
STAMPS = (
    "2024-12-11T17:00:00Z", "2024-12-11T17:00:00.500Z", "2024-12-11T18:00:01+01:00",
    "2024-12-11T16:00:00Z", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "yesterday",
)  # fmt: skip

unit_of_measure = st.fixed_dictionaries(
    {},
    optional={
        "unit": st.sampled_from(["W", "kW", "Wh", "kWh", "A", "V", "Percent", "", "MW", "kVAh"]),
        "multiplier": st.integers(-12, 12),
    },
)
number = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-20_000, 20_000),
    st.floats(-1000.0, 1000.0),
)
sampled_value = st.fixed_dictionaries(
    {"value": number},
    optional={
        "measurand": st.sampled_from(MEASURANDS),
        "phase": st.sampled_from(PHASES),
        "location": st.sampled_from(LOCATIONS),
        "context": st.sampled_from(CONTEXTS),
        "unitOfMeasure": unit_of_measure,
    },
)
entry = st.fixed_dictionaries(
    {
        "timestamp": st.sampled_from(STAMPS),
        "sampledValue": st.lists(sampled_value, min_size=1, max_size=8),
    }
)
entries = st.lists(entry, max_size=4)


@given(entries)
def test_whatever_comes_is_bounded_or_absent(told: list[Json]) -> None:
    sample = newest_sample(told)
    assert (sample is None) == (told == [])
    if sample is None:
        return
    assert sample.power_w is None or abs(sample.power_w) <= 6_000_000.0
    assert sample.soc is None or 0.0 <= sample.soc <= 1.0
    grid = sample.upstream
    assert grid is None or abs(grid.power_w) <= 6_000_000.0
    assert grid is None or len(grid.phase_power_w) in (0, 1, 3)
    for register in (sample.charge_milliwh, sample.discharge_milliwh):
        assert register is None or 0 <= register <= 3 * 10**15


@given(entries, st.randoms(use_true_random=False))
def test_the_order_of_entries_and_values_says_nothing(told: list[Json], random: Any) -> None:
    shuffled = copy.deepcopy(told)
    random.shuffle(shuffled)
    for one in shuffled:
        random.shuffle(one["sampledValue"])
    assert newest_sample(shuffled) == newest_sample(told)


@st.composite
def told_twice(draw: st.DrawFn) -> tuple[Json, Json]:
    """One value in base units, and the same in another unit with another multiplier."""
    measurand = draw(st.sampled_from(MEASURANDS[:4]))
    base = draw(st.integers(0, 900_000))
    unit, per_unit = draw(st.sampled_from(UNITS[measurand.split(".")[0]]))
    multiplier = draw(st.integers(-3, 3))
    # In thousandths, and divided by a power of ten: exact as a text, near enough as a float.
    other = base / per_unit / 10.0**multiplier
    place = {"measurand": measurand, "phase": draw(st.sampled_from(["L1", "L1-N"]))}
    plain = {**place, "value": base}
    scaled = {**place, "value": other, "unitOfMeasure": {"unit": unit, "multiplier": multiplier}}
    return plain, scaled


@given(st.lists(told_twice(), min_size=1, max_size=6))
def test_a_change_of_unit_changes_nothing(pairs: list[tuple[Json, Json]]) -> None:
    at = {"timestamp": STAMPS[0]}
    plain = newest_sample([{**at, "sampledValue": [one for one, _ in pairs]}])
    scaled = newest_sample([{**at, "sampledValue": [other for _, other in pairs]}])
    assert plain is not None
    assert scaled is not None
    assert rounded(plain) == rounded(scaled)


def rounded(sample: Sample) -> tuple[float | None, ...]:
    return tuple(
        None if one is None else round(one, 3)
        for one in (sample.power_w, sample.charge_milliwh, sample.discharge_milliwh)
    )
