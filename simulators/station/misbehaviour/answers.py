"""Answers to the central system that do not come, come late or say something else."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from simulators.faults import Fault
from simulators.station.wire import Call, JsonDict

ABSURD_DURATION_S = 8_638_204_624_965
NO_PERIODS: JsonDict = {"duration": ABSURD_DURATION_S, "chargingSchedulePeriod": []}


def is_silent(faults: Sequence[Fault], call: Call) -> bool:
    """Say whether a call gets no answer."""
    return any(
        fault.kind == "silent" and fault.parameters.action in {None, call.action}
        for fault in faults
    )


def late_by_s(faults: Sequence[Fault]) -> float:
    """Return how late answers come, in real seconds."""
    return max(
        (fault.parameters.lag_s for fault in faults if fault.kind == "slow_answers"), default=0.0
    )


def error_code(faults: Sequence[Fault], call: Call) -> str | None:
    """Return the code of the CALLERROR that a call gets, None for a proper answer."""
    for fault in faults:
        code = _ERRORS[fault.kind](fault, call) if fault.kind in _ERRORS else None
        if code is not None:
            return code
    return None


def changed(faults: Sequence[Fault], action: str, answer: JsonDict) -> JsonDict:
    """Return an answer as the faults want it."""
    for fault in faults:
        change = _CHANGES.get((fault.kind, action))
        if change is not None:
            answer = change(answer)
    return answer


def _any_error(fault: Fault, call: Call) -> str | None:
    return fault.parameters.code if fault.parameters.action in {None, call.action} else None


def _negative_limit(_fault: Fault, call: Call) -> str | None:
    negative = call.action == "SetChargingProfile" and _lowest_limit(call.payload) < 0.0
    return "PropertyConstraintViolation" if negative else None


def _lowest_limit(value: object) -> float:
    """Return the lowest `limit` in a profile of any version, 0 at most."""
    if isinstance(value, list):
        return min((_lowest_limit(one) for one in value), default=0.0)
    if not isinstance(value, dict):
        return 0.0
    own = float(value.get("limit", 0.0))
    return min([own, *(_lowest_limit(one) for one in value.values())])


_ERRORS: dict[str, Callable[[Fault, Call], str | None]] = {
    "call_error": _any_error,
    "negative_limit_refused": _negative_limit,
}


def _without_values(answer: JsonDict) -> JsonDict:
    results = [
        {name: value for name, value in result.items() if name != "attributeValue"}
        for result in answer["getVariableResult"]
    ]
    return {**answer, "getVariableResult": results}


def _without_old_values(answer: JsonDict) -> JsonDict:
    keys = [
        {name: value for name, value in key.items() if name != "value"}
        for key in answer["configurationKey"]
    ]
    return {**answer, "configurationKey": keys}


def _absurd(answer: JsonDict) -> JsonDict:
    """The same trouble in the shapes of 2.x and of 1.6."""
    name = "schedule" if "schedule" in answer else "chargingSchedule"
    return {**answer, name: {**answer[name], **NO_PERIODS}} if name in answer else answer


_CHANGES: dict[tuple[str, str], Callable[[JsonDict], JsonDict]] = {
    ("variables_without_value", "GetVariables"): _without_values,
    ("variables_without_value", "GetConfiguration"): _without_old_values,
    ("absurd_composite", "GetCompositeSchedule"): _absurd,
}
