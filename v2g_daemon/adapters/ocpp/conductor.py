"""What we ask of a station over one connection: boot, safety net, settings, then setpoints."""

from __future__ import annotations

import asyncio

from v2g_daemon.adapters.ocpp.authorization.local_list import push_local_list
from v2g_daemon.adapters.ocpp.config import CentralSystemConfig
from v2g_daemon.adapters.ocpp.provisioning.adoption import Adoption
from v2g_daemon.adapters.ocpp.provisioning.boot import Boot
from v2g_daemon.adapters.ocpp.security.certificate_requests import CertificateRequests
from v2g_daemon.adapters.ocpp.smart_charging.driver import EvseDriver
from v2g_daemon.adapters.ocpp.smart_charging.lease import Due
from v2g_daemon.adapters.ocpp.smart_charging.safety_net import SafetyNet
from v2g_daemon.adapters.ocpp.station import StationState
from v2g_daemon.adapters.ocpp.wire.session import StationConversation
from v2g_daemon.adapters.ocpp.wire.turnstile import Urgency
from v2g_daemon.ports import Clock


class Conductor:
    """Drives one connection of one station until it is cancelled."""

    def __init__(
        self,
        *,
        station: StationState,
        drivers: tuple[EvseDriver, ...],
        session: StationConversation,
        config: CentralSystemConfig,
        clock: Clock,
        awake: asyncio.Event,
        certificates: CertificateRequests,
    ) -> None:
        self._boot = Boot(station=station, session=session, config=config, clock=clock)
        self._net = SafetyNet(station=station, session=session, clock=clock)
        self._adoption = Adoption(station=station, session=session, clock=clock)
        self._certificates = certificates
        self._station = station
        self._drivers = drivers
        self._session = session
        self._clock = clock
        self._awake = awake
        self._chores = asyncio.Event()
        self._configured_power_ups = -1

    async def run(self) -> None:
        """Never returns by itself; setpoints do not wait for housekeeping."""
        await self._boot.meet()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_house())
            group.create_task(self._keep_driving())

    async def _keep_house(self) -> None:
        while True:
            if self._station.withholding:  # it has booted again
                await self._boot.prepare()
            if self._configured_power_ups != self._station.power_ups:
                await self._configure()
            await self._net.keep()
            for evse in self._station.evses:
                await self._adoption.identify(evse)
                await self._adoption.claim(evse)
            await self._start_waiting()
            await self._adoption.ask_for_meter_values()
            await self._certificates.deliver(self._session)
            for driver in self._drivers:
                await driver.keep_house(self._session)
            await self._chores.wait()
            self._chores.clear()

    async def _keep_driving(self) -> None:
        """Setpoints, once the safety net lies under them."""
        while True:
            if self._configured_power_ups == self._station.power_ups:
                await self._drive()
            self._chores.set()
            await self._awake.wait()
            self._awake.clear()

    async def farewell(self) -> None:
        """Leave every EVSE in a safe state, as far as the station answers."""
        for driver in self._drivers:
            driver.leave()
        async with self._session.turn(Urgency.SETPOINT) as calls:
            for driver in self._drivers:
                await driver.farewell(calls)

    async def _configure(self) -> None:
        """Lay the safety net first, or as soon as its form is known; then look around and settle.

        A form that is known from before is laid at once: after its restart a station may charge
        with all it has.
        """
        power_ups = self._station.power_ups
        async with self._session.turn(Urgency.SETPOINT):  # no setpoint is on its way meanwhile
            for driver in self._drivers:
                driver.forget()
        before = [evse.abilities for evse in self._station.evses]
        if all(evse.acquainted for evse in self._station.evses):
            await self._lay_safety_net()
        reading = await self._boot.read()
        for evse, known in zip(self._station.evses, before, strict=True):
            evse.forms.default_installed &= evse.abilities == known
        await self._lay_safety_net()
        await self._boot.set_thresholds(reading)
        self._configured_power_ups = power_ups
        self._awake.set()
        for evse in self._station.evses:
            await self._adoption.look_around(evse)
        await self._boot.take_stock()
        await self._boot.write(reading)
        now = self._clock.now()
        await push_local_list(self._session, self._station.config, self._station.journal, now)
        await self._boot.look_for_others()

    async def _lay_safety_net(self) -> None:
        """Now, whenever it was tried last."""
        self._net.forget()
        await self._net.keep()

    async def _start_waiting(self) -> None:
        """Where a car waits at a station that starts no transaction by itself."""
        for autostart in self._station.autostarts:
            now = self._clock.now()
            if autostart.due(now, power_ups=self._station.power_ups):
                await autostart.start(self._session, now)

    async def _drive(self) -> None:
        """Every EVSE that has something due, each once, a safer value first."""
        waiting = list(self._drivers)
        while any(driver.due() is not None for driver in waiting):
            async with self._session.turn(Urgency.SETPOINT) as calls:
                # Asked again: while the turn was waited for, a newer command may have come.
                pending = [(driver, due) for driver in waiting if (due := driver.due()) is not None]
                if not pending:
                    return
                driver, due = min(pending, key=_urgency)
                waiting.remove(driver)
                await driver.drive(calls, due)


def _urgency(pending: tuple[EvseDriver, Due]) -> bool:
    return not pending[1].safer
