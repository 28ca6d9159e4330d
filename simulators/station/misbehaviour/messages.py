"""The station's own messages, told wrongly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from simulators.clock import iso_from_s
from simulators.faults import Fault
from simulators.station.misbehaviour.readings import distorted
from simulators.station.station import Station
from simulators.station.v16 import OldWords
from simulators.station.wire import JsonDict

DIRT = "\x00\x1b[31m\u202e"
STAMPS = frozenset({"timestamp", "generatedAt", "timeBase"})
OLD_SHAPES = frozenset({"StatusNotification", "MeterValues"})
DIRTIED = frozenset({"idToken", "model", "vendorName", "additionalIdToken"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A message about to be sent."""

    action: str
    payload: JsonDict

    def with_(self, **fields: object) -> Told:
        """Return it with other fields."""
        return replace(self, payload={**self.payload, **fields})


def told(station: Station, action: str, payload: JsonDict) -> Told | None:
    """Return the message as the faults want it; None = it is not sent."""
    message: Told | None = Told(action=action, payload=distorted(station, payload))
    for fault in station.faults_now():
        change = _CHANGES.get(fault.kind)
        if change is not None and message is not None:
            message = change(station, fault, message)
    return message


def _skewed(_station: Station, fault: Fault, message: Told) -> Told:
    lag = timedelta(seconds=fault.parameters.lag_s)
    return _restamped(message, lambda moment: moment + lag)


def _in_1970(_station: Station, fault: Fault, message: Told) -> Told:
    """A clock without a battery: it counts from 1970 since the fault began."""
    back = timedelta(seconds=fault.from_s)
    return _restamped(message, lambda moment: moment - back)


def _restamped(message: Told, change: Callable[[datetime], datetime]) -> Told:
    def stamp(text: str) -> str:
        return iso_from_s(change(datetime.fromisoformat(text)).timestamp())

    return replace(message, payload=_changed(message.payload, STAMPS, stamp))


def _dirty(_station: Station, _fault: Fault, message: Told) -> Told:
    payload = _changed(message.payload, DIRTIED, lambda text: f"{text[:16]}{DIRT}")
    return replace(message, payload=payload)


def _changed(payload: JsonDict, names: frozenset[str], change: Callable[[str], str]) -> JsonDict:
    """Return a copy with the texts of some names changed, however deep they lie."""

    def walk(name: str, value: Any) -> Any:
        match value:
            case str() if name in names:
                return change(value)
            case dict():
                return {key: walk(key, inner) for key, inner in value.items()}
            case list():
                return [walk(name, inner) for inner in value]
            case _:
                return value

    return {name: walk(name, value) for name, value in payload.items()}


def _in_old_shapes(station: Station, _fault: Fault, message: Told) -> Told:
    """2.x firmware that fills the messages of 1.6."""
    spoken = OldWords(station).spoken(message.action, message.payload)
    if spoken is None or spoken.action not in OLD_SHAPES or station.speaks_old:
        return message
    return Told(action=spoken.action, payload=spoken.payload)


def _unnumbered(_station: Station, _fault: Fault, message: Told) -> Told:
    return message.with_(seqNo=0) if message.action == "TransactionEvent" else message


def _without_tbc(_station: Station, _fault: Fault, message: Told) -> Told:
    kept = {name: value for name, value in message.payload.items() if name != "tbc"}
    return replace(message, payload=kept)


def _unended(_station: Station, _fault: Fault, message: Told) -> Told | None:
    last = message.action == "NotifyReport" and not message.payload.get("tbc", False)
    return None if last else message


def _of_no_evse(_station: Station, _fault: Fault, message: Told) -> Told:
    if message.action != "StatusNotification":
        return message
    return message.with_(evseId=0, connectorId=0)


def _always_available(_station: Station, _fault: Fault, message: Told) -> Told:
    if message.action != "StatusNotification":
        return message
    return message.with_(connectorStatus="Available")


_CHANGES: dict[str, Callable[[Station, Fault, Told], Told | None]] = {
    "clock_skew": _skewed,
    "clock_1970": _in_1970,
    "nul_characters": _dirty,
    "seq_no_zero": _unnumbered,
    "tbc_missing": _without_tbc,
    "report_never_ends": _unended,
    "status_evse_zero": _of_no_evse,
    "available_while_plugged": _always_available,
    "old_shapes": _in_old_shapes,
}
