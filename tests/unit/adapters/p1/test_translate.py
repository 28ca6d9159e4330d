"""P1 telegrams to readings.

The long one is the example of DSMR 5.0.2 P1, chapter 6.12, with the checksum that other readers of
such telegrams expect of it (the page prints another one: its text is broken over two lines).
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from v2g_daemon.adapters.p1.translate import crc16, meter_reading, taken
from v2g_daemon.domain.errors import DeviceProtocolError
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.readings import MeterReading

NOW = Instant(utc=datetime(2024, 12, 11, 16, 30, tzinfo=UTC), monotonic_s=100.0)

MESSAGE = (
    "303132333435363738393A3B3C3D3E3F303132333435363738393A3B3C3D3E3F"
    "303132333435363738393A3B3C3D3E3F303132333435363738393A3B3C3D3E3F"
    "303132333435363738393A3B3C3D3E3F"
)
PUBLISHED = "\r\n".join(
    [
        "/ISk5\\2MT382-1000",
        "",
        "1-3:0.2.8(50)",
        "0-0:1.0.0(101209113020W)",
        "0-0:96.1.1(4B384547303034303436333935353037)",
        "1-0:1.8.1(123456.789*kWh)",
        "1-0:1.8.2(123456.789*kWh)",
        "1-0:2.8.1(123456.789*kWh)",
        "1-0:2.8.2(123456.789*kWh)",
        "0-0:96.14.0(0002)",
        "1-0:1.7.0(01.193*kW)",
        "1-0:2.7.0(00.000*kW)",
        "0-0:96.7.21(00004)",
        "0-0:96.7.9(00002)",
        "1-0:99.97.0(2)(0-0:96.7.19)(101208152415W)(0000000240*s)(101208151004W)(0000000301*s)",
        "1-0:32.32.0(00002)",
        "1-0:52.32.0(00001)",
        "1-0:72.32.0(00000)",
        "1-0:32.36.0(00000)",
        "1-0:52.36.0(00003)",
        "1-0:72.36.0(00000)",
        f"0-0:96.13.0({MESSAGE})",
        "1-0:32.7.0(220.1*V)",
        "1-0:52.7.0(220.2*V)",
        "1-0:72.7.0(220.3*V)",
        "1-0:31.7.0(001*A)",
        "1-0:51.7.0(002*A)",
        "1-0:71.7.0(003*A)",
        "1-0:21.7.0(01.111*kW)",
        "1-0:41.7.0(02.222*kW)",
        "1-0:61.7.0(03.333*kW)",
        "1-0:22.7.0(04.444*kW)",
        "1-0:42.7.0(05.555*kW)",
        "1-0:62.7.0(06.666*kW)",
        "0-1:24.1.0(003)",
        "0-1:96.1.0(3232323241424344313233343536373839)",
        "0-1:24.2.1(101209112500W)(12785.123*m3)",
        "!E47C",
        "",
    ]
).encode()


def a_telegram(*lines: str) -> bytes:
    """A telegram with these lines and the right checksum."""
    body = ("/XMX5LG\r\n\r\n" + "".join(f"{line}\r\n" for line in lines) + "!").encode()
    return body + f"{crc16(body):04X}\r\n".encode()


POWER = ("1-0:1.7.0(00.000*kW)", "1-0:2.7.0(03.210*kW)")


def test_the_published_telegram_is_read() -> None:
    assert meter_reading(PUBLISHED, observed_at=NOW) == MeterReading(
        observed_at=NOW,
        power_w=1193.0,
        phase_power_w=(-3333.0, -3333.0, -3333.0),
        voltage_v=(220.1, 220.2, 220.3),
        import_milliwh=246_913_578_000,
        export_milliwh=246_913_578_000,
        serial="K8EG004046395507",
    )


def test_every_changed_character_breaks_the_checksum() -> None:
    for place in range(0, len(PUBLISHED) - 6, 7):
        broken = bytearray(PUBLISHED)
        broken[place] ^= 0x01
        if {PUBLISHED[place], broken[place]} & set(b"!/"):
            continue  # then it is another telegram, or none
        with pytest.raises(DeviceProtocolError, match="wrong checksum"):
            meter_reading(bytes(broken), observed_at=NOW)


def test_what_is_exported_is_negative() -> None:
    assert meter_reading(a_telegram(*POWER), observed_at=NOW).power_w == -3210.0


def test_a_meter_of_one_phase_has_one() -> None:
    telegram = a_telegram(
        *POWER, "1-0:21.7.0(00.000*kW)", "1-0:22.7.0(03.210*kW)", "1-0:32.7.0(231.0*V)"
    )
    reading = meter_reading(telegram, observed_at=NOW)
    assert (reading.phase_power_w, reading.voltage_v) == ((-3210.0,), (231.0,))


def test_totals_are_taken_where_there_are_no_tariffs() -> None:
    telegram = a_telegram(*POWER, "1-0:1.8.0(00006678.394*kWh)", "1-0:2.8.0(00000000.001*kWh)")
    reading = meter_reading(telegram, observed_at=NOW)
    assert (reading.import_milliwh, reading.export_milliwh) == (6_678_394_000, 1_000)


def test_what_the_meter_does_not_tell_is_absent() -> None:
    reading = meter_reading(a_telegram(*POWER), observed_at=NOW)
    assert (reading.phase_power_w, reading.voltage_v, reading.serial) == ((), (), None)
    assert (reading.import_milliwh, reading.export_milliwh) == (None, None)


@pytest.mark.parametrize(
    "lines",
    [
        (),
        ("1-0:1.7.0(00.100*kW)",),
        ("1-0:1.7.0(00.100*kvar)", "1-0:2.7.0(00.000*kW)"),
        ("1-0:1.7.0(abc*kW)", "1-0:2.7.0(00.000*kW)"),
    ],
)
def test_a_telegram_without_both_powers_is_no_reading(lines: tuple[str, ...]) -> None:
    with pytest.raises(DeviceProtocolError, match="without power"):
        meter_reading(a_telegram(*lines), observed_at=NOW)


def test_the_newest_whole_telegram_is_taken_from_a_stream() -> None:
    old, new = a_telegram("1-0:1.7.0(00.001*kW)", POWER[1]), a_telegram(*POWER)
    half = PUBLISHED[200:]
    telegram, rest = taken(half + old + new + PUBLISHED[:300])
    assert telegram == new
    assert rest == PUBLISHED[:300]
    assert taken(rest) == (None, rest)
    assert taken(rest + PUBLISHED[300:]) == (PUBLISHED, b"")


def test_a_stream_without_an_end_does_not_grow() -> None:
    _, rest = taken(b"/" + b"x" * 100_000)
    assert len(rest) <= 16_384
