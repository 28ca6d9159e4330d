"""Getting to know a station: its boot, what it can do, and the settings we need of it."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from v2g_daemon.adapters.ocpp.config import CentralSystemConfig, OcppVersion
from v2g_daemon.adapters.ocpp.evse import EvseState
from v2g_daemon.adapters.ocpp.provisioning.abilities import (
    FIRMWARE,
    MODEL,
    SERIAL,
    VENDOR,
    Variable,
    abilities,
    ability_variables,
    two_way_switched_off,
)
from v2g_daemon.adapters.ocpp.provisioning.configuration import (
    CallLimits,
    read_limits,
    read_variables,
    trigger,
    write_variables,
)
from v2g_daemon.adapters.ocpp.provisioning.inventory import inventory_of
from v2g_daemon.adapters.ocpp.provisioning.settling import SettingState, complaint, settle
from v2g_daemon.adapters.ocpp.provisioning.wanted import load_balancing, wanted_settings
from v2g_daemon.adapters.ocpp.station import StationState
from v2g_daemon.adapters.ocpp.wire.session import CallAnswered, StationConversation
from v2g_daemon.domain.faults import FaultCode
from v2g_daemon.ports import Clock

LOG = logging.getLogger(__name__)

TRIGGER_TIMEOUT_S = 5.0
SWITCHED_OFF = (
    "V2XChargingCtrlr.Enabled is false, so no car is asked whether it can discharge; switch it on "
    "at the station, or let us do it: charger.enable_v2x = true"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a station's device model said, and how much of it one call may hold."""

    values: dict[Variable, str]
    limits: CallLimits


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
        """Wait for the boot, and for the outlets' first words after it.

        On a mere reconnect no boot comes (Part 4, 5.4): a make we know needs none.
        """
        try:
            async with asyncio.timeout(self._config.boot_wait_s):
                await self._station.boot_heard.wait()
        except TimeoutError:
            if not self._clock.trusted():
                await self._ask_for_a_stamp()
            await self._ask_for_the_boot()
            return
        if self._station.withholding:
            await self.prepare()
        await self._station.accepted.wait()
        try:
            async with asyncio.timeout(self._config.status_wait_s):
                await self._station.outlets_heard.wait()
        except TimeoutError:
            LOG.info("%s: not every outlet told its status", self._station.config.station_id)

    async def prepare(self) -> None:
        """Configure a station whose boot is pending by our wish, and have it boot again (B02)."""
        await self.write(await self.read())
        self._station.prepared = True
        await trigger(self._session, "BootNotification", evse=None, timeout_s=TRIGGER_TIMEOUT_S)

    async def _ask_for_the_boot(self) -> None:
        """At most once, where nobody knows the make; some firmwares fall over it (#1096)."""
        station = self._station
        if station.boot_asked or station.make.model is not None or not station.config.trigger_boot:
            return
        station.boot_asked = True
        await trigger(self._session, "BootNotification", evse=None, timeout_s=TRIGGER_TIMEOUT_S)

    async def _ask_for_a_stamp(self) -> None:
        """The station's own time, before the answer to its boot tells it ours."""
        for evse in self._station.evses[:1]:
            await trigger(
                self._session,
                "StatusNotification",
                evse={"id": evse.config.number, "connectorId": 1},
                timeout_s=TRIGGER_TIMEOUT_S,
            )

    async def read(self) -> Reading:
        """Read the device model, and tell every EVSE what it can do."""
        station, version = self._station, self._session.version
        station.known.in_version(version, station.make)
        limits = await read_limits(self._session)
        wanted = [one.variable for one in wanted_settings(station.config, version)]
        variables = (*ability_variables(station.config, version), *wanted)
        values = await read_variables(self._session, list(dict.fromkeys(variables)), limits)
        self._name(values)
        now = self._clock.now()
        for evse in station.evses:
            evse.learned(abilities(values, evse.config, version), station.make, now)
        return Reading(values=values, limits=limits)

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

    async def set_thresholds(self, reading: Reading) -> None:
        """What a mode of the station's own needs before it can be told to run."""
        asked = {
            one.variable: one.values[0]
            for evse in self._station.evses
            for one in load_balancing(evse.config)
            if not one.fits(reading.values.get(one.variable, one.values[0]))
        }
        statuses = await write_variables(self._session, asked, reading.limits)
        taken = {one: asked[one] for one, status in statuses.items() if status == "Accepted"}
        reading.values.update(taken)

    async def take_stock(self) -> None:
        """The full inventory, once per firmware; whatever becomes of it, we go on."""
        known = self._station.known
        if not known.wants_inventory or self._session.version is OcppVersion.V1_6:
            return
        with self._station.reports.expecting("NotifyReport") as expected:
            outcome = await self._session.call(
                "GetBaseReport",
                {"requestId": expected.request_id, "reportBase": "FullInventory"},
            )
            if not isinstance(outcome, CallAnswered) or outcome.payload["status"] != "Accepted":
                return
            parts, complete = await expected.parts(patience_s=self._config.report_patience_s)
        inventory = inventory_of(parts, complete=complete)
        known.inventoried(inventory, self._clock.now())
        LOG.info(
            "%s: %d variables in %d reports%s",
            self._station.config.station_id,
            len(inventory.entries),
            len(parts),
            "" if complete else ", incomplete",
        )

    async def look_for_others(self) -> None:
        """Whatever else limits this station is named, with the way out of it."""
        station, patience_s = self._station, self._config.report_patience_s
        await station.foreign.look(self._session, station.reports, patience_s=patience_s)

    async def write(self, reading: Reading) -> None:
        """Write the settings that differ from what was read, and say what could not be had."""
        station, version = self._station, self._session.version
        wanted = wanted_settings(station.config, version)
        settled, experience = await settle(
            self._session,
            wanted,
            reading.values,
            inventory=station.known.inventory,
            experience=station.known.experience,
            limits=reading.limits,
        )
        station.known.experienced(experience, self._clock.now())
        station.settings = settled
        for setting in settled:
            if setting.state is not SettingState.FITS:
                told = (station.config.station_id, setting.name, setting.present, setting.wanted)
                LOG.info("%s: %s: %r, wanted %r: %s", *told, setting.state.value)
        said = complaint(settled, wanted)
        for evse in station.evses:
            off = None if station.config.enable_v2x else _switched_off(evse, reading, version)
            evse.complain(FaultCode.STATION_SETTING, off or said)


def _switched_off(evse: EvseState, reading: Reading, version: OcppVersion) -> str | None:
    """What to say of a station that could discharge and must not ask cars for it."""
    config = evse.config
    could = version is OcppVersion.V2_1 and not config.charge_only and config.max_discharge_w > 0.0
    return SWITCHED_OFF if could and two_way_switched_off(reading.values, config) else None
