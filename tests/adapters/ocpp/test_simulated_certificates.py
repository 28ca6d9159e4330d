"""The simulated station from a password over TLS to a certificate of its own, in each version."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from simulators.assembly import Assembly, assemble
from simulators.faults import Fault
from simulators.scenario import Scenario
from simulators.station.connection import run_station
from tests.adapters.ocpp.authorities import ADDRESS, MadeAuthority, made
from tests.adapters.ocpp.conftest import Bench, Benches
from v2g_daemon.adapters.certificates.local_ca import LocalCa
from v2g_daemon.adapters.ocpp import OcppVersion
from v2g_daemon.domain.errors import DeviceRejectedCommand

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> MadeAuthority:
    return made(tmp_path_factory.mktemp("certificates") / "ca")


@asynccontextmanager
async def simulated(bench: Bench, base: Path, **keys: object) -> AsyncIterator[Assembly]:
    """A running station S1 that connects by TLS."""
    table = {
        "id": "S1",
        "url": f"wss://{ADDRESS}:{bench.central.bound_tls_port}/ocpp",
        "reconnect_min_s": 0.05,
        **keys,
    }
    assembly = assemble(Scenario.model_validate({"station": [table]}), base)
    running = asyncio.create_task(run_station(assembly.stations[0]))
    try:
        yield assembly
    finally:
        running.cancel()
        await asyncio.wait([running])


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - the station tells nobody
            await asyncio.sleep(0.01)


def noted(bench: Bench, name: str) -> bool:
    return any(one.name == name for one in bench.journal.order)


@pytest.mark.parametrize("version", list(OcppVersion))
async def test_a_station_moves_from_a_password_to_a_certificate(
    benches: Benches, authority: MadeAuthority, version: OcppVersion
) -> None:
    config = {"tls": authority.tls(checks_stations=True)}
    ca = LocalCa(authority.folder)
    keys = {"password": PASSWORD, "ca_file": "ca.pem", "versions": (version.value,)}
    async with (
        benches(central_system=config, versions=tuple(OcppVersion), ca=ca) as bench,
        simulated(bench, authority.folder.path, **keys) as assembly,
    ):
        (car,) = assembly.stations
        # Certificates are of this year; the bench's clock stands in another until it is set.
        bench.clock.elapsed_s += assembly.clock.now_s() - bench.clock.now().utc.timestamp()
        await until(lambda: bench.status.connected and car.accepted)
        calls = bench.central.certificates
        assert await calls.installed("S1") == ()
        await calls.install_root("S1")
        assert [one.ours for one in await calls.installed("S1")] == [True]
        await calls.request_new("S1")
        await until(lambda: noted(bench, "certificate_issued"))
        assert car.credentials.own_serial is not None
        assembly.faults.add(
            Fault(device="S1", kind="drop_link", from_s=assembly.clock.now_s(), until_s=None)
        )
        await until(lambda: not bench.status.connected)
        assembly.faults.clear("S1")
        await until(lambda: noted(bench, "security profile") and bench.status.connected)
        profiles = [one.detail for one in bench.journal.order if one.name == "security profile"]
        assert profiles == ["2", "3"]
        assert car.counts.protocol_errors == []


async def test_a_station_with_a_certificate_from_its_scenario_needs_no_password(
    benches: Benches, authority: MadeAuthority
) -> None:
    name = authority.station("S1")
    config = {"tls": authority.tls(checks_stations=True)}
    keys = {"ca_file": "ca.pem", "certificate_file": f"{name}.pem", "key_file": f"{name}.key"}
    async with (
        benches(central_system=config, password=None) as bench,
        simulated(bench, authority.folder.path, **keys),
    ):
        await until(lambda: bench.status.connected)


async def test_a_station_that_does_not_trust_the_server_never_connects(
    benches: Benches, authority: MadeAuthority, tmp_path: Path
) -> None:
    stranger = made(tmp_path / "stranger")
    keys = {"password": PASSWORD, "ca_file": "ca.pem"}
    async with (
        benches(central_system={"tls": authority.tls()}) as bench,
        simulated(bench, stranger.folder.path, **keys),
    ):
        await until(lambda: noted(bench, "no_handshake"))
        assert not bench.status.connected


async def test_a_station_takes_no_certificate_that_it_did_not_ask_for(
    benches: Benches, authority: MadeAuthority
) -> None:
    config, ca = {"tls": authority.tls()}, LocalCa(authority.folder)
    keys = {"password": PASSWORD, "ca_file": "ca.pem"}
    async with (
        benches(central_system=config, ca=ca) as bench,
        simulated(bench, authority.folder.path, **keys) as assembly,
    ):
        (car,) = assembly.stations
        await until(lambda: bench.status.connected and car.accepted)
        assert not car.credentials.take({"certificateChain": ca.root_pem()})
        await bench.central.certificates.install_root("S1")
        with pytest.raises(DeviceRejectedCommand, match="holds no certificate C0FFEE"):
            await bench.central.certificates.delete("S1", "C0FFEE")
        assert car.credentials.own_serial is None
