"""`v2g compare` and an interrupted `v2g backtest`, as processes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.unit.app.backtest.test_house import HOUSE, SPOT, YEAR

V2G = (sys.executable, "-m", "v2g_daemon")


def v2g(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*V2G, *map(str, arguments)], capture_output=True, text=True, timeout=300, check=False
    )


def test_a_matrix_of_one_day_is_ranked(tmp_path: Path) -> None:
    path = tmp_path / "house.toml"
    path.write_text(HOUSE)
    said = v2g("compare", "-c", path, "--tariffs", "flat,nl-dynamic", "--prices", SPOT,
               "--from", "2024-03-29", "--to", "2024-03-29", "--folder", tmp_path / "kept",
               "--json", tmp_path / "c.json", "--html", tmp_path / "c.html")  # fmt: skip
    assert (said.returncode, said.stderr) == (0, "")
    ranking = json.loads((tmp_path / "c.json").read_text())
    assert {one["tariff"] for one in ranking} == {"flat", "nl-dynamic"}
    assert "Which one is cheapest?" in (tmp_path / "c.html").read_text()


def test_ctrl_c_keeps_what_is_done_and_says_so(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    running = subprocess.Popen(
        [*V2G, "backtest", "--pairing", str(YEAR), "--json", str(out)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    workers = f"/proc/{running.pid}/task/{running.pid}/children"
    waited_s = 0.0
    while len(Path(workers).read_text().split()) < 1 and waited_s < 60.0:
        time.sleep(0.1)
        waited_s += 0.1
    running.send_signal(signal.SIGINT)
    said, complained = running.communicate(timeout=120)
    assert running.returncode == 130
    assert complained == ""
    assert "Stopped before the end; these are partial results." in said
    assert json.loads(out.read_text())["pairing"] == "nl2024pv"
