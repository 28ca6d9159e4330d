"""Local CAs for tests, and TLS clients on the standard library alone."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from v2g_daemon.adapters.certificates.folder import AUTHORITY, SERVER, CertificateFolder
from v2g_daemon.adapters.certificates.issuing import (
    KeyKind,
    new_authority,
    new_key,
    server_certificate,
    station_certificate,
)
from v2g_daemon.adapters.ocpp.config import TlsConfig

ADDRESS = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeAuthority:
    """A CA in a folder of its own, with a server's certificate for 127.0.0.1."""

    folder: CertificateFolder

    @property
    def ca_file(self) -> Path:
        return self.folder.certificate_file(AUTHORITY)

    def tls(self, *, checks_stations: bool = False, rsa_key_exchange: bool = False) -> TlsConfig:
        return TlsConfig(
            certificate_file=self.folder.certificate_file(SERVER),
            key_file=self.folder.key_file(SERVER),
            client_ca_file=self.ca_file if checks_stations else None,
            rsa_key_exchange=rsa_key_exchange,
        )

    def trusting(self, *, certificate: str | None = None) -> ssl.SSLContext:
        """A client that checks the server by this CA; `certificate` names the pair it shows."""
        context = ssl.create_default_context(cafile=str(self.ca_file))
        if certificate is not None:
            context.load_cert_chain(
                self.folder.certificate_file(certificate), self.folder.key_file(certificate)
            )
        return context

    def station(self, station_id: str, *, made_at: datetime | None = None) -> str:
        """A pair for a station, by the name it lies under."""
        now_utc = datetime.now(UTC) if made_at is None else made_at
        key = new_key(KeyKind.EC)
        certificate = station_certificate(
            self.folder.authority(), key=key.public_key(), station_id=station_id, now_utc=now_utc
        )
        self.folder.keep(f"station-{station_id}", certificate, key)
        return f"station-{station_id}"


def made(
    path: Path,
    *,
    kind: KeyKind = KeyKind.EC,
    address: str = ADDRESS,
    ca_age: timedelta = timedelta(0),
    server_age: timedelta = timedelta(0),
) -> MadeAuthority:
    """A CA that was made some time ago, and a server's certificate for an address."""
    now_utc = datetime.now(UTC)
    folder = CertificateFolder(path)
    authority = new_authority(name="test CA", kind=kind, now_utc=now_utc - ca_age)
    folder.keep(AUTHORITY, authority.certificate, authority.key)
    key = new_key(kind)
    certificate = server_certificate(
        authority, key=key.public_key(), addresses=[address], now_utc=now_utc - server_age
    )
    folder.keep(SERVER, certificate, key)
    return MadeAuthority(folder=folder)
