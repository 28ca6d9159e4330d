"""The port of one EVSE: a newest-wins mailbox, and the lease that is armed in the station for it.

There is no timer: each command carries its own end, and where no newer one comes the lease lapses.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from math import floor
from typing import assert_never

from v2g_daemon.adapters.ocpp.evse import EvseState
from v2g_daemon.adapters.ocpp.smart_charging.choice import Choice
from v2g_daemon.adapters.ocpp.smart_charging.ladder import Attempt, Kind, Room, Rung, next_rung
from v2g_daemon.adapters.ocpp.smart_charging.lease import (
    Due,
    Lease,
    is_safer,
    pulled_length_s,
    written_kind,
)
from v2g_daemon.adapters.ocpp.smart_charging.lease_writer import LeaseWriter
from v2g_daemon.adapters.ocpp.smart_charging.outlook_layer import OutlookLayer
from v2g_daemon.adapters.ocpp.smart_charging.patience import Patience
from v2g_daemon.adapters.ocpp.smart_charging.telling import (
    ChargeLimit,
    NegativeLimit,
    Told,
    VendorSetpoint,
    extra_of,
    is_signed,
    leaves_choice,
)
from v2g_daemon.adapters.ocpp.smart_charging.transfers import Transfers
from v2g_daemon.adapters.ocpp.smart_charging.verification import Verification
from v2g_daemon.adapters.ocpp.transaction import Transaction
from v2g_daemon.adapters.ocpp.wire.codec import JsonObject
from v2g_daemon.adapters.ocpp.wire.outcomes import detail_of, is_accepted
from v2g_daemon.adapters.ocpp.wire.session import (
    CallAnswered,
    CallOutcome,
    CallRejectedByError,
    CallTimedOut,
    LinkClosed,
    StationCalls,
    StationConversation,
)
from v2g_daemon.adapters.ocpp.wire.turnstile import Urgency
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.outlook import Outlook
from v2g_daemon.domain.readings import CommandOutcome, OutcomeKind
from v2g_daemon.domain.setpoint import Command, HandsOff, Setpoint
from v2g_daemon.ports import Clock

LOG = logging.getLogger(__name__)

FAREWELL_LEASE_S = 60
PROBE_TIMEOUT_S = 3.0  # real: whatever a test brings about must be ended soon
CANNOT_DISCHARGE = "this EVSE cannot be told to discharge; 0 W was sent"


class EvseDriver:
    """Takes commands for one EVSE and brings the newest of them into the station."""

    def __init__(self, *, evse: EvseState, clock: Clock, wake: Callable[[], None]) -> None:
        self.evse = evse
        evse.commander = self
        self._clock = clock
        self._wake = wake
        self._choice = Choice(evse)
        self._writer = LeaseWriter(evse=evse, choice=self._choice, clock=clock)
        self._patience = Patience(evse=evse, writer=self._writer)
        self._outlook = OutlookLayer(evse=evse, choice=self._choice)
        self._transfers = Transfers(evse)
        self._verification = Verification(evse)
        self._newest: Command | None = None
        self._armed: Lease | None = None
        self._leaving = False
        self._touched: str | None = None

    @property
    def evse_id(self) -> str:
        """The name of the EVSE in the house."""
        return self.evse.config.evse_id

    def command(self, command: Command) -> None:
        """Replace what was not sent yet; a new connection forgets it (see `forget`)."""
        self._newest = command
        if isinstance(command, Setpoint):
            self._choice.note(command)
            self._transfers.note(command)
        self._wake()

    def outlook(self, outlook: Outlook | None) -> None:
        """What the EVSE is to do by itself should commands cease; None: nothing is known."""
        self._outlook.wanted = outlook
        self._wake()

    def outlook_reported(self, profile: JsonObject) -> None:
        """What an earlier process left in it; a lease that it has masked so far is told anew."""
        self._outlook.reported(profile)
        armed, rung, now = self._armed, self.evse.forms.rung, self._clock.now()
        if armed is not None and self._outlook.governs(armed.transaction_id, rung, now):
            self._armed = None
            self._wake()

    def forget(self) -> None:
        """A new connection or a restarted station: nothing is armed, nothing old is replayed."""
        self._newest = None
        self._armed = None
        self._patience.forget()
        self._choice.forget()
        self._outlook.forget()
        self._transfers.forget()
        self._verification = Verification(self.evse)

    @property
    def command_stands(self) -> bool:
        """Whether a setpoint is in force that the station would be told."""
        command, now = self._newest, self._clock.now()
        return isinstance(command, Setpoint) and not command.expires_at.reached(now)

    def probed(self, *, passed: bool, detail: str) -> None:
        """The verdict of a guided test at this EVSE."""
        self.evse.forms.probed(passed=passed, detail=detail, now_utc=self._clock.now().utc)
        self.evse.publish()

    def due(self) -> Due | None:
        """The message that has to go out now, if any."""
        command, transaction = self._newest, self.evse.transaction
        now = self._clock.now()
        if self._leaving or not isinstance(command, Setpoint) or transaction is None:
            return None
        wanted = self._wanted(command, transaction, now, self.evse.forms.rung)
        if wanted is None or self._patience.awaits_needs(now):
            return None
        held = self._held(wanted, now)
        if held is not None and held.does(wanted, now):
            return None
        safer = is_safer(wanted, held, command.permitted)
        by_update = held is not None and self._updatable(held, wanted)
        if self._patience.must_wait(wanted, held, now, by_update=by_update, safer=safer):
            return None
        if by_update and held is not None:
            wanted = replace(wanted, length_s=held.length_s)
        return Due(lease=wanted, command=command, by_update=by_update, safer=safer)

    async def drive(self, calls: StationCalls, due: Due) -> None:
        """Send what is due and tell what became of it."""
        self._touched = due.lease.transaction_id
        if not due.by_update:
            await self._install(calls, due)
            return
        outcome = await self._writer.update(calls, due.lease)
        whole = None
        if not is_accepted(outcome) and not isinstance(outcome, CallTimedOut | LinkClosed):
            if isinstance(outcome, CallRejectedByError):
                self.evse.forms.stepped(
                    replace(self.evse.forms.rung, updates=False), self._clock.now().utc
                )
            whole = self._again(due, self.evse.forms.rung)
        if whole is None:
            self._settle(due, outcome)
        else:
            await self._install(calls, whole)

    async def keep_house(self, session: StationConversation) -> None:
        """What may wait for setpoints: the outlook, the car's permissions, a look at the result."""
        now = self._clock.now()
        await self._transfers.tell(session, now)
        async with session.turn(Urgency.ROUTINE) as calls:
            if not self._leaving and isinstance(self._newest, Setpoint) and self.due() is None:
                await self._outlook.write(calls, self._clock.now())
        await self._verification.look(session, self._clock.now())

    def leave(self) -> None:
        """From now on only the farewell is said."""
        self._leaving = True

    async def farewell(self, calls: StationCalls) -> None:
        """End a discharge, and a charge above the safe current; what is left lapses by itself."""
        transaction = self.evse.transaction
        now = self._clock.now()
        self.evse.writes.keep(now)
        if transaction is None or transaction.transaction_id != self._touched:
            return
        if isinstance(self._newest, HandsOff):
            return
        told, armed = ChargeLimit(limit_w=self._parting_w()), self._armed
        lease = Lease(
            transaction_id=transaction.transaction_id,
            told=told,
            kind=self.evse.forms.rung.limit_kind,
            length_s=FAREWELL_LEASE_S,
            armed_at=now,
        )
        if armed is not None and isinstance(armed.told, VendorSetpoint):
            lease = replace(lease, told=replace(armed.told, target_w=told.limit_w))
        outcome = await self._send(calls, lease, self.evse.forms.rung, timeout_s=None)
        if not is_accepted(outcome):
            LOG.warning("%s: the farewell was not taken: %s", self.evse_id, detail_of(outcome))

    def pulled(self, profile_id: int) -> JsonObject | None:
        """The setpoint with which a pulling station may renew its lease; None: it must run out.

        The renewed lease ends no later than the newest command, so a loop that no longer issues
        setpoints is not outlived.
        """
        command, held, transaction = self._newest, self._armed, self.evse.transaction
        now, rung = self._clock.now(), self.evse.forms.rung
        if held is None or transaction is None or not isinstance(command, Setpoint):
            return None
        ours = profile_id == self._choice.outlet().lease_id
        if self._leaving or not ours or held.length_s > _left_s(command, now):
            return None
        wanted = self._wanted(command, transaction, now, rung)
        if wanted is None or not self._updatable(held, wanted):
            return None
        safer = is_safer(wanted, held, command.permitted)
        if self._patience.must_wait(wanted, held, now, by_update=True, safer=safer):
            return None
        lease = replace(wanted, length_s=held.length_s)
        due = Due(lease=lease, command=command, by_update=True, safer=safer)
        self.evse.wrote(now, flash=False)
        self._settle(due, CallAnswered(payload={"status": "Accepted"}))
        return self._writer.update_of(lease.told)

    def _wanted(
        self, command: Setpoint, transaction: Transaction, now: Instant, rung: Rung
    ) -> Lease | None:
        """The lease that the command asks for; None: it has ended."""
        length_s = floor(_left_s(command, now) + 1e-6)
        if length_s < 1:
            return None
        told = self._choice.told(command, now, rung)
        kind = written_kind(told, rung.setpoint_kind, rung.limit_kind)
        if kind is Kind.DYNAMIC and self.evse.config.dialect.pulls:
            length_s = pulled_length_s(length_s)
        return Lease(
            transaction_id=transaction.transaction_id,
            told=told,
            kind=kind,
            length_s=length_s,
            armed_at=now,
        )

    async def _install(self, calls: StationCalls, due: Due) -> None:
        """SetChargingProfile; where the form is refused, once each in the forms below it."""
        rung = self.evse.forms.rung
        tried = frozenset({rung})
        while True:
            timeout_s = PROBE_TIMEOUT_S if due.command.probe else None
            outcome = await self._send(calls, due.lease, rung, timeout_s=timeout_s)
            if is_accepted(outcome):
                self.evse.forms.stepped(rung, self._clock.now().utc)
                break
            next_one = self._step(due.lease.told, rung, tried, outcome)
            another = None if next_one is None else self._again(due, next_one)
            if next_one is None or another is None:
                break
            due, rung, tried = another, next_one, tried | {next_one}
        self._settle(due, outcome, all_forms=len(tried) > 1)

    async def _send(
        self, calls: StationCalls, lease: Lease, rung: Rung, *, timeout_s: float | None
    ) -> CallOutcome:
        """The lease, once no outlook masks it; where that is refused, so is the form."""
        refusal = await self._outlook.give_way(calls, lease, rung, self._clock.now())
        if refusal is not None:
            return refusal
        return await self._writer.send(calls, lease, rung, timeout_s=timeout_s)

    def _step(
        self, told: Told, rung: Rung, tried: frozenset[Rung], outcome: CallOutcome
    ) -> Rung | None:
        """The next form; words that had to be proved have none below them."""
        if isinstance(told, NegativeLimit | VendorSetpoint):
            return None
        attempt = Attempt(
            rung=rung,
            signed=is_signed(told),
            room=self._room(),
            tried=tried,
            extra=extra_of(told),
        )
        return next_rung(attempt, outcome)

    def _again(self, due: Due, rung: Rung) -> Due | None:
        """What is decided by now, in the form that may do; the command's end stands.

        None: nothing is decided any more, or we are leaving and the farewell has the last word.
        """
        command, transaction = self._newest, self.evse.transaction
        if self._leaving or transaction is None or not isinstance(command, Setpoint):
            return None
        lease = self._wanted(command, transaction, self._clock.now(), rung)
        if lease is None or lease.transaction_id != due.lease.transaction_id:
            return None
        return Due(lease=lease, command=command, by_update=False, safer=due.safer)

    def _settle(self, due: Due, outcome: CallOutcome, *, all_forms: bool = False) -> None:
        now, told = self._clock.now(), due.lease.told
        kind, detail = OutcomeKind.TIMED_OUT, detail_of(outcome)
        before, self._armed = self._armed, None
        self._patience.forget()
        match outcome:
            case CallAnswered() if is_accepted(outcome):
                kind = self._arm(due, before, now)
            case CallAnswered() | CallRejectedByError():
                kind = OutcomeKind.REJECTED
                self._refused(due, outcome, now, all_forms=all_forms)
            case CallTimedOut() | LinkClosed():
                pass
            case _:
                assert_never(outcome)
        if kind is OutcomeKind.APPLIED and due.command.target_w < 0.0 <= told.target_w:
            kind, detail = OutcomeKind.REJECTED, CANNOT_DISCHARGE
        self.evse.answered(
            CommandOutcome(
                kind=kind,
                target_w=due.command.target_w,
                answered_at=now,
                detail=detail,
                left_to_device=told.span if leaves_choice(told) else None,
            )
        )

    def _arm(self, due: Due, before: Lease | None, now: Instant) -> OutcomeKind:
        self._armed = due.lease
        self.evse.most_w = due.lease.told.span.highest_w
        self.evse.to_renegotiate = False
        if before is None or before.told != due.lease.told:
            self._patience.changed(now)
        self._verification.armed(due.lease, before)
        return OutcomeKind.APPLIED

    def _refused(self, due: Due, outcome: CallOutcome, now: Instant, *, all_forms: bool) -> None:
        """A proved way that is refused is none any more."""
        told = due.lease.told
        self._patience.refused(told, outcome, now, all_forms=all_forms)
        if isinstance(told, NegativeLimit | VendorSetpoint) and not due.command.probe:
            self.evse.forms.way_refused()

    def _held(self, wanted: Lease, now: Instant) -> Lease | None:
        """The lease in the station, if it still runs in this transaction."""
        armed = self._armed
        if armed is None or armed.transaction_id != wanted.transaction_id:
            return None
        return armed if armed.remaining_s(now) > 0 and not self.evse.to_renegotiate else None

    def _updatable(self, held: Lease, wanted: Lease) -> bool:
        rung, transaction_id = self.evse.forms.rung, wanted.transaction_id
        if held.transaction_id != transaction_id or not rung.updates:
            return False
        masked = self._outlook.governs(transaction_id, rung, wanted.armed_at)
        return held.updatable_to(wanted) and not masked

    def _room(self) -> Room:
        net = self.evse.forms.net_rung
        return Room(
            highest_stack_level=self.evse.abilities.highest_stack_level,
            single_evse=self.evse.alone,
            direct_current=self._choice.outlet().direct_current,
            shared_level=net.stack_level + 1,
        )

    def _parting_w(self) -> float:
        """What may go on without us: what is armed, as far as it is safe."""
        armed_w = 0.0 if self._armed is None else max(self._armed.told.target_w, 0.0)
        return min(armed_w, self.evse.config.static_safe_w)


def _left_s(command: Setpoint, now: Instant) -> float:
    return command.expires_at.seconds_since(now)
