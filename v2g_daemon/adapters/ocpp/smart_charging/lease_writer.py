"""Leases on the wire: one message each, in one form, counted."""

from __future__ import annotations

from v2g_daemon.adapters.ocpp.evse import EvseState
from v2g_daemon.adapters.ocpp.smart_charging.choice import Choice
from v2g_daemon.adapters.ocpp.smart_charging.ladder import Rung
from v2g_daemon.adapters.ocpp.smart_charging.lease import Lease, pull_every_s
from v2g_daemon.adapters.ocpp.smart_charging.profiles import (
    LeaseTime,
    lease_profile,
    schedule_update,
    vendor_message,
)
from v2g_daemon.adapters.ocpp.smart_charging.telling import CentralSetpoint, Told, VendorSetpoint
from v2g_daemon.adapters.ocpp.wire.codec import JsonObject
from v2g_daemon.adapters.ocpp.wire.outcomes import is_accepted, is_unsupported
from v2g_daemon.adapters.ocpp.wire.session import CallOutcome, StationCalls
from v2g_daemon.domain.instant import Instant
from v2g_daemon.ports import Clock


class LeaseWriter:
    """Writes to one EVSE; remembers when a profile was last installed."""

    def __init__(self, *, evse: EvseState, choice: Choice, clock: Clock) -> None:
        self._evse = evse
        self._choice = choice
        self._clock = clock
        self._installed_at: Instant | None = None

    async def send(
        self, calls: StationCalls, lease: Lease, rung: Rung, *, timeout_s: float | None
    ) -> CallOutcome:
        """The whole lease, in one message."""
        outlet, time = self._choice.outlet(), self._time(lease)
        if isinstance(lease.told, VendorSetpoint):
            message = vendor_message(outlet, lease.told, time)
            outcome = await calls.call("DataTransfer", message, timeout_s=timeout_s)
        else:
            profile = lease_profile(outlet, rung, lease.told, lease.kind, time)
            outcome = await calls.call("SetChargingProfile", profile, timeout_s=timeout_s)
            self._installed_at = self._clock.now()
            if is_unsupported(outcome):
                self._evse.forms.supported = False
        wears = is_accepted(outcome) and self.wears(lease.told, rung)
        self._evse.wrote(self._clock.now(), flash=wears)
        return outcome

    async def update(self, calls: StationCalls, lease: Lease) -> CallOutcome:
        """Another setpoint for the dynamic lease that is there."""
        outlet = self._choice.outlet()
        message = {
            "chargingProfileId": outlet.lease_id,
            "scheduleUpdate": self.update_of(lease.told),
        }
        outcome = await calls.call("UpdateDynamicSchedule", message)
        self._evse.wrote(self._clock.now(), flash=False)
        return outcome

    def update_of(self, told: Told) -> JsonObject:
        """The scheduleUpdate of a setpoint."""
        if not isinstance(told, CentralSetpoint):
            raise TypeError(f"{type(told).__name__} has no update")
        return schedule_update(self._choice.outlet(), self._evse.forms.rung, told)

    def wears(self, told: Told, rung: Rung) -> bool:
        """Whether a lease in that form is written into flash memory; messages are not."""
        return not isinstance(told, VendorSetpoint) and self._evse.forms.wears(rung)

    def too_soon(self, told: Told, rung: Rung, now: Instant) -> bool:
        """K01.FR.56: a profile that is kept may be written only so often."""
        limit_s = self._evse.abilities.update_rate_limit_s
        if self._installed_at is None or not self.wears(told, rung):
            return False
        return now.seconds_since(self._installed_at) < limit_s

    def _time(self, lease: Lease) -> LeaseTime:
        transaction, dialect = self._evse.transaction, self._evse.config.dialect
        age_s = 0.0 if transaction is None else lease.armed_at.seconds_since(transaction.since)
        netless = not self._evse.forms.default_installed
        return LeaseTime(
            transaction_id=lease.transaction_id,
            length_s=lease.length_s,
            now_utc=lease.armed_at.utc,
            transaction_age_s=age_s,
            pull_every_s=pull_every_s(lease.length_s) if dialect.pulls else None,
            then_w=self._evse.config.static_safe_w if netless else None,
        )
