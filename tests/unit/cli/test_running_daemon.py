"""A real daemon with a real socket, ledger and trace, talked to by the command line."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.unit.cli.conftest import V2g
from tests.unit.settings.files import SMALLEST
from v2g_daemon.adapters.database.reader import DatabaseReader
from v2g_daemon.adapters.system.trace_files import trace_paths

START_WITHIN_S = 40.0
# Two in the night of a Thursday in Amsterdam, 5.5 hours before the departure.
HOUSE = """\
[[departure]]
vehicle = "car"
ready_by = "07:30"
soc = 0.6
[ocpp]
host = "127.0.0.1"
port = 0
[prices]
directory = "{folder}/prices"
[[prices.source]]
name = "energy-charts:NL"
url = "http://127.0.0.1:{dead_port}/price"
[database]
url = "sqlite:///{folder}/ledger.db"
[trace]
directory = "{folder}/trace"
[api]
socket = "{folder}/run/api.sock"
[clock]
start = 2024-12-12T02:00:00+01:00
speed = 1.0
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Daemon:
    """A daemon's process and where its things lie."""

    process: subprocess.Popen[bytes]
    folder: Path

    @property
    def config(self) -> Path:
        return self.folder / "house.toml"

    @property
    def socket(self) -> Path:
        return self.folder / "run" / "api.sock"

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def wait_until_up(self) -> None:
        deadline_s = time.monotonic() + START_WITHIN_S
        while not self._answers():
            assert self.process.poll() is None, self.log
            assert time.monotonic() < deadline_s, self.log
            time.sleep(0.05)

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as caller:
            try:
                caller.connect(str(self.socket))
            except OSError:
                return False
            caller.sendall(b"GET /api/v1/status HTTP/1.0\r\n\r\n")
            return b" 200 " in caller.recv(20)


def started(folder: Path) -> Daemon:
    environment = os.environ | {"V2G_PASSWORD_GARAGE": "secret-word"}
    command = [sys.executable, "-m", "v2g_daemon", "run", "--config", str(folder / "house.toml")]
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
    daemon = Daemon(process=process, folder=folder)
    daemon.wait_until_up()
    return daemon


def ended(daemon: Daemon) -> int:
    daemon.process.send_signal(signal.SIGTERM)
    return daemon.process.wait(timeout=20)


def written_house(folder: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        dead_port = probe.getsockname()[1]
    text = SMALLEST + HOUSE.format(folder=folder, dead_port=dead_port)
    (folder / "house.toml").write_text(text)


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    with tempfile.TemporaryDirectory(prefix="v2g-cli-") as name:
        written_house(Path(name))
        running = started(Path(name))
        yield running
        if running.process.poll() is None:
            running.process.kill()
            running.process.wait()


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("V2G_PASSWORD_GARAGE", "secret-word")


def test_the_status_is_read_by_people(v2g: V2g, daemon: Daemon) -> None:
    said = v2g("status", "--config", daemon.config)
    assert (said.status, said.err) == (0, "")
    lines = said.out.splitlines()
    assert lines[1:4] == [
        "grid     no meter value",
        "price    unknown",
        "garage   no car, SoC unknown, stage V1G, station away",
    ]
    assert "         why: the charging station is away; it stands on its default profile" in lines
    assert "FAULT    garage: the charging station is not connected" in lines


def test_the_status_is_read_by_programs(v2g: V2g, daemon: Daemon) -> None:
    said = v2g("status", "--json", "--socket", daemon.socket)
    status = json.loads(said.out)
    assert status["at_utc"].startswith("2024-12-12T01:0")
    assert status["evses"][0]["evse_id"] == "garage"
    assert status["evses"][0]["target_w"] is None


def test_the_plan_is_read_by_people_and_by_programs(v2g: V2g, daemon: Daemon) -> None:
    said = v2g("plan", "--config", daemon.config)
    assert (said.status, said.err) == (0, "")
    assert said.out.splitlines()[1:] == [
        "",
        "garage    no car is plugged in",
        "now       hands off: the charging station is away; it stands on its default",
        "          profile",
    ]
    plan = json.loads(v2g("plan", "--json", "--socket", daemon.socket).out)
    assert plan["timezone"] == "Europe/Amsterdam"
    assert [evse["standing"] for evse in plan["evses"]] == ["no_car"]
    assert plan["evses"][0]["slots"] == []


def test_the_socket_is_the_owners_alone(daemon: Daemon) -> None:
    assert stat.S_IMODE(daemon.socket.stat().st_mode) == 0o600


def test_a_wish_is_taken_shown_and_cancelled(v2g: V2g, daemon: Daemon) -> None:
    until = v2g("stop", "--config", daemon.config, "--until", "2024-12-20T12:00:00")
    assert (until.status, until.err) == (0, "")
    assert until.out.startswith("garage: stopped until ")
    daemon_has(v2g, daemon, overrides=1)
    assert v2g("auto", "--socket", daemon.socket).out == "garage: back to automatic\n"
    daemon_has(v2g, daemon, overrides=0)
    # No car is known to leave: twelve hours after two in the night.
    assert v2g("charge", "--socket", daemon.socket).out == "garage: charging until Thu 14:00\n"
    daemon_has(v2g, daemon, overrides=1)
    assert v2g("auto", "--socket", daemon.socket).status == 0


def daemon_has(v2g: V2g, daemon: Daemon, **counts: int) -> None:
    """Within some ticks the status shows so many of each."""
    deadline_s = time.monotonic() + 10.0
    while True:
        status = json.loads(v2g("status", "--json", "--socket", daemon.socket).out)
        if all(len(status[kind]) == count for kind, count in counts.items()):
            return
        assert time.monotonic() < deadline_s, status
        time.sleep(0.1)


def test_a_departure_is_told_shown_kept_and_taken_back(v2g: V2g, daemon: Daemon) -> None:
    said = v2g("away", "--until", "2024-12-24T18:00", "--config", daemon.config)
    assert (said.status, said.out) == (0, "car: away until Tue 24 Dec 18:00\n")
    said = v2g("leave", "2024-12-27T08:00", "--with", "20 kWh", "--socket", daemon.socket)
    # 20 of 60 kWh above a floor of 30 %.
    assert said.out == "car: leaves Fri 27 Dec 08:00 with 63 %\n"
    daemon_has(v2g, daemon, departures=2)
    shown = v2g("status", "--socket", daemon.socket).out.splitlines()
    assert "told     car: away until Tue 24 Dec 18:00" in shown
    reader = DatabaseReader.at(f"sqlite:///{daemon.folder}/ledger.db")
    now_utc = datetime(2024, 12, 12, 1, 0, tzinfo=UTC)
    until(lambda: len(reader.told_departures(now_utc=now_utc)) == 2)
    assert v2g("leave", "07:30", "--with", "9 km", "--socket", daemon.socket).status == 1
    assert v2g("home", "--socket", daemon.socket).out.startswith("car: taken back")
    daemon_has(v2g, daemon, departures=0)
    until(lambda: reader.told_departures(now_utc=now_utc) == ())


def until(done: Callable[[], bool]) -> None:
    """Within some ticks."""
    deadline_s = time.monotonic() + 10.0
    while not done():
        assert time.monotonic() < deadline_s
        time.sleep(0.1)


def test_a_wish_for_the_past_is_refused_with_the_reason(v2g: V2g, daemon: Daemon) -> None:
    said = v2g("charge", "--socket", daemon.socket, "--until", "2024-01-01T00:00:00")
    assert (said.status, said.out) == (1, "")
    assert said.err.startswith("v2g: the daemon refused: ")
    assert "has passed" in said.err


def test_a_wish_for_an_unknown_evse_is_refused_with_the_known_ones(
    v2g: V2g, daemon: Daemon
) -> None:
    said = v2g("stop", "--socket", daemon.socket, "--evse", "cellar")
    assert (said.status, said.err) == (
        1,
        "v2g: the daemon refused: name one of the EVSEs: garage\n",
    )


def test_which_car_is_where_is_shown_and_an_answer_for_nobody_refused(
    v2g: V2g, daemon: Daemon
) -> None:
    assert v2g("car", "--socket", daemon.socket).out == "garage   no car\n"
    said = v2g("car", "garage", "guest", "--socket", daemon.socket)
    assert (said.status, said.err) == (
        1,
        "v2g: the daemon refused: no car is plugged in at 'garage' whose session has begun\n",
    )
    assert v2g("car", "garage", "--socket", daemon.socket).status == 2


def test_today_can_be_reported_while_the_daemon_runs(v2g: V2g, daemon: Daemon) -> None:
    said = v2g("report", "day", "2024-12-12", "--config", daemon.config)
    assert said.status == 0
    assert said.out.startswith("Thursday 12 December 2024, Europe/Amsterdam")
    found = json.loads(v2g("report", "today", "--json", "--config", daemon.config).out)
    assert found["currency"] == "EUR"


def test_a_second_daemon_on_the_same_ledger_is_refused(v2g: V2g, daemon: Daemon) -> None:
    said = v2g("run", "--config", daemon.config)
    assert said.status == 1
    assert f"another daemon (process {daemon.process.pid})" in said.err


def test_a_stopped_daemon_leaves_nothing_open_and_a_restart_goes_on(v2g: V2g) -> None:
    with tempfile.TemporaryDirectory(prefix="v2g-cli-") as name:
        folder = Path(name)
        written_house(folder)
        first = started(folder)
        v2g("charge", "--socket", first.socket, "--until", "2030-01-01T00:00:00")
        daemon_has(v2g, first, overrides=1)
        assert ended(first) == 0, first.log
        assert not first.socket.exists()
        (trace,) = trace_paths(folder / "trace")
        replayed = v2g("replay", trace)
        assert replayed.status == 0, replayed.out
        reader = DatabaseReader.at(f"sqlite:///{folder}/ledger.db")
        assert reader.open_sessions() == ()
        second = started(folder)
        daemon_has(v2g, second, overrides=1)
        assert ended(second) == 0, second.log
        assert "Traceback" not in second.log.replace("httpx", "")


def test_where_no_daemon_runs_the_socket_is_named(v2g: V2g, tmp_path: Path) -> None:
    said = v2g("status", "--socket", tmp_path / "api.sock")
    assert said.status == 1
    assert said.err == (
        f"v2g: no daemon answers on {tmp_path / 'api.sock'} (there is no such socket);"
        " is `v2g run` running?\n"
    )


def test_a_socket_left_by_a_killed_daemon_is_named(tmp_path: Path) -> None:
    path = tmp_path / "api.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    command = [sys.executable, "-m", "v2g_daemon", "status", "--socket", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50)
    assert done.returncode == 1
    assert done.stderr.startswith(f"v2g: no daemon answers on {path} (")


def test_a_house_that_never_ran_has_no_report(v2g: V2g, tmp_path: Path) -> None:
    written_house(tmp_path)
    said = v2g("report", "today", "--config", tmp_path / "house.toml")
    assert said.status == 1
    assert "has the daemon run?" in said.err


@pytest.mark.parametrize("words", [("report", "day"), ("report", "today", "2024-12-11")])
def test_a_report_needs_a_day_or_today(v2g: V2g, daemon: Daemon, words: tuple[str, ...]) -> None:
    said = v2g(*words, "--config", daemon.config)
    assert said.status == 2
    assert "report day YYYY-MM-DD" in said.err


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("installed", "STATION-1"), "station 'STATION-1' is not connected"),
        (("request", "STATION-1"), "station 'STATION-1' is not connected"),
        (("delete", "STATION-1", "C0FFEE"), "station 'STATION-1' is not connected"),
        (("delete", "STATION-9", "C0FFEE"), "no station 'STATION-9' is configured"),
        (("install", "STATION-1"), "no local CA is in use"),
    ],
)
def test_what_a_station_cannot_be_asked_about_certificates_is_told(
    v2g: V2g, daemon: Daemon, command: tuple[str, ...], said: str
) -> None:
    found = v2g("certs", *command, "--config", daemon.config)
    assert (found.status, found.out) == (1, "")
    assert said in found.err
