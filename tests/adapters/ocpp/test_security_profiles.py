"""The three security profiles: who gets in by what, and nobody by less than before."""

from __future__ import annotations

import asyncio
import ssl
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidMessage, InvalidStatus
from websockets.typing import Subprotocol

from tests.adapters.ocpp.authorities import MadeAuthority, made
from tests.adapters.ocpp.conftest import Bench, Benches
from tests.adapters.ocpp.scripted_station import MemoryJournal, credentials, station, url
from v2g_daemon.adapters.certificates.issuing import KeyKind
from v2g_daemon.adapters.ocpp.config import SecurityProfile
from v2g_daemon.adapters.ocpp.security import gatekeeper
from v2g_daemon.domain.errors import ConfigurationError

# What a client sees of a handshake that the server ends.
BROKEN_OFF = (ssl.SSLError, ConnectionError, InvalidMessage)
NO_HEADERS: dict[str, str] = {}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> MadeAuthority:
    return made(tmp_path_factory.mktemp("certificates") / "ca")


@pytest.fixture(scope="module")
def s1(authority: MadeAuthority) -> str:
    return authority.station("S1")


async def refused(
    bench: Bench, *, tls: ssl.SSLContext | None = None, headers: dict[str, str] | None = None
) -> int:
    options: dict[str, Any] = {} if tls is None else {"ssl": tls}
    with pytest.raises(InvalidStatus) as caught:
        await connect(
            url(bench.central, tls=tls is not None),
            subprotocols=[Subprotocol("ocpp2.1")],
            additional_headers=credentials() if headers is None else headers,
            **options,
        )
    return caught.value.response.status_code


def events(bench: Bench) -> list[str]:
    return [one.name for one in bench.journal.order if one.kind.value == "security"]


async def event(bench: Bench, name: str) -> None:
    async with asyncio.timeout(5):
        while name not in events(bench):  # noqa: ASYNC110 - the journal tells nobody
            await asyncio.sleep(0.01)


async def test_profile_2_is_a_password_over_tls(benches: Benches, authority: MadeAuthority) -> None:
    tls = {"tls": authority.tls(), "least_profile": SecurityProfile.PASSWORD_OVER_TLS}
    async with benches(central_system=tls) as bench:
        assert bench.central.bound_port is None  # nothing plain is open
        async with station(bench.central, ssl=authority.trusting()) as car:
            assert (await car.boot())["status"] == "Accepted"
            await bench.until(lambda status: status.connected)
        wrong = credentials(password="wrong")
        assert await refused(bench, tls=authority.trusting(), headers=wrong) == 401


async def test_a_station_refuses_a_server_of_another_ca_or_another_name(
    benches: Benches, authority: MadeAuthority, tmp_path: Path
) -> None:
    other = made(tmp_path / "other", address="10.1.2.3")
    for serving, trusted in ((authority, other), (other, other)):
        async with benches(central_system={"tls": serving.tls()}) as bench:
            with pytest.raises(ssl.SSLCertVerificationError):
                await connect(url(bench.central, tls=True), ssl=trusted.trusting())
            await event(bench, "no_handshake")


async def test_a_station_refuses_an_expired_server(benches: Benches, tmp_path: Path) -> None:
    old = made(tmp_path / "old", ca_age=timedelta(days=1000), server_age=timedelta(days=900))
    async with benches(central_system={"tls": old.tls()}) as bench:
        with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
            await connect(url(bench.central, tls=True), ssl=old.trusting())


async def test_nothing_older_than_tls_1_2_is_spoken(
    benches: Benches, authority: MadeAuthority
) -> None:
    old = authority.trusting()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    async with benches(central_system={"tls": authority.tls()}) as bench:
        with pytest.raises(BROKEN_OFF):
            await connect(url(bench.central, tls=True), ssl=old)
        await event(bench, "no_handshake")
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        async with station(bench.central, ssl=old) as car:
            assert (await car.boot())["status"] == "Accepted"


@pytest.mark.parametrize("opened", [True, False])
async def test_suites_without_forward_secrecy_are_closed_unless_opened(
    benches: Benches, tmp_path: Path, opened: bool
) -> None:
    rsa = made(tmp_path / "rsa", kind=KeyKind.RSA)
    old = rsa.trusting()
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    old.set_ciphers("AES128-GCM-SHA256")
    async with benches(central_system={"tls": rsa.tls(rsa_key_exchange=opened)}) as bench:
        if not opened:
            with pytest.raises(BROKEN_OFF):
                await connect(url(bench.central, tls=True), ssl=old)
            return
        async with station(bench.central, ssl=old) as car:
            assert (await car.boot())["status"] == "Accepted"


async def test_profile_3_is_a_certificate_and_needs_no_password(
    benches: Benches, authority: MadeAuthority, s1: str
) -> None:
    tls = {
        "tls": authority.tls(checks_stations=True),
        "least_profile": SecurityProfile.CERTIFICATE,
    }
    async with benches(central_system=tls, password=None) as bench:
        shown = authority.trusting(certificate=s1)
        async with station(bench.central, ssl=shown, additional_headers=NO_HEADERS) as car:
            assert (await car.boot())["status"] == "Accepted"
        with pytest.raises(BROKEN_OFF):
            # In TLS 1.3 the client learns it at its first read.
            await connect(url(bench.central, tls=True), ssl=authority.trusting(), open_timeout=5)
        await event(bench, "no_handshake")


async def test_a_certificate_of_another_station_opens_nothing(
    benches: Benches, authority: MadeAuthority
) -> None:
    other = authority.trusting(certificate=authority.station("S2"))
    async with benches(central_system={"tls": authority.tls(checks_stations=True)}) as bench:
        assert await refused(bench, tls=other) == 401  # not even with the right password
        assert events(bench) == ["wrong_certificate"]


@pytest.mark.parametrize("flaw", ["of a stranger's CA", "expired", "of a server"])
async def test_a_certificate_that_does_not_hold_opens_nothing(
    benches: Benches, tmp_path: Path, flaw: str
) -> None:
    ours = made(tmp_path / "ours", ca_age=timedelta(days=1000))
    shown = ours.trusting()
    match flaw:
        case "of a stranger's CA":
            theirs = made(tmp_path / "theirs")
            pair = theirs.folder, theirs.station("S1")
        case "expired":
            made_at = datetime.now(UTC) - timedelta(days=900)
            pair = ours.folder, ours.station("S1", made_at=made_at)
        case _:
            pair = ours.folder, "server"
    folder, name = pair
    shown.load_cert_chain(folder.certificate_file(name), folder.key_file(name))
    async with benches(central_system={"tls": ours.tls(checks_stations=True)}) as bench:
        with pytest.raises(BROKEN_OFF):
            await connect(url(bench.central, tls=True), ssl=shown, open_timeout=5)
        await event(bench, "no_handshake")
        assert not bench.status.connected


async def test_a_station_that_came_by_tls_may_not_come_back_in_plain_text(
    benches: Benches, authority: MadeAuthority
) -> None:
    journal, tls = MemoryJournal(), {"tls": authority.tls()}
    async with benches(central_system=tls, journal=journal) as bench:
        async with station(bench.central) as car:
            await car.boot()
        async with station(bench.central, ssl=authority.trusting()) as car:
            await car.boot()
        assert await refused(bench) == 401
        assert events(bench) == ["security_profile_too_low"]
    async with benches(central_system=tls, journal=journal) as bench:  # after a restart
        assert await refused(bench) == 401
        async with station(bench.central, ssl=authority.trusting()) as car:
            assert (await car.boot())["status"] == "Accepted"
    # The installer's own word opens the way back.
    down = {"least_profile": SecurityProfile.PASSWORD}
    async with (
        benches(central_system=tls, journal=journal, **down) as bench,
        station(bench.central) as car,
    ):
        assert (await car.boot())["status"] == "Accepted"


async def test_a_right_password_on_a_low_profile_is_no_guess(
    benches: Benches, authority: MadeAuthority
) -> None:
    least = {"least_profile": SecurityProfile.PASSWORD_OVER_TLS}
    async with benches(central_system={"tls": authority.tls()}, **least) as bench:
        assert [await refused(bench) for _ in range(6)] == [401] * 6
        async with station(bench.central, ssl=authority.trusting()) as car:
            assert (await car.boot())["status"] == "Accepted"


async def test_without_a_password_only_a_station_that_may_gets_in(benches: Benches) -> None:
    may = {"password": None, "unauthenticated_on_private_network": True}
    async with (
        benches(**may) as bench,
        station(bench.central, additional_headers=NO_HEADERS) as car,
    ):
        assert (await car.boot())["status"] == "Accepted"
    async with benches(password=None) as bench:
        assert await refused(bench, headers=NO_HEADERS) == 401
        assert await refused(bench, headers=credentials(password="None")) == 401


async def test_plain_text_from_a_public_address_is_refused_unless_allowed_in_words(
    benches: Benches, authority: MadeAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No test can come from a public address; what one is, the unit tests say.
    monkeypatch.setattr(gatekeeper, "is_private", lambda *addresses: False)
    may = {"password": None, "unauthenticated_on_private_network": True}
    async with benches(central_system={"tls": authority.tls()}) as bench:
        assert await refused(bench) == 403
        assert events(bench) == ["plain_text_on_a_public_network"]
        async with station(bench.central, ssl=authority.trusting()) as car:
            assert (await car.boot())["status"] == "Accepted"
    async with (
        benches(central_system={"plain_text_on_public_network": True}) as bench,
        station(bench.central) as car,
    ):
        assert (await car.boot())["status"] == "Accepted"
    allowed = {"plain_text_on_public_network": True}
    async with benches(central_system=allowed, **may) as bench:
        assert await refused(bench, headers=NO_HEADERS) == 403


async def test_a_second_connection_by_tls_waits_for_the_first_to_be_dead(
    benches: Benches, authority: MadeAuthority
) -> None:
    async with (
        benches(central_system={"tls": authority.tls()}) as bench,
        station(bench.central, ssl=authority.trusting()) as first,
    ):
        await first.boot()
        assert await refused(bench, tls=authority.trusting()) == 409
        assert events(bench) == ["second_connection"]
        first.socket.transport.pause_reading()  # a black hole: open, and deaf
        async with station(bench.central, ssl=authority.trusting()) as second:
            assert (await second.boot())["status"] == "Accepted"
        first.socket.transport.abort()


@pytest.mark.parametrize(
    ("flaw", "said"),
    [
        ("readable by others", "its mode 0644 lets others read it; chmod 0600"),
        ("missing", "ocpp.tls_key_file"),
        ("of another certificate", "name a PEM certificate and its own key"),
        ("no CA", "ocpp.client_ca_file"),
    ],
)
async def test_tls_files_that_cannot_be_used_are_told_with_their_fix(
    benches: Benches, tmp_path: Path, flaw: str, said: str
) -> None:
    authority = made(tmp_path / "ca")
    config = authority.tls(checks_stations=True)
    match flaw:
        case "readable by others":
            config.key_file.chmod(0o644)
        case "missing":
            config.key_file.unlink()
        case "of another certificate":
            config.key_file.write_bytes(authority.folder.key_file("ca").read_bytes())
        case _:
            authority.ca_file.write_text("no certificate")
    with pytest.raises(ConfigurationError) as caught:
        async with benches(central_system={"tls": config}):
            pass
    assert said in str(caught.value)
