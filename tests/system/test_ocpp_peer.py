"""A foreign OCPP client against a running daemon: security profiles 1, 2 and 3.

The client is `test-ocpp`: it boots, sends a heartbeat, and says by its exit status how it went.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

V2G = [sys.executable, "-m", "v2g_daemon"]
WITHIN_S = 40.0
HOUSE = """\
[site]
main_fuse_a = 25
largest_other_load_a = 5
[[charger]]
id = "plain"
station_id = "S1"
max_charge_w = 7400
static_safe_current_a = 6
password = "a password of S1"
[[charger]]
id = "encrypted"
station_id = "S2"
max_charge_w = 7400
static_safe_current_a = 6
password = "a password of S2"
security_profile = 2
[[charger]]
id = "certified"
station_id = "S3"
max_charge_w = 7400
static_safe_current_a = 6
security_profile = 3
[[vehicle]]
id = "car"
capacity_wh = 60000
[tariff]
id = "flat"
currency = "EUR"
timezone = "Europe/Amsterdam"
[tariff.import.energy]
kind = "flat"
value = "0.30"
[prices]
directory = "{folder}/prices"
[ocpp]
port = 0
tls_port = 0
tls_certificate_file = "ca/server.pem"
tls_key_file = "ca/server.key"
client_ca_file = "ca/ca.pem"
[certificates]
directory = "ca"
[database]
url = "sqlite:///{folder}/ledger.db"
[trace]
directory = "{folder}/trace"
[api]
socket = "{folder}/api.sock"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Daemon:
    """A running daemon: its ports and its CA."""

    folder: Path
    plain_port: int
    tls_port: int

    @property
    def ca(self) -> Path:
        return self.folder / "ca"

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()


def told_port(process: subprocess.Popen[bytes], log: Path, pattern: str) -> int:
    deadline_s = time.monotonic() + WITHIN_S
    while (found := re.search(pattern, log.read_text())) is None:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline_s, log.read_text()
        time.sleep(0.05)
    return int(found.group(1))


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    folder = tmp_path_factory.mktemp("house")
    config = folder / "house.toml"
    config.write_text(HOUSE.format(folder=folder))
    config.chmod(0o600)
    for arguments in (
        ("init",),
        ("issue", "server", "--address", "127.0.0.1"),
        ("issue", "station", "S3"),
        ("issue", "station", "S2"),
    ):
        subprocess.run([*V2G, "certs", *arguments, "--config", config], check=True, timeout=60)
    log = folder / "log"
    with log.open("ab") as written:
        process = subprocess.Popen(
            [*V2G, "run", "--config", config], stdout=written, stderr=written, env=os.environ
        )
    try:
        plain = told_port(process, log, r"OCPP: listening on \S+ port (\d+)")
        encrypted = told_port(process, log, r"OCPP: TLS on \S+ port (\d+)")
        yield Daemon(folder=folder, plain_port=plain, tls_port=encrypted)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
        assert "Traceback" not in log.read_text()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


Client = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def client(peer: Callable[[str], Path], daemon: Daemon) -> Client:
    """`client("S1", tls=True, ...)` runs the foreign client once."""
    program = peer("test-ocpp")

    def run(station_id: str, *options: str, tls: bool = False) -> subprocess.CompletedProcess[str]:
        place = (
            f"wss://127.0.0.1:{daemon.tls_port}/ocpp"
            if tls
            else f"ws://127.0.0.1:{daemon.plain_port}/ocpp"
        )
        return subprocess.run(
            [program, place, station_id, *options],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def password(station_id: str) -> tuple[str, str]:
    return ("--password", f"a password of {station_id}")


def trusting(daemon: Daemon) -> tuple[str, str]:
    return ("--ca", str(daemon.ca / "ca.pem"))


def showing(daemon: Daemon, station_id: str) -> tuple[str, ...]:
    pair = daemon.ca / f"station-{station_id}"
    return ("--cert", f"{pair}.pem", "--key", f"{pair}.key")


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
def test_profile_1_boots_and_beats_by_password(client: Client, version: str) -> None:
    done = client("S1", "--ocpp", version, *password("S1"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SUCCESS" in done.stdout


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
def test_profile_2_boots_and_beats_by_password_over_tls(
    client: Client, daemon: Daemon, version: str
) -> None:
    done = client("S2", "--ocpp", version, *password("S2"), *trusting(daemon), tls=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SUCCESS" in done.stdout


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
def test_profile_3_boots_and_beats_by_certificate(
    client: Client, daemon: Daemon, version: str
) -> None:
    options = (*trusting(daemon), *showing(daemon, "S3"))
    done = client("S3", "--ocpp", version, *options, tls=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SUCCESS" in done.stdout


@pytest.mark.parametrize("wrong", ["password", "none", "no ca", "profile", "another's certificate"])
def test_what_is_not_right_is_turned_away(client: Client, daemon: Daemon, wrong: str) -> None:
    match wrong:
        case "password":
            done = client("S1", "--password", "a guess of somebody")
        case "none":
            done = client("S1")
        case "no ca":
            done = client("S2", *password("S2"), tls=True)
        case "profile":
            done = client("S2", *password("S2"))
        case _:
            done = client("S3", *trusting(daemon), *showing(daemon, "S2"), tls=True)
    assert done.returncode != 0
    assert "SUCCESS" not in done.stdout
    refused = {
        "password": "refused 'S1' from 127.0.0.1: wrong password",
        "none": "refused 'S1' from 127.0.0.1: wrong password",
        "no ca": "",  # the client turned the daemon away
        "profile": "refused 'S2' from 127.0.0.1: security profile too low",
        "another's certificate": "refused 'S3' from 127.0.0.1: wrong certificate",
    }
    assert refused[wrong] in daemon.log
