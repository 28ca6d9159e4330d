"""The local CA's files and certificates, judged by the standard library and by openssl's rules."""

from __future__ import annotations

import ssl
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from v2g_daemon.adapters.certificates.folder import (
    AUTHORITY,
    SERVER,
    CertificateFolder,
    station_name,
)
from v2g_daemon.adapters.certificates.issuing import (
    KeyKind,
    Purpose,
    certificate_pem,
    new_authority,
    new_key,
    renewed,
    server_certificate,
    station_certificate,
)
from v2g_daemon.adapters.certificates.local_ca import LocalCa
from v2g_daemon.adapters.certificates.translate import facts, request_refusal
from v2g_daemon.domain.errors import CertificateError

NOW = datetime(2025, 6, 1, 12, 0, tzinfo=UTC)


def request(
    name: str = "S1", *, key: object | None = None, digest: hashes.HashAlgorithm | None = None
) -> str:
    signing = ec.generate_private_key(ec.SECP256R1()) if key is None else key
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    algorithm = hashes.SHA256() if digest is None else digest
    if isinstance(signing, ed25519.Ed25519PrivateKey):
        return builder.sign(signing, None).public_bytes(Encoding.PEM).decode()
    return builder.sign(signing, algorithm).public_bytes(Encoding.PEM).decode()  # type: ignore[arg-type]


def with_a_broken_signature() -> str:
    lines = request().splitlines()
    body = list(lines[-2])
    body[3] = "A" if body[3] != "A" else "B"
    return "\n".join([*lines[:-2], "".join(body), lines[-1]])


@pytest.mark.parametrize(
    ("made", "refusal"),
    [
        (request, None),
        (lambda: request(key=rsa.generate_private_key(65537, 2048)), None),
        (lambda: request("S2"), "its common name is not the station's id"),
        (lambda: request("S1 "), "its common name is not the station's id"),
        (lambda: "no request at all", "it is no certificate request that can be read"),
        (lambda: "", "it is no certificate request that can be read"),
        (
            lambda: request(key=rsa.generate_private_key(65537, 1024)),  # noqa: S505 - it must be refused
            "its key is neither RSA of 2048 to 8192 bits nor EC of at least 224",
        ),
        (
            lambda: request(key=ec.generate_private_key(ec.SECP192R1())),
            "its key is neither RSA of 2048 to 8192 bits nor EC of at least 224",
        ),
        (
            lambda: request(key=ed25519.Ed25519PrivateKey.generate()),
            "its key is neither RSA of 2048 to 8192 bits nor EC of at least 224",
        ),
        (lambda: request(digest=hashes.SHA224()), "it is not signed with SHA-256 or better"),
        (with_a_broken_signature, "its signature is wrong"),
    ],
)
def test_a_request_is_signed_only_if_name_key_and_signature_are_in_order(
    made: Callable[[], str], refusal: str | None
) -> None:
    assert request_refusal("S1", made()) == refusal


def test_a_certificate_lasts_sensibly_and_never_longer_than_its_ca() -> None:
    authority = new_authority(name="home", kind=KeyKind.EC, now_utc=NOW)
    key = new_key(KeyKind.EC).public_key()
    early = facts(station_certificate(authority, key=key, station_id="S1", now_utc=NOW))
    late_utc = NOW + timedelta(days=3600)
    late = facts(station_certificate(authority, key=key, station_id="S1", now_utc=late_utc))
    root = facts(authority.certificate)
    assert root.not_after_utc == NOW + timedelta(days=3652)
    assert early.not_after_utc == NOW + timedelta(days=825)
    assert early.not_before_utc == NOW - timedelta(days=1)
    assert late.not_after_utc == root.not_after_utc
    with pytest.raises(CertificateError, match="not valid now"):
        station_certificate(authority, key=key, station_id="S1", now_utc=NOW + timedelta(days=3652))


def test_each_certificate_speaks_for_one_end_and_signs_nothing() -> None:
    authority = new_authority(name="home", kind=KeyKind.EC, now_utc=NOW)
    key = new_key(KeyKind.EC).public_key()
    server = server_certificate(
        authority, key=key, addresses=["192.168.1.5", "fd00::5", "v2g.home"], now_utc=NOW
    )
    client = station_certificate(authority, key=key, station_id="S1", now_utc=NOW)
    assert facts(server).addresses == ("192.168.1.5", "fd00::5", "v2g.home")
    for leaf, use in ((server, "serverAuth"), (client, "clientAuth")):
        extended = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        assert [one._name for one in extended] == [use]
        constraints = leaf.extensions.get_extension_for_class(x509.BasicConstraints).value
        assert constraints.ca is False
        leaf.verify_directly_issued_by(authority.certificate)
    root = authority.certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (root.ca, root.path_length) == (True, 0)


@pytest.mark.parametrize("address", ["", "bücher.example", "ok.example"])
def test_an_address_that_no_certificate_can_hold_is_told(address: str) -> None:
    authority = new_authority(name="home", kind=KeyKind.EC, now_utc=NOW)
    key = new_key(KeyKind.EC).public_key()
    if address == "ok.example":
        server_certificate(authority, key=key, addresses=[address], now_utc=NOW)
        return
    with pytest.raises(CertificateError, match="neither an IP address nor a host name"):
        server_certificate(authority, key=key, addresses=[address], now_utc=NOW)


def kept(path: Path) -> CertificateFolder:
    folder = CertificateFolder(path)
    authority = new_authority(name="home", kind=KeyKind.EC, now_utc=NOW)
    folder.keep(AUTHORITY, authority.certificate, authority.key)
    key = new_key(KeyKind.EC)
    server = server_certificate(
        authority, key=key.public_key(), addresses=["10.0.0.5"], now_utc=NOW
    )
    folder.keep(SERVER, server, key)
    return folder


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_keys_are_their_owners_alone_from_the_first_byte(tmp_path: Path) -> None:
    folder = kept(tmp_path / "ca")
    assert mode(folder.path) == 0o700
    assert mode(folder.key_file(AUTHORITY)) == 0o600
    assert mode(folder.key_file(SERVER)) == 0o600
    assert mode(folder.certificate_file(AUTHORITY)) == 0o644


def test_nothing_is_overwritten_and_nothing_half_written(tmp_path: Path) -> None:
    folder = kept(tmp_path / "ca")
    before = {file.name: file.read_bytes() for file in folder.path.iterdir()}
    authority = new_authority(name="other", kind=KeyKind.EC, now_utc=NOW)
    with pytest.raises(CertificateError, match=r"ca\.pem is there already and is kept"):
        folder.keep(AUTHORITY, authority.certificate, authority.key)
    folder.certificate_file(SERVER).rename(tmp_path / "away")
    with pytest.raises(CertificateError, match=r"server\.key is there already"):
        folder.keep(SERVER, authority.certificate, authority.key)
    del before["server.pem"]
    assert {file.name: file.read_bytes() for file in folder.path.iterdir()} == before


def test_a_renewal_keeps_ca_key_and_names(tmp_path: Path) -> None:
    folder = kept(tmp_path / "ca")
    ca, key = folder.certificate_file(AUTHORITY).read_bytes(), folder.key_file(SERVER).read_bytes()
    old = folder.certificate(SERVER)
    later_utc = NOW + timedelta(days=800)
    folder.replace(
        SERVER, renewed(folder.authority(), old, purpose=Purpose.SERVER, now_utc=later_utc)
    )
    new = folder.certificate(SERVER)
    assert facts(new).not_after_utc == later_utc + timedelta(days=825)
    assert facts(new).addresses == ("10.0.0.5",)
    assert new.serial_number != old.serial_number
    assert folder.certificate_file(AUTHORITY).read_bytes() == ca
    assert folder.key_file(SERVER).read_bytes() == key
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder.certificate_file(SERVER), folder.key_file(SERVER))
    assert sorted(file.name for file in folder.path.iterdir()) == [
        "ca.key",
        "ca.pem",
        "server.key",
        "server.pem",
    ]


def test_a_ca_whose_key_others_may_read_signs_nothing(tmp_path: Path) -> None:
    folder = kept(tmp_path / "ca")
    folder.key_file(AUTHORITY).chmod(0o640)
    with pytest.raises(CertificateError, match=r"others may read it; chmod 0600"):
        LocalCa(folder)


def test_no_ca_is_told_with_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(CertificateError, match=r"ca\.key: is not there; .*v2g certs init"):
        LocalCa(CertificateFolder(tmp_path))


def test_a_station_gets_its_own_name_and_none_of_its_wishes(tmp_path: Path) -> None:
    ca = LocalCa(kept(tmp_path / "ca"))
    key = ec.generate_private_key(ec.SECP256R1())
    wishes = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(
            x509.Name(
                [
                    x509.NameAttribute(NameOID.COMMON_NAME, "S1"),
                    x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Somebody Else"),
                ]
            )
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("S2")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = wishes.public_bytes(Encoding.PEM).decode()
    assert ca.refusal("S1", pem) is None
    issued = ca.sign("S1", pem, now_utc=NOW)
    found = x509.load_pem_x509_certificate(issued.chain_pem.encode())
    assert found.subject.rfc4514_string() == "CN=S1,O=v2g-daemon"
    assert facts(found).is_authority is False
    assert facts(found).addresses == ()
    assert found.public_key() == key.public_key()
    assert int(issued.serial, 16) == found.serial_number
    assert issued.not_after_utc == NOW + timedelta(days=825)


def test_a_station_whose_id_would_leave_the_folder_has_no_file() -> None:
    assert station_name("S*1=a") == "station-S*1=a"
    for name in ("../S1", "", "x" * 49, "S1\n"):
        with pytest.raises(CertificateError):
            station_name(name)


def test_a_certificate_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "server.pem").write_bytes(b"nonsense")
    with pytest.raises(CertificateError, match=r"server\.pem: is no PEM certificate"):
        CertificateFolder(tmp_path).certificate(SERVER)
    assert certificate_pem(
        new_authority(name="x", kind=KeyKind.EC, now_utc=NOW).certificate
    ).startswith(b"-----BEGIN CERTIFICATE-----")
