"""Getting to know a station: its boot, what it can do, and the settings we need of it."""

from __future__ import annotations

import asyncio

from v2g_daemon.adapters.ocpp.abilities import (
    FIRMWARE,
    MODEL,
    SERIAL,
    VENDOR,
    Variable,
    abilities,
    readable,
    wanted_settings,
)
from v2g_daemon.adapters.ocpp.config import CentralSystemConfig
from v2g_daemon.adapters.ocpp.configuration import read_variables, trigger, write_settings
from v2g_daemon.adapters.ocpp.session import StationConversation
from v2g_daemon.adapters.ocpp.station import StationState
from v2g_daemon.ports import Clock

TRIGGER_TIMEOUT_S = 5.0


class Boot:
    """Meets and configures one station over one connection."""

    def __init__(
        self,
        *,
        station: StationState,
        session: StationConversation,
        config: CentralSystemConfig,
        clock: Clock,
    ) -> None:
        self._station = station
        self._session = session
        self._config = config
        self._clock = clock

    async def meet(self) -> None:
        """Wait for the boot; on a mere reconnect none comes (Part 4, 5.4): ask once and go on."""
        try:
            async with asyncio.timeout(self._config.boot_wait_s):
                await self._station.boot_heard.wait()
        except TimeoutError:
            if not self._clock.trusted():
                await self._ask_for_a_stamp()
            await trigger(self._session, "BootNotification", evse=None, timeout_s=TRIGGER_TIMEOUT_S)
            return
        await self._station.accepted.wait()

    async def _ask_for_a_stamp(self) -> None:
        """The station's own time, before the answer to its boot tells it ours."""
        for evse in self._station.evses[:1]:
            await trigger(
                self._session,
                "StatusNotification",
                evse={"id": evse.config.number, "connectorId": 1},
                timeout_s=TRIGGER_TIMEOUT_S,
            )

    async def read(self) -> dict[Variable, str]:
        """Read the device model, and tell every EVSE what it can do."""
        station, version = self._station, self._session.version
        values = await read_variables(self._session, readable(station.config, version))
        self._name(values)
        now = self._clock.now()
        for evse in station.evses:
            evse.learned(abilities(values, evse.config, version), station.make, now)
        return values

    def _name(self, values: dict[Variable, str]) -> None:
        """What the boot did not say of the station, its device model may."""
        known = self._station.make
        told = {
            "vendorName": values.get(VENDOR) if known.vendor is None else None,
            "model": values.get(MODEL) if known.model is None else None,
            "firmwareVersion": values.get(FIRMWARE) if known.firmware is None else None,
            "serialNumber": values.get(SERIAL) if known.serial is None else None,
        }
        self._station.named(told)

    async def write(self, values: dict[Variable, str]) -> None:
        """Write the settings that differ from what was read."""
        wanted = wanted_settings(self._station.config, self._session.version)
        await write_settings(self._session, wanted, values)
