"""Registers of SunSpec devices to readings; every block is written down by hand."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from v2g_daemon.adapters.modbus.profile import Family, MeterProfile
from v2g_daemon.adapters.modbus.sunspec_models import layout_of, map_of
from v2g_daemon.adapters.modbus.translate import meter_reading, out_of_bounds
from v2g_daemon.domain.errors import DeviceProtocolError
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.readings import MeterReading

NOW = Instant(utc=datetime(2024, 12, 11, 16, 30, tzinfo=UTC), monotonic_s=100.0)
UPRIGHT = MeterProfile(id="t", name="t", family=Family.SUNSPEC, sign=1, word_order="big")
INVERTED = UPRIGHT.model_copy(update={"sign": -1, "counters": "exchanged"})
SOLAREDGE = UPRIGHT.model_copy(update={"sign": -1})
SWAPPED = UPRIGHT.model_copy(update={"word_order": "little"})
ADDRESS = 40070


def read(block: list[int], *, profile: MeterProfile = UPRIGHT) -> MeterReading:
    """The reading of a block that stands behind the common model."""
    image = {ADDRESS + offset: word for offset, word in enumerate(block)}
    the_map = map_of(block[0], ADDRESS, serial_at=None)
    return meter_reading(image, the_map, profile=profile, observed_at=NOW)


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
    assert read(integer_block()) == MeterReading(
        observed_at=NOW,
        power_w=2500.0,
        phase_power_w=(1500.0, 1200.0, -200.0),
        voltage_v=(230.1, 231.2, 229.9),
        frequency_hz=49.98,
        import_milliwh=1_000_000_000,
        export_milliwh=5_000_000,
    )


def test_a_float_meter_is_read_as_floats_energies_too() -> None:
    assert read(float_block()) == MeterReading(
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
    reading = read(block, profile=INVERTED)
    assert reading.power_w == -2500.0
    assert reading.phase_power_w == (-1500.0, -1200.0, 200.0)
    assert reading.import_milliwh == 5_000_000
    assert reading.export_milliwh == 1_000_000_000
    assert reading.voltage_v[0] > 0.0


def test_little_word_order_swaps_the_words_of_32_bit_values_only() -> None:
    block = integer_block(at38=5_000, at39=0, at46=16_960, at47=15)
    reading = read(block, profile=SWAPPED)
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
    assert read(block).import_milliwh == milliwh


def test_what_is_not_implemented_is_absent_and_never_zero() -> None:
    block = integer_block(at8=0x8000, at21=0x8000, at16=0x8000, at54=0x8000)
    reading = read(block)
    assert reading.phase_power_w == ()
    assert reading.voltage_v == ()
    assert reading.frequency_hz is None
    assert reading.import_milliwh is None
    assert reading.export_milliwh is None
    assert reading.power_w == 2500.0


def test_nan_is_absent_in_a_float_meter() -> None:
    block = float_block()
    block[26] = block[30] = block[60] = 0x7FC0
    reading = read(block)
    assert reading.frequency_hz is None
    assert reading.phase_power_w == ()
    # One counter without the other is none: they are booked together.
    assert (reading.import_milliwh, reading.export_milliwh) == (None, None)


@pytest.mark.parametrize(
    "block",
    [
        integer_block(at18=0x8000),
        integer_block(at22=0x8000),
        integer_block(at22=11),
        integer_block()[:22],
        [*float_block()[:28], 0x7FC0, 0, *float_block()[30:]],
    ],
    ids=["no power", "no power scale", "scale 11", "short", "float NaN"],
)
def test_a_block_without_a_total_power_is_no_reading(block: list[int]) -> None:
    with pytest.raises(DeviceProtocolError):
        read(block)


def test_a_missing_frequency_scale_means_whole_hertz() -> None:
    block = integer_block(at16=50, at17=0x8000)
    assert read(block).frequency_hz == 50.0


def test_a_house_that_never_exported_has_exported_zero() -> None:
    block = integer_block(at38=0, at39=0)
    assert read(block).export_milliwh == 0


def test_two_counters_at_zero_are_counters_that_do_not_exist() -> None:
    block = integer_block(at38=0, at39=0, at46=0, at47=0)
    reading = read(block)
    assert (reading.import_milliwh, reading.export_milliwh) == (None, None)


@pytest.mark.parametrize(("model_id", "phases"), [(201, 1), (202, 2), (203, 3), (204, 3)])
def test_a_meter_has_the_phases_of_its_model(model_id: int, phases: int) -> None:
    reading = read(integer_block(at0=model_id))
    assert reading.phase_power_w == (1500.0, 1200.0, -200.0)[:phases]
    assert reading.voltage_v == (230.1, 231.2, 229.9)[:phases]


def test_a_solaredge_meter_turns_its_power_and_keeps_its_counters() -> None:
    reading = read(integer_block(), profile=SOLAREDGE)
    assert (reading.power_w, reading.phase_power_w) == (-2500.0, (-1500.0, -1200.0, 200.0))
    assert (reading.import_milliwh, reading.export_milliwh) == (1_000_000_000, 5_000_000)


def integer_inverter() -> list[int]:
    """Model 103: 3 210 W out, 230.1 V, 49.98 Hz, 123 456.7 kWh."""
    block = [0] * 27
    block[0:2] = [103, 50]
    block[10:14] = [2301, 2312, 2299, 0xFFFF]
    block[14:16] = [321, 1]
    block[16:18] = [4998, 0xFFFE]
    block[24:27] = [18, 54_919, 2]  # 1 234 567 × 100 Wh
    return block


def float_inverter() -> list[int]:
    """Model 113: the same, 3 210 W = 0x4548A000, 123 456 704 Wh = 0x4CEB79A0."""
    block = [0] * 34
    block[0:2] = [113, 60]
    block[16:22] = [0x4366, 0, 0x4367, 0, 0x4365, 0]
    block[22:26] = [0x4548, 0xA000, 0x4248, 0x0000]
    block[32:34] = [0x4CEB, 0x79A0]
    return block


def der_measurement() -> list[int]:
    """Model 701: 3 210 W injected, 1 070 W a phase, 12.3 MWh injected, 45 kWh absorbed."""
    block = [0] * 122
    block[0:2] = [701, 153]
    block[10] = 3210
    block[17:19] = [0, 4998]
    block[19:23] = [0, 0, 0x00BB, 0xAEE0]  # 12 300 000
    block[23:27] = [0, 0, 0, 45_000]
    block[41], block[64], block[87] = 1070, 1070, 1070
    block[47], block[70], block[93] = 2301, 2312, 2299
    block[114:117] = [0xFFFF, 0xFFFE, 0]
    block[120] = 0
    return block


PRODUCES = SOLAREDGE


def test_an_inverter_that_produces_gives_power_out() -> None:
    assert read(integer_inverter(), profile=PRODUCES) == MeterReading(
        observed_at=NOW,
        power_w=-3210.0,
        voltage_v=(230.1, 231.2, 229.9),
        frequency_hz=49.98,
        export_milliwh=123_456_700_000,
    )
    assert read(float_inverter(), profile=PRODUCES) == MeterReading(
        observed_at=NOW,
        power_w=-3210.0,
        voltage_v=(230.0, 231.0, 229.0),
        frequency_hz=50.0,
        export_milliwh=123_456_768_000,
    )


def test_a_der_device_tells_both_ways() -> None:
    assert read(der_measurement(), profile=PRODUCES) == MeterReading(
        observed_at=NOW,
        power_w=-3210.0,
        phase_power_w=(-1070.0, -1070.0, -1070.0),
        voltage_v=(230.1, 231.2, 229.9),
        frequency_hz=49.98,
        import_milliwh=45_000_000,
        export_milliwh=12_300_000_000,
    )


@pytest.mark.parametrize(
    "block",
    [integer_block(), float_block(), integer_inverter(), float_inverter(), der_measurement()],
)
def test_one_changed_word_of_the_power_changes_the_reading(block: list[int]) -> None:
    before = read(block)
    layout = layout_of(block[0])
    block[layout.power] ^= 0x0010
    assert read(block).power_w != before.power_w


@pytest.mark.parametrize(
    ("voltage_v", "frequency_hz", "refused"),
    [
        ((230.0, 230.0, 230.0), 50.0, False),
        ((230.0, 0.0, 0.0), 50.0, False),  # a three-phase meter in a single-phase house
        ((2300.0, 230.0, 230.0), 50.0, True),
        ((23.0, 230.0, 230.0), 50.0, True),
        ((), 5.0, True),
        ((), 4998.0, True),
        ((), 40.0, False),
        ((), 70.1, True),
        ((), None, False),
    ],
)
def test_a_reading_of_another_world_is_refused(
    voltage_v: tuple[float, ...], frequency_hz: float | None, refused: bool
) -> None:
    reading = MeterReading(
        observed_at=NOW, power_w=500.0, voltage_v=voltage_v, frequency_hz=frequency_hz
    )
    assert (out_of_bounds(reading, UPRIGHT) is not None) is refused
