"""A whole house as processes on loopback: the simulators, and `v2g run` on a file of its own."""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from v2g_daemon.adapters.database.reader import DatabaseReader
from v2g_daemon.adapters.database.writer import DatabaseLedger
from v2g_daemon.adapters.system.trace_files import read_trace, trace_paths
from v2g_daemon.domain.snapshot import CommissioningRecord, CommissioningStep
from v2g_daemon.trace.codec import Tick, decode_trace

STATION = "SIM-STATION-1"
SERIAL = "SIM-0001"
PASSWORD = "simulated-station-1"
POLL_S = 0.2
STARTING_S = 12.0
NOBODYS_PORT = 1
LEASE_S = 90.0  # of a discharge
# The dearest hour of the recorded days: 0.873 EUR/kWh from 17:00 to 18:00.
DEAR_EVENING = "2024-12-12T17:13:20+01:00"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What differs from house to house; the rest is the demo's house at the speed of life."""

    start: str = DEAR_EVENING
    speed: float = 1.0
    ticks_per_real_s: float = 10.0  # in time-lapse; fewer, where a busy machine must keep up
    load_w: float = 1000.0
    soc: float = 0.7
    plugged_in: bool = True
    prices_work: bool = True
    station_version: str = "ocpp2.1"  # any other only charges, and tells no SoC
    departure: str = 'ready_by = "07:30"\nreturns_at = "17:30"\nsoc = 0.6\ntrip_wh = 9000'
    commissioned: bool = True
    unrecorded: frozenset[CommissioningStep] = frozenset()
    recorded_house: bool = False
    negative_limit: bool = False  # `v2g probe` may try a discharge, and the station tells SoC
    station_connects: bool = True  # else the daemon's port is free for a station of the test's own
    station_faults: tuple[str, ...] = ()  # from the start
    more_scenario: str = ""  # appended to the files; OCPP_PORT stands for the port
    more_daemon: str = ""

    @property
    def charge_only(self) -> bool:
        """Only 2.1 can be told to discharge, and what a test has proved."""
        return self.station_version != "ocpp2.1" and not self.negative_limit

    @property
    def tick_s(self) -> float:
        """As in the demo: ten ticks a real second in time-lapse, one at the speed of life."""
        return max(self.speed / self.ticks_per_real_s, 1.0)


def scenario_toml(setup: Setup, *, ocpp_port: int) -> str:
    """The simulators' file; in time-lapse the clock stands until all parts are up."""
    anchor_monotonic_s = time.monotonic() + (STARTING_S if setup.speed > 1.0 else 0.0)
    station = f'versions = ["{setup.station_version}"]'
    if setup.charge_only:
        station += "\nmax_discharge_w = 0"
    if setup.negative_limit:
        station += "\nreports_soc = true"
    house = f"load_w = {setup.load_w}"
    if setup.recorded_house:
        house = 'file = "demo:house_fr_load_pv_30min_2024_2025.csv.gz"'
    faults = [("prices", "outage")] if not setup.prices_work else []
    faults += [(STATION, kind) for kind in setup.station_faults]
    fault = "\n".join(f'[[fault]]\ndevice = "{device}"\nkind = "{kind}"' for device, kind in faults)
    port = ocpp_port if setup.station_connects else NOBODYS_PORT
    return f"""\
[clock]
start = {setup.start}
speed = {setup.speed}
anchor_monotonic_s = {anchor_monotonic_s}
[house]
{house}
[grid]
frequency_sway_hz = 0.02
[watch]
export_limit_w = 4000
[meter]
pv_unit_id = 2
[prices]
[[station]]
id = "{STATION}"
url = "ws://127.0.0.1:{port}"
password = "{PASSWORD}"
serial = "{SERIAL}"
sample_interval_s = {max(round(setup.tick_s), 5)}
{station}
[[vehicle]]
name = "car"
evccid = "SIMEVCC00001"
id_token = "SIMTOKEN0001"
soc = {setup.soc}
plugged_in = {str(setup.plugged_in and setup.station_connects).lower()}
{fault}
{setup.more_scenario.replace("OCPP_PORT", str(ocpp_port))}
"""


def daemon_toml(setup: Setup, *, ocpp_port: int, ready: dict[str, Any]) -> str:
    """The daemon's file."""
    return f"""\
[site]
timezone = "Europe/Amsterdam"
main_fuse_a = 25
largest_other_load_a = 9
export_limit_w = 4000
[[charger]]
id = "garage"
station_id = "{STATION}"
password = "{PASSWORD}"
max_charge_w = 7400
max_discharge_w = {0 if setup.charge_only else 7400}
min_charge_w = 1400
min_discharge_w = {0 if setup.charge_only else 1400}
static_safe_current_a = 10
sample_interval_s = {max(round(setup.tick_s), 5)}
[charger.cadence]
dwell_on_s = 30
dwell_off_s = 30
[charger.profiles]
negative_limit = {str(setup.negative_limit).lower()}
[[vehicle]]
id = "car"
capacity_wh = 60000
taper_above_soc = 0.95
wear_cost_per_kwh_discharged = 0.04
evccid = "SIMEVCC00001"
id_token = "SIMTOKEN0001"
[vehicle.warranty]
acknowledged = true
start_date = 2024-01-01
[[departure]]
vehicle = "car"
{setup.departure}
[[meter]]
role = "grid"
link = "tcp://127.0.0.1:{ready["meter_port"]}"
profile = "sunspec"
period_s = {setup.tick_s}
[[meter]]
role = "pv"
link = "tcp://127.0.0.1:{ready["meter_port"]}"
profile = "sunspec"
unit_id = 2
period_s = {setup.tick_s}
[tariff]
id = "home"
currency = "EUR"
vat = "0.21"
[tariff.import.energy]
kind = "series"
source = "energy-charts:NL"
adder = "0.02"
[[tariff.import.component]]
name = "energy_tax"
kind = "flat"
value = "0.1088"
[tariff.export]
kind = "series"
source = "energy-charts:NL"
adder = "-0.005"
[prices]
directory = "prices"
[[prices.source]]
name = "energy-charts:NL"
url = "http://127.0.0.1:{ready["http_port"]}/price"
[export]
policy = "allowed"
[control]
tick_s = {setup.tick_s}
[ocpp]
host = "127.0.0.1"
port = {ocpp_port}
[database]
url = "sqlite:///ledger.db"
[trace]
directory = "trace"
flush_s = {5.0 * setup.tick_s if setup.speed == 1.0 else 60.0}
[api]
socket = "api.sock"
[clock]
start = {setup.start}
speed = {setup.speed}
anchor_monotonic_s = {ready["anchor_monotonic_s"]}
{setup.more_daemon.replace("OCPP_PORT", str(ocpp_port))}
"""


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket; a socket that nobody answers is closed again."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=5.0)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


@dataclass(slots=True, kw_only=True)
class House:
    """A running house; `daemon` is None while none runs."""

    setup: Setup
    folder: Path
    simulators: subprocess.Popen[str]
    ready: dict[str, Any]
    ocpp_port: int
    daemon: subprocess.Popen[bytes] | None = None

    @property
    def config(self) -> Path:
        """The daemon's file."""
        return self.folder / "house.toml"

    @property
    def log(self) -> str:
        """All that the daemon said, over its restarts."""
        return (self.folder / "daemon.log").read_text(encoding="utf-8", errors="replace")

    def world(self, path: str = "/world") -> dict[str, Any]:
        """What really happens."""
        answer = httpx.get(self._url(path), timeout=10.0, trust_env=False)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def station(self, station_id: str = STATION) -> dict[str, Any]:
        """A simulated station's own view."""
        found: dict[str, Any] = self.world()["stations"][station_id]
        return found

    def fault(self, kind: str, **given: object) -> None:
        """Start a fault of the station; "none" ends all."""
        self.order("/faults", device=STATION, kind=kind, **given)

    def order(self, path: str, **body: object) -> None:
        """POST /faults, /vehicle or /house."""
        answer = httpx.post(self._url(path), json=body, timeout=10.0, trust_env=False)
        assert answer.status_code == 200, answer.text

    def evse_power_w(self) -> float:
        """The true power at the EVSE: charge +, discharge −."""
        return float(self.world()["evse_power_w"])

    def status(self) -> dict[str, Any]:
        """GET /api/v1/status of the daemon; {} while it does not answer yet."""
        with contextlib.closing(UnixConnection(self.folder / "api.sock")) as connection:
            try:
                connection.request("GET", "/api/v1/status")
                answer = connection.getresponse()
                body = answer.read()
            except OSError:
                return {}
        found: dict[str, Any] = json.loads(body) if answer.status == 200 else {}
        return found

    def evse(self, evse_id: str | None = None) -> dict[str, Any]:
        """The status of the first EVSE, or a named one; {} while the daemon does not answer yet."""
        evses: list[dict[str, Any]] = self.status().get("evses") or [{}]
        return next((one for one in evses if one.get("evse_id") == evse_id), evses[0])

    def fault_codes(self) -> set[str]:
        """The faults that the daemon tells now."""
        return {fault["code"] for fault in self.status().get("faults", [])}

    def reader(self) -> DatabaseReader:
        """The ledger, read beside the daemon."""
        return DatabaseReader.at(self.database_url)

    @property
    def database_url(self) -> str:
        """Where the ledger lies."""
        return f"sqlite:///{self.folder / 'ledger.db'}"

    def traces(self) -> tuple[Path, ...]:
        """The trace files, oldest first."""
        return trace_paths(self.folder / "trace")

    def ticks(self) -> list[Tick]:
        """What the trace holds by now."""
        lines = (line for path in self.traces() for line in read_trace(path))
        return [record for record in decode_trace(lines) if isinstance(record, Tick)]

    def start_daemon(self) -> None:
        """`v2g run`, on the ledger that is there."""
        assert self.daemon is None
        with (self.folder / "daemon.log").open("ab") as log:
            self.daemon = subprocess.Popen(
                [sys.executable, "-m", "v2g_daemon", "run", "--config", str(self.config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
            )

    def end_daemon(self, number: signal.Signals, *, within_s: float = 30.0) -> int:
        """Send one signal and return the exit status; a daemon that stays fails the test."""
        assert self.daemon is not None
        self.daemon.send_signal(number)
        status = self.daemon.wait(within_s)
        self.daemon = None
        return status

    def v2g(self, *words: str) -> subprocess.CompletedProcess[str]:
        """One command line of this house."""
        return subprocess.run(
            [sys.executable, "-m", "v2g_daemon", *words],
            capture_output=True,
            text=True,
            timeout=120,
            cwd=self.folder,
        )

    def _url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.ready['http_port']}{path}"


@contextlib.contextmanager
def running_house(setup: Setup, folder: Path, *, daemon: bool = True) -> Iterator[House]:
    """Simulators and daemon for the duration of the block; ended by their own ids."""
    ocpp_port = free_port()
    scenario = folder / "scenario.toml"
    scenario.write_text(scenario_toml(setup, ocpp_port=ocpp_port), encoding="utf-8")
    with (folder / "simulators.log").open("w") as log:
        simulators = subprocess.Popen(
            [sys.executable, "-m", "simulators", str(scenario), "--until-stdin-closes"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    with simulators:
        assert simulators.stdout is not None
        try:
            ready = json.loads(simulators.stdout.readline())
            text = daemon_toml(setup, ocpp_port=ocpp_port, ready=ready)
            (folder / "house.toml").write_text(text, encoding="utf-8")
            house = House(
                setup=setup, folder=folder, simulators=simulators, ready=ready, ocpp_port=ocpp_port
            )
            _commission(house)
            yield from _with_daemon(house, daemon=daemon)
        finally:
            simulators.kill()


def _with_daemon(house: House, *, daemon: bool) -> Iterator[House]:
    try:
        if daemon:
            house.start_daemon()
        yield house
    finally:
        if house.daemon is not None:
            house.daemon.kill()
            house.daemon.wait(10)


def _commission(house: House) -> None:
    """An empty ledger, with the records that let a simulated charger discharge and export."""
    at_utc = datetime.fromisoformat(house.setup.start).astimezone(UTC)
    ledger = DatabaseLedger(house.database_url, now_utc=at_utc)
    try:
        if house.setup.commissioned:
            ledger.commit(
                tuple(
                    CommissioningRecord(
                        step=step,
                        evse_serial=SERIAL,
                        recorded_at_utc=at_utc,
                        recorded_by="tests",
                        evidence="simulated",
                        simulated=True,
                    )
                    for step in CommissioningStep
                    if step not in house.setup.unrecorded
                )
            ).result(10)
    finally:
        ledger.close()


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def seconds_until(
    condition: Callable[[], bool], *, within_s: float, what: str, house: House | None = None
) -> float:
    """Real seconds until the condition holds; fails the test if it does not."""
    started_s = time.monotonic()
    while not condition():
        passed_s = time.monotonic() - started_s
        if passed_s >= within_s:
            told = "" if house is None else f"; the daemon says {house.status()}"
            pytest.fail(f"after {passed_s:.0f} s still not: {what}{told}")
        time.sleep(POLL_S)
    return time.monotonic() - started_s


def discharging(house: House, *, within_s: float = 180.0) -> float:
    """Wait until the car feeds at least 3 kW; every safety test starts from a useful house."""
    return seconds_until(
        lambda: house.evse_power_w() <= -3000.0, within_s=within_s, what="discharging", house=house
    )


def no_discharge(house: House, *, within_s: float) -> float:
    """Seconds until nothing is discharged any more."""
    return seconds_until(
        lambda: house.evse_power_w() >= 0.0, within_s=within_s, what="no discharge"
    )


def the_session(house: House) -> tuple[str, str | None, str | None]:
    """Session, transaction and car of the one open session in the ledger."""
    (session,) = house.reader().open_sessions()
    return session.session_id, session.transaction_id, session.vehicle_id


def resident_kib(process: subprocess.Popen[bytes]) -> int:
    """VmRSS of a process."""
    text = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    line = next(one for one in text.splitlines() if one.startswith("VmRSS:"))
    return int(line.split()[1])


def mapped_files(process: subprocess.Popen[bytes]) -> str:
    """/proc/PID/maps: every library that a process has loaded."""
    return Path(f"/proc/{process.pid}/maps").read_text(encoding="utf-8", errors="replace")
