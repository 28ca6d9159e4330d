"""The certificates of a station: what it trusts, what it shows, and how it gets a new one."""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from simulators.scenario import StationTable
from simulators.station.wire import JsonDict

if TYPE_CHECKING:  # `cryptography` is loaded only by a station that handles certificates
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

    from simulators.station.station import Station

ROOT_TYPES = frozenset({"CSMSRootCertificate", "CentralSystemRootCertificate"})
OWN_TYPE = "ChargingStationCertificate"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """A certificate that was asked for; the id exists since 2.1."""

    key: EllipticCurvePrivateKey
    request_id: int | None


class Credentials:
    """Begins with the scenario's files; what comes over OCPP is kept in memory."""

    def __init__(self, table: StationTable) -> None:
        """Trust and show what the scenario names."""
        self._table = table
        self._roots: dict[int, str] = {}
        self._own: tuple[str, EllipticCurvePrivateKey] | None = None
        self._request: _Request | None = None
        self._requests = 0

    def context(self) -> ssl.SSLContext | None:
        """Return how to connect; None without TLS."""
        table = self._table
        if not table.url.startswith("wss:"):
            return None
        context = ssl.create_default_context(cafile=table.ca_file)
        for pem in self._roots.values():
            context.load_verify_locations(cadata=pem)
        if self._own is not None:
            self._show_own(context, *self._own)
        elif table.certificate_file is not None:
            context.load_cert_chain(table.certificate_file, table.key_file)
        return context

    @property
    def own_serial(self) -> int | None:
        """The serial number of the certificate that came over OCPP."""
        return None if self._own is None else _certificate(self._own[0]).serial_number

    def request(self, *, version: str) -> JsonDict:
        """Make a key and the SignCertificate for it."""
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.serialization import Encoding

        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, self._table.id)])
        signed = (
            x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
        )
        self._requests += 1
        request_id = self._requests if version == "ocpp2.1" else None
        self._request = _Request(key=key, request_id=request_id)
        asked: JsonDict = {
            "csr": signed.public_bytes(Encoding.PEM).decode(),
            "certificateType": OWN_TYPE,
        }
        return asked if request_id is None else {**asked, "requestId": request_id}

    def take(self, signed: JsonDict) -> bool:
        """Take a CertificateSigned if it answers the request: right id, key and name."""
        request, pem = self._request, signed["certificateChain"]
        if request is None or request.request_id != signed.get("requestId", request.request_id):
            return False
        try:
            found = _certificate(pem)
        except ValueError:
            return False
        names = [one.value for one in found.subject if one.oid.dotted_string == "2.5.4.3"]
        if found.public_key() != request.key.public_key() or names != [self._table.id]:
            return False
        self._own, self._request = (pem, request.key), None
        return True

    def install(self, kind: str, pem: str) -> bool:
        """Trust another root."""
        try:
            found = _certificate(pem)
        except ValueError:
            return False
        if kind in ROOT_TYPES:
            self._roots[found.serial_number] = pem
        return kind in ROOT_TYPES

    def installed(self) -> list[JsonDict]:
        """Return the hash data of every root that came over OCPP."""
        return [_hash_data(_certificate(pem)) for pem in self._roots.values()]

    def forget(self, serial: str) -> bool:
        """Distrust a root again."""
        return self._roots.pop(int(serial, 16), None) is not None

    def _show_own(self, context: ssl.SSLContext, pem: str, key: EllipticCurvePrivateKey) -> None:
        """The standard library takes certificate and key from a file only."""
        from cryptography.hazmat.primitives.serialization import (
            Encoding,
            NoEncryption,
            PrivateFormat,
        )

        text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "own.pem"
            file.touch(mode=0o600)
            file.write_bytes(text + pem.encode())
            context.load_cert_chain(file)


def _certificate(pem: str) -> x509.Certificate:
    from cryptography import x509

    return x509.load_pem_x509_certificate(pem.encode())


def _hash_data(root: x509.Certificate) -> JsonDict:
    """RFC 6960: hashes of the issuer's name and key; a root is its own issuer."""
    from cryptography.hazmat.primitives import hashes

    def digest(data: bytes) -> str:
        made = hashes.Hash(hashes.SHA256())
        made.update(data)
        return made.finalize().hex()

    return {
        "hashAlgorithm": "SHA256",
        "issuerNameHash": digest(root.issuer.public_bytes()),
        "issuerKeyHash": digest(_key_bits(root)),
        "serialNumber": f"{root.serial_number:X}",
    }


def _key_bits(root: x509.Certificate) -> bytes:
    """Return the bit string of the public key, without the header that names its kind."""
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = root.public_key()
    if isinstance(key, EllipticCurvePublicKey):
        return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return key.public_bytes(Encoding.DER, PublicFormat.PKCS1)


def sign_certificate(station: Station) -> None:
    """Ask the central system for a certificate."""
    station.send("SignCertificate", station.credentials.request(version=station.version))


def _signed(station: Station, request: JsonDict) -> JsonDict:
    return {"status": "Accepted" if station.credentials.take(request) else "Rejected"}


def _install(station: Station, request: JsonDict) -> JsonDict:
    taken = station.credentials.install(request["certificateType"], request["certificate"])
    return {"status": "Accepted" if taken else "Rejected"}


def _installed(station: Station, request: JsonDict) -> JsonDict:
    del request
    chains = [
        {"certificateType": "CSMSRootCertificate", "certificateHashData": one}
        for one in station.credentials.installed()
    ]
    if not chains:
        return {"status": "NotFound"}
    return {"status": "Accepted", "certificateHashDataChain": chains}


def _delete(station: Station, request: JsonDict) -> JsonDict:
    serial = request["certificateHashData"]["serialNumber"]
    return {"status": "Accepted" if station.credentials.forget(serial) else "NotFound"}


CERTIFICATE_HANDLERS: dict[str, Callable[[Station, JsonDict], JsonDict]] = {
    "CertificateSigned": _signed,
    "DeleteCertificate": _delete,
    "GetInstalledCertificateIds": _installed,
    "InstallCertificate": _install,
}
