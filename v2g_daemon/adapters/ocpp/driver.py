"""The port of one EVSE: a newest-wins mailbox, and the lease that is armed in the station for it.

There is no timer: each command carries its own end, and where no newer one comes the lease lapses.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import floor
from typing import assert_never

from v2g_daemon.adapters.ocpp.abilities import profile_form
from v2g_daemon.adapters.ocpp.codec import JsonObject
from v2g_daemon.adapters.ocpp.evse import EvseState
from v2g_daemon.adapters.ocpp.profiles import (
    LeaseKind,
    ProfileForm,
    charge_limit_lease,
    realised_w,
    schedule_update,
    setpoint_lease,
)
from v2g_daemon.adapters.ocpp.session import (
    CallAnswered,
    CallOutcome,
    CallRejectedByError,
    CallTimedOut,
    LinkClosed,
    StationCalls,
)
from v2g_daemon.domain.instant import Instant, fresh
from v2g_daemon.domain.readings import CommandOutcome, OutcomeKind, PowerControl
from v2g_daemon.domain.setpoint import Command, HandsOff, Setpoint
from v2g_daemon.ports import Clock

LOG = logging.getLogger(__name__)

NEEDS_WAIT_S = 10.0  # K18.FR.17: before the EV's needs a TxProfile may be refused
RETRY_S = 10.0  # a refusal is repeated no faster, unless the new value is safer
FAREWELL_LEASE_S = 60
# So long after the last decision that permitted discharge the wire stays signed: a bound that comes
# and goes with the load must not change the profile's form each time.
SIGNED_LINGERS_S = 600.0
# Reasons that speak of the profile's form, so that another form may do.
_OF_THE_FORM = frozenset(
    {
        "unsupportedkind",
        "unsupportedparam",
        "unsupportedpurpose",
        "invalidprofile",
        "invalidschedule",
    }
)
_NEXT_KIND = {
    LeaseKind.DYNAMIC_SETPOINT: LeaseKind.ABSOLUTE_SETPOINT,
    LeaseKind.ABSOLUTE_SETPOINT: LeaseKind.CHARGE_LIMIT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """What the station was last told and until when it holds."""

    transaction_id: str
    kind: LeaseKind
    target_w: float
    length_s: int
    armed_at: Instant

    def remaining_s(self, now: Instant) -> float:
        """Seconds left, counted from before the message left, so never too many."""
        return self.length_s - now.seconds_since(self.armed_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A value that the station refused, and when."""

    target_w: float
    at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A lease to arm now; `asked_w` is the command's own target."""

    lease: Lease
    asked_w: float
    by_update: bool
    safer: bool


class EvseDriver:
    """Takes commands for one EVSE and brings the newest of them into the station."""

    def __init__(self, *, evse: EvseState, clock: Clock, wake: Callable[[], None]) -> None:
        self.evse = evse
        self._clock = clock
        self._wake = wake
        self._newest: Command | None = None
        self._armed: Lease | None = None
        self._refused: Refusal | None = None
        self._worst_kind = LeaseKind.DYNAMIC_SETPOINT
        self._updates_refused = False
        self._offline_limit_refused = False
        self._leaving = False
        self._touched: str | None = None
        self._discharge_permitted_at: Instant | None = None

    @property
    def evse_id(self) -> str:
        """The name of the EVSE in the house."""
        return self.evse.config.evse_id

    def command(self, command: Command) -> None:
        """Replace what was not sent yet; a new connection forgets it (see `forget`)."""
        self._newest = command
        if isinstance(command, Setpoint) and command.permitted.lowest_w < 0.0:
            self._discharge_permitted_at = command.issued_at
        self._wake()

    def forget(self) -> None:
        """A new connection or a restarted station: nothing is armed, nothing old is replayed."""
        self._newest = None
        self._armed = None
        self._refused = None
        self._worst_kind = LeaseKind.DYNAMIC_SETPOINT
        self._updates_refused = False
        self._offline_limit_refused = False
        self._discharge_permitted_at = None

    def due(self) -> Due | None:
        """The message that has to go out now, if any."""
        command, transaction = self._newest, self.evse.transaction
        now = self._clock.now()
        if self._leaving or not isinstance(command, Setpoint) or transaction is None:
            return None
        lease_s = floor(command.expires_at.seconds_since(now) + 1e-6)
        if lease_s < 1 or self._waits_for_needs(now):
            return None
        kind = self._kind()
        wanted = Lease(
            transaction_id=transaction.transaction_id,
            kind=kind,
            target_w=realised_w(self._form(), _tellable_w(kind, command.target_w)),
            length_s=lease_s,
            armed_at=now,
        )
        held = self._held(wanted, now)
        if held is not None and self._holds(held, wanted, now):
            return None
        safer = _is_safer(wanted.target_w, None if held is None else held.target_w)
        if not safer and self._was_just_refused(wanted.target_w, now):
            return None
        by_update = held is not None and self._updatable(held, lease_s)
        if by_update and held is not None:
            wanted = replace(wanted, length_s=held.length_s)
        return Due(lease=wanted, asked_w=command.target_w, by_update=by_update, safer=safer)

    async def drive(self, session: StationCalls, due: Due) -> None:
        """Send what is due and tell what became of it."""
        self._touched = due.lease.transaction_id
        if not due.by_update:
            await self._install(session, due)
            return
        update = schedule_update(self._form(), target_w=due.lease.target_w)
        outcome = await session.call("UpdateDynamicSchedule", update)
        whole = None
        if not _accepted(outcome) and not isinstance(outcome, CallTimedOut | LinkClosed):
            self._updates_refused = isinstance(outcome, CallRejectedByError)
            whole = self._again(due)
        if whole is None:
            self._settle(due, outcome)
        else:
            await self._install(session, whole)

    def leave(self) -> None:
        """From now on only the farewell is said."""
        self._leaving = True

    async def farewell(self, session: StationCalls) -> None:
        """End a discharge, and a charge above the safe current; what is left lapses by itself."""
        transaction = self.evse.transaction
        if transaction is None or transaction.transaction_id != self._touched:
            return
        if isinstance(self._newest, HandsOff):
            return
        target_w = 0.0 if self._armed is None else max(self._armed.target_w, 0.0)
        limit_w = min(target_w, self.evse.config.static_safe_w)
        profile = charge_limit_lease(
            self._form(),
            limit_w=limit_w,
            lease_s=FAREWELL_LEASE_S,
            transaction_id=transaction.transaction_id,
            now_utc=self._clock.now().utc,
        )
        outcome = await session.call("SetChargingProfile", profile)
        if not _accepted(outcome):
            LOG.warning("%s: the farewell was not taken: %s", self.evse_id, _detail(outcome))

    async def _install(self, session: StationCalls, due: Due) -> None:
        """SetChargingProfile; where the form is refused, once each in the forms below it."""
        while True:
            profile = self._profile(due.lease, due.lease.armed_at)
            outcome = await session.call("SetChargingProfile", profile)
            if _accepted(outcome) or not self._step_down(due.lease.kind, outcome):
                break
            another = self._again(due)
            if another is None:
                break
            due = another
        self._settle(due, outcome)

    def _again(self, due: Due) -> Due | None:
        """The same command in the form that may do now; its end stands, however late the refusal.

        None: it has ended, or we are leaving and the farewell has the last word.
        """
        now = self._clock.now()
        length_s = round(due.lease.remaining_s(now))
        if self._leaving or length_s < 1:
            return None
        kind = self._kind()
        target_w = _tellable_w(kind, due.lease.target_w)
        lease = replace(due.lease, kind=kind, target_w=target_w, length_s=length_s, armed_at=now)
        return replace(due, lease=lease)

    def _step_down(self, kind: LeaseKind, outcome: CallOutcome) -> bool:
        """Note which form the station cannot take; whether there is another to try."""
        reason = _reason(outcome)
        if reason == "unsupportedparam" and self._form().offline_limit:
            self._offline_limit_refused = True
            return True
        next_kind = _NEXT_KIND.get(kind)
        if reason not in _OF_THE_FORM or next_kind is None:
            return False
        self._worst_kind = next_kind
        if next_kind is LeaseKind.CHARGE_LIMIT:
            self.evse.setpoint_refused = True
            self.evse.publish()
        return True

    def _profile(self, lease: Lease, now: Instant) -> JsonObject:
        form = self._form()
        if lease.kind is LeaseKind.CHARGE_LIMIT:
            return charge_limit_lease(
                form,
                limit_w=lease.target_w,
                lease_s=lease.length_s,
                transaction_id=lease.transaction_id,
                now_utc=now.utc,
            )
        return setpoint_lease(
            form,
            target_w=lease.target_w,
            lease_s=lease.length_s,
            transaction_id=lease.transaction_id,
            now_utc=now.utc,
            dynamic=lease.kind is LeaseKind.DYNAMIC_SETPOINT,
        )

    def _settle(self, due: Due, outcome: CallOutcome) -> None:
        now = self._clock.now()
        kind, detail = OutcomeKind.TIMED_OUT, _detail(outcome)
        self._armed = self._refused = None
        match outcome:
            case CallAnswered() if _accepted(outcome):
                self._armed = due.lease
                kind = OutcomeKind.APPLIED
            case CallAnswered() | CallRejectedByError():
                self._refused = Refusal(target_w=due.lease.target_w, at=now)
                kind = OutcomeKind.REJECTED
            case CallTimedOut() | LinkClosed():
                pass
            case _:
                assert_never(outcome)
        if kind is OutcomeKind.APPLIED and due.asked_w < 0.0 <= due.lease.target_w:
            kind, detail = (
                OutcomeKind.REJECTED,
                "this EVSE cannot be told to discharge; 0 W was sent",
            )
        self.evse.answered(
            CommandOutcome(kind=kind, target_w=due.asked_w, answered_at=now, detail=detail)
        )

    def _form(self) -> ProfileForm:
        needs, found = self.evse.needs, self.evse.abilities
        form = profile_form(
            found,
            self.evse.config,
            direct_current=needs is not None and needs.direct_current,
        )
        return replace(form, offline_limit=False) if self._offline_limit_refused else form

    def _kind(self) -> LeaseKind:
        """Signed only where discharge may be wanted: a limit cannot be taken for a discharge."""
        capability = self.evse.status.capability
        if capability is None or capability.control is not PowerControl.SIGNED:
            return LeaseKind.CHARGE_LIMIT
        permitted_at = self._discharge_permitted_at
        if not fresh(permitted_at, now=self._clock.now(), max_age_s=SIGNED_LINGERS_S):
            return LeaseKind.CHARGE_LIMIT
        offered = self.evse.abilities.dynamic_profiles
        if self._worst_kind is LeaseKind.DYNAMIC_SETPOINT and not offered:
            return LeaseKind.ABSOLUTE_SETPOINT
        return self._worst_kind

    def _waits_for_needs(self, now: Instant) -> bool:
        """Whether a V2X station's EV has yet to say what it wants."""
        transaction = self.evse.transaction
        return (
            transaction is not None
            and self.evse.abilities.central_setpoint
            and self.evse.needs is None
            and now.seconds_since(transaction.since) < NEEDS_WAIT_S
        )

    def _held(self, wanted: Lease, now: Instant) -> Lease | None:
        """The lease in the station, if it still runs in this transaction."""
        armed = self._armed
        if armed is None or armed.transaction_id != wanted.transaction_id:
            return None
        return armed if armed.remaining_s(now) > 0 else None

    def _holds(self, held: Lease, wanted: Lease, now: Instant) -> bool:
        """Whether the station already does what is wanted, for long enough and not for too long."""
        same = held.kind is wanted.kind and held.target_w == wanted.target_w
        remaining_s = held.remaining_s(now)
        return same and held.length_s / 2 <= remaining_s <= wanted.length_s + 1

    def _updatable(self, held: Lease, lease_s: int) -> bool:
        """An update arms the old length anew: no longer than the command, and not much shorter."""
        return (
            held.kind is LeaseKind.DYNAMIC_SETPOINT
            and self._kind() is LeaseKind.DYNAMIC_SETPOINT
            and not self._updates_refused
            and lease_s / 2 <= held.length_s <= lease_s + 1
        )

    def _was_just_refused(self, target_w: float, now: Instant) -> bool:
        refused = self._refused
        if refused is None or now.seconds_since(refused.at) >= RETRY_S:
            return False
        return not _is_safer(target_w, refused.target_w)


def _tellable_w(kind: LeaseKind, target_w: float) -> float:
    """What that form can say of a target: a limit never goes below 0 W."""
    return max(0.0, target_w) if kind is LeaseKind.CHARGE_LIMIT else target_w


def _is_safer(target_w: float, than_w: float | None) -> bool:
    """Less of the same direction: closer to 0 W without crossing it; 0 W itself is always safer."""
    if than_w is None:
        return target_w == 0.0
    if than_w < 0.0:
        return than_w < target_w <= 0.0
    return 0.0 <= target_w < than_w


def _accepted(outcome: CallOutcome) -> bool:
    return isinstance(outcome, CallAnswered) and outcome.payload["status"] == "Accepted"


def _reason(outcome: CallOutcome) -> str:
    if isinstance(outcome, CallAnswered):
        return str(outcome.payload.get("statusInfo", {}).get("reasonCode", "")).casefold()
    return outcome.code.casefold() if isinstance(outcome, CallRejectedByError) else ""


def _detail(outcome: CallOutcome) -> str:
    match outcome:
        case CallAnswered(payload=payload):
            info = payload.get("statusInfo", {})
            words = (info.get("reasonCode", ""), info.get("additionalInfo", ""))
            return ": ".join(word for word in words if word)[:200]
        case CallRejectedByError(code=code, text=text):
            return f"{code}: {text}"[:200]
        case CallTimedOut(timeout_s=timeout_s):
            return f"no answer within {timeout_s:g} s"
        case LinkClosed():
            return "the link closed"
        case _:
            assert_never(outcome)
