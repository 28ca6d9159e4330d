"""Questions of ours and the bytes that may be their answer (Modbus application protocol 1.1b3).

The library's decoder raises into the event loop over some frames and takes any frame of the right
unit for the answer over others; it therefore sees only what passes here.
"""

from __future__ import annotations

from dataclasses import dataclass

READ_HOLDING_REGISTERS = 3
READ_INPUT_REGISTERS = 4
WRITE_REGISTER = 6
WRITE_REGISTERS = 16
READS = (READ_HOLDING_REGISTERS, READ_INPUT_REGISTERS)
WRITES = (WRITE_REGISTER, WRITE_REGISTERS)
MOST_READ = 125
MOST_WRITTEN = 123

_REFUSED = 0x80
_CRC_SIZE = 2
_WRITE_REPLY = 5  # function code, address, and the value or the count
_REFUSAL = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One question; `values` are the registers to write, `count` how many are read or written."""

    unit_id: int
    function_code: int
    address: int
    count: int
    values: tuple[int, ...] = ()


def pdu_size(pdu: bytes) -> int | None:
    """How long an answer is that begins like this; None: it is none, 0: too short to say."""
    if len(pdu) < 2:
        return 0
    function_code = pdu[0]
    if function_code & _REFUSED:
        return _REFUSAL if function_code ^ _REFUSED in READS + WRITES else None
    if function_code in READS:
        return 2 + pdu[1] if pdu[1] % 2 == 0 else None
    return _WRITE_REPLY if function_code in WRITES else None


def readable_mbap(data: bytes) -> bytes:
    """What of a stream of MBAP frames can be decoded; nothing is no answer."""
    if len(data) < 9:
        return data
    end = 6 + int.from_bytes(data[4:6])
    pdu = data[7:end]
    if len(pdu) < 2:
        return b""
    size = pdu_size(pdu)
    return b"" if size is None or (len(data) >= end and size != len(pdu)) else data


def readable_rtu(data: bytes, *, unit_id: int) -> bytes:
    """The first whole RTU frame of a unit with the right checksum; noise around it is dropped."""
    for start, byte in enumerate(data):
        if byte != unit_id:
            continue
        size = pdu_size(data[start + 1 :])
        if size is None or size == 0:
            continue
        end = start + 1 + size + _CRC_SIZE
        frame = data[start:end]
        if end <= len(data) and crc16(frame[:-_CRC_SIZE]) == int.from_bytes(
            frame[-_CRC_SIZE:], "little"
        ):
            return frame
    return b""


def crc16(data: bytes) -> int:
    """The checksum of an RTU frame; it follows with its low byte first."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc
