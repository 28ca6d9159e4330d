"""The same bus over every transport, and what happens to its sockets."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from simulators.modbus.server import DatagramLine, ModbusServer
from tests.adapters.modbus.lines import Addresses, network_line
from tests.adapters.waiting import until
from v2g_daemon.adapters.modbus.bus import Bus, NoSuchRegister
from v2g_daemon.adapters.modbus.link import parse_link
from v2g_daemon.domain.errors import (
    ConfigurationError,
    DeviceProtocolError,
    DeviceRejectedCommand,
    DeviceUnreachable,
)


@asynccontextmanager
async def datagrams() -> AsyncIterator[tuple[DatagramLine, Addresses]]:
    device = Addresses()
    line = DatagramLine(server=ModbusServer(units={1: device}))
    await line.start()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(line.run())
        try:
            yield line, device
        finally:
            task.cancel()


async def test_a_meter_over_udp_is_read_and_written() -> None:
    async with datagrams() as (line, device):
        bus = Bus(parse_link(f"udp://127.0.0.1:{line.port}"))
        assert await bus.unit(1).read(0x3080, 4) == (0x3080, 0x3081, 0x3082, 0x3083)
        await bus.unit(1).write_registers(10, (1, 2, 3))
        assert device.written == [(10, (1, 2, 3))]
        bus.close()


async def test_a_lost_datagram_is_a_missing_answer_and_no_more() -> None:
    async with datagrams() as (line, _):
        bus = Bus(parse_link(f"udp://127.0.0.1:{line.port}?timeout=0.1"))
        with pytest.raises(DeviceUnreachable):
            await bus.unit(9).read(1, 1)
        assert await bus.unit(1).read(1, 1) == (1,)
        bus.close()


def a_certificate(folder: Path) -> tuple[Path, Path]:
    """A self-signed certificate and its key, as a device makes for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "meter-0815")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert_path, key_path = folder / "meter.pem", folder / "meter.key"
    cert_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return cert_path, key_path


@asynccontextmanager
async def tls_meter(folder: Path) -> AsyncIterator[tuple[ModbusServer, Path]]:
    cert, key = a_certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    server = ModbusServer(units={1: Addresses()}, tls=context)
    await server.start()
    try:
        yield server, cert
    finally:
        await server.stop()


async def test_a_meter_over_tls_is_read_with_its_own_certificate(tmp_path: Path) -> None:
    async with tls_meter(tmp_path) as (server, cert):
        bus = Bus(parse_link(f"tls://127.0.0.1:{server.port}?ca={cert}"))
        assert await bus.unit(1).read(100, 2) == (100, 101)
        bus.close()


async def test_a_meter_with_an_unknown_certificate_is_not_spoken_to(tmp_path: Path) -> None:
    async with tls_meter(tmp_path) as (server, _):
        bus = Bus(parse_link(f"tls://127.0.0.1:{server.port}"))
        with pytest.raises(DeviceUnreachable, match="accepts no connection"):
            await bus.unit(1).read(100, 2)
        assert server.questions == []


def test_a_certificate_that_is_not_there_is_a_mistake_of_the_configuration() -> None:
    with pytest.raises(ConfigurationError, match="check ca, cert, key"):
        Bus(parse_link("tls://127.0.0.1?ca=/nowhere/meter.pem"))


async def test_many_reconnects_leave_one_socket() -> None:
    async with network_line(timeout_s=0.2) as line:
        bus = Bus(parse_link(line.link))
        for round_number in range(50):
            assert await bus.unit(1).read(round_number, 1) == (round_number,)
            bus.close()
        assert await bus.unit(1).read(7, 1) == (7,)
        assert bus.counts.connections == 51
        await until(lambda: line.server.open_connections == 1)
        bus.close()
        await until(lambda: line.server.open_connections == 0)


async def test_a_half_open_connection_is_replaced() -> None:
    async with network_line(timeout_s=0.1) as line:
        bus = Bus(parse_link(line.link))
        assert await bus.unit(1).read(1, 1) == (1,)
        line.server.go_half_open()
        with pytest.raises(DeviceUnreachable):
            await bus.unit(1).read(2, 1)
        bus.unit(1).silence.worked()
        assert await bus.unit(1).read(3, 1) == (3,)
        assert line.server.connections == 2
        bus.close()


async def test_a_dead_unit_does_not_stop_its_neighbour() -> None:
    async with network_line(timeout_s=0.1) as line:
        bus = Bus(parse_link(line.link))
        loop = asyncio.get_running_loop()
        until_s = loop.time() + 1.5
        good = refused = 0
        while loop.time() < until_s:
            good += len(await bus.unit(1).read(5, 1))
            try:
                await bus.unit(9).read(5, 1)
            except DeviceUnreachable as error:
                refused += "does not answer; the next attempt is in" in str(error)
            await asyncio.sleep(0.01)
        # Unit 9 is asked at 0, 0.35 and 0.95 s; between those its neighbour has the line.
        assert 2 <= bus.counts.failures <= 3
        assert refused > 20
        assert good > 20
        bus.close()


async def test_a_gateway_whose_device_is_silent_keeps_its_connection() -> None:
    async with network_line() as line:
        bus = Bus(parse_link(line.link))
        line.shown.once = ["gateway_silence"]
        with pytest.raises(DeviceUnreachable, match=r"exception 11 \(gateway target"):
            await bus.unit(1).read(1, 1)
        with pytest.raises(DeviceUnreachable, match="next attempt"):
            await bus.unit(1).read(1, 1)
        assert await bus.unit(2).read(1, 1) == (1,)
        assert line.server.connections == 1
        bus.close()


async def test_busy_is_told_apart_from_a_register_that_is_not_there() -> None:
    async with network_line() as line:
        bus = Bus(parse_link(line.link))
        line.shown.once = ["busy"]
        with pytest.raises(DeviceRejectedCommand, match=r"exception 6 \(busy\)") as refused:
            await bus.unit(1).read(1, 1)
        assert not isinstance(refused.value, NoSuchRegister)
        with pytest.raises(NoSuchRegister, match="exception 2"):
            await bus.unit(1).read(0x9000, 1)
        assert (bus.counts.refusals, bus.counts.failures) == (2, 0)
        bus.close()


async def test_a_wrong_number_of_a_frame_is_never_a_value() -> None:
    async with network_line(timeout_s=0.1) as line:
        bus = Bus(parse_link(line.link))
        line.shown.once = ["wrong_transaction"]
        with pytest.raises(DeviceUnreachable):
            await bus.unit(1).read(1, 1)
        bus.unit(1).silence.worked()
        assert await bus.unit(1).read(2, 1) == (2,)
        assert line.server.connections == 2
        bus.close()


async def test_a_confirmation_of_another_write_is_refused() -> None:
    async with network_line() as line:
        bus = Bus(parse_link(line.link))
        await bus.unit(1).write_register(260, 0)
        line.shown.once = ["previous"]
        with pytest.raises(DeviceProtocolError, match="confirmed another write: register 260"):
            await bus.unit(1).write_register(261, 1)
        bus.close()


async def test_a_unit_rests_between_questions_while_others_are_served() -> None:
    async with network_line() as line:
        bus = Bus(parse_link(line.link))
        slow = bus.unit(1, min_gap_s=0.3)
        await slow.read(1, 1)
        async with asyncio.TaskGroup() as group:
            group.create_task(slow.read(2, 1))
            await asyncio.sleep(0.05)
            group.create_task(bus.unit(2).read(3, 1))
        assert line.asked == [1, 3, 2]
        bus.close()


async def test_a_device_that_wants_a_moment_after_connecting_gets_it() -> None:
    async with network_line() as line:
        bus = Bus(parse_link(line.link))
        started_s = asyncio.get_running_loop().time()
        await bus.unit(1, settle_s=0.2).read(1, 1)
        assert asyncio.get_running_loop().time() - started_s >= 0.2
        bus.close()


@pytest.mark.parametrize(("address", "values"), [(1, ()), (1, (0x10000,)), (1, (-1,))])
async def test_what_is_no_register_is_not_sent(address: int, values: tuple[int, ...]) -> None:
    bus = Bus(parse_link("tcp://127.0.0.1:1"))
    with pytest.raises(ValueError, match="no 1 to 123 registers"):
        await bus.unit(1).write_registers(address, values)
