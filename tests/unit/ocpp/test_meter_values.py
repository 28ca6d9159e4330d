"""Meter values as stations were seen to send them, each trap as a row."""

from __future__ import annotations

from typing import Any

import pytest

from v2g_daemon.adapters.ocpp.metering.meter_values import GridFlow, Sample, newest_sample

IMPORT, EXPORT = "Power.Active.Import", "Power.Active.Export"
CURRENT, VOLTAGE = "Current.Import", "Voltage"
CHARGED, DISCHARGED = "Energy.Active.Import.Register", "Energy.Active.Export.Register"


def entry(*values: dict[str, Any], at: str = "2024-12-11T17:00:00Z") -> dict[str, Any]:
    return {"timestamp": at, "sampledValue": list(values)}


def value(
    number: Any, measurand: str | None = None, *, unit: str | None = None, **more: Any
) -> dict[str, Any]:
    found: dict[str, Any] = {"value": number, **more}
    if measurand is not None:
        found["measurand"] = measurand
    if unit is not None:
        found["unitOfMeasure"] = {"unit": unit, **more.pop("unit_more", {})}
        found.pop("unit_more", None)
    return found


EACH_10_A = [value(10, CURRENT, phase=phase) for phase in ("L1", "L2", "L3")]
ON_NEUTRAL = [("L1-N", 229), ("L2-N", 230), ("L3-N", 231)]
BETWEEN = ("L1-L2", "L2-L3", "L3-L1")


@pytest.mark.parametrize(
    ("values", "power_w"),
    [
        ([value(3000, IMPORT)], 3000.0),
        ([value(3.0, IMPORT, unit="kW")], 3000.0),
        ([value(3.0, IMPORT, unit="KW ")], 3000.0),
        ([value(3, IMPORT, unit="W", unit_more={"multiplier": 3})], 3000.0),
        ([value(3000, IMPORT, unit="W", unit_more={"multiplier": -3})], 3.0),
        ([value(0, IMPORT), value(5000, EXPORT)], -5000.0),
        ([value(5000, EXPORT)], -5000.0),
        ([value(-5000, IMPORT)], -5000.0),
        ([value(-5000, IMPORT), value(5000, EXPORT)], -5000.0),
        ([value(-5000, EXPORT), value(0, IMPORT)], -5000.0),
        ([value(1000, IMPORT, phase=p) for p in ("L1", "L2", "L3")], 3000.0),
        ([value(1000, IMPORT, phase=p) for p in ("L1-N", "L2-N", "L3-N")], 3000.0),
        ([value(1000, IMPORT, phase="L1"), value(2500, IMPORT)], 2500.0),
        ([value(1000, IMPORT, phase="L1"), value(1000, IMPORT, phase="L1-N")], 1000.0),
        ([value(400, IMPORT, phase="L1-L2")], None),
        ([value(9000, IMPORT, location="Upstream"), value(2000, IMPORT)], 2000.0),
        ([value(9000, IMPORT, location="Upstream")], None),
        ([value(2100, IMPORT, location="Inlet")], 2100.0),
        ([value(2100, IMPORT, location="Inlet"), value(2000, IMPORT)], 2000.0),
        ([value(1, IMPORT, unit="MW")], None),
        ([value(1e12, IMPORT)], None),
        ([value(5, IMPORT, unit="W", unit_more={"multiplier": 99})], None),
        ([value(7000, IMPORT, context="Interruption.Begin")], None),
        ([value(7000, IMPORT, context="Sample.Clock")], 7000.0),
        ([value(7000, "Power.Offered")], None),
        ([value(3, IMPORT, unit="W", unit_more={"multiplier": 3.0})], 3000.0),
        ([value(10, CURRENT), value(230, VOLTAGE)], 2300.0),
        ([value(10, CURRENT), value(230, VOLTAGE, phase="L1-N")], 2300.0),
        ([value(10, "Current.Export"), value(400, VOLTAGE)], -4000.0),
        ([value(10, CURRENT), value(230, VOLTAGE), value(0, IMPORT)], 0.0),
        ([value(10, CURRENT)], None),
        ([*EACH_10_A, *(value(v, VOLTAGE, phase=p) for p, v in ON_NEUTRAL)], 6900.0),
        ([*EACH_10_A, value(231, VOLTAGE, phase="L1-N"), value(233, VOLTAGE)], 6950.0),
        ([*EACH_10_A, *(value(400, VOLTAGE, phase=p) for p in BETWEEN)], 6928.2),
        ([value(10, CURRENT), *(value(v, VOLTAGE, phase=p) for p, v in ON_NEUTRAL)], None),
        ([], None),
    ],
)
def test_power_is_signed_watts_of_the_whole_outlet(
    values: list[dict[str, Any]], power_w: float | None
) -> None:
    sample = newest_sample([entry(*values)])
    assert sample is not None
    assert sample.power_w == (None if power_w is None else pytest.approx(power_w, abs=0.01))


@pytest.mark.parametrize(
    ("values", "charge_milliwh", "discharge_milliwh"),
    [
        ([value(1234.5)], 1_234_500, None),  # no measurand at all is the import register
        ([value(12.3456789, CHARGED, unit="kWh")], 12_345_679, None),
        ([value(0.1, CHARGED, unit="kWh"), value(0.2, DISCHARGED, unit="Wh")], 100_000, 200),
        ([value(100, CHARGED, phase=p) for p in ("L1", "L2", "L3")], 300_000, None),
        ([value(-1, CHARGED)], None, None),
        ([value(1e15, CHARGED)], None, None),
        ([value(5, CHARGED, unit="kVAh")], None, None),
        ([value(0, CHARGED)], 0, None),
    ],
)
def test_registers_are_whole_milliwatt_hours(
    values: list[dict[str, Any]], charge_milliwh: int | None, discharge_milliwh: int | None
) -> None:
    sample = newest_sample([entry(*values)])
    assert sample is not None
    assert sample.charge_milliwh == charge_milliwh
    assert sample.discharge_milliwh == discharge_milliwh


@pytest.mark.parametrize(
    ("number", "soc"), [(0, 0.0), (55.5, 0.555), (100, 1.0), (101, None), (-1, None)]
)
def test_soc_is_a_fraction_or_nothing(number: float, soc: float | None) -> None:
    for unit in (None, "Percent", "%"):
        sample = newest_sample([entry(value(number, "SoC", unit=unit, location="EV"))])
        assert sample is not None
        assert sample.soc == soc


def test_only_the_newest_entry_of_an_unsorted_list_is_live() -> None:
    sample = newest_sample(
        [
            entry(value(2000, IMPORT), at="2024-12-11T17:10:00Z"),
            entry(value(3000, IMPORT), value(80, "SoC"), at="2024-12-11T17:00:00Z"),
            entry(value(1000, IMPORT), at="2024-12-11T17:05:00Z"),
        ]
    )
    assert sample is not None
    assert (sample.power_w, sample.soc) == (2000.0, None)
    assert sample.sampled_at_utc is not None
    assert sample.sampled_at_utc.isoformat() == "2024-12-11T17:10:00+00:00"


def test_entries_of_one_moment_are_one_sample() -> None:
    sample = newest_sample(
        [
            entry(value(2000, IMPORT), at="2024-12-11T17:00:00.100Z"),
            entry(value(40, "SoC"), at="2024-12-11T18:00:00.900+01:00"),
        ]
    )
    assert sample is not None
    assert (sample.power_w, sample.soc) == (2000.0, 0.4)


def test_a_stamp_that_is_none_costs_the_stamp_not_the_values() -> None:
    sample = newest_sample([entry(value(2000, IMPORT), at="yesterday")])
    assert sample == Sample(power_w=2000.0)


def test_no_meter_values_are_no_sample() -> None:
    assert newest_sample([]) is None


@pytest.mark.parametrize("location", ["EV", "Outlet", None])
def test_the_soc_of_the_outlet_is_that_of_its_car(location: str | None) -> None:
    where = {} if location is None else {"location": location}
    sample = newest_sample([entry(value(40, "SoC", **where))])
    assert sample is not None
    assert sample.soc == 0.4


def test_of_two_values_of_one_moment_the_more_telling_holds_whatever_their_order() -> None:
    begin = value(0, CHARGED, context="Transaction.Begin")
    periodic = value(500, CHARGED)
    for values in ((begin, periodic), (periodic, begin)):
        sample = newest_sample([entry(*values)])
        assert sample is not None
        assert sample.charge_milliwh == 500_000


UP = {"location": "Upstream"}


@pytest.mark.parametrize(
    ("values", "flow"),
    [
        ([value(2000, IMPORT)], None),
        ([value(900, IMPORT, **UP), value(2000, IMPORT)], GridFlow(power_w=900.0)),
        ([value(0, IMPORT, **UP), value(1.5, EXPORT, unit="kW", **UP)], GridFlow(power_w=-1500.0)),
        ([value(5000, CHARGED, **UP)], None),  # a counter alone tells no power
        (
            [
                value(900, IMPORT, **UP),
                value(5, CHARGED, unit="kWh", **UP),
                value(3000, DISCHARGED, **UP),
                value(70_000, CHARGED),
            ],
            GridFlow(power_w=900.0, import_milliwh=5_000_000, export_milliwh=3_000_000),
        ),
        (
            [
                *(value(100 * n, IMPORT, phase=f"L{n}", **UP) for n in (1, 2, 3)),
                *(value(230 + n, VOLTAGE, phase=f"L{n}-N", **UP) for n in (1, 2, 3)),
            ],
            GridFlow(
                power_w=600.0,
                phase_power_w=(100.0, 200.0, 300.0),
                voltage_v=(231.0, 232.0, 233.0),
            ),
        ),
        (
            [
                *(value(n, IMPORT, phase=f"L{n}", **UP) for n in (1, 2, 3)),
                *(value(100, EXPORT, phase=f"L{n}", **UP) for n in (1, 2, 3)),
            ],
            GridFlow(power_w=-294.0, phase_power_w=(-99.0, -98.0, -97.0)),
        ),
        # Two of three phases are no phases.
        (
            [value(100, IMPORT, phase=one, **UP) for one in ("L1", "L3")],
            GridFlow(power_w=200.0),
        ),
    ],
)
def test_what_lies_upstream_is_the_grids_and_none_of_the_outlets(
    values: list[dict[str, Any]], flow: GridFlow | None
) -> None:
    sample = newest_sample([entry(*values)])
    assert sample is not None
    assert sample.upstream == flow
