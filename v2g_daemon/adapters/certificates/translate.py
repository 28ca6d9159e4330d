"""PEM to facts, and a station's certificate request to yes or no (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from v2g_daemon.domain.errors import CertificateError

# OCPP 2.0.1 A00.FR.501 and 502; the upper bound keeps one request from costing seconds.
SMALLEST_RSA_BITS, LARGEST_RSA_BITS = 2048, 8192
SMALLEST_EC_BITS = 224
STRONG_HASHES = (hashes.SHA256, hashes.SHA384, hashes.SHA512)


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFacts:
    """What people and the watch want to know of a certificate."""

    name: str
    addresses: tuple[str, ...]
    is_authority: bool
    has_rsa_key: bool
    not_before_utc: datetime
    not_after_utc: datetime
    serial: str
    fingerprint: str


def certificate_of(pem: bytes) -> x509.Certificate:
    """The first certificate of a PEM text; raises CertificateError."""
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError as error:
        raise CertificateError(f"is no PEM certificate ({error})") from error


def facts(certificate: x509.Certificate) -> CertificateFacts:
    """The facts of a certificate."""
    fingerprint = certificate.fingerprint(hashes.SHA256()).hex(":").upper()
    return CertificateFacts(
        name=_common_name(certificate.subject) or certificate.subject.rfc4514_string(),
        addresses=addresses_of(certificate),
        is_authority=_is_authority(certificate),
        has_rsa_key=isinstance(certificate.public_key(), rsa.RSAPublicKey),
        not_before_utc=certificate.not_valid_before_utc,
        not_after_utc=certificate.not_valid_after_utc,
        serial=serial_text(certificate.serial_number),
        fingerprint=fingerprint,
    )


def serial_text(serial: int) -> str:
    """A serial number as OCPP writes it: hexadecimal, no leading zeros."""
    return f"{serial:X}"


def addresses_of(certificate: x509.Certificate) -> tuple[str, ...]:
    """The alternative names a server is reached by."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    addresses = (str(one) for one in found.get_values_for_type(x509.IPAddress))
    return (*addresses, *found.get_values_for_type(x509.DNSName))


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def request_refusal(station_id: str, request_pem: str) -> str | None:
    """Why a station's request is not signed; None: its name, key and signature are in order."""
    try:
        request = x509.load_pem_x509_csr(request_pem.encode())
        weak = _weakness(request)
    except (ValueError, UnsupportedAlgorithm):
        return "it is no certificate request that can be read"
    if weak is not None:
        return weak
    names = [one.value for one in request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if names != [station_id]:
        return "its common name is not the station's id"
    return None


def _weakness(request: x509.CertificateSigningRequest) -> str | None:
    """A key or a signature that is not to be trusted; the key is judged before it is used."""
    key = request.public_key()
    match key:
        case rsa.RSAPublicKey():
            strong = SMALLEST_RSA_BITS <= key.key_size <= LARGEST_RSA_BITS
        case ec.EllipticCurvePublicKey():
            strong = key.key_size >= SMALLEST_EC_BITS
        case _:
            strong = False
    if not strong:
        return "its key is neither RSA of 2048 to 8192 bits nor EC of at least 224"
    if not isinstance(request.signature_hash_algorithm, STRONG_HASHES):
        return "it is not signed with SHA-256 or better"
    return None if request.is_signature_valid else "its signature is wrong"


def _common_name(name: x509.Name) -> str | None:
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else None
