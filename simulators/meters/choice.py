"""The simulated meter that a scenario asks for, by what it speaks."""

from __future__ import annotations

from typing import Protocol

from simulators.measuring import Measuring
from simulators.meter import Meter
from simulators.meters.http_json import HttpJsonMeter
from simulators.meters.p1 import P1Bridge, P1Line, Telegrams
from simulators.meters.speedwire import SpeedwireMeter


class MeterDevice(Protocol):
    """A meter, whatever it speaks."""

    @property
    def port(self) -> int:
        """Where it listens, or sends; 0 on a serial line."""
        ...

    async def start(self) -> None:
        """Take its port; OSError when it is taken."""
        ...

    async def run(self) -> None:
        """Serve until cancelled."""
        ...

    async def stop(self) -> None:
        """Give its port back."""
        ...


def meter_of(measuring: Measuring) -> MeterDevice:
    """The device of the table's link."""
    table = measuring.table
    if table.link == "p1+tcp":
        return P1Bridge(telegrams=Telegrams(measuring=measuring), port=table.port)
    if table.link == "p1" and table.device is not None:
        return P1Line(telegrams=Telegrams(measuring=measuring), path=table.device)
    if table.link == "speedwire":
        return SpeedwireMeter(measuring=measuring)
    if table.link == "http":
        return HttpJsonMeter(measuring=measuring, port=table.port)
    return Meter(measuring)
