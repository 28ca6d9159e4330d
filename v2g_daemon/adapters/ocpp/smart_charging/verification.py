"""Accepted is not power: what the station itself says of a lease that it took."""

from __future__ import annotations

from dataclasses import replace

from v2g_daemon.adapters.ocpp.evse import EvseState
from v2g_daemon.adapters.ocpp.provisioning.abilities import outlet
from v2g_daemon.adapters.ocpp.smart_charging.composite import ASKED_S, mode_of, objection
from v2g_daemon.adapters.ocpp.smart_charging.ladder import Kind
from v2g_daemon.adapters.ocpp.smart_charging.lease import Lease
from v2g_daemon.adapters.ocpp.smart_charging.telling import Idle
from v2g_daemon.adapters.ocpp.wire.session import (
    CallAnswered,
    CallRejectedByError,
    StationConversation,
)
from v2g_daemon.domain.instant import Instant

TOLD_SETTLES_S = 10.0  # an event that was on its way still tells of before
APART_FOR_S = 60.0
APART_W = 500.0
ASKED_EVERY_S = 600.0
WAKES_WITHIN_S = 300.0
AWAKE_W = 100.0
HELD_BACK = "the station itself holds the power back; look at its display or its log"
NOT_AWAKE = "the car did not wake from idling; it is not sent to sleep at this station again"


class Verification:
    """Looks at each new form of lease once, and again where the power does something else."""

    def __init__(self, evse: EvseState) -> None:
        self._evse = evse
        self._lease: Lease | None = None
        self._to_ask = False
        self._seen: set[tuple[type, Kind]] = set()
        self._answers = True
        self._asked_at: Instant | None = None
        self._apart_since: Instant | None = None
        self._woken_at: Instant | None = None
        self._objection: str | None = None

    def armed(self, lease: Lease, before: Lease | None) -> None:
        """A lease was taken; a form that is new on this connection is worth a question."""
        form = (type(lease.told), lease.kind)
        if form not in self._seen:
            self._seen.add(form)
            self._to_ask = True
        if before is None or before.told != lease.told:
            self._apart_since = None
            self._objection = None
        if before is not None and isinstance(before.told, Idle):
            self._woken_at = None if lease.told.target_w == 0.0 else lease.armed_at
        self._lease = lease

    async def look(self, session: StationConversation, now: Instant) -> None:
        """Ask where something is to be asked, and tell the house what speaks against the lease."""
        lease, transaction = self._lease, self._evse.transaction
        if lease is None or transaction is None or lease.remaining_s(now) <= 0.0:
            return
        self._watch_power(lease, now)
        if self._to_ask and self._answers:
            self._to_ask = False
            self._asked_at = now
            await self._ask(session, lease)
        if self._lease is lease:
            self._tell(lease)

    async def _ask(self, session: StationConversation, lease: Lease) -> None:
        """GetCompositeSchedule; a station that does not know it is never asked again."""
        needs, config = self._evse.needs, self._evse.config
        rate_unit = self._evse.forms.rung.rate_unit
        outcome = await session.call(
            "GetCompositeSchedule",
            {
                "evseId": config.number,
                "duration": ASKED_S,
                "chargingRateUnit": rate_unit.value,
            },
        )
        if isinstance(outcome, CallAnswered) and self._lease is lease:
            direct_current = needs is not None and needs.direct_current
            found = outlet(self._evse.abilities, config, direct_current=direct_current)
            self._objection = objection(outcome.payload, lease.told, found, rate_unit)
        elif isinstance(outcome, CallRejectedByError):
            self._answers = False

    def _watch_power(self, lease: Lease, now: Instant) -> None:
        """Power that stays apart from what was told is worth asking again, now and then."""
        status = self._evse.status
        power_w, told_at = status.power_w, status.power_observed_at
        if power_w is None or told_at is None or not _apart(power_w, lease):
            self._apart_since = None
        elif self._apart_since is None:
            self._apart_since = told_at
        elif now.seconds_since(self._apart_since) >= APART_FOR_S:
            asked = self._asked_at
            if asked is None or now.seconds_since(asked) >= ASKED_EVERY_S:
                self._to_ask = True
        self._watch_waking(power_w, now)

    def _watch_waking(self, power_w: float | None, now: Instant) -> None:
        """A car that stays asleep when it should take or give power is not sent to sleep again."""
        if self._woken_at is None or power_w is None:
            return
        if abs(power_w) >= AWAKE_W or self._evse.status.car_stopped:
            self._woken_at = None
        elif now.seconds_since(self._woken_at) >= WAKES_WITHIN_S:
            self._woken_at = None
            self._objection = NOT_AWAKE
            forms = self._evse.forms
            forms.stepped(replace(forms.rung, idle=False), now.utc)

    def _tell(self, lease: Lease) -> None:
        self._evse.doubted(self._objection or self._state_against(lease) or "")

    def _state_against(self, lease: Lease) -> str | None:
        """What the transaction's own words say, once they can speak of this lease."""
        running = self._evse.transaction
        if running is None:
            return None
        expected, mode = mode_of(lease.told), running.operation_mode
        told = _speaks_of(running.mode_told_at, lease) and None not in (expected, mode)
        if told and mode != expected:
            return f"the station says it runs in {mode}, not in {expected}"
        suspended = running.charging_state == "SuspendedEVSE"
        asked = lease.told.target_w != 0.0 and _speaks_of(running.state_told_at, lease)
        return HELD_BACK if suspended and asked else None


def _speaks_of(told_at: Instant | None, lease: Lease) -> bool:
    return told_at is not None and told_at.seconds_since(lease.armed_at) >= TOLD_SETTLES_S


def _apart(power_w: float, lease: Lease) -> bool:
    """Whether the power lies outside what was told."""
    span = lease.told.span
    return not span.lowest_w - APART_W <= power_w <= span.highest_w + APART_W
