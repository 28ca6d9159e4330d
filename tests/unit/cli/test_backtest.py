"""`v2g backtest` as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

from tests.unit.app.backtest.test_house import HOUSE, YEAR
from tests.unit.cli.conftest import V2g

NAMES = {"plain", "v1g_cheapest80", "v2g_threshold", "v1g", "v2h", "v2g", "perfect"}


def test_a_day_of_a_pairing_become_table_page_json_and_setpoints(v2g: V2g, tmp_path: Path) -> None:
    json_file, html = tmp_path / "out.json", tmp_path / "out.html"
    setpoints = tmp_path / "out.csv.gz"
    said = v2g("backtest", "--pairing", YEAR, "--from", "2024-06-08", "--to", "2024-06-08",
               "--carbon", _carbon(tmp_path), "--json", json_file, "--html", html,
               "--setpoints", setpoints, "--hardware-price", 4000)  # fmt: skip
    assert (said.status, said.err) == (0, "")
    assert said.out.startswith("nl2024pv: 8 June 2024 to 8 June 2024, 1 day, Europe/Amsterdam\n")
    assert "kg CO2" in said.out
    found = json.loads(json_file.read_text())
    assert set(found["strategies"]) == NAMES
    costs = {name: one["net_cost"] for name, one in found["strategies"].items()}
    assert min(costs.values()) == costs["perfect"]
    assert "How sure is that?" in html.read_text()
    assert setpoints.stat().st_size > 100


def _carbon(folder: Path) -> Path:
    path = folder / "carbon.csv"
    rows = [f"2024-06-{day:02d}T{hour:02d}:00:00Z,250" for day in (7, 8, 9) for hour in range(24)]
    path.write_text("time_utc,grid_g_per_kwh\n" + "\n".join(rows) + "\n")
    return path


def test_files_that_lack_something_are_refused_with_the_fix(v2g: V2g, tmp_path: Path) -> None:
    path = tmp_path / "house.toml"
    path.write_text(HOUSE)
    said = v2g("backtest", "-c", path)
    assert (said.status, said.out) == (78, "")
    assert "nothing says which days to rehearse; give --from and --to" in said.err
    said = v2g("backtest", "--pairing", tmp_path)
    assert said.status == 1
    assert "there is no pairing.json" in said.err
