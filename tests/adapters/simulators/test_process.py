"""`python -m simulators` as a process: ready line, HTTP interface, clean end."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

SCENARIO = """
[clock]
start = 2024-12-11T17:30:00+01:00
speed = 60.0
[house]
load_w = 900
[watch]
export_limit_w = 4000
[meter]
[prices]
[[station]]
id = "S1"
url = "ws://127.0.0.1:1/ocpp"
[[vehicle]]
name = "car"
soc = 0.5
"""


@contextmanager
def running(folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], Any]]:
    """The process and its ready line."""
    path = folder / "scenario.toml"
    path.write_text(SCENARIO)
    process = subprocess.Popen(
        [sys.executable, "-m", "simulators", str(path), *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        try:
            yield process, json.loads(process.stdout.readline())
        finally:
            process.kill()


def test_the_truth_can_be_read_and_changed_over_http(tmp_path: Path) -> None:
    with running(tmp_path) as (process, ready):
        assert ready["ready"] is True
        assert ready["meter_port"] > 0
        base = f"http://127.0.0.1:{ready['http_port']}"
        with httpx.Client(base_url=base, timeout=5.0, trust_env=False) as http:
            world = http.get("/world").json()
            assert (world["soc"], world["connected"]) == (0.5, True)
            assert sum(world["pcc_power_w"]) == 900.0
            assert http.post("/house", json={"load_w_per_phase": [5000, 0, 0]}).json() == {
                "ok": True
            }
            assert http.get("/world").json()["pcc_power_w"] == [5000.0, 0.0, 0.0]
            assert http.post("/vehicle", json={"action": "unplug"}).status_code == 200
            assert http.get("/world").json()["connected"] is False
            http.post("/vehicle", json={"action": "arrive", "soc": 0.12})
            assert http.get("/world").json()["vehicles"]["car"]["soc"] == 0.12
            asked = {"bzn": "NL", "start": "2024-12-12", "end": "2024-12-12"}
            assert max(http.get("/price", params=asked).json()["price"]) == 872.96
            http.post("/faults", json={"device": "prices", "kind": "outage", "for_s": 600})
            assert http.get("/price", params=asked).status_code == 503
            http.post("/faults", json={"device": "prices", "kind": "none"})
            http.post("/faults", json={"device": "prices", "kind": "garbage"})
            assert http.get("/price", params=asked).text.startswith("<!DOCTYPE html>")
            http.post("/faults", json={"device": "prices", "kind": "none"})
            later = {**asked, "start": "2024-12-13", "end": "2024-12-13"}
            assert http.get("/price", params=later).status_code == 404
            assert http.post("/faults", json={"device": "tv", "kind": "silent"}).status_code == 400
            assert http.post("/house", json={"load": 5}).status_code == 422
            intervals = http.get("/world/intervals").json()["intervals"]
            assert intervals[0]["start_utc"] == "2024-12-11T16:30:00.000Z"
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_the_end_of_stdin_ends_the_process(tmp_path: Path) -> None:
    with running(tmp_path, "--until-stdin-closes") as (process, _):
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(10) == 0


def test_a_bad_scenario_exits_78_and_says_where(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text("[meter]\nprot = 5\n")
    command = [sys.executable, "-m", "simulators", str(path)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert result.returncode == 78
    assert result.stderr == (
        f"{path}: key meter.prot is unknown; remove it or correct its spelling\n"
    )
