"""The folder of the local CA: what lies where, with which mode, never overwritten by mistake."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from cryptography import x509

from v2g_daemon.adapters.certificates.issuing import (
    Authority,
    PrivateKey,
    certificate_pem,
    key_of,
    key_pem,
)
from v2g_daemon.adapters.certificates.translate import certificate_of
from v2g_daemon.domain.errors import CertificateError

FOLDER_MODE = 0o700
KEY_MODE = 0o600
CERTIFICATE_MODE = 0o644
READABLE_BY_OTHERS = 0o077
AUTHORITY = "ca"
SERVER = "server"
_STATION = "station-"


def station_name(station_id: str) -> str:
    """The name under which a station's pair lies."""
    if "/" in station_id or not station_id.isprintable() or not 0 < len(station_id) <= 48:
        raise CertificateError(f"{station_id!r} cannot be a station's id")
    return f"{_STATION}{station_id}"


class CertificateFolder:
    """NAME.pem and NAME.key in one folder that only its owner may enter."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def certificate_file(self, name: str) -> Path:
        """Where a certificate lies."""
        return self.path / f"{name}.pem"

    def key_file(self, name: str) -> Path:
        """Where its key lies."""
        return self.path / f"{name}.key"

    def names(self) -> Iterator[str]:
        """Everything here that has a certificate, the CA first."""
        found = sorted(file.stem for file in self.path.glob("*.pem"))
        yield from sorted(found, key=lambda name: (name != AUTHORITY, name != SERVER))

    def certificate(self, name: str) -> x509.Certificate:
        """One certificate; raises CertificateError with what to do about it."""
        file = self.certificate_file(name)
        try:
            return certificate_of(_read(file))
        except CertificateError as error:
            raise CertificateError(f"{file}: {error}") from error

    def authority(self) -> Authority:
        """The local CA; raises CertificateError, also where others may read its key."""
        file = self.key_file(AUTHORITY)
        try:
            pem = _read(file)
            if file.stat().st_mode & READABLE_BY_OTHERS:
                raise CertificateError(f"others may read it; chmod 0600 {file}")
            key = key_of(pem)
        except CertificateError as error:
            raise CertificateError(f"{file}: {error}") from error
        return Authority(certificate=self.certificate(AUTHORITY), key=key)

    def keep(self, name: str, certificate: x509.Certificate, key: PrivateKey) -> None:
        """A new pair; refuses to overwrite either file."""
        for file in (self.certificate_file(name), self.key_file(name)):
            if file.exists():
                raise CertificateError(
                    f"{file} is there already and is kept; renew it, or move it away first"
                )
        try:
            self.path.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            _create(self.key_file(name), key_pem(key), KEY_MODE)
            _create(self.certificate_file(name), certificate_pem(certificate), CERTIFICATE_MODE)
        except OSError as error:
            raise CertificateError(f"{self.path}: cannot be written: {error.strerror}") from error

    def replace(self, name: str, certificate: x509.Certificate) -> None:
        """A renewed certificate in the place of the old one, whole or not at all."""
        file = self.certificate_file(name)
        beside = file.with_suffix(".pem-new")
        try:
            beside.unlink(missing_ok=True)
            _create(beside, certificate_pem(certificate), CERTIFICATE_MODE)
            os.replace(beside, file)
        except OSError as error:
            raise CertificateError(f"{file}: cannot be written: {error.strerror}") from error


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError as error:
        what = "init" if file.stem == AUTHORITY else "issue"
        raise CertificateError(f"is not there; make it with `v2g certs {what}`") from error
    except OSError as error:
        raise CertificateError(f"cannot be read: {error.strerror}") from error


def _create(file: Path, content: bytes, mode: int) -> None:
    """The mode holds from the first byte on, whatever the umask adds or takes."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as opened:
        os.fchmod(descriptor, mode)
        opened.write(content)
        opened.flush()
        os.fsync(descriptor)
