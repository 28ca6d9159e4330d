"""The local CA at work in the daemon: it signs what stations ask for, and nothing else."""

from __future__ import annotations

from datetime import datetime

from v2g_daemon.adapters.certificates.folder import CertificateFolder
from v2g_daemon.adapters.certificates.issuing import certificate_pem, signed_request
from v2g_daemon.adapters.certificates.translate import request_refusal, serial_text
from v2g_daemon.domain.certificates import IssuedCertificate


class LocalCa:
    """Read once at the start; raises CertificateError where the CA cannot be used."""

    def __init__(self, folder: CertificateFolder) -> None:
        self._authority = folder.authority()

    def refusal(self, station_id: str, request_pem: str) -> str | None:
        """Why a certificate request is not signed; None: it will be."""
        return request_refusal(station_id, request_pem)

    def sign(self, station_id: str, request_pem: str, *, now_utc: datetime) -> IssuedCertificate:
        """A request that was not refused; raises CertificateError where the CA has expired."""
        certificate = signed_request(
            self._authority, request_pem=request_pem, station_id=station_id, now_utc=now_utc
        )
        return IssuedCertificate(
            chain_pem=certificate_pem(certificate).decode(),
            serial=serial_text(certificate.serial_number),
            not_after_utc=certificate.not_valid_after_utc,
        )

    def root_pem(self) -> str:
        """The certificate that stations check the server by."""
        return certificate_pem(self._authority.certificate).decode()

    def root_serial(self) -> str:
        """How a station names it."""
        return serial_text(self._authority.certificate.serial_number)
