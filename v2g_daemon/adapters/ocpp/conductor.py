"""What we ask of a station over one connection: boot, safety net, settings, then setpoints."""

from __future__ import annotations

import asyncio
import logging

from v2g_daemon.adapters.ocpp.abilities import profile_form
from v2g_daemon.adapters.ocpp.adoption import Adoption
from v2g_daemon.adapters.ocpp.boot import Boot
from v2g_daemon.adapters.ocpp.config import CentralSystemConfig
from v2g_daemon.adapters.ocpp.driver import Due, EvseDriver
from v2g_daemon.adapters.ocpp.evse import EvseState
from v2g_daemon.adapters.ocpp.profiles import DEFAULT_STACK_LEVEL, default_profile
from v2g_daemon.adapters.ocpp.session import CallAnswered, StationConversation
from v2g_daemon.adapters.ocpp.station import StationState
from v2g_daemon.adapters.ocpp.turnstile import Urgency
from v2g_daemon.domain.instant import Instant
from v2g_daemon.ports import Clock

LOG = logging.getLogger(__name__)

DEFAULT_RETRY_S = 30.0  # seconds of the clock


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
    ) -> None:
        self._boot = Boot(station=station, session=session, config=config, clock=clock)
        self._adoption = Adoption(station=station, session=session, clock=clock)
        self._station = station
        self._drivers = drivers
        self._session = session
        self._clock = clock
        self._awake = awake
        self._chores = asyncio.Event()
        self._configured_power_ups = -1
        self._default_tried_at: Instant | None = None

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
            await self._keep_safety_net()
            for evse in self._station.evses:
                await self._adoption.identify(evse)
                await self._adoption.claim(evse)
            await self._adoption.ask_for_meter_values()
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
            evse.default_installed &= evse.abilities == known
        await self._lay_safety_net()
        self._configured_power_ups = power_ups
        self._awake.set()
        for evse in self._station.evses:
            await self._boot.probe(evse)
            await self._adoption.look_around(evse)
        await self._boot.take_stock()
        await self._boot.write(reading)
        await self._boot.look_for_others()

    async def _lay_safety_net(self) -> None:
        """Now, whenever it was tried last."""
        self._default_tried_at = None
        await self._keep_safety_net()

    async def _keep_safety_net(self) -> None:
        """The persistent charge-only default: what the car does when our lease lapses."""
        missing = [evse for evse in self._station.evses if not evse.default_installed]
        now = self._clock.now()
        if not missing or (
            self._default_tried_at is not None
            and now.seconds_since(self._default_tried_at) < DEFAULT_RETRY_S
        ):
            return
        self._default_tried_at = now
        for evse in missing:
            await self._install_default(evse)

    async def _install_default(self, evse: EvseState) -> None:
        """Stack 0; where a profile of somebody else sits there, one above it (K01.FR.06)."""
        form = profile_form(evse.abilities, evse.config, direct_current=False)
        for stack_level in (DEFAULT_STACK_LEVEL, DEFAULT_STACK_LEVEL + 1):
            profile = default_profile(
                form,
                current_a=evse.config.static_safe_current_a,
                now_utc=self._clock.now().utc,
                stack_level=stack_level,
            )
            outcome = await self._session.call("SetChargingProfile", profile)
            if isinstance(outcome, CallAnswered) and outcome.payload["status"] == "Accepted":
                evse.default_installed = True
                evse.publish()
                return
            if not isinstance(outcome, CallAnswered):
                break
        LOG.warning("%s: no default profile, so no discharge", evse.config.evse_id)

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
