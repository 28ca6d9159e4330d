"""What goes over the wire besides, or instead of, the frames that should."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Sequence

from websockets.asyncio.client import ClientConnection

from simulators.faults import Fault

PONG = b"\x8a"  # a final frame with opcode 10
ONE_ID_FOR_ALL = "1"
EXTRA = "extra"  # the id of frames that are no call of the station's own
# Ids that an answer to such a frame may carry: 2.x says -1 where it could read none.
EXTRA_IDS = frozenset({EXTRA, "-1", ""})
STREAM_ID = 1
GARBAGE: tuple[str | bytes, ...] = (
    "this is not JSON",
    '[2,"extra","Heartbeat",{}',
    '{"not": "a list"}',
    "[]",
    '[2,"extra"]',
    '[9,"extra","Heartbeat",{}]',
    '[2,"extra",{},{}]',
    '[2,"extra","MeterValues",{"evseId":NaN}]',
    '[2,"extra","Heart\\u0000beat",{}]',
    '[3,"extra",{}]',
    "\x00\x00\x00",
    b"\xff\xfe not UTF-8",
)

Frames = list[str | bytes]


class Socket(ClientConnection):
    """A WebSocket that can keep its pongs to itself."""

    pongs: Callable[[], bool] | None = None

    def send_data(self) -> None:
        """Send what is due, without pongs where they are withheld."""
        if self.pongs is not None and not self.pongs():
            self.protocol.writes = [
                data for data in self.protocol.writes if not data.startswith(PONG)
            ]
        super().send_data()


def offered(faults: Sequence[Fault], versions: Sequence[str]) -> list[str]:
    """Return the subprotocols that the station offers."""
    kinds = {fault.kind for fault in faults}
    if "no_subprotocol" in kinds:
        return []
    return ["ocpp9.9"] if "wrong_subprotocol" in kinds else list(versions)


def message_id(faults: Sequence[Fault]) -> str:
    """Return the id of the next call."""
    reused = any(fault.kind == "reuses_ids" for fault in faults)
    return ONE_ID_FOR_ALL if reused else str(uuid.uuid4())


def around(faults: Sequence[Fault], text: str) -> Frames:
    """Return a call with the frames that go out with it."""
    frames: Frames = [text]
    for fault in faults:
        change = _AROUND.get(fault.kind)
        if change is not None:
            frames = change(fault, frames)
    return frames


def _twice(_fault: Fault, frames: Frames) -> Frames:
    return [*frames, *frames]


def _garbage(_fault: Fault, frames: Frames) -> Frames:
    """Which one it is follows from the call, so that a run can be repeated."""
    return [GARBAGE[sum(map(len, frames)) % len(GARBAGE)], *frames]


def _huge(fault: Fault, frames: Frames) -> Frames:
    request = {"vendorId": "simulators", "data": "x" * round(fault.parameters.value)}
    return [json.dumps([2, EXTRA, "DataTransfer", request]), *frames]


def _sent(fault: Fault, frames: Frames) -> Frames:
    """A periodic event stream that nobody opened."""
    stream = {"id": STREAM_ID, "pending": 0, "basetime": "2024-01-01T00:00:00Z", "data": []}
    return [json.dumps([6, EXTRA, "NotifyPeriodicEventStream", stream]), *frames]


_AROUND: dict[str, Callable[[Fault, Frames], Frames]] = {
    "sends_twice": _twice,
    "garbage": _garbage,
    "huge_frames": _huge,
    "send_frames": _sent,
}
