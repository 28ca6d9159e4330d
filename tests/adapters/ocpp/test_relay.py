"""The relay against a real back end: what it hears, what it is refused, what it cannot hold up."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.adapters.ocpp.back_end import BackEnd, serving
from tests.adapters.ocpp.conftest import Bench, Benches
from tests.adapters.ocpp.scripted_station import MemoryJournal, ScriptedStation, connector, station
from tests.adapters.ocpp.test_v16_station import OldStation, old_station
from tests.adapters.waiting import until
from v2g_daemon.adapters.ocpp import OcppVersion
from v2g_daemon.adapters.ocpp.config import RelayConfig
from v2g_daemon.domain.stations import RelayView

TOKEN = {"idToken": "04A2B3C4", "type": "ISO14443"}


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Back-off and pauses a hundred times as short."""
    monkeypatch.setattr("v2g_daemon.adapters.ocpp.relay.client.FIRST_RETRY_S", 0.05)
    monkeypatch.setattr("v2g_daemon.adapters.ocpp.relay.client.LONGEST_RETRY_S", 0.2)
    monkeypatch.setattr("v2g_daemon.adapters.ocpp.relay.client.SHORTEST_BOOT_RETRY_S", 0.05)


def to(back_end: BackEnd, **more: Any) -> RelayConfig:
    return RelayConfig(url=f"ws://127.0.0.1:{back_end.port}/ocpp", **more)


def view(bench: Bench) -> RelayView:
    found = bench.central.installer_desk().station("S1").relay
    assert found is not None
    return found


@asynccontextmanager
async def relayed(
    benches: Benches, config: RelayConfig, **options: Any
) -> AsyncIterator[tuple[Bench, ScriptedStation]]:
    """A station that is configured, with a relay."""
    async with benches(relay=config, **options) as bench, station(bench.central) as car:
        await car.configured()
        yield bench, car
        assert car.broken == []


async def test_the_station_is_heard_as_if_it_were_connected_there(benches: Benches) -> None:
    async with serving(BackEnd(password="for the employer")) as back_end:
        config = to(back_end, password="for the employer")
        async with relayed(benches, config) as (bench, car):
            boot = await back_end.got("BootNotification")
            assert boot["chargingStation"]["serialNumber"] == "SIM-7"
            assert (await back_end.got("StatusNotification"))["connectorStatus"] == "Available"
            await car.event("Started", "Authorized", evse={"id": 1}, idToken=TOKEN)
            started = await back_end.got("TransactionEvent")
            assert (started["eventType"], started["idToken"]) == ("Started", TOKEN)
            await car.call("Heartbeat", {})
            await back_end.got("Heartbeat")
            assert back_end.paths == ["/ocpp/S1"]
            assert back_end.sockets[0].subprotocol == "ocpp2.1"
            found = view(bench)
            assert (found.connected, found.accepted, found.dropped_count) == (True, True, 0)


async def test_the_back_ends_answers_are_swallowed_and_ours_count(benches: Benches) -> None:
    async with serving(BackEnd()) as back_end:
        back_end.answers["Authorize"] = {"idTokenInfo": {"status": "Blocked"}}
        async with relayed(benches, to(back_end)) as (_, car):
            answer = await car.call("Authorize", {"idToken": TOKEN})
            assert answer["idTokenInfo"] == {"status": "Accepted"}
            await back_end.got("Authorize")


async def test_a_profile_of_the_back_end_is_refused_and_never_reaches_the_station(
    benches: Benches, caplog: pytest.LogCaptureFixture
) -> None:
    profile = {
        "evseId": 1,
        "chargingProfile": {
            "id": 1, "stackLevel": 9, "chargingProfilePurpose": "TxDefaultProfile",
            "chargingProfileKind": "Absolute",
            "chargingSchedule": [{"id": 1, "chargingRateUnit": "W",
                                  "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 0}]}],
        },
    }  # fmt: skip
    async with serving(BackEnd()) as back_end, relayed(benches, to(back_end)) as (bench, car):
        await back_end.got("StatusNotification")
        before = len(car.of("SetChargingProfile"))
        with caplog.at_level(logging.WARNING):
            for number in range(3):
                reply = await back_end.command(f"b{number}", "SetChargingProfile", profile)
                assert reply == [3, f"b{number}", {"status": "Rejected"}]
        reset = await back_end.command("b9", "Reset", {"type": "Immediate"})
        assert reset == [3, "b9", {"status": "Rejected"}]
        asked = await back_end.command("b10", "GetVariables", {"getVariableData": []})
        assert asked[:3] == [4, "b10", "NotSupported"]
        assert len(car.of("SetChargingProfile")) == before
        assert car.of("Reset") == []
        assert [one.split(" ")[0] for one in view(bench).refused] == [
            "SetChargingProfile", "SetChargingProfile", "SetChargingProfile", "Reset",
            "GetVariables",
        ]  # fmt: skip
        told = [record.message for record in caplog.records if "refused" in record.message]
        assert told == [
            f"relay of S1: refused {action} of the back end"
            for action in ("SetChargingProfile", "Reset", "GetVariables")
        ]


async def test_broken_frames_of_the_back_end_get_the_proper_error(benches: Benches) -> None:
    async with serving(BackEnd()) as back_end, relayed(benches, to(back_end)):
        await back_end.got("StatusNotification")
        await back_end.sockets[-1].send("no JSON")
        await back_end.until(lambda: len(back_end.replies) > 0)
        assert back_end.replies[0][:3] == [4, "-1", "RpcFrameworkError"]
        assert (await back_end.command("b1", "NoSuchThing", {}))[2] == "NotImplemented"


async def test_a_back_end_that_hangs_holds_nothing_up_and_loses_only_samples(
    benches: Benches,
) -> None:
    async with serving(BackEnd()) as back_end:
        back_end.answers["TransactionEvent"] = None
        async with relayed(benches, to(back_end, call_timeout_s=0.2)) as (bench, car):
            await back_end.got("StatusNotification")
            await car.event("Started", "CablePluggedIn", evse={"id": 1})
            await back_end.got("TransactionEvent")
            # The station is answered while the back end sits on the first event.
            for number in range(20):
                await car.event("Updated", "MeterValuePeriodic", info={"chargingState": "Charging"})
                assert (await bench.until(lambda s: s.session_id is not None)).connected, number
            await until(lambda: view(bench).last_error == "the back end does not answer")
            back_end.answers["TransactionEvent"] = {}
            await until(lambda: view(bench).waiting_count == 0)
            kinds = [one["eventType"] for one in back_end.of("TransactionEvent")]
            assert kinds.count("Started") >= 2  # tried again until it was answered
            assert kinds[-1] == "Updated"


async def test_what_comes_while_the_back_end_is_away_is_told_later_after_a_boot_again(
    benches: Benches,
) -> None:
    away = BackEnd()
    async with serving(away):
        config = to(away)
        port = away.port
    async with relayed(benches, config) as (bench, car):
        await car.call("StatusNotification", connector("Occupied"))
        await car.event("Started", "CablePluggedIn", evse={"id": 1})
        await car.event("Updated", "MeterValuePeriodic")
        await car.call("Heartbeat", {})
        await until(lambda: view(bench).last_error is not None)
        assert view(bench).waiting_count == 2
        async with serving(BackEnd(), port=port) as back_end:
            await back_end.got("TransactionEvent", count=2)
            order = [action for action, _ in back_end.calls]
            assert order == [
                "BootNotification", "StatusNotification", "TransactionEvent", "TransactionEvent",
            ]  # fmt: skip
            assert back_end.of("StatusNotification")[0]["connectorStatus"] == "Occupied"
            assert [one["offline"] for one in back_end.of("TransactionEvent")] == [True, True]
            await car.event("Updated", "MeterValuePeriodic")
            assert "offline" not in await back_end.got("TransactionEvent", count=3)


async def test_a_back_end_that_closes_is_connected_again_with_a_boot(benches: Benches) -> None:
    async with serving(BackEnd()) as back_end, relayed(benches, to(back_end)):
        await back_end.got("StatusNotification")
        await back_end.sockets[-1].close()
        await back_end.got("BootNotification", count=2)
        await back_end.got("StatusNotification", count=2)


@pytest.mark.parametrize("interval", [0, 10**400], ids=["at once", "beyond every float"])
async def test_until_the_boot_is_accepted_nothing_else_is_told(
    benches: Benches, interval: int
) -> None:
    async with serving(BackEnd()) as back_end:
        back_end.answers["BootNotification"] = {
            "status": "Pending", "currentTime": "2024-12-11T17:00:00Z", "interval": interval,
        }  # fmt: skip
        async with relayed(benches, to(back_end)) as (bench, car):
            await car.event("Started", "CablePluggedIn", evse={"id": 1})
            await back_end.got("BootNotification", count=3)
            assert {action for action, _ in back_end.calls} == {"BootNotification"}
            assert view(bench).last_error == "the boot is Pending"
            back_end.answers["BootNotification"] = {
                "status": "Accepted", "currentTime": "2024-12-11T17:00:00Z", "interval": 60,
            }  # fmt: skip
            await back_end.got("TransactionEvent")


async def test_a_station_that_only_reconnects_is_let_in_by_its_boot_of_an_earlier_run(
    benches: Benches,
) -> None:
    journal = MemoryJournal()
    async with serving(BackEnd()) as back_end:
        async with relayed(benches, to(back_end), journal=journal):
            await back_end.got("StatusNotification")
        count = len(back_end.of("BootNotification"))
        async with (
            benches(relay=to(back_end), journal=journal) as bench,
            station(bench.central) as car,
        ):
            await car.call("StatusNotification", connector("Available"))
            boot = await back_end.got("BootNotification", count=count + 1)
            assert boot["chargingStation"]["serialNumber"] == "SIM-7"


async def test_when_the_station_leaves_so_does_the_relay(benches: Benches) -> None:
    async with serving(BackEnd()) as back_end, benches(relay=to(back_end)) as bench:
        async with station(bench.central) as car:
            await car.configured()
            await back_end.got("StatusNotification")
        await until(lambda: not view(bench).connected)
        async with asyncio.timeout(5.0):
            await back_end.sockets[-1].wait_closed()


async def test_a_wrong_password_is_told_and_shown_nowhere(
    benches: Benches, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        async with serving(BackEnd(password="right word")) as back_end:
            config = to(back_end, password="wrong word")
            async with relayed(benches, config) as (bench, _):
                await until(lambda: "401" in (view(bench).last_error or ""))
            assert "wrong word" not in repr(config)
    secret = "UzE6d3Jvbmcgd29yZA=="  # S1:wrong word
    ours = [one.getMessage() for one in caplog.records if one.name != "websockets.server"]
    assert not any("wrong word" in text or secret in text for text in ours)


async def test_a_redirect_is_not_followed_with_the_password(benches: Benches) -> None:
    class Elsewhere(BackEnd):
        def admit(self, connection: Any, request: Any) -> Any:
            response = connection.respond(302, "over there\n")
            response.headers["Location"] = f"ws://127.0.0.1:{thief.port}/S1"
            return response

    async with (
        serving(BackEnd()) as thief,
        serving(Elsewhere()) as back_end,
        relayed(benches, to(back_end, password="for one host")) as (bench, _),
    ):
        await until(lambda: "302" in (view(bench).last_error or ""))
        assert thief.paths == []


async def test_a_version_that_the_relay_is_pinned_to_and_the_station_does_not_speak_is_told(
    benches: Benches,
) -> None:
    async with serving(BackEnd()) as back_end:
        config = to(back_end, version=OcppVersion.V1_6)
        async with relayed(benches, config) as (bench, _):
            assert view(bench).last_error == "the station speaks ocpp2.1, not ocpp1.6"
            assert back_end.paths == []


# --- 1.6 ---


async def test_an_old_transaction_is_told_under_the_back_ends_own_number(
    benches: Benches,
) -> None:
    old: dict[str, Any] = {"versions": (OcppVersion.V1_6,)}
    async with serving(BackEnd()) as back_end:
        journal = MemoryJournal()
        async with (
            benches(relay=to(back_end), journal=journal, **old) as bench,
            old_station(bench) as car,
        ):
            await car.boot()
            number = await car.start()
            assert number != 9001
            await car.measure(number, {"value": "1000", "measurand": "Power.Active.Import"})
            assert (await back_end.got("MeterValues"))["transactionId"] == 9001
            reply = await back_end.command("b1", "RemoteStopTransaction", {"transactionId": 9001})
            assert reply == [3, "b1", {"status": "Rejected"}]
        # After a restart of the daemon the transaction ends under the number it began with.
        async with (
            benches(relay=to(back_end), journal=journal, **old) as bench,
            old_station(bench) as car,
        ):
            await stopped(car, number)
            assert (await back_end.got("StopTransaction"))["transactionId"] == 9001


async def stopped(car: OldStation, number: int) -> None:
    told = {"transactionId": number, "meterStop": 2000, "timestamp": "2024-12-11T17:00:00Z"}
    assert await car.call("StopTransaction", told) == {}


# --- TLS ---


def certificate(folder: Path, host: str) -> tuple[ssl.SSLContext, Path]:
    """A server context with a certificate of its own, and the file that one may trust it by."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    crt, pem = folder / "back-end.pem", folder / "back-end.key"
    crt.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(crt, pem)
    return context, crt


@pytest.mark.parametrize("trusted", [True, False])
async def test_over_tls_the_back_end_must_be_who_it_says(
    benches: Benches, tmp_path: Path, trusted: bool
) -> None:
    context, ca_file = certificate(tmp_path, "127.0.0.1")
    async with serving(BackEnd(), tls=context) as back_end:
        config = RelayConfig(
            url=f"wss://127.0.0.1:{back_end.port}/ocpp",
            ca_file=str(ca_file) if trusted else None,
        )
        async with relayed(benches, config) as (bench, _):
            if trusted:
                await back_end.got("StatusNotification")
            else:
                await until(lambda: "certificate" in (view(bench).last_error or "").lower())
                assert back_end.paths == []
