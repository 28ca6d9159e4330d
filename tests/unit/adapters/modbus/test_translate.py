"""Registers of SunSpec meters to readings; every block is written down by hand."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from v2g_daemon.adapters.modbus.profile import Family, MeterProfile
from v2g_daemon.adapters.modbus.translate import implausible, meter_reading, produced_w
from v2g_daemon.domain.errors import DeviceProtocolError
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.readings import MeterReading

NOW = Instant(utc=datetime(2024, 12, 11, 16, 30, tzinfo=UTC), monotonic_s=100.0)
UPRIGHT = MeterProfile(profile_id="t", name="t", family=Family.SUNSPEC, sign=1, word_order="big")
INVERTED = MeterProfile(profile_id="t", name="t", family=Family.SUNSPEC, sign=-1, word_order="big")
SWAPPED = MeterProfile(profile_id="t", name="t", family=Family.SUNSPEC, sign=1, word_order="little")


def integer_block(**changed: int) -> list[int]:
    """Model 203: 2 500 W (1 500, 1 200, −200), 49.98 Hz, 5 kWh exported, 1 MWh imported."""
    block = [0] * 55
    block[0:2] = [203, 105]
    block[8:11] = [2301, 2312, 2299]
    block[15] = 0xFFFF  # V_SF −1
    block[16:18] = [4998, 0xFFFE]  # Hz, SF −2
    block[18:23] = [250, 150, 120, 0xFFEC, 1]  # W, phases (the third −20), SF 1
    block[38:40] = [0, 5_000]  # 5 000 Wh exported
    block[46:48] = [15, 16_960]  # 15 × 65 536 + 16 960 = 1 000 000 Wh imported
    block[54] = 0
    for offset, register in changed.items():
        block[int(offset.removeprefix("at"))] = register
    return block


def float_block(model_id: int = 213) -> list[int]:
    """The same house from a float meter; registers are IEEE 754 words written by hand."""
    block = [0] * 70
    block[0:2] = [model_id, 124]
    block[12:18] = [0x4366, 0x0000, 0x4367, 0x0000, 0x4365, 0x0000]  # 230, 231, 229 V
    block[26:28] = [0x4248, 0x0000]  # 50 Hz
    block[28:30] = [0x451C, 0x4000]  # 2 500 W
    block[30:36] = [0x44BB, 0x8000, 0x4496, 0x0000, 0xC348, 0x0000]  # 1 500, 1 200, −200 W
    block[60:62] = [0x459C, 0x4000]  # 5 000 Wh exported
    block[68:70] = [0x4974, 0x2400]  # 1 000 000 Wh imported
    return block


def test_an_integer_meter_is_read_with_its_scale_factors() -> None:
    assert meter_reading(integer_block(), profile=UPRIGHT, observed_at=NOW) == MeterReading(
        observed_at=NOW,
        power_w=2500.0,
        phase_power_w=(1500.0, 1200.0, -200.0),
        voltage_v=(230.1, 231.2, 229.9),
        frequency_hz=49.98,
        import_milliwh=1_000_000_000,
        export_milliwh=5_000_000,
    )


def test_a_float_meter_is_read_as_floats_energies_too() -> None:
    assert meter_reading(float_block(), profile=UPRIGHT, observed_at=NOW) == MeterReading(
        observed_at=NOW,
        power_w=2500.0,
        phase_power_w=(1500.0, 1200.0, -200.0),
        voltage_v=(230.0, 231.0, 229.0),
        frequency_hz=50.0,
        import_milliwh=1_000_000_000,
        export_milliwh=5_000_000,
    )


@pytest.mark.parametrize("block", [integer_block(), float_block()])
def test_an_inverted_meter_swaps_power_and_counters_together(block: list[int]) -> None:
    reading = meter_reading(block, profile=INVERTED, observed_at=NOW)
    assert reading.power_w == -2500.0
    assert reading.phase_power_w == (-1500.0, -1200.0, 200.0)
    assert reading.import_milliwh == 5_000_000
    assert reading.export_milliwh == 1_000_000_000
    assert reading.voltage_v[0] > 0.0


def test_little_word_order_swaps_the_words_of_32_bit_values_only() -> None:
    block = integer_block(at38=5_000, at39=0, at46=16_960, at47=15)
    reading = meter_reading(block, profile=SWAPPED, observed_at=NOW)
    assert reading.import_milliwh == 1_000_000_000
    assert reading.export_milliwh == 5_000_000
    assert reading.power_w == 2500.0


@pytest.mark.parametrize(
    ("scale", "milliwh"),
    [
        (0, 1_234_567_000),
        (1, 12_345_670_000),
        (0xFFFD, 1_234_567),  # −3: the counter counts milliwatt-hours
        (0xFFFB, 12_346),  # −5: 12 345.67 rounds up
    ],
)
def test_energy_is_scaled_in_integers(scale: int, milliwh: int) -> None:
    block = integer_block(at46=18, at47=54_919, at54=scale)  # 18 × 65 536 + 54 919 = 1 234 567
    assert meter_reading(block, profile=UPRIGHT, observed_at=NOW).import_milliwh == milliwh


def test_what_is_not_implemented_is_absent_and_never_zero() -> None:
    block = integer_block(at8=0x8000, at21=0x8000, at16=0x8000, at54=0x8000)
    reading = meter_reading(block, profile=UPRIGHT, observed_at=NOW)
    assert reading.phase_power_w == ()
    assert reading.voltage_v == ()
    assert reading.frequency_hz is None
    assert reading.import_milliwh is None
    assert reading.export_milliwh is None
    assert reading.power_w == 2500.0


def test_nan_is_absent_in_a_float_meter() -> None:
    block = float_block()
    block[26] = block[30] = block[60] = 0x7FC0
    reading = meter_reading(block, profile=UPRIGHT, observed_at=NOW)
    assert reading.frequency_hz is None
    assert reading.phase_power_w == ()
    assert reading.export_milliwh is None
    assert reading.import_milliwh == 1_000_000_000


@pytest.mark.parametrize(
    "block",
    [
        integer_block(at18=0x8000),
        integer_block(at22=0x8000),
        integer_block(at22=11),
        integer_block(at0=103),
        integer_block()[:54],
        [*float_block()[:28], 0x7FC0, 0, *float_block()[30:]],
    ],
    ids=["no power", "no power scale", "scale 11", "an inverter", "short", "float NaN"],
)
def test_a_block_without_a_total_power_is_no_reading(block: list[int]) -> None:
    with pytest.raises(DeviceProtocolError):
        meter_reading(block, profile=UPRIGHT, observed_at=NOW)


def test_a_missing_frequency_scale_means_whole_hertz() -> None:
    block = integer_block(at16=50, at17=0x8000)
    assert meter_reading(block, profile=UPRIGHT, observed_at=NOW).frequency_hz == 50.0


def test_a_house_that_never_exported_has_exported_zero() -> None:
    block = integer_block(at38=0, at39=0)
    assert meter_reading(block, profile=UPRIGHT, observed_at=NOW).export_milliwh == 0


def test_two_counters_at_zero_are_counters_that_do_not_exist() -> None:
    block = integer_block(at38=0, at39=0, at46=0, at47=0)
    reading = meter_reading(block, profile=UPRIGHT, observed_at=NOW)
    assert (reading.import_milliwh, reading.export_milliwh) == (None, None)


@pytest.mark.parametrize(("model_id", "phases"), [(201, 1), (202, 2), (203, 3), (204, 3)])
def test_a_meter_has_the_phases_of_its_model(model_id: int, phases: int) -> None:
    reading = meter_reading(integer_block(at0=model_id), profile=UPRIGHT, observed_at=NOW)
    assert reading.phase_power_w == (1500.0, 1200.0, -200.0)[:phases]
    assert reading.voltage_v == (230.1, 231.2, 229.9)[:phases]


def test_production_is_what_flows_out_of_a_pv_meter() -> None:
    assert produced_w(MeterReading(observed_at=NOW, power_w=-3200.0)) == 3200.0


@pytest.mark.parametrize(
    ("power_w", "frequency_hz", "refused"),
    [
        (17_000.0, 50.0, False),
        (-172_500.0, None, False),
        (172_501.0, 50.0, True),
        (-172_501.0, 50.0, True),
        (float("nan"), 50.0, True),
        (500.0, 5.0, True),
        (500.0, 4998.0, True),
        (500.0, 40.0, False),
        (500.0, 70.1, True),
    ],
)
def test_a_reading_of_another_world_is_refused(
    power_w: float, frequency_hz: float | None, refused: bool
) -> None:
    reading = MeterReading(observed_at=NOW, power_w=power_w, frequency_hz=frequency_hz)
    assert (implausible(reading, main_fuse_w=17_250.0) is not None) is refused
