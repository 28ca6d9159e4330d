"""`v2g station` against a real daemon with three simulated stations, one of each version."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tests.unit.cli.conftest import Said, V2g
from tests.unit.cli.test_running_daemon import HOUSE, Daemon, started
from tests.unit.settings.files import SMALLEST

WITHIN_S = 30.0
STATIONS = {"NEW": "ocpp2.1", "MIDDLE": "ocpp2.0.1", "OLD": "ocpp1.6"}
EVERY = pytest.mark.parametrize("station", STATIONS)
CHARGER = """\
[[charger]]
id = "{evse}"
station_id = "{station}"
max_charge_w = 7400
password_env = "V2G_PASSWORD_GARAGE"
remote_start = {remote_start}
"""
KEYS = '[[charge_key]]\nname = "badge of the house"\nid_token = "04A2B3C4D5E680"\n'
SIMULATED = """\
[clock]
start = 2024-12-12T02:00:00+01:00
[house]
load_w = 500
"""
STATION = """\
[[station]]
id = "{station}"
url = "ws://127.0.0.1:{port}"
password = "secret-word"
versions = ["{version}"]
serial = "SIM-{station}"
reboot_s = 2
needs_remote_start = {remote_start}
[[vehicle]]
name = "car of {station}"
station = "{station}"
id_token = "SIMTOKEN0001"
"""


def house(folder: Path) -> str:
    """Three chargers; the old station starts nothing by itself."""
    site, rest = SMALLEST.split("[[charger]]")
    _, after = rest.split("[[vehicle]]")
    chargers = "".join(
        CHARGER.format(evse=name.lower(), station=name, remote_start=_waits(name))
        for name in STATIONS
    )
    end = HOUSE.format(folder=folder, dead_port=9)
    return f"{site}{chargers}[[vehicle]]{after}{KEYS}{end}"


def _waits(station: str) -> str:
    return str(station == "OLD").lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The daemon and its stations."""

    daemon: Daemon
    v2g: Callable[..., Said]

    def json(self, *words: object) -> Any:
        said = self.v2g("station", *words, "--json")
        assert (said.status, said.err) == (0, "")
        return json.loads(said.out)

    def until(self, reached: Callable[[], bool], *, within_s: float = WITHIN_S) -> None:
        deadline_s = time.monotonic() + within_s
        while not reached():
            assert time.monotonic() < deadline_s, self.daemon.log
            time.sleep(0.1)


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    with tempfile.TemporaryDirectory(prefix="v2g-station-") as name:
        folder = Path(name)
        (folder / "house.toml").write_text(house(folder))
        running = started(folder)
        found = re.search(r"OCPP: listening on \S+ port (\d+)", running.log)
        assert found is not None, running.log
        text = SIMULATED + "".join(
            STATION.format(
                station=station, port=found[1], version=version, remote_start=_waits(station)
            )
            for station, version in STATIONS.items()
        )
        (folder / "scenario.toml").write_text(text)
        words = [sys.executable, "-m", "simulators", str(folder / "scenario.toml")]
        simulation = subprocess.Popen(
            [*words, "--until-stdin-closes"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
        )
        yield running
        assert simulation.stdin is not None
        simulation.stdin.close()
        simulation.wait(timeout=20)
        if running.process.poll() is None:
            running.process.kill()
            running.process.wait()


@pytest.fixture
def site(daemon: Daemon, v2g: V2g) -> Site:
    """Once every station is there, has a transaction and the owner's keys."""

    def run(*words: object) -> Said:
        return v2g(*words, "--socket", daemon.socket)

    found = Site(daemon=daemon, v2g=run)

    def ready() -> bool:
        stations = found.json("list")
        return all(
            one["connected"] and one["evses"][0]["transaction_id"] is not None for one in stations
        ) and all(found.json("keys", name)["in_step"] for name in STATIONS)

    found.until(ready)
    return found


def test_the_list_shows_every_station_with_its_version_model_and_state(site: Site) -> None:
    said = site.v2g("station", "list")
    assert said.status == 0
    lines = said.out.splitlines()
    assert lines[0].split() == [
        "station", "model", "firmware", "serial", "link", "EVSE", "state"
    ]  # fmt: skip
    for line, (name, version) in zip(lines[1:], STATIONS.items(), strict=True):
        assert line.startswith(name)
        assert f"Simulated SimV2G  1.0.0     SIM-{name}" in line
        assert f"{version.removeprefix('ocpp')} from 127.0.0.1 since" in line
        assert f"{name.lower()} (1)" in line
        assert "in a transaction" in line


@EVERY
def test_one_station_is_shown_in_full(site: Site, station: str) -> None:
    said = site.v2g("station", "show", station)
    assert said.status == 0
    assert f"OCPP {STATIONS[station].removeprefix('ocpp')} from 127.0.0.1" in said.out
    assert "default profile: installed" in said.out
    assert "dialect: none that we know" in said.out
    assert re.search(r"settings: \d+ of \d+ as wanted", said.out)
    assert "rate_unit" in said.out
    assert re.search(r"transaction \S+, since", said.out)
    token = site.json("show", station)["evses"][0]["id_token"]
    # A start of ours names no car.
    assert token == (None if station == "OLD" else "*0001")


@EVERY
def test_the_log_shows_frames_of_both_sides_and_no_token(site: Site, station: str) -> None:
    said = site.v2g("station", "log", station, "-n", 1000)
    assert said.status == 0
    assert f"-- connected from 127.0.0.1, {STATIONS[station]}" in said.out
    assert re.search(r"<- BootNotification, \d+ B", said.out)
    assert re.search(r"-> BootNotification \(result\) after \d+ ms", said.out)
    assert "SetChargingProfile" in said.out
    assert "SIMTOKEN0001" not in said.out
    assert "04A2B3C4D5E680" not in said.out
    assert "E680" in said.out  # of the local list
    lines = site.v2g("station", "log", station, "-n", 3, "--json").out.splitlines()
    first, *rest = (json.loads(line)["number"] for line in lines)
    assert rest == [first + 1, first + 2]


@EVERY
def test_the_device_model_is_read_whole_by_component_and_by_variable(
    site: Site, station: str
) -> None:
    every = site.json("vars", station)
    assert len(every) > 10
    part = "Configuration" if station == "OLD" else "SampledDataCtrlr"
    some = site.json("vars", station, part)
    assert some
    assert all(one["name"].startswith(f"{part}.") for one in some)
    name = "MeterValueSampleInterval" if station == "OLD" else "SampledDataCtrlr.TxUpdatedInterval"
    said = site.v2g("station", "vars", station, name)
    assert said.out.splitlines()[1].split()[-1] == "5"
    unknown = site.v2g("station", "vars", station, "Nothing.There")
    assert "(Unknown" in unknown.out


@EVERY
def test_a_variable_is_set_or_refused_with_the_reason(site: Site, station: str) -> None:
    name = "LocalPreAuthorize" if station == "OLD" else "AuthCtrlr.LocalPreAuthorize"
    full = f"Configuration.{name}" if station == "OLD" else name
    said = site.v2g("station", "vars", station, "--set", f"{name}=true", "--yes")
    assert (said.status, said.out) == (0, f"{full} = true\n")
    refused = site.v2g("station", "vars", station, "--set", f"{name}=perhaps", "--yes")
    assert (refused.status, refused.out) == (1, "")
    assert refused.err == "v2g: the daemon refused: Rejected\n"
    key = "AuthorizationKey" if station == "OLD" else "SecurityCtrlr.SecurityProfile"
    guarded = site.v2g("station", "vars", station, "--set", f"{key}=0", "--yes")
    assert guarded.status == 1
    assert "is not set from here: it could disable the station's authentication" in guarded.err


def test_what_reboots_or_moves_power_asks_first(site: Site) -> None:
    """Nobody can be asked here, for standard input is no terminal."""
    for words in (
        ("reset", "NEW"),
        ("reset", "NEW", "--immediate"),
        ("unlock", "NEW"),
        ("vars", "NEW", "--set", "AuthCtrlr.LocalPreAuthorize=true"),
    ):
        said = site.v2g("station", *words)
        assert said.status == 2
        assert "--yes" in said.err


@pytest.mark.parametrize("station", ["NEW", "MIDDLE"])
def test_a_station_that_charges_refuses_what_must_wait(site: Site, station: str) -> None:
    said = site.v2g("station", "reset", station, "--yes")
    assert (said.status, said.err) == (1, "v2g: the daemon refused: Rejected\n")
    locked = site.v2g("station", "unlock", station, "--yes")
    assert locked.err == "v2g: the daemon refused: OngoingAuthorizedTransaction\n"


@EVERY
def test_a_message_is_triggered(site: Site, station: str) -> None:
    said = site.v2g("station", "trigger", station, "MeterValues", "--evse", 1)
    assert (said.status, said.out) == (0, "MeterValues comes\n")
    wrong = site.v2g("station", "trigger", station, "MeterVaules")
    assert (wrong.status, "knows no trigger 'MeterVaules'" in wrong.err) == (1, True)


@EVERY
def test_the_owners_keys_stand_in_the_station(site: Site, station: str) -> None:
    said = site.v2g("station", "keys", station)
    assert said.status == 0
    lines = said.out.splitlines()
    assert lines[0] == "local list version 1"
    assert lines[1].endswith(", in step")
    assert lines[2] == "  badge of the house: *E680"
    assert lines[3] == "keys on no list may charge"
    assert "LocalAuthListCtrlr.Enabled = true" in said.out
    shown = "SIMTOKEN0001 (ISO14443)" in said.out
    assert shown is (station != "OLD")


class Receiver(BaseHTTPRequestHandler):
    """Takes whatever is put."""

    came: ClassVar[list[str]] = []

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.came.append(f"{self.path}: {body.splitlines()[0]}")
        self.send_response(201)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


@pytest.mark.parametrize("kind", ["diagnostics", "security"])
@EVERY
def test_a_log_is_uploaded_to_the_installer(site: Site, station: str, kind: str) -> None:
    server = HTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/logs"
        said = site.v2g("station", "get-log", station, "--to", url, "--kind", kind, "--wait", 20)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert (said.status, said.err) == (0, "")
    assert said.out.splitlines()[0] == f"the station uploads {station}-{kind}.log"
    assert said.out.splitlines()[-1] == "Uploaded"
    assert Receiver.came[-1] == f"/logs/{station}-{kind}.log: {kind} log of {station}"


def test_an_upload_that_fails_is_told_by_the_exit_status(site: Site) -> None:
    url = "http://127.0.0.1:9/nobody"
    said = site.v2g("station", "get-log", "NEW", "--to", url, "--wait", 20)
    assert (said.status, said.out.splitlines()[-1]) == (1, "UploadFailure")
    wrong = site.v2g("station", "get-log", "NEW", "--to", "file:///etc/passwd")
    assert wrong.status == 1
    assert "url: " in wrong.err


def test_an_unknown_station_is_answered_with_the_known_ones(site: Site) -> None:
    said = site.v2g("station", "show", "NWE")
    assert (said.status, said.err) == (
        1,
        "v2g: the daemon refused: no station 'NWE' is configured; there are: NEW, MIDDLE, OLD\n",
    )


def following(daemon: Daemon, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "v2g_daemon", "station", "log", *words]
    return subprocess.Popen(
        [*command, "--follow", "--socket", str(daemon.socket)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )


def test_a_followed_log_goes_on_until_ctrl_c(site: Site) -> None:
    process = following(site.daemon, "NEW", "-n", "1", "--json")
    assert process.stdout is not None
    first = json.loads(process.stdout.readline())
    site.v2g("station", "trigger", "NEW", "Heartbeat")
    actions: list[str] = []
    while "Heartbeat" not in actions:
        note = json.loads(process.stdout.readline())
        assert note["number"] > first["number"]
        actions.append(note["action"])
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (0, "")


def test_a_followed_log_whose_reader_has_seen_enough_ends_in_silence(site: Site) -> None:
    with following(site.daemon, "NEW", "-n", "5") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        site.v2g("station", "trigger", "NEW", "Heartbeat")
        assert process.wait(timeout=20) == 0
        assert process.stderr.read() == ""


@pytest.mark.timeout(180)
def test_an_old_station_resets_comes_back_and_is_started_again(site: Site) -> None:
    before = site.json("show", "OLD")["station"]["evses"][0]["transaction_id"]
    said = site.v2g("station", "reset", "OLD", "--immediate", "--yes")
    assert (said.status, said.out) == (0, "the station resets\n")

    def again() -> bool:
        now = site.json("show", "OLD")["station"]["evses"][0]["transaction_id"]
        return now not in (None, before)

    site.until(again, within_s=120.0)


def test_the_end_of_the_daemon_ends_a_followed_log_in_order(site: Site) -> None:
    process = following(site.daemon, "MIDDLE", "-n", "1")
    assert process.stdout is not None
    process.stdout.readline()
    site.daemon.process.send_signal(signal.SIGTERM)
    assert site.daemon.process.wait(timeout=30) == 0, site.daemon.log
    out, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (0, "")
    assert out.splitlines()[-1] == "-- the daemon ends"
    assert "Traceback" not in site.daemon.log
    said = site.v2g("station", "list")
    assert (said.status, "is `v2g run` running?" in said.err) == (1, True)
