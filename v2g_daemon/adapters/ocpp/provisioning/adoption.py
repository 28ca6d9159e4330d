"""Taking up what already runs at a station, and telling who is plugged in."""

from __future__ import annotations

from v2g_daemon.adapters.ocpp.config import OcppVersion
from v2g_daemon.adapters.ocpp.evse import EvseState
from v2g_daemon.adapters.ocpp.provisioning.abilities import connected_ev
from v2g_daemon.adapters.ocpp.provisioning.boot import TRIGGER_TIMEOUT_S
from v2g_daemon.adapters.ocpp.provisioning.configuration import (
    CallLimits,
    read_variables,
    transaction_ongoing,
    trigger,
)
from v2g_daemon.adapters.ocpp.station import StationState
from v2g_daemon.adapters.ocpp.wire.codec import printable
from v2g_daemon.adapters.ocpp.wire.session import StationConversation
from v2g_daemon.adapters.ocpp.wire.translate import allowed_transfers
from v2g_daemon.domain.instant import Instant
from v2g_daemon.ports import Clock

MOST_NAME_ASKS = 2
NAME_AGAIN_S = 30.0
MOST_ASKS = 3  # some stations reboot when they are asked in a loop
STALE_SAMPLES = 6  # so many sample intervals without power, and we ask for meter values


class Adoption:
    """Asks one station, over one connection, about the sessions at its outlets."""

    def __init__(
        self, *, station: StationState, session: StationConversation, clock: Clock
    ) -> None:
        self._station = station
        self._session = session
        self._clock = clock
        self._asked_meter_at: Instant | None = None
        self._asked_in_vain = 0
        self._names_no_cars = False

    async def look_around(self, evse: EvseState) -> None:
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

    async def claim(self, evse: EvseState) -> None:
        """A transaction older than we are: have the EV state its needs again."""
        transaction = evse.transaction
        if transaction is None or not transaction.adopted or transaction.claimed:
            return
        transaction.claimed = True
        if self._session.version is not OcppVersion.V2_1 or not evse.abilities.central_setpoint:
            return
        if evse.needs is None and evse.transaction is transaction:
            await self._session.call(
                "NotifyAllowedEnergyTransfer",
                {
                    "transactionId": transaction.transaction_id,
                    "allowedEnergyTransfer": allowed_transfers((evse.config,)),
                },
            )

    async def identify(self, evse: EvseState) -> None:
        """Read the car's name, where it did not tell it; it may be known a while after plug-in."""
        transaction, known = evse.transaction, evse.status.identity
        if transaction is None or self._session.version is OcppVersion.V1_6 or self._names_no_cars:
            return
        now = self._clock.now()
        asked_at = transaction.name_asked_at
        if (
            (known is not None and known.evccid is not None)
            or transaction.name_asks >= MOST_NAME_ASKS
            or (asked_at is not None and now.seconds_since(asked_at) < NAME_AGAIN_S)
        ):
            return
        transaction.name_asks += 1
        transaction.name_asked_at = now
        variable = connected_ev(evse.config.number)
        values = await read_variables(self._session, [variable], CallLimits())
        self._names_no_cars = variable not in values
        evccid = printable(values.get(variable, ""))
        if evccid != "" and evse.transaction is transaction:
            evse.named(evccid=evccid)

    async def ask_for_meter_values(self) -> None:
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
