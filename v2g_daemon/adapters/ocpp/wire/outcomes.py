"""What a station's answer to a command of ours says."""

from __future__ import annotations

from typing import assert_never

from v2g_daemon.adapters.ocpp.wire.session import (
    CallAnswered,
    CallOutcome,
    CallRejectedByError,
    CallTimedOut,
    LinkClosed,
)

MOST_DETAIL = 200


def is_accepted(outcome: CallOutcome) -> bool:
    """Whether the station took what it was sent."""
    return isinstance(outcome, CallAnswered) and outcome.payload["status"] == "Accepted"


def is_unsupported(outcome: CallOutcome) -> bool:
    """K01.FR.29: this station does not know the message at all."""
    return reason_of(outcome) in ("notimplemented", "notsupported")


def reason_of(outcome: CallOutcome) -> str:
    """The reason code in lower case; empty where the station gave none."""
    match outcome:
        case CallAnswered(payload=payload):
            return str(payload.get("statusInfo", {}).get("reasonCode", "")).casefold()
        case CallRejectedByError(code=code):
            return code.casefold()
        case CallTimedOut() | LinkClosed():
            return ""
        case _:
            assert_never(outcome)


def detail_of(outcome: CallOutcome) -> str:
    """What the station said, in a line."""
    match outcome:
        case CallAnswered(payload=payload):
            info = payload.get("statusInfo", {})
            words = (info.get("reasonCode", ""), info.get("additionalInfo", ""))
            return ": ".join(word for word in words if word)[:MOST_DETAIL]
        case CallRejectedByError(code=code, text=text):
            return f"{code}: {text}"[:MOST_DETAIL]
        case CallTimedOut(timeout_s=timeout_s):
            return f"no answer within {timeout_s:g} s"
        case LinkClosed():
            return "the link closed"
        case _:
            assert_never(outcome)
