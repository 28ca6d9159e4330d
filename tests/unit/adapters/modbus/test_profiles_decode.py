"""Every shipped profile on registers written by hand, and each of its points mutated."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

import pytest

from tests.unit.adapters.modbus.images import SHOWN, Shown
from v2g_daemon.adapters.modbus.profile import Family, MeterProfile
from v2g_daemon.adapters.modbus.profile_file import load_profile, shipped_profiles
from v2g_daemon.adapters.modbus.translate import is_dead, meter_reading, out_of_bounds
from v2g_daemon.domain.errors import DeviceProtocolError
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.readings import MeterReading

NOW = Instant(utc=datetime(2024, 12, 11, 16, 30, tzinfo=UTC), monotonic_s=100.0)


def read(profile: MeterProfile, image: dict[int, int]) -> MeterReading:
    return meter_reading(image, profile.registers, profile=profile, observed_at=NOW)


def expected(shown: Shown) -> MeterReading:
    return MeterReading(
        observed_at=NOW,
        power_w=shown.power_w,
        phase_power_w=shown.phase_power_w,
        voltage_v=shown.voltage_v,
        frequency_hz=shown.frequency_hz,
        import_milliwh=shown.import_milliwh,
        export_milliwh=shown.export_milliwh,
        serial=shown.serial,
    )


def test_every_profile_with_addresses_of_its_own_is_written_down_here() -> None:
    with_addresses = {
        name for name in shipped_profiles() if load_profile(name).family is Family.REGISTERS
    }
    assert set(SHOWN) == with_addresses


@pytest.mark.parametrize("name", SHOWN)
def test_a_profile_reads_the_house_in_si_units_and_our_sign(name: str) -> None:
    profile, shown = load_profile(name), SHOWN[name]
    reading = read(profile, shown.image)
    assert reading == expected(shown)
    assert out_of_bounds(reading, profile) is None


@pytest.mark.parametrize("name", SHOWN)
def test_no_word_of_a_point_can_change_unnoticed(name: str) -> None:
    profile, shown = load_profile(name), SHOWN[name]
    mutated = 0
    for _, point in profile.point.named():
        for address, registers in point.spans():
            high = address if profile.word_order == "big" else address + registers - 1
            image = dict(shown.image)
            image[high] ^= 0x0010
            with suppress(DeviceProtocolError):
                assert read(profile, image) != expected(shown), (name, address)
            mutated += 1
    assert mutated >= 3


@pytest.mark.parametrize("name", SHOWN)
def test_the_other_sign_turns_every_power_round_and_no_counter(name: str) -> None:
    profile, shown = load_profile(name), SHOWN[name]
    turned = profile.model_copy(update={"sign": -profile.sign})
    reading = read(turned, shown.image)
    assert reading.power_w == -shown.power_w
    assert reading.phase_power_w == tuple(-one for one in shown.phase_power_w)
    assert reading.import_milliwh == shown.import_milliwh


@pytest.mark.parametrize("name", [name for name in SHOWN if SHOWN[name].frequency_hz is not None])
def test_the_wrong_word_order_is_seen_in_voltage_or_frequency(name: str) -> None:
    profile, shown = load_profile(name), SHOWN[name]
    points = profile.point
    wide = [
        point
        for point in (points.voltage_v, points.frequency_hz)
        if point is not None and point.registers > 1
    ]
    if not wide:
        return
    other = "little" if profile.word_order == "big" else "big"
    swapped = profile.model_copy(update={"word_order": other})
    try:
        reading = read(swapped, shown.image)
    except DeviceProtocolError:
        return
    assert out_of_bounds(reading, swapped) is not None


@pytest.mark.parametrize("name", SHOWN)
@pytest.mark.parametrize("word", [0x0000, 0xFFFF, 0x8000])
def test_registers_that_hold_nothing_are_no_reading(name: str, word: int) -> None:
    profile = load_profile(name)
    points = profile.point
    always_there = [
        address
        for point in (points.voltage_v, points.frequency_hz)
        if point is not None
        for address in point.address
    ]
    for block in profile.block:
        registers = {block.address + offset: word for offset in range(block.count)}
        # Zeros where only powers are read: a house at exactly 0 W, as far as one can tell.
        expected_dead = word != 0x0000 or not registers.keys().isdisjoint(always_there)
        assert is_dead(registers, points) is expected_dead


def test_a_meter_in_trouble_is_not_believed_and_says_why() -> None:
    profile, shown = load_profile("huawei_sun2000_meter"), SHOWN["huawei_sun2000_meter"]
    image = shown.image | {37100: 0}
    with pytest.raises(DeviceProtocolError, match="check the line between inverter and meter"):
        read(profile, image)


def test_a_meter_in_the_wrong_application_is_not_believed_and_says_the_fix() -> None:
    profile, shown = load_profile("cg_em24_ethernet"), SHOWN["cg_em24_ethernet"]
    with pytest.raises(DeviceProtocolError, match="the application is 5; set application H"):
        read(profile, shown.image | {0xA000: 5})


def test_between_two_readings_of_the_counters_there_are_none() -> None:
    profile, shown = load_profile("cg_em3xx"), SHOWN["cg_em3xx"]
    fast = {address: word for address, word in shown.image.items() if address < 0x40}
    reading = read(profile, fast)
    assert reading.power_w == 2500.0
    assert (reading.import_milliwh, reading.export_milliwh) == (None, None)


def test_an_overflow_is_absent() -> None:
    profile, shown = load_profile("cg_em3xx"), SHOWN["cg_em3xx"]
    reading = read(profile, shown.image | {0x12: 0xFFFF, 0x13: 0x7FFF})
    assert reading.phase_power_w == ()
    with pytest.raises(DeviceProtocolError, match="does not tell its power"):
        read(profile, shown.image | {0x28: 0xFFFF, 0x29: 0x7FFF})


def test_what_sma_marks_as_none_is_absent() -> None:
    profile, shown = load_profile("sma_modbus"), SHOWN["sma_modbus"]
    with pytest.raises(DeviceProtocolError, match="does not tell its power"):
        read(profile, shown.image | {30867: 0x8000, 30868: 0})


def test_transformers_without_a_ratio_are_no_meter() -> None:
    profile, shown = load_profile("chint_dtsu666"), SHOWN["chint_dtsu666"]
    with pytest.raises(DeviceProtocolError, match="does not tell its ratios"):
        read(profile, shown.image | {0x0006: 0})
