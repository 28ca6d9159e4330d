"""What is forwarded, and how a back end is told no in each version; pure."""

from __future__ import annotations

from v2g_daemon.adapters.ocpp.config import OcppVersion
from v2g_daemon.adapters.ocpp.wire.codec import (
    CallFrame,
    JsonObject,
    encode_error,
    encode_result,
    error_code,
)
from v2g_daemon.adapters.ocpp.wire.schemas import known_actions, result_violation

# Answers to questions of ours, and what asks for keys, certificates or setpoints: not theirs.
KEPT_BACK = frozenset(
    "CertificateSigned DiagnosticsStatusNotification Get15118EVCertificate "
    "GetCertificateChainStatus GetCertificateStatus LogStatusNotification "
    "NotifyCustomerInformation NotifyDisplayMessages NotifyMonitoringReport NotifyReport "
    "OpenPeriodicEventStream PullDynamicScheduleUpdate ReportChargingProfiles ReportDERControl "
    "SignCertificate".split()
)
# The first that the answer's schema knows; each says that nothing was done.
_REFUSALS = ("Rejected", "NotSupported", "Failed", "UnlockFailed", "Unknown", "NoProfiles")
READ_ONLY = "this is a read-only relay; the station is commanded by its owner's system"


def forwarded(action: str) -> bool:
    """Whether a message of the station is for the back end, too."""
    return action not in KEPT_BACK


def refusal(version: OcppVersion, frame: CallFrame) -> str:
    """The answer to a command of the back end: a status that refuses it, else a CALLERROR."""
    if frame.action not in known_actions(version):
        code = error_code(version, "NotImplemented")
        return encode_error(frame.message_id, code, "no such action in this version")
    answer = _refusing(version, frame.action)
    if answer is not None:
        return encode_result(frame.message_id, answer)
    return encode_error(frame.message_id, error_code(version, "NotSupported"), READ_ONLY)


def _refusing(version: OcppVersion, action: str) -> JsonObject | None:
    for status in _REFUSALS:
        if result_violation(version, action, {"status": status}) is None:
            return {"status": status}
    return None
