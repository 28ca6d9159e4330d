"""What the library may see of an answer; frames and checksums from the specification."""

from __future__ import annotations

import pytest

from v2g_daemon.adapters.modbus.frames import crc16, readable_mbap, readable_rtu

# A read of one register of unit 2 (0x07D0), as the serial line specification's example has it.
QUESTION = bytes.fromhex("0207")
ANSWER = bytes.fromhex("02030207d0") + bytes.fromhex("fe28")


def rtu(body: str) -> bytes:
    data = bytes.fromhex(body)
    return data + crc16(data).to_bytes(2, "little")


def test_the_checksum_is_that_of_the_specification() -> None:
    # Modbus over serial line 1.02, appendix B: 02 07 has the CRC 0x1241, sent as 41 12.
    assert crc16(QUESTION) == 0x1241
    assert QUESTION + crc16(QUESTION).to_bytes(2, "little") == bytes.fromhex("02074112")


def test_a_whole_frame_of_the_unit_passes() -> None:
    frame = rtu("02030207d0")
    assert readable_rtu(frame, unit_id=2) == frame


@pytest.mark.parametrize("noise", ["00", "ff", "02", "0203", "020302", "00ff3c"])
def test_noise_before_and_behind_a_frame_is_dropped(noise: str) -> None:
    frame = rtu("02030207d0")
    assert readable_rtu(bytes.fromhex(noise) + frame + b"\xff", unit_id=2) == frame


@pytest.mark.parametrize(
    "data",
    [
        rtu("02030207d0")[:-1],
        rtu("02030207d0")[:-1] + b"\x00",
        rtu("03030207d0"),
        rtu("020303070001"),
        rtu("0263"),
        b"",
        b"\x02",
    ],
    ids=["not whole", "wrong checksum", "another unit", "odd bytes", "function", "nothing", "one"],
)
def test_what_is_no_answer_is_not_seen(data: bytes) -> None:
    assert readable_rtu(data, unit_id=2) == b""


def test_a_refusal_and_the_confirmation_of_a_write_pass() -> None:
    for body in ("028302", "020600100bb8", "021000100002"):
        assert readable_rtu(rtu(body), unit_id=2) == rtu(body)


def mbap(pdu: str) -> bytes:
    body = bytes.fromhex(pdu)
    return bytes.fromhex("00010000") + (len(body) + 1).to_bytes(2) + b"\x02" + body


@pytest.mark.parametrize("pdu", ["030207d0", "8302", "8602", "9002", "0600100bb8", "1000100002"])
def test_a_whole_network_frame_passes(pdu: str) -> None:
    assert readable_mbap(mbap(pdu)) == mbap(pdu)


@pytest.mark.parametrize("pdu", ["0303070001", "030407d0", "6300", "06001000", "100010000200"])
def test_a_network_frame_that_contradicts_itself_is_not_seen(pdu: str) -> None:
    assert readable_mbap(mbap(pdu)) == b""


def test_a_network_frame_that_is_not_whole_waits() -> None:
    part = mbap("030207d0")[:10]
    assert readable_mbap(part) == part
