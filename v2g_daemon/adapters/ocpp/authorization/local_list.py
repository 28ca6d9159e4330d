"""The owner's charge keys in the station's own list, so that they charge while we are away.

The list cannot be read back, only its version. What was sent under which version stands in the
station journal: where station and journal agree on both, nothing is sent.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from v2g_daemon.adapters.ocpp.authorization.keys import LONGEST_ID_TAG, ChargeKey
from v2g_daemon.adapters.ocpp.config import OcppVersion, StationConfig
from v2g_daemon.adapters.ocpp.wire.codec import JsonObject, printable
from v2g_daemon.adapters.ocpp.wire.session import CallAnswered, StationCalls
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.ledger import StationEvent, StationEventKind
from v2g_daemon.ports import StationJournal

LOG = logging.getLogger(__name__)

NAME = "local list"


@dataclass(frozen=True, slots=True, kw_only=True)
class SentList:
    """What was sent last, and accepted."""

    version: int
    digest: str
    at_utc: datetime


def sent_list(journal: StationJournal, station_id: str) -> SentList | None:
    """What the journal remembers of the list in a station."""
    kept = journal.newest(station_id, StationEventKind.LEARNED, NAME)
    if kept is None:
        return None
    told = json.loads(kept.detail)
    return SentList(version=told["version"], digest=told["digest"], at_utc=kept.at_utc)


def keys_for(config: StationConfig, version: OcppVersion) -> tuple[ChargeKey, ...]:
    """The keys that a station of that version can hold."""
    keys = config.key_ring.keys
    if version is not OcppVersion.V1_6:
        return keys
    return tuple(key for key in keys if len(key.id_token) <= LONGEST_ID_TAG)


def digest_of(keys: Sequence[ChargeKey]) -> str:
    """What tells one list from another; order does not matter."""
    lines = sorted(f"{key.kind} {key.id_token.casefold()}" for key in keys)
    return sha256("\n".join(lines).encode()).hexdigest()[:16]


async def held_version(session: StationCalls) -> int | None:
    """The version of the list in the station, 0: none; None: it has no such list, or is silent."""
    outcome = await session.call("GetLocalListVersion", {})
    if not isinstance(outcome, CallAnswered) or outcome.payload["versionNumber"] < 0:
        return None
    version: int = outcome.payload["versionNumber"]
    return version


async def push_local_list(
    session: StationCalls, config: StationConfig, journal: StationJournal, now: Instant
) -> None:
    """Send the whole list where the station holds another; a house without keys owns no list."""
    before = sent_list(journal, config.station_id)
    keys = keys_for(config, session.version)
    if not keys and before is None:
        return
    held = await held_version(session)
    if held is None:
        if keys:
            LOG.warning("%s holds no local list: its keys need us", config.station_id)
        return
    digest = digest_of(keys)
    if before is not None and (held, digest) == (before.version, before.digest):
        return
    version = max(held, 0 if before is None else before.version) + 1
    outcome = await session.call("SendLocalList", _full(keys, version))
    if not isinstance(outcome, CallAnswered) or outcome.payload["status"] != "Accepted":
        why = outcome.payload["status"] if isinstance(outcome, CallAnswered) else "no answer"
        LOG.warning("%s did not take the local list: %s", config.station_id, printable(str(why)))
        return
    journal.note(
        StationEvent(
            at_utc=now.utc,
            station_id=config.station_id,
            kind=StationEventKind.LEARNED,
            name=NAME,
            detail=json.dumps({"version": version, "digest": digest, "count": len(keys)}),
        )
    )


def _full(keys: Sequence[ChargeKey], version: int) -> JsonObject:
    """SendLocalList; an empty list is left out (D01.FR.04: then the station empties its own)."""
    payload: JsonObject = {"versionNumber": version, "updateType": "Full"}
    if keys:
        payload["localAuthorizationList"] = [
            {
                "idToken": {"idToken": key.id_token, "type": key.kind},
                "idTokenInfo": {"status": "Accepted"},
            }
            for key in keys
        ]
    return payload
