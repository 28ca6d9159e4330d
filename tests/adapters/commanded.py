"""A house whose charger is commanded as a tick would: the truth, the port, and what it tells."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from simulators.assembly import Assembly
from simulators.control import FaultOrder, VehicleOrder
from tests.adapters.ocpp.scripted_station import Sink
from v2g_daemon.adapters.system.clock import ScaledClock
from v2g_daemon.domain.power import PowerRange
from v2g_daemon.domain.readings import EvseStatus
from v2g_daemon.domain.setpoint import Authority, HandsOff, Reason, Setpoint
from v2g_daemon.ports import EvsePort

EVSE = "garage"
CHARGER = "SIM-CHARGER"
STATIC_SAFE_W = 2300.0
LEASE_S = 90.0
BECAUSE = Reason(authority=Authority.PLAN, rule="plan", detail="a test")
EVERYTHING = PowerRange(lowest_w=-50_000.0, highest_w=50_000.0)
NEAR_W = 60.0


@dataclass(slots=True, kw_only=True)
class CommandedHouse:
    """The charger as it truly is, and as the daemon sees it."""

    parts: Assembly
    port: EvsePort
    clock: ScaledClock
    sink: Sink
    running: asyncio.Task[None] | None = None

    @property
    def status(self) -> EvseStatus:
        """What the house was told last."""
        return self.sink.evse.get(EVSE, EvseStatus(evse_id=EVSE, connected=False))

    def true_power_w(self) -> float:
        """What really flows."""
        self.parts.control.now_s()
        return self.parts.world.outlets[CHARGER].power_w

    def command(
        self, target_w: float, *, permitted: PowerRange = EVERYTHING, lease_s: float = LEASE_S
    ) -> None:
        """One setpoint, as a tick issues it."""
        now = self.clock.now()
        self.port.command(
            Setpoint(
                target_w=target_w,
                permitted=permitted,
                reason=BECAUSE,
                issued_at=now,
                expires_at=now.later(lease_s),
            )
        )

    def hands_off(self) -> None:
        """Nothing is commanded."""
        self.port.command(HandsOff(permitted=EVERYTHING, reason=BECAUSE))

    async def hold(
        self, target_w: float, until: Callable[[], bool], *, within_s: float = 15.0, **how: Any
    ) -> None:
        """Command it ten times a second until it is so; real seconds."""
        for _ in range(round(within_s / 0.1)):
            self.command(target_w, **how)
            await asyncio.sleep(0.1)
            if until():
                return
        raise AssertionError(f"told {target_w:g} W for {within_s:g} s: {self._told()}")

    async def met(self) -> None:
        """Command 0 W until the car was seen."""
        await self.hold(0.0, lambda: self.status.plugged_in)

    async def follow(self, target_w: float, **how: Any) -> None:
        """Command it until that power flows and is told."""

        def flows() -> bool:
            told_w = self.status.power_w
            near = abs(self.true_power_w() - target_w) < NEAR_W
            return near and told_w is not None and abs(told_w - target_w) < NEAR_W

        await self.hold(target_w, flows, **how)

    async def until(self, reached: Callable[[], bool], *, within_s: float = 15.0) -> None:
        """Wait for it, without a command; real seconds."""
        for _ in range(round(within_s / 0.05)):
            if reached():
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"not within {within_s:g} s: {self._told()}")

    def fault(self, kind: str, **words: Any) -> None:
        """Begin a fault of the charger; `none` ends all."""
        self.parts.control.set_fault(FaultOrder(device=CHARGER, kind=kind, **words))

    def car(self, action: Literal["plug", "unplug", "arrive"], **words: Any) -> None:
        """Plug the car in, or out."""
        self.parts.control.move_vehicle(VehicleOrder(action=action, **words))

    async def stop(self) -> None:
        """An orderly stop of whoever commands."""
        task, self.running = self.running, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def die(self) -> None:
        """From now on the charger hears nothing of us."""
        raise AssertionError("each protocol has its own way")

    def _told(self) -> str:
        return f"{self.true_power_w():.0f} W flow; {self.status}"
