"""Reading and writing a station's device model; no answer to it can fail the session."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from v2g_daemon.adapters.ocpp.provisioning.abilities import Variable
from v2g_daemon.adapters.ocpp.wire.codec import JsonObject
from v2g_daemon.adapters.ocpp.wire.session import (
    CallAnswered,
    CallOutcome,
    CallRejectedByError,
    LinkClosed,
    StationCalls,
)

LOG = logging.getLogger(__name__)

ITEMS_PER_CALL = 10
BYTES_PER_CALL = 8192
FRAME_BYTES = 100  # what a call is longer than its items
NOT_THERE = frozenset({"NotImplemented", "NotSupported"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLimits:
    """How much of the device model one call may hold (DeviceDataCtrlr)."""

    get_items: int = ITEMS_PER_CALL
    get_bytes: int = BYTES_PER_CALL
    set_items: int = ITEMS_PER_CALL
    set_bytes: int = BYTES_PER_CALL


_LIMITS = {
    field: Variable(component="DeviceDataCtrlr", name=name, instance=instance)
    for field, name, instance in (
        ("get_items", "ItemsPerMessage", "GetVariables"),
        ("get_bytes", "BytesPerMessage", "GetVariables"),
        ("set_items", "ItemsPerMessage", "SetVariables"),
        ("set_bytes", "BytesPerMessage", "SetVariables"),
    )
}


async def read_limits(session: StationCalls) -> CallLimits:
    """What the station takes at once; the usual where it does not say."""
    values = await read_variables(session, list(_LIMITS.values()), CallLimits())
    told = {field: _count(values.get(variable)) for field, variable in _LIMITS.items()}
    return CallLimits(**{field: count for field, count in told.items() if count is not None})


def _count(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() and int(text) > 0 else None


async def read_variables(
    session: StationCalls, variables: Sequence[Variable], limits: CallLimits
) -> dict[Variable, str]:
    """The values the station gave; a batch it refuses is asked for one by one."""
    values: dict[Variable, str] = {}
    asked = [(variable, _address(variable)) for variable in variables]
    for batch in batches(asked, most_items=limits.get_items, most_bytes=limits.get_bytes):
        outcome = await _get(session, batch)
        if isinstance(outcome, CallAnswered):
            values |= found_values((variable for variable, _ in batch), outcome.payload)
        elif isinstance(outcome, CallRejectedByError) and outcome.code in NOT_THERE:
            return values
        elif isinstance(outcome, CallRejectedByError):
            for single in batch:
                answered = await _get(session, [single])
                if isinstance(answered, CallAnswered):
                    values |= found_values([single[0]], answered.payload)
        else:  # silent or gone: the rest would only wait as long
            return values
    return values


async def write_variables(
    session: StationCalls, wanted: Mapping[Variable, str], limits: CallLimits
) -> dict[Variable, str]:
    """The status of each write; an error's code stands for the status where a batch is refused."""
    statuses: dict[Variable, str] = {}
    items = [
        (variable, {**_address(variable), "attributeValue": value})
        for variable, value in wanted.items()
    ]
    for batch in batches(items, most_items=limits.set_items, most_bytes=limits.set_bytes):
        outcome = await _set(session, batch)
        if isinstance(outcome, CallRejectedByError) and len(batch) > 1:
            for single in batch:
                statuses |= _statuses([single], await _set(session, [single]))
        else:
            statuses |= _statuses(batch, outcome)
            if not isinstance(outcome, CallAnswered | CallRejectedByError):
                return statuses
    return statuses


Item = tuple[Variable, JsonObject]


def batches(items: Iterable[Item], *, most_items: int, most_bytes: int) -> Iterator[list[Item]]:
    """The items in order, in calls that are no larger than the station takes; one always fits."""
    batch: list[Item] = []
    room = most_bytes - FRAME_BYTES
    for item in items:
        size = len(json.dumps(item[1])) + 1
        if batch and (len(batch) >= most_items or size > room):
            yield batch
            batch, room = [], most_bytes - FRAME_BYTES
        batch.append(item)
        room -= size
    if batch:
        yield batch


async def _get(session: StationCalls, batch: Sequence[Item]) -> CallOutcome:
    asked = [address for _, address in batch]
    return await session.call("GetVariables", {"getVariableData": asked})


async def _set(session: StationCalls, batch: Sequence[Item]) -> CallOutcome:
    return await session.call("SetVariables", {"setVariableData": [data for _, data in batch]})


def _statuses(batch: Sequence[Item], outcome: CallOutcome) -> dict[Variable, str]:
    if isinstance(outcome, CallRejectedByError):
        return {variable: outcome.code for variable, _ in batch}
    if not isinstance(outcome, CallAnswered):
        return {}
    by_folded = {variable.folded(): variable for variable, _ in batch}
    found = {}
    for result in outcome.payload["setVariableResult"]:
        variable = by_folded.get(_variable_of(result).folded())
        if variable is not None:
            found[variable] = str(result["attributeStatus"])
    return found


def found_values(asked: Iterable[Variable], payload: JsonObject) -> dict[Variable, str]:
    """The accepted values of a GetVariables answer, under the addresses that were asked."""
    by_folded = {variable.folded(): variable for variable in asked}
    values = {}
    for result in payload["getVariableResult"]:
        variable = by_folded.get(_variable_of(result).folded())
        value = result.get("attributeValue")  # some accept without giving one
        if variable is not None and result["attributeStatus"] == "Accepted" and value is not None:
            values[variable] = str(value)
    return values


async def trigger(
    session: StationCalls, message: str, *, evse: JsonObject | None, timeout_s: float | None
) -> bool | None:
    """Ask for a message once: True it comes, False the station declines, None no answer."""
    payload: JsonObject = {"requestedMessage": message}
    if evse is not None:
        payload["evse"] = evse
    outcome = await session.call("TriggerMessage", payload, timeout_s=timeout_s)
    if isinstance(outcome, CallAnswered):
        return bool(outcome.payload["status"] == "Accepted")
    return False if isinstance(outcome, CallRejectedByError) else None


async def transaction_ongoing(session: StationCalls, transaction_id: str) -> bool:
    """Whether the station still runs a transaction; silence and refusal count as yes."""
    outcome = await session.call("GetTransactionStatus", {"transactionId": transaction_id})
    if isinstance(outcome, CallAnswered):
        return outcome.payload.get("ongoingIndicator") is not False
    if isinstance(outcome, LinkClosed):
        LOG.info("the link closed while a transaction was asked for")
    return True


def _address(variable: Variable) -> JsonObject:
    component: JsonObject = {"name": variable.component}
    if variable.evse_number is not None:
        component["evse"] = {"id": variable.evse_number}
    name: JsonObject = {"name": variable.name}
    if variable.instance is not None:
        name["instance"] = variable.instance
    return {"component": component, "variable": name}


def _variable_of(result: JsonObject) -> Variable:
    component, variable = result["component"], result["variable"]
    return Variable(
        component=component["name"],
        name=variable["name"],
        instance=variable.get("instance"),
        evse_number=component.get("evse", {}).get("id"),
    )
