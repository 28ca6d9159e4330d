"""What we ask of a station over one connection: boot, safety net, settings, then setpoints."""

from __future__ import annotations

import asyncio
import logging

from v2g_daemon.adapters.ocpp.abilities import (
    SERIAL,
    Variable,
    abilities,
    connected_ev,
    profile_form,
    readable,
    wanted_settings,
)
from v2g_daemon.adapters.ocpp.certificate_requests import CertificateRequests
from v2g_daemon.adapters.ocpp.codec import printable
from v2g_daemon.adapters.ocpp.config import CentralSystemConfig, OcppVersion
from v2g_daemon.adapters.ocpp.configuration import (
    read_variables,
    transaction_ongoing,
    trigger,
    write_settings,
)
from v2g_daemon.adapters.ocpp.driver import Due, EvseDriver
from v2g_daemon.adapters.ocpp.evse import EvseState, Transaction
from v2g_daemon.adapters.ocpp.local_list import push_local_list
from v2g_daemon.adapters.ocpp.profiles import DEFAULT_STACK_LEVEL, default_profile
from v2g_daemon.adapters.ocpp.session import CallAnswered, StationConversation
from v2g_daemon.adapters.ocpp.station import StationState
from v2g_daemon.adapters.ocpp.translate import allowed_transfers
from v2g_daemon.adapters.ocpp.turnstile import Urgency
from v2g_daemon.domain.instant import Instant
from v2g_daemon.ports import Clock

LOG = logging.getLogger(__name__)

TRIGGER_TIMEOUT_S = 5.0
DEFAULT_RETRY_S = 30.0  # seconds of the clock
MOST_ASKS = 3  # some stations reboot when they are asked in a loop
STALE_SAMPLES = 6  # so many sample intervals without power, and we ask for meter values


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
        self._certificates = certificates
        self._station = station
        self._drivers = drivers
        self._session = session
        self._config = config
        self._clock = clock
        self._awake = awake
        self._chores = asyncio.Event()
        self._configured_power_ups = -1
        self._default_tried_at: Instant | None = None
        self._asked_meter_at: Instant | None = None
        self._asked_in_vain = 0

    async def run(self) -> None:
        """Never returns by itself; setpoints do not wait for housekeeping."""
        await self._meet()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_house())
            group.create_task(self._keep_driving())

    async def _keep_house(self) -> None:
        while True:
            if self._configured_power_ups != self._station.power_ups:
                await self._configure()
            await self._keep_safety_net()
            for evse in self._station.evses:
                await self._claim(evse)
            await self._start_waiting()
            await self._ask_for_meter_values()
            await self._certificates.deliver(self._session)
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

    async def _meet(self) -> None:
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

    async def _configure(self) -> None:
        """Read the device model, lay the safety net first, then write settings and look around."""
        power_ups = self._station.power_ups
        async with self._session.turn(Urgency.SETPOINT):  # no setpoint is on its way meanwhile
            for driver in self._drivers:
                driver.forget()
        station, version = self._station.config, self._session.version
        values = await read_variables(self._session, readable(station, version))
        self._learn(values, version)
        self._default_tried_at = None
        await self._keep_safety_net()
        self._configured_power_ups = power_ups
        self._awake.set()
        await write_settings(self._session, wanted_settings(station, version), values)
        now = self._clock.now()
        await push_local_list(self._session, self._station.config, self._station.journal, now)
        for evse in self._station.evses:
            await self._look_around(evse)

    def _learn(self, values: dict[Variable, str], version: OcppVersion) -> None:
        if self._station.serial is None and SERIAL in values:
            self._station.serial = printable(values[SERIAL]) or None
        for evse in self._station.evses:
            evse.learned(abilities(values, evse.config, version), serial=self._station.serial)

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

    async def _look_around(self, evse: EvseState) -> None:
        """After a reconnect: is a car there, is a transaction running that we do not know (of)?"""
        number = evse.config.number
        if not evse.connector_heard:
            await trigger(
                self._session,
                "StatusNotification",
                evse={"id": number, "connectorId": 1},
                timeout_s=TRIGGER_TIMEOUT_S,
            )
        if evse.transaction is not None and evse.transaction.heard:
            return
        comes = await trigger(
            self._session, "TransactionEvent", evse={"id": number}, timeout_s=TRIGGER_TIMEOUT_S
        )
        known = evse.transaction
        if comes is not False or known is None or known.heard:
            return
        ongoing = await transaction_ongoing(self._session, known.transaction_id)
        if not ongoing and evse.transaction is known:
            evse.transaction_over(self._clock.now())

    async def _claim(self, evse: EvseState) -> None:
        """A transaction older than we are: learn its car, and have the EV state its needs again."""
        transaction = evse.transaction
        if transaction is None or not transaction.adopted or transaction.claimed:
            return
        transaction.claimed = True
        if self._session.version is not OcppVersion.V2_1 or not evse.abilities.central_setpoint:
            return
        await self._identify(evse, transaction)
        if evse.needs is None and evse.transaction is transaction:
            await self._session.call(
                "NotifyAllowedEnergyTransfer",
                {
                    "transactionId": transaction.transaction_id,
                    "allowedEnergyTransfer": allowed_transfers((evse.config,)),
                },
            )

    async def _identify(self, evse: EvseState, transaction: Transaction) -> None:
        known = evse.status.identity
        if known is not None and known.evccid is not None:
            return
        variable = connected_ev(evse.config.number)
        values = await read_variables(self._session, [variable])
        evccid = printable(values.get(variable, ""))
        if evccid != "" and evse.transaction is transaction:
            evse.named(evccid=evccid)

    async def _start_waiting(self) -> None:
        """Where a car waits at a station that starts no transaction by itself."""
        for autostart in self._station.autostarts:
            now = self._clock.now()
            if autostart.due(now, power_ups=self._station.power_ups):
                await autostart.start(self._session, now)

    async def _ask_for_meter_values(self) -> None:
        """A running transaction that stopped sending samples is asked for one, now and then."""
        patience_s = STALE_SAMPLES * self._station.config.sample_interval_s
        now = self._clock.now()
        asked_at = self._asked_meter_at
        if asked_at is not None and now.seconds_since(asked_at) < patience_s:
            return
        if self._asked_in_vain >= MOST_ASKS:
            return
        for evse in self._station.evses:
            transaction, seen_at = evse.transaction, evse.status.power_observed_at
            if transaction is None or now.seconds_since(transaction.since) < patience_s:
                continue
            if seen_at is not None and now.seconds_since(seen_at) < patience_s:
                self._asked_in_vain = 0
            else:
                self._asked_meter_at = now
                self._asked_in_vain += 1
                await trigger(
                    self._session,
                    "MeterValues",
                    evse={"id": evse.config.number},
                    timeout_s=TRIGGER_TIMEOUT_S,
                )

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
