"""Modbus programs written by others: servers that we read, clients that read our simulators."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from simulators.modbus.frames import Framing
from simulators.modbus.server import ModbusServer, SerialLine
from tests.adapters.modbus.house import Latest, metered
from tests.adapters.modbus.lines import Addresses
from v2g_daemon.adapters.modbus.bus import Bus
from v2g_daemon.adapters.modbus.link import parse_link
from v2g_daemon.domain.errors import DeviceRejectedCommand, DeviceUnreachable

SOURCES = Path(__file__).parent / "peers_src"
Peers = Callable[[str], Path]


@contextmanager
def running(*command: str | Path) -> Iterator[str]:
    """A program while it runs; what it prints first."""
    with subprocess.Popen([str(one) for one in command], stdout=subprocess.PIPE, text=True) as run:
        try:
            assert run.stdout is not None
            yield run.stdout.readline().strip()
        finally:
            run.kill()


@pytest.fixture
def libmodbus_server(peer: Peers, tmp_path: Path) -> Path:
    """The C source of this folder, compiled against the library of this machine."""
    peer("libmodbus")
    program = tmp_path / "libmodbus_server"
    subprocess.run(
        ["cc", "-Wall", "-o", program, SOURCES / "libmodbus_server.c", "-lmodbus"], check=True
    )
    return program


async def test_a_libmodbus_server_is_read_and_written(libmodbus_server: Path) -> None:
    with running(libmodbus_server, "tcp") as port:
        sink = Latest()
        one = metered(f"tcp://127.0.0.1:{port}", sink, profile="eastron_3p", unit_id=1)
        await one.reader.poll()
        unit = one.bus.unit(1)
        await unit.write_register(10, 62_536)
        await unit.write_registers(11, (1, 0xFFFF))
        assert await unit.read(10, 3) == (62_536, 1, 0xFFFF)
        with pytest.raises(DeviceRejectedCommand, match="exception 2"):
            await unit.read(98, 10)
        one.bus.close()
    assert sink.troubles == []
    (reading,) = sink.readings
    assert (reading.power_w, reading.phase_power_w) == (2500.0, (1500.0, 1200.0, -200.0))
    assert (reading.voltage_v, reading.frequency_hz) == ((230.0, 231.0, 229.0), 50.0)
    assert (reading.import_milliwh, reading.export_milliwh) == (1_000_000_000, 5_000_000)


@contextmanager
def joined_terminals(socat: Path, folder: Path) -> Iterator[tuple[Path, Path]]:
    """Two serial ports that socat joins."""
    ends = folder / "left", folder / "right"
    options = ",raw,echo=0,link="
    with subprocess.Popen([socat, *(f"pty{options}{end}" for end in ends)]) as run:
        try:
            for _ in range(200):
                if all(end.exists() for end in ends):
                    break
                subprocess.run(["sleep", "0.02"], check=True)
            yield ends
        finally:
            run.kill()


async def test_a_libmodbus_meter_is_read_over_a_serial_line(
    libmodbus_server: Path, peer: Peers, tmp_path: Path
) -> None:
    with (
        joined_terminals(peer("socat"), tmp_path) as (ours, theirs),
        running(libmodbus_server, "rtu", theirs) as said,
    ):
        assert said == "ready"
        sink = Latest()
        one = metered(f"rtu://{ours}?baud=9600&parity=N", sink, profile="eastron_3p", unit_id=1)
        for _ in range(3):
            await one.reader.poll()
        one.bus.close()
    assert sink.troubles == []
    assert [reading.power_w for reading in sink.readings] == [2500.0] * 3


async def test_two_units_share_a_serial_line_that_socat_joins(peer: Peers, tmp_path: Path) -> None:
    server = ModbusServer(units={1: Addresses(), 2: Addresses()}, framing=Framing.RTU)
    with joined_terminals(peer("socat"), tmp_path) as (ours, theirs):
        async with asyncio.TaskGroup() as group:
            serving = group.create_task(SerialLine(server=server, path=str(theirs)).run())
            bus = Bus(parse_link(f"rtu://{ours}?baud=38400"))
            for unit, address in ((1, 10), (2, 20), (1, 30), (2, 40)):
                assert await bus.unit(unit).read(address, 3) == (address, address + 1, address + 2)
            bus.close()
            serving.cancel()
    assert [question.unit_id for question in server.questions] == [1, 2, 1, 2]


SCENARIO = """\
[clock]
start = 2024-12-11T12:00:00+01:00
[house]
load_w = 3200
load_shares = [0.5, 0.25, 0.25]
[meter]
map = "eastron_3p"
"""


@contextmanager
def simulated_eastron(folder: Path) -> Iterator[int]:
    """The port of the simulators' SDM630 in a process of its own."""
    scenario = folder / "scenario.toml"
    scenario.write_text(SCENARIO)
    with running(sys.executable, "-m", "simulators", scenario) as ready:
        yield json.loads(ready)["meter_port"]


def test_mbpoll_reads_the_simulated_meter(peer: Peers, tmp_path: Path) -> None:
    with simulated_eastron(tmp_path) as port:
        told = subprocess.run(
            [peer("mbpoll"), "-m", "tcp", "-p", str(port), "-a", "1", "-0", "-r", str(0x34),
             "-c", "1", "-t", "3:float", "-B", "-1", "127.0.0.1"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout  # fmt: skip
    (value,) = [line.split()[-1] for line in told.splitlines() if line.startswith("[52]")]
    assert float(value) == 3200.0


def test_mbpoll_may_not_write_to_the_simulated_meter(peer: Peers, tmp_path: Path) -> None:
    with simulated_eastron(tmp_path) as port:
        done = subprocess.run(
            [peer("mbpoll"), "-m", "tcp", "-p", str(port), "-a", "1", "-0", "-r", "10", "-t", "4",
             "-1", "127.0.0.1", "1"],
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip
    assert done.returncode != 0
    assert "Illegal data address" in done.stderr


def test_modbus_serial_reads_the_simulated_meter(peer: Peers, tmp_path: Path) -> None:
    module = peer("modbus-serial")
    with simulated_eastron(tmp_path) as port:
        told = subprocess.run(
            ["node", SOURCES / "modbus_serial_client.js", module, str(port)],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    assert json.loads(told) == {"power_w": 3200.0, "voltage_v": 230.0}


async def test_a_modbus_serial_server_is_read_and_written_and_silent_for_a_foreign_unit(
    peer: Peers,
) -> None:
    module = peer("modbus-serial")
    with running("node", SOURCES / "modbus_serial_server.js", module) as port:
        bus = Bus(parse_link(f"tcp://127.0.0.1:{port}?timeout=0.5"))
        unit = bus.unit(7)
        assert await unit.read(100, 4, function_code=4) == (100, 101, 102, 103)
        await unit.write_register(260, 62_536)
        await unit.write_registers(300, (7, 8, 9))
        assert await unit.read(260, 1) == (62_536,)
        assert await unit.read(300, 3) == (7, 8, 9)
        with pytest.raises(DeviceUnreachable, match="does not answer"):
            await bus.unit(8).read(100, 1)
        assert await unit.read(260, 1) == (62_536,)
        bus.close()


async def test_a_pymodbustcp_server_is_read_and_written(peer: Peers) -> None:
    peer("pymodbustcp")
    from pyModbusTCP.server import DataBank
    from pyModbusTCP.server import ModbusServer as TheirServer

    from tests.adapters.modbus.meters import free_port

    bank: Any = DataBank(h_regs_size=400)
    port = free_port()
    server: Any = TheirServer(host="127.0.0.1", port=port, no_block=True, data_bank=bank)
    server.start()
    try:
        bus = Bus(parse_link(f"tcp://127.0.0.1:{port}"))
        bank.set_holding_registers(100, [1, 2, 3])
        assert await bus.unit(1).read(100, 3) == (1, 2, 3)
        await bus.unit(1).write_register(260, 62_536)
        await bus.unit(1).write_registers(261, (5, 6))
        assert bank.get_holding_registers(260, 3) == [62_536, 5, 6]
        bus.close()
    finally:
        await asyncio.to_thread(server.stop)
