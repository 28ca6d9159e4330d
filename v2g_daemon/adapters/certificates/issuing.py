"""Making keys and certificates; nothing is read or written here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from v2g_daemon.adapters.certificates.translate import addresses_of
from v2g_daemon.domain.errors import CertificateError

AUTHORITY_LASTS = timedelta(days=3652)
LEAF_LASTS = timedelta(days=825)
BACKDATED = timedelta(days=1)  # a station's clock may lie behind ours
RSA_BITS = 3072
_HOST_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?")

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey


class KeyKind(StrEnum):
    """EC (P-256) is small and quick; some old stations know RSA only."""

    EC = "ec"
    RSA = "rsa"


class Purpose(StrEnum):
    """Which end of a TLS connection a certificate speaks for."""

    SERVER = "server"
    STATION = "station"


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """The local CA."""

    certificate: x509.Certificate
    key: PrivateKey


def new_key(kind: KeyKind) -> PrivateKey:
    """A fresh private key."""
    if kind is KeyKind.EC:
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)


def key_pem(key: PrivateKey) -> bytes:
    """A key as an unencrypted PKCS #8 text."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def key_of(pem: bytes) -> PrivateKey:
    """A key from its text; raises CertificateError."""
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as error:
        raise CertificateError(f"is no PEM key without a passphrase ({error})") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise CertificateError("is neither an RSA nor an EC key")
    return key


def certificate_pem(certificate: x509.Certificate) -> bytes:
    """A certificate as text."""
    return certificate.public_bytes(Encoding.PEM)


def new_authority(*, name: str, kind: KeyKind, now_utc: datetime) -> Authority:
    """A CA of its own that signs leaves and nothing else."""
    key = new_key(kind)
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "v2g-daemon"),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )
    public_key = key.public_key()
    builder = (
        _begun(subject, subject, public_key)
        .not_valid_before(now_utc - BACKDATED)
        .not_valid_after(now_utc + AUTHORITY_LASTS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
    )
    return Authority(certificate=builder.sign(key, hashes.SHA256()), key=key)


def server_certificate(
    authority: Authority, *, key: PublicKey, addresses: Sequence[str], now_utc: datetime
) -> x509.Certificate:
    """For the central system, under every address that a station may be told."""
    names = [_alternative(address) for address in addresses]
    if not names:
        raise CertificateError("a server's certificate needs at least one address")
    return _leaf(authority, key, addresses[0], Purpose.SERVER, names, now_utc)


def station_certificate(
    authority: Authority, *, key: PublicKey, station_id: str, now_utc: datetime
) -> x509.Certificate:
    """For a station: its common name is its id."""
    return _leaf(authority, key, station_id, Purpose.STATION, [], now_utc)


def renewed(
    authority: Authority, old: x509.Certificate, *, purpose: Purpose, now_utc: datetime
) -> x509.Certificate:
    """The same names and key under the same CA, for another span."""
    key = old.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
        raise CertificateError("has neither an RSA nor an EC key; issue a new one")
    names = [_alternative(address) for address in addresses_of(old)]
    common_name = str(old.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)
    return _leaf(authority, key, common_name, purpose, names, now_utc)


def signed_request(
    authority: Authority, *, request_pem: str, station_id: str, now_utc: datetime
) -> x509.Certificate:
    """What a station asked for, under its id and with none of its own wishes but the key."""
    key = x509.load_pem_x509_csr(request_pem.encode()).public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
        raise CertificateError("the request has neither an RSA nor an EC key")
    return station_certificate(authority, key=key, station_id=station_id, now_utc=now_utc)


def _leaf(
    authority: Authority,
    key: PublicKey,
    common_name: str,
    purpose: Purpose,
    names: Sequence[x509.GeneralName],
    now_utc: datetime,
) -> x509.Certificate:
    above = authority.certificate
    if not above.not_valid_before_utc <= now_utc < above.not_valid_after_utc:
        raise CertificateError("the local CA is not valid now; make a new one with v2g certs init")
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "v2g-daemon"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name[:64]),
        ]
    )
    use = {
        Purpose.SERVER: ExtendedKeyUsageOID.SERVER_AUTH,
        Purpose.STATION: ExtendedKeyUsageOID.CLIENT_AUTH,
    }[purpose]
    builder = (
        _begun(subject, above.subject, key)
        .not_valid_before(max(now_utc - BACKDATED, above.not_valid_before_utc))
        .not_valid_after(min(now_utc + LEAF_LASTS, above.not_valid_after_utc))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([use]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()),
            critical=False,
        )
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(authority.key, hashes.SHA256())


def _begun(subject: x509.Name, issuer: x509.Name, key: PublicKey) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_encipherment=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _alternative(address: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(address))
    except ValueError:
        pass
    if _HOST_NAME.fullmatch(address) is None:
        raise CertificateError(f"{address!r} is neither an IP address nor a host name in ASCII")
    return x509.DNSName(address)
