"""Certificates over OCPP: a station asks, is answered, and only then gets what it asked for."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.adapters.ocpp.authorities import MadeAuthority, made
from tests.adapters.ocpp.conftest import Bench, Benches
from tests.adapters.ocpp.scripted_station import (
    Json,
    MemoryJournal,
    ScriptedStation,
    SteppedClock,
    station,
)
from v2g_daemon.adapters.certificates.local_ca import LocalCa
from v2g_daemon.adapters.ocpp import OcppVersion
from v2g_daemon.adapters.ocpp.security.certificate_requests import CertificateRequests
from v2g_daemon.adapters.ocpp.security.security_log import SecurityLog
from v2g_daemon.adapters.ocpp.wire.session import CallAnswered, CallOutcome
from v2g_daemon.domain.certificates import InstalledRoot
from v2g_daemon.domain.errors import DeviceRejectedCommand, DeviceUnreachable

VERSIONS = [version.value for version in OcppVersion]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> MadeAuthority:
    return made(tmp_path_factory.mktemp("certificates") / "ca")


@pytest.fixture(scope="module")
def ca(authority: MadeAuthority) -> LocalCa:
    return LocalCa(authority.folder)


def request(key: ec.EllipticCurvePrivateKey, name: str = "S1") -> str:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made_request = x509.CertificateSigningRequestBuilder().subject_name(subject)
    return made_request.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


class Register:
    """What the watch over expiry is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, datetime]] = []

    def note(self, station_id: str, not_after_utc: datetime) -> None:
        self.told.append((station_id, not_after_utc))


async def noted(bench: Bench, name: str) -> str:
    """The detail of a security event, once it is there."""
    async with asyncio.timeout(5):
        while True:
            for one in bench.journal.order:
                if one.name == name:
                    return one.detail
            await asyncio.sleep(0.01)


async def booted(car: ScriptedStation) -> None:
    if car.version == "ocpp1.6":
        await car.call("BootNotification", {"chargePointModel": "M", "chargePointVendor": "V"})
    else:
        await car.boot()
    await car.asked("SetChargingProfile")


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_station_gets_the_certificate_it_asked_for_after_the_answer(
    benches: Benches, authority: MadeAuthority, ca: LocalCa, version: str
) -> None:
    register, key = Register(), ec.generate_private_key(ec.SECP256R1())
    asked: Json = {"csr": request(key)}
    if version == "ocpp2.1":
        asked |= {"certificateType": "ChargingStationCertificate", "requestId": 7}
    versions = tuple(OcppVersion)
    async with (
        benches(ca=ca, register=register, versions=versions) as bench,
        station(bench.central, versions=(version,)) as car,
    ):
        bench.clock.elapsed_s = (datetime.now(UTC) - bench.clock.now().utc).total_seconds()
        await booted(car)
        assert (await car.call("SignCertificate", asked))["status"] == "Accepted"
        sent = await car.asked("CertificateSigned")
        serial = await noted(bench, "certificate_issued")
        assert car.broken == []
    found = x509.load_pem_x509_certificate(sent["certificateChain"].encode())
    assert found.public_key() == key.public_key()
    found.verify_directly_issued_by(authority.folder.authority().certificate)
    assert serial == f"serial {found.serial_number:X}"
    assert register.told == [("S1", found.not_valid_after_utc)]
    more = {name: value for name, value in sent.items() if name != "certificateChain"}
    expected = {"certificateType": "ChargingStationCertificate"}
    wanted = {"ocpp2.1": {**expected, "requestId": 7}, "ocpp2.0.1": expected, "ocpp1.6": {}}
    assert more == wanted[version]


async def test_nothing_is_delivered_before_the_station_has_its_answer(ca: LocalCa) -> None:
    clock, journal = SteppedClock(), MemoryJournal()
    requests = CertificateRequests(
        station_id="S1",
        ca=ca,
        register=None,
        clock=clock,
        security=SecurityLog(clock=clock, journal=journal),
    )
    clock.elapsed_s = (datetime.now(UTC) - clock.now().utc).total_seconds()
    sent: list[str] = []

    class Calls:
        version = OcppVersion.V2_1

        async def call(
            self, action: str, payload: Json, *, timeout_s: float | None = None
        ) -> CallOutcome:
            sent.append(action)
            return CallAnswered(payload={"status": "Accepted"})

    assert requests.asked({"csr": request(ec.generate_private_key(ec.SECP256R1()))})
    await requests.deliver(Calls())
    assert sent == []
    requests.answered()
    await requests.deliver(Calls())
    await requests.deliver(Calls())
    assert sent == ["CertificateSigned"]


async def test_a_station_that_does_not_take_its_certificate_is_noted(
    benches: Benches, ca: LocalCa
) -> None:
    register, csr = Register(), request(ec.generate_private_key(ec.SECP256R1()))
    async with (
        benches(ca=ca, register=register) as bench,
        station(bench.central) as car,
    ):
        bench.clock.elapsed_s = (datetime.now(UTC) - bench.clock.now().utc).total_seconds()
        car.answers["CertificateSigned"] = lambda payload: {"status": "Rejected"}
        await booted(car)
        await car.call("SignCertificate", {"csr": csr})
        assert (await noted(bench, "certificate_not_taken")).startswith("serial ")
    assert register.told == []


@pytest.mark.parametrize(
    ("flaw", "detail"),
    [
        ("another's name", "its common name is not the station's id"),
        ("of ISO 15118", "only a station's own certificate is signed here"),
        ("clock", "the clock is not trusted, so no span of validity can be given"),
    ],
)
async def test_what_is_not_in_order_is_rejected_at_once_and_noted(
    benches: Benches, ca: LocalCa, flaw: str, detail: str
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    asked: Json = {"csr": request(key, "S2" if flaw == "another's name" else "S1")}
    if flaw == "of ISO 15118":
        asked["certificateType"] = "V2GCertificate"
    async with benches(ca=ca) as bench, station(bench.central) as car:
        await booted(car)
        bench.clock.is_trusted = flaw != "clock"
        assert (await car.call("SignCertificate", asked))["status"] == "Rejected"
        assert await noted(bench, "certificate_refused") == detail
        await car.call("Heartbeat", {})
        assert car.of("CertificateSigned") == []


async def test_without_a_local_ca_nothing_is_signed(bench: Bench) -> None:
    csr = request(ec.generate_private_key(ec.SECP256R1()))
    async with station(bench.central) as car:
        await booted(car)
        assert (await car.call("SignCertificate", {"csr": csr}))["status"] == "Rejected"
        with pytest.raises(DeviceRejectedCommand, match="no local CA is in use"):
            await bench.central.certificates.install_root("S1")


async def test_who_asks_for_certificates_without_end_is_refused(
    benches: Benches, ca: LocalCa
) -> None:
    csr = request(ec.generate_private_key(ec.SECP256R1()))
    async with benches(ca=ca) as bench, station(bench.central) as car:
        await booted(car)
        found = [(await car.call("SignCertificate", {"csr": csr}))["status"] for _ in range(7)]
    assert found == ["Accepted"] * 5 + ["Rejected"] * 2


HASHES = {
    "hashAlgorithm": "SHA256",
    "issuerNameHash": "aa",
    "issuerKeyHash": "bb",
    "serialNumber": "0c0FFEE",
}


def held(version: str, *serials: str) -> Json:
    hashes_held = [{**HASHES, "serialNumber": serial} for serial in serials]
    if version == "ocpp1.6":
        return {"status": "Accepted", "certificateHashData": hashes_held}
    chain = [
        {"certificateType": "CSMSRootCertificate", "certificateHashData": one}
        for one in hashes_held
    ]
    return {"status": "Accepted", "certificateHashDataChain": chain}


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_station_is_given_the_ca_shows_it_and_forgets_another(
    benches: Benches, ca: LocalCa, version: str
) -> None:
    ours = ca.root_serial()
    async with (
        benches(ca=ca, versions=tuple(OcppVersion)) as bench,
        station(bench.central, versions=(version,)) as car,
    ):
        car.answers["GetInstalledCertificateIds"] = lambda payload: held(
            version, "0c0FFEE", ours.lower()
        )
        await booted(car)
        calls = bench.central.certificates
        await calls.install_root("S1")
        (installed,) = car.of("InstallCertificate")
        root = "CentralSystemRootCertificate" if version == "ocpp1.6" else "CSMSRootCertificate"
        assert installed == {"certificateType": root, "certificate": ca.root_pem()}
        assert await calls.installed("S1") == (
            InstalledRoot(serial="0c0FFEE", use="CSMSRootCertificate", ours=False),
            InstalledRoot(serial=ours.lower(), use="CSMSRootCertificate", ours=True),
        )
        await calls.delete("S1", "C0FFEE")
        assert car.of("DeleteCertificate") == [{"certificateHashData": HASHES}]
        with pytest.raises(DeviceRejectedCommand, match="the CA by which the station knows"):
            await calls.delete("S1", ours)
        with pytest.raises(DeviceRejectedCommand, match="holds no certificate BEEF"):
            await calls.delete("S1", "BEEF")
        assert car.broken == []


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_station_is_asked_to_ask_for_a_new_certificate(
    benches: Benches, ca: LocalCa, version: str
) -> None:
    old = version == "ocpp1.6"
    trigger = "ExtendedTriggerMessage" if old else "TriggerMessage"
    message = "SignChargePointCertificate" if old else "SignChargingStationCertificate"
    async with (
        benches(ca=ca, versions=tuple(OcppVersion)) as bench,
        station(bench.central, versions=(version,)) as car,
    ):
        car.answers[trigger] = lambda payload: {"status": "Accepted"}
        await booted(car)
        await bench.central.certificates.request_new("S1")
        assert {"requestedMessage": message} in car.of(trigger)
        car.answers[trigger] = lambda payload: {"status": "NotImplemented"}
        said = r"Rejected \(NotImplemented\)" if old else "NotImplemented"
        with pytest.raises(DeviceRejectedCommand, match=f"the station answered {said}"):
            await bench.central.certificates.request_new("S1")


async def test_what_a_station_cannot_do_is_told_in_words(benches: Benches, ca: LocalCa) -> None:
    async with benches(ca=ca, call_timeout_s=0.3) as bench:
        calls = bench.central.certificates
        with pytest.raises(DeviceUnreachable, match="no station 'S9' is configured; there are S1"):
            await calls.install_root("S9")
        with pytest.raises(DeviceUnreachable, match="station 'S1' is not connected"):
            await calls.install_root("S1")
        async with station(bench.central) as car:
            await booted(car)
            car.answers["InstallCertificate"] = lambda payload: {"error": "NotSupported"}
            with pytest.raises(DeviceRejectedCommand, match="answered NotSupported"):
                await calls.install_root("S1")
            car.answers["InstallCertificate"] = lambda payload: {
                "status": "Failed",
                "statusInfo": {"reasonCode": "OutOfStorage"},
            }
            with pytest.raises(DeviceRejectedCommand, match=r"answered Failed \(OutOfStorage\)"):
                await calls.install_root("S1")
            car.answers["InstallCertificate"] = lambda payload: None
            with pytest.raises(DeviceUnreachable, match="did not answer"):
                await calls.install_root("S1")


async def test_a_certificate_shown_at_a_handshake_is_registered(
    benches: Benches, authority: MadeAuthority, tmp_path: Path
) -> None:
    register, name = Register(), authority.station("S1")
    config = {"tls": authority.tls(checks_stations=True)}
    shown = authority.trusting(certificate=name)
    async with (
        benches(central_system=config, register=register) as bench,
        station(bench.central, ssl=shown, additional_headers={}) as car,
    ):
        await booted(car)
    assert register.told == [("S1", authority.folder.certificate(name).not_valid_after_utc)]
