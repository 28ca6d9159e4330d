"""The lowest layer: a persistent charge-only default, what the car does when no lease holds."""

from __future__ import annotations

import hashlib
import json
import logging
from datetime import datetime

from v2g_daemon.adapters.ocpp.evse import EvseState
from v2g_daemon.adapters.ocpp.provisioning.abilities import outlet
from v2g_daemon.adapters.ocpp.smart_charging.installed import holds, installed_profiles
from v2g_daemon.adapters.ocpp.smart_charging.ladder import Attempt, Room, Rung, next_rung
from v2g_daemon.adapters.ocpp.smart_charging.profiles import default_profile
from v2g_daemon.adapters.ocpp.station import StationState
from v2g_daemon.adapters.ocpp.wire.codec import JsonObject
from v2g_daemon.adapters.ocpp.wire.outcomes import is_accepted, is_unsupported
from v2g_daemon.adapters.ocpp.wire.session import StationCalls
from v2g_daemon.domain.instant import Instant
from v2g_daemon.ports import Clock

LOG = logging.getLogger(__name__)

RETRY_S = 30.0  # seconds of the clock
REPORT_PATIENCE_S = 3.0  # real: a car may wait for its safety net meanwhile


class SafetyNet:
    """Keeps the default of every EVSE installed, and writes it only where it is not.

    It lies in flash memory: what a station reports, or a device that did not boot still holds
    from before, is left alone.
    """

    def __init__(self, *, station: StationState, session: StationCalls, clock: Clock) -> None:
        self._station = station
        self._session = session
        self._clock = clock
        self._tried_at: Instant | None = None

    def forget(self) -> None:
        """Try again at once."""
        self._tried_at = None

    async def keep(self) -> None:
        """Lay what is missing; a station that refused is asked again later."""
        missing = [evse for evse in self._station.evses if not evse.forms.default_installed]
        now = self._clock.now()
        if not missing or (
            self._tried_at is not None and now.seconds_since(self._tried_at) < RETRY_S
        ):
            return
        self._tried_at = now
        for evse in missing:
            await self._lay(evse)

    async def _lay(self, evse: EvseState) -> None:
        forms, now_utc = evse.forms, self._clock.now().utc
        attempt = Attempt(
            rung=forms.net_rung, signed=False, room=self._room(evse), tried=frozenset()
        )
        if await self._lies_there(evse, self._profile(evse, attempt.rung)):
            _laid(evse, attempt.rung, now_utc)
            return
        while True:
            attempt = _tried(attempt)
            profile = self._profile(evse, attempt.rung)
            outcome = await self._session.call("SetChargingProfile", profile)
            taken = is_accepted(outcome)
            evse.wrote(self._clock.now(), flash=taken)
            if taken:
                forms.lessons.keep_default_hash(forms.make, _hash(profile), now_utc)
                _laid(evse, attempt.rung, now_utc)
                return
            rung = next_rung(attempt, outcome)
            if rung is None:
                break
            attempt = Attempt(rung=rung, signed=False, room=attempt.room, tried=attempt.tried)
        if is_unsupported(outcome):
            forms.supported = False
            evse.publish()
        LOG.warning("%s: no default profile, so no discharge", evse.config.evse_id)

    async def _lies_there(self, evse: EvseState, wanted: JsonObject) -> bool:
        """Whether the station has it: by its report, else by its last word if it did not boot."""
        profile = wanted["chargingProfile"]
        reported = await installed_profiles(
            self._session,
            self._station.reports,
            patience_s=REPORT_PATIENCE_S,
            evse_number=wanted["evseId"],
            profile_ids=[profile["id"]],
        )
        if reported is None:
            known = evse.forms.lessons.default_hash(evse.forms.make)
            return not evse.forms.booted and known == _hash(wanted)
        now_utc = self._clock.now().utc
        return any(holds(one.profile, profile, now_utc=now_utc) for one in reported)

    def _profile(self, evse: EvseState, rung: Rung) -> JsonObject:
        return default_profile(
            outlet(evse.abilities, evse.config, direct_current=False),
            rung,
            current_a=evse.config.static_safe_current_a,
            now_utc=self._clock.now().utc,
        )

    def _room(self, evse: EvseState) -> Room:
        return Room(
            highest_stack_level=evse.abilities.highest_stack_level,
            single_evse=len(self._station.evses) == 1,
            direct_current=evse.abilities.direct_current,
            shared_level=0,
        )


def _laid(evse: EvseState, rung: Rung, now_utc: datetime) -> None:
    evse.forms.net_laid(rung, now_utc)
    evse.publish()


def _tried(attempt: Attempt) -> Attempt:
    return Attempt(
        rung=attempt.rung,
        signed=attempt.signed,
        room=attempt.room,
        tried=attempt.tried | {attempt.rung},
    )


def _hash(profile: JsonObject) -> str:
    """What is the same for the same content, whenever it was written."""
    content = json.loads(json.dumps(profile))
    for schedule in content["chargingProfile"]["chargingSchedule"]:
        schedule.pop("startSchedule", None)
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
