"""The middle layer: what a car does for hours without us, between the leases and the default."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from v2g_daemon.adapters.ocpp.evse import EvseState
from v2g_daemon.adapters.ocpp.smart_charging.choice import Choice
from v2g_daemon.adapters.ocpp.smart_charging.ladder import Attempt, Purpose, Room, Rung, next_rung
from v2g_daemon.adapters.ocpp.smart_charging.lease import Lease
from v2g_daemon.adapters.ocpp.smart_charging.profiles import outlook_profile
from v2g_daemon.adapters.ocpp.smart_charging.telling import ChargeLimit
from v2g_daemon.adapters.ocpp.wire.codec import JsonObject
from v2g_daemon.adapters.ocpp.wire.outcomes import is_accepted
from v2g_daemon.adapters.ocpp.wire.session import (
    CallOutcome,
    CallTimedOut,
    LinkClosed,
    StationCalls,
)
from v2g_daemon.adapters.ocpp.wire.translate import parse_stamp
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.outlook import Outlook, OutlookStep
from v2g_daemon.domain.power import ONLY_ZERO

LOG = logging.getLogger(__name__)

EVERY_S = 900.0  # no car's night is worth more writes
WORTH_WRITING_WH = 500.0
SHORTEST_S = 60.0
ENDED_S = 1  # an outlook cannot be cleared, but it can end at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """Charging bounds in time, as they are written for one transaction."""

    transaction_id: str
    steps: tuple[OutlookStep, ...]
    ends_at_utc: datetime

    def energy_apart_wh(self, other: Course, now_utc: datetime) -> float:
        """What the two bounds let flow differently from now until one of them ends."""
        until_utc = min(self.ends_at_utc, other.ends_at_utc)
        edges = {now_utc} | {
            step.starts_at_utc
            for step in (*self.steps, *other.steps)
            if now_utc < step.starts_at_utc < until_utc
        }
        apart_wh = 0.0
        moments = [*sorted(edges), until_utc]
        for start_utc, end_utc in pairwise(moments):
            hours = max((end_utc - start_utc).total_seconds(), 0.0) / 3600.0
            apart_wh += abs(self.limit_at(start_utc) - other.limit_at(start_utc)) * hours
        return apart_wh

    def limit_at(self, moment_utc: datetime) -> float:
        """The bound in W; before the first step that of the first."""
        begun = [step for step in self.steps if step.starts_at_utc <= moment_utc]
        return (begun or self.steps[:1])[-1].limit_w


@dataclass(frozen=True, slots=True, kw_only=True)
class Lying:
    """A course that lies in the station, or may where no answer came, and its form there."""

    course: Course
    rung: Rung

    def governs(self, transaction_id: str, rung: Rung, now: Instant) -> bool:
        """Whether it would go before a lease of that form, or take its place."""
        if self.course.transaction_id != transaction_id or self.course.ends_at_utc <= now.utc:
            return False
        return rung.purpose is not Purpose.TX or rung.stack_level < self.rung.stack_level

    def or_still(self, before: Lying | None) -> Lying:
        """No answer came: the higher place, and the later end, of the two that may lie there."""
        if before is None or before.course.transaction_id != self.course.transaction_id:
            return self
        return Lying(
            course=max(before.course, self.course, key=lambda one: one.ends_at_utc),
            rung=max(before.rung, self.rung, key=lambda one: one.stack_level),
        )


class OutlookLayer:
    """Writes the outlook of one EVSE, rarely; it lapses by itself, or gives way to a lease."""

    def __init__(self, *, evse: EvseState, choice: Choice) -> None:
        self.wanted: Outlook | None = None
        self._evse = evse
        self._choice = choice
        self._written: Course | None = None
        self._tried: tuple[str, Instant] | None = None
        self._refused_in: str | None = None
        self._rung: Rung | None = None
        self._lying: Lying | None = None

    def forget(self) -> None:
        """A new connection or a restarted station: a TxProfile may be gone, or lie there still."""
        self._written = self._tried = self._refused_in = self._rung = None

    def reported(self, profile: JsonObject) -> None:
        """What the station says lies there; what this process wrote is known better."""
        if self._lying is None:
            self._lying = _reported(profile, self._evse.forms.rung)

    async def write(self, calls: StationCalls, now: Instant) -> None:
        """Write it, if it matters; where it is refused, the default alone lies beneath."""
        course = self._course(now)
        if course is None or not self._worth_it(course, now):
            return
        self._tried = (course.transaction_id, now)
        outcome = await self._install(calls, course, now)
        if is_accepted(outcome):
            self._written = course
            return
        if not _unanswered(outcome):
            self._refused_in = course.transaction_id
        LOG.info("%s: the outlook was not taken", self._evse.config.evse_id)

    async def _install(self, calls: StationCalls, course: Course, now: Instant) -> CallOutcome:
        lease = self._evse.forms.rung
        rung = self._rung if self._rung is not None and _fits(self._rung, lease) else lease
        tried = frozenset({rung})
        while True:
            outcome = await self._send(calls, course, rung, now)
            if is_accepted(outcome):
                self._rung = rung
                return outcome
            attempt = Attempt(rung=rung, signed=False, room=self._room(), tried=tried)
            found = next_rung(attempt, outcome)
            if found is None or not _fits(found, lease):
                return outcome
            rung, tried = found, tried | {found}

    async def _send(
        self, calls: StationCalls, course: Course, rung: Rung, now: Instant
    ) -> CallOutcome:
        profile = outlook_profile(
            self._choice.outlet(),
            rung,
            steps=course.steps,
            ends_at_utc=course.ends_at_utc,
            transaction_id=course.transaction_id,
            offline_s=self._evse.config.dialect.outlook_offline_s,
        )
        outcome = await calls.call("SetChargingProfile", profile)
        taken, sent = is_accepted(outcome), Lying(course=course, rung=rung)
        self._evse.wrote(now, flash=taken and self._evse.abilities.kept_in_flash)
        if taken:
            self._lying = sent
        elif _unanswered(outcome):
            self._lying = sent.or_still(self._lying)
        return outcome

    def governs(self, transaction_id: str, rung: Rung, now: Instant) -> bool:
        """Whether a lease of that form would not be what the station does."""
        return self._lying is not None and self._lying.governs(transaction_id, rung, now)

    async def give_way(
        self, calls: StationCalls, lease: Lease, rung: Rung, now: Instant
    ) -> CallOutcome | None:
        """Before a lease that it would mask: say the same for as long, or end; None: it is done.

        It says the same where a limit can, so that 0 W holds even if the lease below is refused.
        """
        lying = self._lying
        if lying is None or not lying.governs(lease.transaction_id, rung, now):
            return None
        sayable = isinstance(lease.told, ChargeLimit) or lease.told.span == ONLY_ZERO
        start_utc = now.utc.replace(microsecond=0)
        course = Course(
            transaction_id=lease.transaction_id,
            steps=(OutlookStep(starts_at_utc=start_utc, limit_w=max(lease.told.target_w, 0.0)),),
            ends_at_utc=start_utc + timedelta(seconds=lease.length_s if sayable else ENDED_S),
        )
        outcome = await self._send(calls, course, lying.rung, now)
        if not is_accepted(outcome):
            return outcome
        self._written = None
        return None

    def _course(self, now: Instant) -> Course | None:
        """The outlook from now on, no higher than what is safe, in as many periods as fit."""
        outlook, transaction = self.wanted, self._evse.transaction
        forms, needs = self._evse.forms, self._evse.needs
        if outlook is None or transaction is None or not forms.supported:
            return None
        if not _fits(forms.rung, forms.rung):
            return None
        fit = self._choice.outlet().most_periods
        if needs is not None and needs.most_periods is not None:
            fit = min(fit, needs.most_periods)
        steps, ends_at_utc = _cut(outlook, now.utc, most=max(fit, 1))
        if (ends_at_utc - now.utc).total_seconds() < SHORTEST_S:
            return None
        safe_w = self._evse.config.static_safe_w
        return Course(
            transaction_id=transaction.transaction_id,
            steps=tuple(
                OutlookStep(starts_at_utc=step.starts_at_utc, limit_w=min(step.limit_w, safe_w))
                for step in steps
            ),
            ends_at_utc=ends_at_utc,
        )

    def _worth_it(self, course: Course, now: Instant) -> bool:
        """New for this car, or apart by energy that matters, or about to end; and not too soon."""
        if self._tried is None or self._tried[0] != course.transaction_id:
            return True
        limit_s = float(self._evse.abilities.update_rate_limit_s)
        if now.seconds_since(self._tried[1]) < max(EVERY_S, limit_s):
            return False
        written = self._written
        if written is None or written.transaction_id != course.transaction_id:
            return self._refused_in != course.transaction_id
        left = written.ends_at_utc - now.utc
        if left * 2 < course.ends_at_utc - now.utc:
            return True
        return written.energy_apart_wh(course, now.utc) > WORTH_WRITING_WH

    def _room(self) -> Room:
        return Room(
            highest_stack_level=self._evse.forms.rung.stack_level,
            single_evse=False,
            direct_current=self._choice.outlet().direct_current,
        )


def _reported(profile: JsonObject, lease: Rung) -> Lying | None:
    """The outlook of a report, as far as a lease has to know it; None: it binds no transaction."""
    transaction_id, (schedule, *_) = profile.get("transactionId"), profile["chargingSchedule"]
    start_utc = parse_stamp(str(schedule.get("startSchedule", "")))
    duration_s = schedule.get("duration")
    ours = profile["chargingProfilePurpose"] == Purpose.TX.value and transaction_id is not None
    if not ours or start_utc is None or duration_s is None:
        return None
    return Lying(
        course=Course(
            transaction_id=str(transaction_id),
            steps=(),
            ends_at_utc=start_utc + timedelta(seconds=duration_s),
        ),
        rung=replace(lease, purpose=Purpose.TX, stack_level=profile["stackLevel"] + 1),
    )


def _unanswered(outcome: CallOutcome) -> bool:
    """Whether the station may have taken it, or may take it another time."""
    return isinstance(outcome, CallTimedOut | LinkClosed)


def _fits(rung: Rung, lease: Rung) -> bool:
    """It belongs to the transaction, and lies, one level below its rung, below the lease."""
    return rung.purpose is Purpose.TX and 1 <= rung.stack_level <= lease.stack_level


def _cut(
    outlook: Outlook, now_utc: datetime, *, most: int
) -> tuple[tuple[OutlookStep, ...], datetime]:
    """The steps still to come, the running one from this whole second on; and when they end."""
    start_utc = now_utc.replace(microsecond=0)
    begun = [step for step in outlook.steps if step.starts_at_utc <= start_utc]
    coming = [step for step in outlook.steps if step.starts_at_utc > start_utc]
    running = [OutlookStep(starts_at_utc=start_utc, limit_w=begun[-1].limit_w)] if begun else []
    steps = [*running, *coming]
    ends_at_utc = outlook.ends_at_utc
    if len(steps) > most:
        ends_at_utc = steps[most].starts_at_utc
    return tuple(steps[:most]), max(ends_at_utc, start_utc + timedelta(seconds=1))
