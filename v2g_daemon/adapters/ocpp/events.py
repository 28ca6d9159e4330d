"""A TransactionEvent as a value: the fields the house needs, parsed once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from v2g_daemon.adapters.ocpp.metering.meter_values import Sample, newest_sample
from v2g_daemon.adapters.ocpp.wire.codec import JsonObject
from v2g_daemon.adapters.ocpp.wire.translate import identity, parse_stamp
from v2g_daemon.domain.readings import VehicleIdentity


class EventKind(Enum):
    """The eventType."""

    STARTED = "Started"
    UPDATED = "Updated"
    ENDED = "Ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionEvent:
    """One event; None: the station did not say."""

    kind: EventKind
    transaction_id: str
    trigger: str
    at_utc: datetime | None = None
    evse_number: int | None = None
    charging_state: str | None = None
    stopped_reason: str | None = None
    operation_mode: str | None = None
    offline: bool = False
    identity: VehicleIdentity | None = None
    sample: Sample | None = None


def transaction_event(payload: JsonObject, *, known_evccids: Mapping[str, str]) -> TransactionEvent:
    """A schema-valid TransactionEventRequest."""
    info = payload["transactionInfo"]
    token = payload.get("idToken")
    return TransactionEvent(
        kind=EventKind(payload["eventType"]),
        transaction_id=info["transactionId"],
        trigger=payload["triggerReason"],
        at_utc=parse_stamp(payload["timestamp"]),
        evse_number=payload.get("evse", {}).get("id"),
        charging_state=info.get("chargingState"),
        stopped_reason=info.get("stoppedReason"),
        operation_mode=info.get("operationMode"),
        offline=payload.get("offline", False),
        identity=None if token is None else identity(token, known_evccids=known_evccids),
        sample=newest_sample(payload.get("meterValue", ())),
    )
