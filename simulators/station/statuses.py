"""Answers that say how it went, and why not."""

from __future__ import annotations

from simulators.station.period_rules import Refused
from simulators.station.wire import JsonDict


def status_answer(status: str, refused: Refused | None = None) -> JsonDict:
    """Return a status, with the reason for it if there is one."""
    if refused is None:
        return {"status": status}
    info = {"reasonCode": refused.reason_code, "additionalInfo": refused.detail[:512]}
    return {"status": status, "statusInfo": info}


def rejected(reason_code: str, detail: str) -> JsonDict:
    """Return a Rejected with its reason."""
    return status_answer("Rejected", Refused(reason_code=reason_code, detail=detail))
