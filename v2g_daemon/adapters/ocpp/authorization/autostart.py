"""Starts the transaction of a station that starts none by itself, once for each plug-in.

A request that was accepted, or whose answer never came, is not repeated: a station that starts
late would otherwise be started twice. A refusal started nothing, so it may be tried again.
"""

from __future__ import annotations

import logging
from datetime import datetime

from v2g_daemon.adapters.ocpp.authorization.keys import OWN_ID_TOKEN
from v2g_daemon.adapters.ocpp.evse import EvseState
from v2g_daemon.adapters.ocpp.wire.codec import JsonObject, printable
from v2g_daemon.adapters.ocpp.wire.session import (
    CallAnswered,
    CallOutcome,
    CallRejectedByError,
    StationCalls,
)
from v2g_daemon.domain.instant import Instant

LOG = logging.getLogger(__name__)

START_AFTER_S = 5.0  # a station that starts by itself has done so by then
RETRY_S = 60.0
MOST_TRIES = 3
_IDS = 2**31


class Autostart:
    """Watches one EVSE over all connections of its station."""

    def __init__(self, *, evse: EvseState) -> None:
        self.trouble: str | None = None
        self._evse = evse
        self._plug_in: tuple[datetime | None, int] | None = None
        self._over = False
        self._tries = 0
        self._next_at: Instant | None = None

    @property
    def evse_id(self) -> str:
        """The name of the EVSE in the house."""
        return self._evse.config.evse_id

    def due(self, now: Instant, *, power_ups: int) -> bool:
        """Whether a start is to be asked for now; a boot of the station counts as a plug-in."""
        status = self._evse.status
        plug_in = (status.plugged_in_at_utc, power_ups) if status.plugged_in else None
        if plug_in != self._plug_in:
            self._plug_in = plug_in
            self._over, self._tries, self.trouble = False, 0, None
            self._next_at = now.later(START_AFTER_S)
        if self._evse.begun or self._evse.transaction is not None:
            self._over, self.trouble = True, None
        return (
            plug_in is not None
            and not self._over
            and self._evse.connector_heard
            and self._next_at is not None
            and now.seconds_since(self._next_at) >= 0.0
        )

    async def start(self, session: StationCalls, now: Instant) -> None:
        """Ask once, under our own token."""
        self._tries += 1
        self._next_at = now.later(RETRY_S)
        asked: JsonObject = {
            "idToken": OWN_ID_TOKEN,
            "remoteStartId": round(now.utc.timestamp()) % _IDS,
            "evseId": self._evse.config.number,
        }
        self._settle(await session.call("RequestStartTransaction", asked))

    def _settle(self, outcome: CallOutcome) -> None:
        name, why = self._evse.config.evse_id, _refusal(outcome)
        self._over = self._over or why is None or self._tries >= MOST_TRIES
        if isinstance(outcome, CallAnswered) and why is None:
            LOG.info("%s: the station was asked to start, and agreed", name)
            self.trouble = "a remote start was accepted; no transaction has come of it yet"
        elif why is None:
            LOG.warning("%s: no answer to a remote start; it is not repeated", name)
            self.trouble = "a remote start was not answered and is not repeated"
        else:
            LOG.warning("%s: a remote start was refused: %s", name, why)
            self.trouble = f"a remote start was refused {self._tries} times: {why}"


def _refusal(outcome: CallOutcome) -> str | None:
    """Why nothing was started; None: it was, or may have been."""
    match outcome:
        case CallAnswered(payload={"status": "Accepted"}):
            return None
        case CallAnswered(payload=payload):
            return printable(
                str(payload.get("statusInfo", {}).get("reasonCode", "no reason given"))
            )
        case CallRejectedByError(code=code):
            return code
        case _:
            return None
