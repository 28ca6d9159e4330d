"""A meter that answers HTTP with JSON; the path does not matter."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass

from simulators.measuring import Measuring
from simulators.modbus.maps import MeterSample
from simulators.tcp import TcpPort, keep_open

GARBAGE = b"<html><body>Please wait</body></html>"
REFUSALS = {"busy": "503 Service Unavailable", "failure": "500 Internal Server Error"}


@dataclass(slots=True, kw_only=True)
class HttpJsonMeter(TcpPort):
    """Answers each request of a kept connection."""

    measuring: Measuring
    requests: int = 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request after the other."""
        while await reader.readuntil(b"\r\n\r\n"):
            self.requests += 1
            await asyncio.sleep(self.measuring.pause_s())
            await self.send(writer, self._answer(self.measuring.shown()))

    async def run(self) -> None:
        """Serve until cancelled."""
        await keep_open(self, self.measuring.shown)

    def _answer(self, kinds: frozenset[str]) -> bytes:
        """An answer with the faults of the moment; maybe nothing."""
        if "silent" in kinds:
            return b""
        status = next((said for kind, said in REFUSALS.items() if kind in kinds), "200 OK")
        body = GARBAGE if "garbage" in kinds else self._document(self.measuring.told())
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n"
        answer = f"{head}Content-Length: {len(body)}\r\n\r\n".encode("ascii") + body
        return answer[: -len(body) // 2] if "half" in kinds else answer

    def _document(self, sample: MeterSample | None) -> bytes:
        told: dict[str, object] = {"serial": self.measuring.table.serial, "power_w": None}
        if sample is not None:
            told |= {
                "power_w": sample.power_w[0],
                "frequency_hz": sample.frequency_hz,
                "import_wh": sample.import_wh[0],
                "export_wh": sample.export_wh[0],
                "phases": [
                    {"power_w": power_w, "voltage_v": voltage_v, "current_a": current_a}
                    for power_w, voltage_v, current_a in zip(
                        sample.power_w[1:],
                        sample.voltage_v[1:],
                        sample.current_a[1:],
                        strict=True,
                    )
                ],
            }
        return json.dumps(told).encode("utf-8")
