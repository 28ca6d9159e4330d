"""A station asks for a certificate: judged at once, signed and sent after the answer (A02)."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from v2g_daemon.adapters.ocpp.config import OcppVersion
from v2g_daemon.adapters.ocpp.security.attempts import Allowance, Tally
from v2g_daemon.adapters.ocpp.security.security_log import SecurityLog
from v2g_daemon.adapters.ocpp.wire.codec import JsonObject
from v2g_daemon.adapters.ocpp.wire.session import CallAnswered, StationCalls
from v2g_daemon.domain.certificates import IssuedCertificate
from v2g_daemon.domain.errors import CertificateError
from v2g_daemon.ports import CertificateRegister, Clock, StationCa

LOG = logging.getLogger(__name__)

REQUESTS = Allowance(count=5, per_s=3600.0)
OURS_TO_SIGN = "ChargingStationCertificate"  # those of ISO 15118 belong to other CAs


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """What is to be signed; the id exists since 2.1."""

    pem: str
    request_id: int | None


class CertificateRequests:
    """One station's requests; the newest waits here for the connection to send its answer."""

    def __init__(
        self,
        *,
        station_id: str,
        ca: StationCa | None,
        register: CertificateRegister | None,
        clock: Clock,
        security: SecurityLog,
    ) -> None:
        self._station_id = station_id
        self._ca = ca
        self._register = register
        self._clock = clock
        self._security = security
        self._tally = Tally(REQUESTS)
        self._accepted: _Request | None = None
        self._pending: _Request | None = None

    def asked(self, payload: JsonObject) -> bool:
        """Whether a SignCertificate is accepted; once that is `answered`, it may be delivered."""
        refusal = self._refusal(payload)
        if refusal is not None:
            LOG.warning("%s: no certificate: %s", self._station_id, refusal)
            self._note("certificate_refused", refusal)
            return False
        self._accepted = _Request(pem=payload["csr"], request_id=payload.get("requestId"))
        return True

    def answered(self) -> None:
        """The station has its answer."""
        if self._accepted is not None:
            self._pending, self._accepted = self._accepted, None

    def _refusal(self, payload: JsonObject) -> str | None:
        if self._ca is None:
            return "no local CA signs for stations (certificates.sign_station_requests)"
        if payload.get("certificateType", OURS_TO_SIGN) != OURS_TO_SIGN:
            return "only a station's own certificate is signed here"
        if not self._clock.trusted():
            return "the clock is not trusted, so no span of validity can be given"
        now_s = self._clock.now().monotonic_s
        if self._tally.exhausted(self._station_id, now_s=now_s):
            return "it asks too often"
        self._tally.add(self._station_id, now_s=now_s)
        return self._ca.refusal(self._station_id, payload["csr"])

    async def deliver(self, calls: StationCalls) -> None:
        """Sign what waits and send it; the station has the last word."""
        request, self._pending = self._pending, None
        if request is None or self._ca is None:
            return
        try:
            issued = await asyncio.to_thread(
                self._ca.sign, self._station_id, request.pem, now_utc=self._clock.now().utc
            )
        except CertificateError as error:
            LOG.error("%s: its certificate could not be signed: %s", self._station_id, error)
            self._note("certificate_refused", "signing failed")
            return
        outcome = await calls.call("CertificateSigned", _signed(calls.version, request, issued))
        if isinstance(outcome, CallAnswered) and outcome.payload["status"] == "Accepted":
            LOG.info("%s: took its new certificate %s", self._station_id, issued.serial)
            self._note("certificate_issued", f"serial {issued.serial}")
            if self._register is not None:
                self._register.note(self._station_id, issued.not_after_utc)
            return
        LOG.warning("%s: did not take its new certificate: %s", self._station_id, outcome)
        self._note("certificate_not_taken", f"serial {issued.serial}")

    def _note(self, event: str, detail: str) -> None:
        self._security.note(event, station_id=self._station_id, detail=detail)


def _signed(version: OcppVersion, request: _Request, issued: IssuedCertificate) -> JsonObject:
    payload: JsonObject = {
        "certificateChain": issued.chain_pem,
        "certificateType": OURS_TO_SIGN,
    }
    if version is OcppVersion.V2_1 and request.request_id is not None:
        payload["requestId"] = request.request_id
    return payload
