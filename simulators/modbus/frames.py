"""Modbus frames by the letter of the specification: questions in, answers out."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import Enum

READS = (3, 4)
WRITE_ONE = 6
WRITE_MANY = 16
ILLEGAL_FUNCTION = 1
ILLEGAL_ADDRESS = 2
ILLEGAL_VALUE = 3
DEVICE_FAILURE = 4
BUSY = 6
GATEWAY_SILENCE = 11


class Framing(Enum):
    """What stands around a protocol data unit."""

    MBAP = "mbap"
    RTU = "rtu"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One request as it came; `values` are the registers to write."""

    unit_id: int
    function_code: int
    address: int
    count: int
    values: tuple[int, ...] = ()
    transaction_id: int = 0
    raw: bytes = b""


def taken(framing: Framing, data: bytes) -> tuple[Question | None, bytes]:
    """The first whole question and the bytes behind it; garbage is thrown away."""
    if framing is Framing.MBAP:
        return _taken_mbap(data)
    return _taken_rtu(data)


def framed(framing: Framing, question: Question, pdu: bytes) -> bytes:
    """The frame that answers a question."""
    if framing is Framing.RTU:
        return with_checksum(bytes([question.unit_id]) + pdu)
    head = struct.pack(">HHHB", question.transaction_id, 0, len(pdu) + 1, question.unit_id)
    return head + pdu


def registers_pdu(function_code: int, registers: tuple[int, ...]) -> bytes:
    """The answer to a read."""
    return struct.pack(f">BB{len(registers)}H", function_code, 2 * len(registers), *registers)


def written_pdu(question: Question) -> bytes:
    """The answer to a write: the value written, or how many."""
    said = question.values[0] if question.function_code == WRITE_ONE else question.count
    return struct.pack(">BHH", question.function_code, question.address, said)


def refusal_pdu(function_code: int, code: int) -> bytes:
    """An exception."""
    return bytes([function_code | 0x80, code])


def with_checksum(data: bytes) -> bytes:
    """The bytes with their CRC-16 behind them, low byte first."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0xA001 if crc & 1 else 0)
    return data + struct.pack("<H", crc)


def _taken_mbap(data: bytes) -> tuple[Question | None, bytes]:
    if len(data) < 8:
        return None, data
    transaction_id, protocol, length, unit_id = struct.unpack(">HHHB", data[:7])
    if protocol != 0:
        return None, b""
    end = 6 + length
    if len(data) < end:
        return None, data
    return _question(unit_id, data[7:end], transaction_id, data[:end]), data[end:]


def _taken_rtu(data: bytes) -> tuple[Question | None, bytes]:
    if len(data) < 8:
        return None, data
    size = 9 + data[6] if data[1] == WRITE_MANY else 8
    if len(data) < size:
        return None, data
    frame = data[:size]
    if with_checksum(frame[:-2]) != frame:
        return None, b""
    return _question(frame[0], frame[1:-2], 0, frame), data[size:]


def _question(unit_id: int, pdu: bytes, transaction_id: int, raw: bytes) -> Question:
    function_code, address, third = struct.unpack(">BHH", pdu[:5].ljust(5, b"\0"))
    values: tuple[int, ...] = ()
    count = third
    if function_code == WRITE_ONE:
        values, count = (third,), 1
    if function_code == WRITE_MANY:
        body = pdu[6:]
        values = struct.unpack(f">{len(body) // 2}H", body[: len(body) // 2 * 2])
    return Question(
        unit_id=unit_id,
        function_code=function_code,
        address=address,
        count=count,
        values=values,
        transaction_id=transaction_id,
        raw=raw,
    )
