"""An installer moves a station from a password over TLS to a certificate, by commands alone."""

from __future__ import annotations

import json
import re
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

V2G = [sys.executable, "-m", "v2g_daemon"]
WITHIN_S = 40.0
HOUSE = """\
[site]
main_fuse_a = 25
largest_other_load_a = 9
[[charger]]
id = "garage"
station_id = "S1"
max_charge_w = 7400
password = "a password of S1"
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
tls_port = 0
security_profile = 2
tls_certificate_file = "ca/server.pem"
tls_key_file = "ca/server.key"
client_ca_file = "ca/ca.pem"
[certificates]
directory = "ca"
sign_station_requests = true
[database]
url = "sqlite:///{folder}/ledger.db"
[trace]
directory = "{folder}/trace"
[api]
socket = "{folder}/api.sock"
[clock]
start = {now}
"""
SCENARIO = """\
[clock]
start = {now}
[[station]]
id = "S1"
url = "wss://127.0.0.1:{port}/ocpp"
password = "a password of S1"
ca_file = "ca/ca.pem"
"""


def v2g(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [*V2G, "certs", *arguments, "--config", folder / "house.toml"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def running(*command: str | Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("ab") as written:
        process = subprocess.Popen([sys.executable, "-m", *command], stdout=written, stderr=written)
    try:
        yield process
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0, log.read_text()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def until(holds: Callable[[], bool], *logs: Path) -> None:
    deadline_s = time.monotonic() + WITHIN_S
    while not holds():
        assert time.monotonic() < deadline_s, "\n".join(log.read_text() for log in logs)
        time.sleep(0.05)


def found(pattern: str, log: Path) -> str:
    until(lambda: re.search(pattern, log.read_text()) is not None, log)
    match = re.search(pattern, log.read_text())
    assert match is not None
    return match.group(1)


def post(port: str, path: str, body: dict[str, object]) -> None:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    urllib.request.urlopen(request, timeout=5).close()


def test_a_station_gets_its_certificate_by_commands_and_comes_back_with_it(tmp_path: Path) -> None:
    now = datetime.now(UTC).isoformat()
    (tmp_path / "house.toml").write_text(HOUSE.format(folder=tmp_path, now=now))
    v2g(tmp_path, "init")
    v2g(tmp_path, "issue", "server", "--address", "127.0.0.1")
    daemon_log, station_log = tmp_path / "daemon.log", tmp_path / "station.log"
    house, scenario = tmp_path / "house.toml", tmp_path / "scenario.toml"
    with running("v2g_daemon", "run", "--config", house, log=daemon_log):
        port = found(r"OCPP: TLS on \S+ port (\d+)", daemon_log)
        scenario.write_text(SCENARIO.format(port=port, now=now))
        with running("simulators", scenario, log=station_log):
            http_port = found(r'"http_port": (\d+)', station_log)
            until(lambda: "S1 connected" in daemon_log.read_text(), daemon_log, station_log)
            assert v2g(tmp_path, "installed", "S1") == "S1 holds none\n"
            v2g(tmp_path, "install", "S1")
            assert "this daemon's CA" in v2g(tmp_path, "installed", "S1")
            v2g(tmp_path, "request", "S1")
            found(r"S1: took its new certificate (\w+)", daemon_log)
            # Cut off, it comes back with what it was given; a password would not do any more.
            post(http_port, "/faults", {"device": "S1", "kind": "drop_link", "for_s": 1})
            until(lambda: daemon_log.read_text().count("S1 connected") == 2, daemon_log)
            with urllib.request.urlopen(f"http://127.0.0.1:{http_port}/world", timeout=5) as world:
                station = json.load(world)["stations"]["S1"]
            assert (station["online"], station["protocol_errors"]) == (True, [])
        assert highest_profile(tmp_path) == "3"
    assert "Traceback" not in daemon_log.read_text()


def highest_profile(folder: Path) -> str:
    """As the ledger has it."""
    with sqlite3.connect(folder / "ledger.db") as ledger:
        rows = ledger.execute(
            "SELECT detail FROM station_event WHERE name = 'security profile' ORDER BY at_utc"
        ).fetchall()
    ledger.close()
    return str(rows[-1][0])
