"""A central system on a free loopback port, with a clock and a sink the test looks into."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from tests.adapters.ocpp.scripted_station import MemoryJournal, Sink, SteppedClock
from v2g_daemon.adapters.ocpp import (
    CentralSystem,
    CentralSystemConfig,
    EvseConfig,
    OcppVersion,
    StationConfig,
)
from v2g_daemon.adapters.ocpp.dialects.quirks import NO_DIALECTS, Dialects
from v2g_daemon.domain.power import PowerRange
from v2g_daemon.domain.readings import EvseStatus
from v2g_daemon.domain.setpoint import Authority, Command, HandsOff, Reason, Setpoint
from v2g_daemon.ports import CertificateRegister, EvsePort, StationCa

EVSE = EvseConfig(
    evse_id="garage",
    static_safe_current_a=10.0,
    max_charge_w=7400.0,
    max_discharge_w=7400.0,
    min_charge_w=1400.0,
    min_discharge_w=1400.0,
)
REASON = Reason(authority=Authority.PLAN, rule="test", detail="a test")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """The parts of one test."""

    central: CentralSystem
    clock: SteppedClock
    sink: Sink
    port: EvsePort
    serving: asyncio.Task[None]
    journal: MemoryJournal

    @property
    def status(self) -> EvseStatus:
        return self.sink.evse["garage"]

    async def until(self, holds: Callable[[EvseStatus], bool]) -> EvseStatus:
        """Wait (in real time, briefly) until the status is as wanted."""
        async with asyncio.timeout(5):
            while not holds(self.status):
                self.sink.news.clear()
                await self.sink.news.wait()
        return self.status

    def setpoint(
        self,
        target_w: float,
        *,
        lease_s: float = 90.0,
        lowest_w: float = -10000.0,
        probe: bool = False,
    ) -> None:
        now = self.clock.now()
        self.port.command(
            Setpoint(
                target_w=target_w,
                permitted=PowerRange(lowest_w=lowest_w, highest_w=10000.0),
                reason=REASON,
                issued_at=now,
                expires_at=now.later(lease_s),
                probe=probe,
            )
        )

    def hands_off(self) -> None:
        command: Command = HandsOff(
            permitted=PowerRange(lowest_w=0.0, highest_w=7400.0), reason=REASON
        )
        self.port.command(command)


Benches = Callable[..., AbstractAsyncContextManager[Bench]]


@pytest.fixture
def benches() -> Benches:
    """`async with benches(evse=..., versions=..., call_timeout_s=...) as bench`.

    A `journal` of an earlier bench makes this one its restart; any other name is of StationConfig.
    """

    @asynccontextmanager
    async def make(
        *,
        evse: EvseConfig = EVSE,
        versions: tuple[OcppVersion, ...] = (OcppVersion.V2_1, OcppVersion.V2_0_1),
        call_timeout_s: float = 2.0,
        central_system: Mapping[str, Any] | None = None,
        journal: MemoryJournal | None = None,
        ca: StationCa | None = None,
        register: CertificateRegister | None = None,
        dialects: Dialects = NO_DIALECTS,
        **station: Any,
    ) -> AsyncIterator[Bench]:
        clock, sink = SteppedClock(), Sink()
        config = CentralSystemConfig(
            stations=(
                StationConfig(
                    station_id="S1",
                    evses=(evse,),
                    versions=versions,
                    **{"password": "correct horse battery", **station},
                ),
            ),
            call_timeout_s=call_timeout_s,
            boot_wait_s=0.3,
            status_wait_s=0.3,
            report_patience_s=0.3,
            rival_ping_timeout_s=0.3,
            **(central_system or {}),
        )
        kept = MemoryJournal() if journal is None else journal
        central = CentralSystem(
            config, clock, sink, kept, ca=ca, register=register, dialects=dialects
        )
        serving = asyncio.create_task(central.run())
        relaying = [asyncio.create_task(_run(relay)) for relay in central.relays().values()]
        async with asyncio.timeout(5):
            await central.listening()
        try:
            yield Bench(
                central=central,
                clock=clock,
                sink=sink,
                port=central.ports()[0],
                serving=serving,
                journal=kept,
            )
        finally:
            for task in (serving, *relaying):
                task.cancel()
            await asyncio.wait([serving, *relaying])

    return make


async def _run(task: Callable[[], Awaitable[None]]) -> None:
    await task()


@pytest.fixture
async def bench(benches: Benches) -> AsyncIterator[Bench]:
    """One V2G station S1 with the EVSE `garage`."""
    async with benches() as found:
        yield found
