"""What can go wrong between a device and who asks it, as bytes and pauses on the line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random

from simulators.modbus.frames import BUSY, Framing, Question, framed, refusal_pdu

SLOW_ANSWER_S = 2.0
NOISE = bytes([0x00, 0xFF, 0x3C])


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """Bytes to put on the line after a pause (real seconds)."""

    pause_s: float = 0.0
    data: bytes = b""


@dataclass(slots=True, kw_only=True)
class Mischief:
    """Turns right answers into what a bad line makes of them; `shown` names the kinds in force."""

    shown: Callable[[], frozenset[str]] = frozenset
    slow_s: float = SLOW_ANSWER_S
    _last: bytes | None = field(default=None, init=False)

    def sent(self, framing: Framing, question: Question, pdu: bytes) -> Sent:
        """What goes out in answer to a question whose right answer is `pdu`."""
        kinds = self.shown()
        previous, self._last = self._last, pdu
        if "silent" in kinds:
            return Sent()
        if "busy" in kinds:
            pdu = refusal_pdu(question.function_code, BUSY)
        if "gateway_silence" in kinds:
            pdu = refusal_pdu(question.function_code, 11)
        if "previous" in kinds and previous is not None:
            pdu = previous
        if "short" in kinds and pdu[0] in (3, 4) and pdu[1] > 2:
            pdu = bytes([pdu[0], pdu[1] - 2]) + pdu[2:-2]
        return Sent(
            pause_s=self.slow_s if "slow" in kinds else 0.0,
            data=_spoiled(framing, question, pdu, kinds),
        )


def garbled(registers: tuple[int, ...], kinds: frozenset[str], chance: Random) -> tuple[int, ...]:
    """What a device at fault makes of its registers: all 0, all ones, one a word of chance."""
    if "zeros" in kinds or "ones" in kinds:
        return (0 if "zeros" in kinds else 0xFFFF,) * len(registers)
    if "register_noise" not in kinds or not registers:
        return registers
    held = [*registers]
    held[chance.randrange(len(held))] = chance.randrange(0x10000)
    return tuple(held)


def _spoiled(framing: Framing, question: Question, pdu: bytes, kinds: frozenset[str]) -> bytes:
    if "wrong_transaction" in kinds:
        question = replace(question, transaction_id=(question.transaction_id + 1) & 0xFFFF)
    if "wrong_unit" in kinds:
        question = replace(question, unit_id=question.unit_id % 247 + 1)
    data = framed(framing, question, pdu)
    if "bad_checksum" in kinds and framing is Framing.RTU:
        data = data[:-1] + bytes([data[-1] ^ 0xFF])
    if "half" in kinds:
        data = data[: len(data) // 2]
    if "noise" in kinds:
        data = NOISE + data
    if "echo" in kinds:
        data = question.raw + data
    if "echo_alone" in kinds:
        data = question.raw
    return data
