"""TLS and the local CA as configured; `cryptography` is loaded only where they are wanted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from v2g_daemon.adapters.certificates.expiry import Watched, expiry_faults
from v2g_daemon.adapters.certificates.watch import CertificateWatch
from v2g_daemon.adapters.ocpp.config import TlsConfig
from v2g_daemon.domain.errors import CertificateError, ConfigurationError
from v2g_daemon.ports import Clock, FaultSink, StationCa, StationJournal
from v2g_daemon.settings import Settings


def tls_config(settings: Settings) -> TlsConfig | None:
    """The TLS side of the central system; None: nothing but plain text."""
    ocpp = settings.ocpp
    if ocpp.tls_certificate_file is None or ocpp.tls_key_file is None:
        return None
    if ocpp.tls_rsa_key_exchange:
        _check_key_is_rsa(ocpp.tls_certificate_file)
    return TlsConfig(
        certificate_file=ocpp.tls_certificate_file,
        key_file=ocpp.tls_key_file,
        client_ca_file=ocpp.client_ca_file,
        rsa_key_exchange=ocpp.tls_rsa_key_exchange,
        port=ocpp.tls_port,
    )


def _check_key_is_rsa(file: Path) -> None:
    from v2g_daemon.adapters.certificates.translate import certificate_of, facts

    try:
        found = facts(certificate_of(file.read_bytes()))
    except (OSError, CertificateError):
        return  # told with its fix where the file is used
    if not found.has_rsa_key:
        raise ConfigurationError(
            f"ocpp.tls_rsa_key_exchange = true: the key of '{file}' is not RSA, so no old station "
            "gets in by it; issue the server's certificate with --key rsa"
        )


def local_ca(settings: Settings) -> StationCa | None:
    """The CA that signs for stations; None unless the configuration says so."""
    certificates = settings.certificates
    if not certificates.sign_station_requests:
        return None
    from v2g_daemon.adapters.certificates.folder import CertificateFolder
    from v2g_daemon.adapters.certificates.local_ca import LocalCa

    try:
        return LocalCa(CertificateFolder(certificates.directory))
    except CertificateError as error:
        raise ConfigurationError(f"certificates.sign_station_requests = true: {error}") from error


def certificate_watch(
    settings: Settings, *, clock: Clock, journal: StationJournal, sink: FaultSink
) -> CertificateWatch | None:
    """The watch over expiry; None where there is nothing to watch."""
    if not any(True for _ in _files(settings)):
        return None
    return CertificateWatch(
        clock=clock,
        journal=journal,
        sink=sink,
        station_ids=dict.fromkeys(charger.station_id for charger in settings.stations),
        files=lambda: watched_files(settings),
    )


def certificate_warnings(settings: Settings, *, now_utc: datetime) -> tuple[str, ...]:
    """What `v2g check` says of certificates that end within 30 days."""
    return tuple(fault.detail for fault in expiry_faults(watched_files(settings), now_utc))


def watched_files(settings: Settings) -> tuple[Watched, ...]:
    """The files in use, each with its end and what to do before."""
    return tuple(
        Watched(what=f"{what} {file}", not_after_utc=_not_after(file), next_step=next_step)
        for file, what, next_step in _files(settings)
    )


def _files(settings: Settings) -> Iterator[tuple[Path, str, str]]:
    ocpp, certificates = settings.ocpp, settings.certificates
    if ocpp.tls_certificate_file is not None:
        renewal = "`v2g certs renew server`, then restart the daemon"
        yield ocpp.tls_certificate_file, "the server's certificate", renewal
    successor = "make a new CA in a new folder and load it into every station"
    if ocpp.client_ca_file is not None:
        yield ocpp.client_ca_file, "the stations' CA", successor
    authority = certificates.directory / "ca.pem"
    if certificates.sign_station_requests and authority != ocpp.client_ca_file:
        yield authority, "the local CA", successor


def _not_after(file: Path) -> datetime | None:
    from v2g_daemon.adapters.certificates.translate import certificate_of, facts

    try:
        return facts(certificate_of(file.read_bytes())).not_after_utc
    except (OSError, CertificateError):
        return None
