"""Links as installers type them, and what is said to a mistake."""

from __future__ import annotations

import pytest

from v2g_daemon.adapters.modbus.link import Link, Transport, parse_link
from v2g_daemon.domain.errors import ConfigurationError


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("tcp://meter.local", Link(transport=Transport.TCP, address="meter.local", port=502)),
        ("tcp://[::1]:1502", Link(transport=Transport.TCP, address="::1", port=1502)),
        ("udp://10.0.0.5", Link(transport=Transport.UDP, address="10.0.0.5", port=502)),
        (
            "tls://10.0.0.5?ca=/etc/meter.pem",
            Link(transport=Transport.TLS, address="10.0.0.5", port=802, ca="/etc/meter.pem"),
        ),
        (
            "rtu+tcp://10.0.0.5:8899?timeout=2",
            Link(transport=Transport.RTU_OVER_TCP, address="10.0.0.5", port=8899, timeout_s=2.0),
        ),
        (
            "rtu:///dev/ttyUSB0?baud=19200&parity=e&stop_bits=2&echo=1",
            Link(
                transport=Transport.RTU,
                address="/dev/ttyUSB0",
                timeout_s=0.5,
                baud=19200,
                parity="E",
                stop_bits=2,
                echo=True,
            ),
        ),
    ],
)
def test_a_link_is_read_as_it_is_typed(text: str, link: Link) -> None:
    assert parse_link(text) == link


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("192.168.1.20:502", "is no kind of Modbus link; write one like"),
        ("modbus://10.0.0.5", "'modbus' is no kind of Modbus link"),
        ("tcp://", "names no host"),
        ("tcp://10.0.0.5:99999", "the port is not from 1 to 65535"),
        ("tcp://10.0.0.5/unit/3", "names no host"),
        ("rtu://ttyUSB0", "is no serial port; write rtu:///dev/ttyUSB0"),
        ("rtu:///dev/ttyUSB0?bauds=9600", "no option 'bauds'; did you mean baud?"),
        ("rtu:///dev/ttyUSB0?baud=fast", "write a number from 300 to 921600"),
        ("rtu:///dev/ttyUSB0?parity=X", "write N, E or O"),
        ("tcp://10.0.0.5?baud=9600", "a tcp link has no option 'baud'"),
        ("tcp://10.0.0.5?timeout=60", "write seconds from 0.05 to 10"),
    ],
)
def test_a_mistake_is_named_with_its_fix(text: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        parse_link(text)
    assert said in str(refused.value)


def test_only_frames_without_a_number_need_silence_after_a_loss() -> None:
    assert parse_link("tcp://h").quiet_s == 0.0
    assert parse_link("udp://h").quiet_s == 0.0
    assert parse_link("rtu+tcp://h?timeout=0.8").quiet_s == 0.8
    assert parse_link("rtu:///dev/ttyUSB0").quiet_s == 0.5


def test_a_serial_line_rests_three_and_a_half_characters_between_frames() -> None:
    assert parse_link("rtu:///dev/ttyUSB0?baud=9600").frame_gap_s == pytest.approx(
        0.00401, abs=1e-5
    )
    assert parse_link("rtu:///dev/ttyUSB0?baud=115200").frame_gap_s == 0.00175
    assert parse_link("tcp://h").frame_gap_s == 0.0
