"""`v2g certs`: a local CA and what it issues, with the next step in every answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from v2g_daemon.adapters.certificates.folder import (
    AUTHORITY,
    SERVER,
    CertificateFolder,
    station_name,
)
from v2g_daemon.adapters.certificates.issuing import (
    KeyKind,
    Purpose,
    new_authority,
    new_key,
    renewed,
    server_certificate,
    station_certificate,
)
from v2g_daemon.adapters.certificates.translate import CertificateFacts, facts
from v2g_daemon.adapters.system.clock import RealClock
from v2g_daemon.domain.errors import CertificateError


def init(directory: Path, *, name: str, key: str) -> str:
    """Make the local CA; refuses where one is already."""
    folder, now_utc = CertificateFolder(directory), RealClock().now().utc
    authority = new_authority(name=name, kind=KeyKind(key), now_utc=now_utc)
    folder.keep(AUTHORITY, authority.certificate, authority.key)
    found = facts(authority.certificate)
    return "\n".join(
        [
            f"A local CA is made, valid until {_day(found.not_after_utc)}.",
            f"  {folder.certificate_file(AUTHORITY)}",
            "    load it into every station as the central system's root certificate",
            f"  {folder.key_file(AUTHORITY)}",
            "    whoever holds it can make stations and servers: it stays here, and in a safe copy",
            f"  SHA-256 {found.fingerprint}",
            "Next: v2g certs issue server --address ADDRESS, with this machine's own address as "
            "the stations will be told it.",
        ]
    )


def issue_server(directory: Path, *, addresses: Sequence[str], key: str) -> str:
    """A certificate for the central system under these addresses."""
    folder, now_utc = CertificateFolder(directory), RealClock().now().utc
    private = new_key(KeyKind(key))
    certificate = server_certificate(
        folder.authority(), key=private.public_key(), addresses=addresses, now_utc=now_utc
    )
    folder.keep(SERVER, certificate, private)
    found = facts(certificate)
    return "\n".join(
        [
            f"The server's certificate is made for {', '.join(found.addresses)}, valid until "
            f"{_day(found.not_after_utc)}.",
            "Write into the configuration, then restart the daemon:",
            "  [ocpp]",
            f'  tls_certificate_file = "{folder.certificate_file(SERVER)}"',
            f'  tls_key_file = "{folder.key_file(SERVER)}"',
            f'  client_ca_file = "{folder.certificate_file(AUTHORITY)}"',
            f"Stations then connect to wss://{addresses[0]}:PORT, PORT being ocpp.tls_port, once "
            f"they hold {folder.certificate_file(AUTHORITY).name}.",
        ]
    )


def issue_station(directory: Path, *, station_id: str, key: str) -> str:
    """Key and certificate for a station that cannot make a request of its own."""
    folder, now_utc = CertificateFolder(directory), RealClock().now().utc
    private, name = new_key(KeyKind(key)), station_name(station_id)
    certificate = station_certificate(
        folder.authority(), key=private.public_key(), station_id=station_id, now_utc=now_utc
    )
    folder.keep(name, certificate, private)
    return "\n".join(
        [
            f"A certificate for station {station_id} is made, valid until "
            f"{_day(facts(certificate).not_after_utc)}. Load both files into the station:",
            f"  {folder.certificate_file(name)}",
            f"  {folder.key_file(name)}",
            "Then remove the key from here: the station alone needs it.",
        ]
    )


def renew(directory: Path, *, station_id: str | None) -> str:
    """The same names and key for another span, under the same CA; None: the server's."""
    folder, now_utc = CertificateFolder(directory), RealClock().now().utc
    name = SERVER if station_id is None else station_name(station_id)
    purpose = Purpose.SERVER if station_id is None else Purpose.STATION
    certificate = renewed(
        folder.authority(), folder.certificate(name), purpose=purpose, now_utc=now_utc
    )
    folder.replace(name, certificate)
    until = _day(facts(certificate).not_after_utc)
    if station_id is None:
        return f"The server's certificate is valid until {until}. Restart the daemon to use it."
    file = folder.certificate_file(name)
    return f"The certificate of station {station_id} is valid until {until}. Load {file} into it."


def show(directory: Path) -> str:
    """Everything in the folder: names, end, fingerprint."""
    folder, now_utc = CertificateFolder(directory), RealClock().now().utc
    names = tuple(folder.names())
    if not names:
        raise CertificateError(f"{directory}: nothing is there; begin with `v2g certs init`")
    return "\n".join(
        line
        for name in names
        for line in _shown(folder, name, facts(folder.certificate(name)), now_utc)
    )


def _shown(
    folder: CertificateFolder, name: str, found: CertificateFacts, now_utc: datetime
) -> list[str]:
    left = found.not_after_utc - now_utc
    span = "EXPIRED" if found.not_after_utc <= now_utc else f"{left.days} days left"
    what = "local CA" if found.is_authority else ", ".join(found.addresses) or "station"
    return [
        f"{folder.certificate_file(name)}",
        f"  {found.name} ({what}), {'RSA' if found.has_rsa_key else 'EC'} key",
        f"  valid until {_day(found.not_after_utc)}, {span}",
        f"  serial {found.serial}",
        f"  SHA-256 {found.fingerprint}",
    ]


def _day(moment_utc: datetime) -> str:
    return f"{moment_utc:%Y-%m-%d}"
