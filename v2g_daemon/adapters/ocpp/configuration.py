"""Reading and writing a station's device model; no answer to it can fail the session."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence

from v2g_daemon.adapters.ocpp.abilities import Variable, Wanted, differs
from v2g_daemon.adapters.ocpp.codec import JsonObject
from v2g_daemon.adapters.ocpp.session import (
    CallAnswered,
    CallRejectedByError,
    LinkClosed,
    StationCalls,
)

LOG = logging.getLogger(__name__)

VARIABLES_PER_CALL = 10
WRITTEN = frozenset({"Accepted", "RebootRequired"})


async def read_variables(
    session: StationCalls, variables: Sequence[Variable]
) -> dict[Variable, str]:
    """The values the station gave; a batch it refuses is asked for one by one."""
    values: dict[Variable, str] = {}
    for start in range(0, len(variables), VARIABLES_PER_CALL):
        batch = variables[start : start + VARIABLES_PER_CALL]
        outcome = await _get(session, batch)
        if isinstance(outcome, CallAnswered):
            values |= found_values(batch, outcome.payload)
        elif isinstance(outcome, CallRejectedByError) and outcome.code in (
            "NotImplemented",
            "NotSupported",
        ):
            return values
        elif isinstance(outcome, CallRejectedByError):
            for variable in batch:
                single = await _get(session, [variable])
                if isinstance(single, CallAnswered):
                    values |= found_values([variable], single.payload)
        else:  # silent or gone: the rest would only wait as long
            return values
    return values


async def _get(
    session: StationCalls, variables: Sequence[Variable]
) -> CallAnswered | CallRejectedByError | None:
    asked = [_address(variable) for variable in variables]
    outcome = await session.call("GetVariables", {"getVariableData": asked})
    return outcome if isinstance(outcome, CallAnswered | CallRejectedByError) else None


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


async def write_settings(
    session: StationCalls, wanted: Iterable[Wanted], values: Mapping[Variable, str]
) -> None:
    """Write what differs, best value first; what the station does not have is left alone."""
    for setting in wanted:
        present = values.get(setting.variable)
        if present is None or not differs(present, setting.values[0]):
            continue
        for value in setting.values:
            if not differs(present, value):
                break
            data = {**_address(setting.variable), "attributeValue": value}
            outcome = await session.call("SetVariables", {"setVariableData": [data]})
            if isinstance(outcome, CallAnswered):
                if outcome.payload["setVariableResult"][0]["attributeStatus"] in WRITTEN:
                    break
            elif not isinstance(outcome, CallRejectedByError):
                return
        else:
            LOG.warning(
                "the station keeps %s.%s = %r",
                setting.variable.component,
                setting.variable.name,
                present,
            )


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
