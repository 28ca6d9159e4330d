"""What a command waits for: a refusal, a slow flash, a car that negotiates or has yet to speak."""

from __future__ import annotations

from dataclasses import dataclass

from v2g_daemon.adapters.ocpp.evse import EvseState
from v2g_daemon.adapters.ocpp.smart_charging.lease import Lease, is_less
from v2g_daemon.adapters.ocpp.smart_charging.lease_writer import LeaseWriter
from v2g_daemon.adapters.ocpp.smart_charging.telling import Told
from v2g_daemon.adapters.ocpp.wire.outcomes import reason_of
from v2g_daemon.adapters.ocpp.wire.session import CallOutcome
from v2g_daemon.adapters.ocpp.wire.translate import ChargingNeeds
from v2g_daemon.domain.instant import Instant

NEEDS_WAIT_S = 10.0  # K18.FR.17: before the EV's needs a TxProfile may be refused
RETRY_S = 10.0  # a refusal is repeated no faster, unless the new value is less
RETRY_ALL_FORMS_S = 60.0  # nor is a whole ladder of refusals
RENEGOTIATED_EVERY_S = 60.0  # K18: each change is settled anew with the EV


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A value that the station refused, when, and how long it is not repeated.

    It is judged anew when the car states its needs anew.
    """

    target_w: float
    at: Instant
    for_s: float
    needs: ChargingNeeds | None


class Patience:
    """Remembers of one EVSE what was refused last, and when the car was last told another value."""

    def __init__(self, *, evse: EvseState, writer: LeaseWriter) -> None:
        self._evse = evse
        self._writer = writer
        self._refusal: Refusal | None = None
        self._changed_at: Instant | None = None

    def forget(self) -> None:
        """Nothing is refused: something else was answered, or nobody remembers the refusal."""
        self._refusal = None

    def changed(self, now: Instant) -> None:
        """The station took another value than before."""
        self._changed_at = now

    def refused(self, told: Told, outcome: CallOutcome, now: Instant, *, all_forms: bool) -> None:
        """The station said no, perhaps to every form of it."""
        for_s = RETRY_ALL_FORMS_S if all_forms else RETRY_S
        if reason_of(outcome) == "ratelimitexceeded":
            for_s = max(RETRY_ALL_FORMS_S, float(self._evse.abilities.update_rate_limit_s))
        self._refusal = Refusal(target_w=told.target_w, at=now, for_s=for_s, needs=self._evse.needs)

    def must_wait(
        self, wanted: Lease, held: Lease | None, now: Instant, *, by_update: bool, safer: bool
    ) -> bool:
        """What is safer waits for nothing but the end of its own refusal."""
        if self._just_refused(wanted.told, now):
            return True
        if safer:
            return False
        if not by_update and self._writer.too_soon(wanted.told, self._evse.forms.rung, now):
            return True
        needs = self._evse.needs
        if needs is None or not needs.scheduled or held is None or held.told == wanted.told:
            return False
        changed_at = self._changed_at
        return changed_at is not None and now.seconds_since(changed_at) < RENEGOTIATED_EVERY_S

    def _just_refused(self, told: Told, now: Instant) -> bool:
        refusal = self._refusal
        if refusal is None or refusal.needs is not self._evse.needs:
            return False
        fresh = now.seconds_since(refusal.at) < refusal.for_s
        return fresh and not is_less(told.target_w, refusal.target_w)

    def awaits_needs(self, now: Instant) -> bool:
        """Whether a V2X station's EV has yet to say what it wants."""
        transaction = self._evse.transaction
        return (
            transaction is not None
            and self._evse.abilities.central_setpoint
            and self._evse.needs is None
            and now.seconds_since(transaction.since) < NEEDS_WAIT_S
        )
