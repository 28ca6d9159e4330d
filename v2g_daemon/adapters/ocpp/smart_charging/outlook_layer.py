"""The middle layer: what a car does for hours without us, between the leases and the default."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from v2g_daemon.adapters.ocpp.evse import EvseState
from v2g_daemon.adapters.ocpp.smart_charging.choice import Choice
from v2g_daemon.adapters.ocpp.smart_charging.ladder import Attempt, Purpose, Room, Rung, next_rung
from v2g_daemon.adapters.ocpp.smart_charging.profiles import outlook_profile
from v2g_daemon.adapters.ocpp.wire.outcomes import is_accepted
from v2g_daemon.adapters.ocpp.wire.session import StationCalls
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.outlook import Outlook, OutlookStep

LOG = logging.getLogger(__name__)

EVERY_S = 900.0  # no car's night is worth more writes
WORTH_WRITING_WH = 500.0
SHORTEST_S = 60.0


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


class OutlookLayer:
    """Writes the outlook of one EVSE, rarely; it lapses by itself."""

    def __init__(self, *, evse: EvseState, choice: Choice) -> None:
        self.wanted: Outlook | None = None
        self._evse = evse
        self._choice = choice
        self._written: Course | None = None
        self._tried: tuple[str, Instant] | None = None
        self._rung: Rung | None = None

    def forget(self) -> None:
        """A new connection or a restarted station: a TxProfile may be gone."""
        self._written = self._tried = self._rung = None

    async def write(self, calls: StationCalls, now: Instant) -> None:
        """Write it, if it matters; where it is refused, the default alone lies beneath."""
        course = self._course(now)
        if course is None or not self._worth_it(course, now):
            return
        self._tried = (course.transaction_id, now)
        if await self._install(calls, course, now):
            self._written = course
        else:
            LOG.info("%s: the outlook was not taken", self._evse.config.evse_id)

    async def _install(self, calls: StationCalls, course: Course, now: Instant) -> bool:
        rung = self._evse.forms.rung if self._rung is None else self._rung
        tried = frozenset({rung})
        while _has_room(rung):
            profile = outlook_profile(
                self._choice.outlet(),
                rung,
                steps=course.steps,
                ends_at_utc=course.ends_at_utc,
                transaction_id=course.transaction_id,
                offline_s=self._evse.config.dialect.outlook_offline_s,
            )
            outcome = await calls.call("SetChargingProfile", profile)
            taken = is_accepted(outcome)
            self._evse.wrote(now, flash=taken and self._evse.abilities.kept_in_flash)
            if taken:
                self._rung = rung
                return True
            attempt = Attempt(rung=rung, signed=False, room=self._room(), tried=tried)
            found = next_rung(attempt, outcome)
            if found is None:
                break
            rung, tried = found, tried | {found}
        return False

    def _course(self, now: Instant) -> Course | None:
        """The outlook from now on, no higher than what is safe, in as many periods as fit."""
        outlook, transaction = self.wanted, self._evse.transaction
        forms, needs = self._evse.forms, self._evse.needs
        if outlook is None or transaction is None or not forms.supported:
            return None
        if not _has_room(forms.rung):
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
            return False  # it was refused
        left = written.ends_at_utc - now.utc
        if left * 2 < course.ends_at_utc - now.utc:
            return True
        return written.energy_apart_wh(course, now.utc) > WORTH_WRITING_WH

    def _room(self) -> Room:
        return Room(
            highest_stack_level=self._evse.abilities.highest_stack_level,
            single_evse=False,
            direct_current=self._choice.outlet().direct_current,
        )


def _has_room(rung: Rung) -> bool:
    """It belongs to the transaction, and lies one level below the lease."""
    return rung.purpose is Purpose.TX and rung.stack_level >= 1


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
