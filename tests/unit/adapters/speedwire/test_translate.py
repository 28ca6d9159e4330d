"""Datagrams of SMA energy meters to readings, built byte by byte from the maker's description."""

from __future__ import annotations

import struct
from datetime import UTC, datetime

import pytest

from v2g_daemon.adapters.speedwire.translate import meter_reading, serial_of
from v2g_daemon.domain.errors import DeviceProtocolError
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.readings import MeterReading

NOW = Instant(utc=datetime(2024, 12, 11, 16, 30, tzinfo=UTC), monotonic_s=100.0)
SERIAL = 1_900_123_456


def head(protocol: int = 0x6069, serial: int = SERIAL) -> bytes:
    return (
        b"SMA\0"
        + bytes.fromhex("0004 02a0 0000 0001 0244 0010")
        + struct.pack(">HHII", protocol, 0x015D, serial, 123_456)
    )


def value(index: int, raw: int) -> bytes:
    return bytes([0, index, 4, 0]) + raw.to_bytes(4)


def counter(index: int, raw: int) -> bytes:
    return bytes([0, index, 8, 0]) + raw.to_bytes(8)


END = bytes.fromhex("9000 0000 0203 0452 0000 0000")
TOTAL = value(1, 25_000) + value(2, 0)  # tenths of a watt
DATAGRAM = (
    head()
    + TOTAL
    + counter(1, 3_600_000_000)  # watt-seconds: 1 MWh
    + counter(2, 18_000_001)  # 5 kWh and a watt-second
    + value(14, 49_980)
    + value(21, 15_000)
    + value(22, 0)
    + value(32, 230_100)
    + value(41, 12_000)
    + value(42, 0)
    + value(52, 231_200)
    + value(61, 0)
    + value(62, 2_000)
    + value(72, 229_900)
    + END
)


def test_a_datagram_is_read_in_si_units() -> None:
    assert meter_reading(DATAGRAM, observed_at=NOW) == MeterReading(
        observed_at=NOW,
        power_w=2500.0,
        phase_power_w=(1500.0, 1200.0, -200.0),
        voltage_v=(230.1, 231.2, 229.9),
        frequency_hz=49.98,
        import_milliwh=1_000_000_000,
        export_milliwh=5_000_000,
        serial="1900123456",
    )


@pytest.mark.parametrize(
    ("counted_ws", "milliwh"), [(0, 0), (1, 0), (2, 1), (36, 10), (3600, 1000), (3_599, 1000)]
)
def test_watt_seconds_are_rounded_to_whole_milliwatt_hours(counted_ws: int, milliwh: int) -> None:
    datagram = head() + TOTAL + counter(1, counted_ws) + END
    assert meter_reading(datagram, observed_at=NOW).import_milliwh == milliwh


def test_export_is_negative_and_what_is_not_sent_is_absent() -> None:
    reading = meter_reading(head() + value(1, 0) + value(2, 42_000) + END, observed_at=NOW)
    assert reading == MeterReading(observed_at=NOW, power_w=-4200.0, serial="1900123456")


def test_old_firmware_without_a_frequency_tells_none() -> None:
    reading = meter_reading(head() + TOTAL + value(14, 0) + END, observed_at=NOW)
    assert reading.frequency_hz is None


@pytest.mark.parametrize(
    "datagram",
    [b"", b"SMA\0" + bytes(40), head(protocol=0x6065) + TOTAL + END, b"XMA" + DATAGRAM[3:]],
    ids=["empty", "zeros", "another device", "another maker"],
)
def test_what_no_energy_meter_sent_is_passed_by(datagram: bytes) -> None:
    assert serial_of(datagram) is None
    with pytest.raises(DeviceProtocolError, match="no datagram of an SMA energy meter"):
        meter_reading(datagram, observed_at=NOW)


@pytest.mark.parametrize("cut", [4, 6, 30, 100])
def test_a_datagram_that_breaks_off_is_no_reading(cut: int) -> None:
    with pytest.raises(DeviceProtocolError, match="breaks off"):
        meter_reading(DATAGRAM[:-cut], observed_at=NOW)


def test_a_datagram_without_power_is_no_reading() -> None:
    with pytest.raises(DeviceProtocolError, match="does not tell its power"):
        meter_reading(head() + value(1, 5) + END, observed_at=NOW)
