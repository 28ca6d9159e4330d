"""What a rehearsal says to programs: exactly these keys, and setpoints that can be replayed."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tests.unit.rehearsal.contests import TWO_DAYS, a_contest
from v2g_daemon.app.backtest.figures import as_json, setpoints_csv, write_setpoints
from v2g_daemon.domain.errors import RehearsalFailed
from v2g_daemon.rehearsal.knowledge import Knowledge
from v2g_daemon.rehearsal.strategies import Strategy

NAMES = ["plain", "v1g", "v2h", "v2g", "perfect"]


def test_the_json_holds_what_strategies_are_compared_by() -> None:
    found = json.loads(as_json(a_contest()))
    assert list(found) == ["pairing", "strategies"]
    assert found["pairing"] == "toy"
    assert list(found["strategies"]) == NAMES
    assert found["strategies"]["v2g"] == {
        "net_cost": 4.28,  # 2 × (7 × 0.30 + 1 × 0.04)
        "wear_cost": 0.08,
        "discharged_kwh": 2.0,
        "missed_kwh": 0.0,
        "departures": 0,
        "departures_met": 0,
        "switches_per_night": 0.0,
        "seconds": 7.0,
        "wear_per_kwh_discharged": 0.04,
        "knowledge": "a",
    }


def test_knowledge_is_called_as_on_the_command_line() -> None:
    found = json.loads(as_json(a_contest(knowledge=Knowledge.LEARNED)))
    assert {one["knowledge"] for one in found["strategies"].values()} == {"b"}


def test_setpoints_have_a_line_a_quarter_hour() -> None:
    lines = setpoints_csv(a_contest()).decode().splitlines()
    assert lines[:2] == ["time_utc,setpoint_w", "2024-01-01T23:00:00Z,0.0"]
    assert lines[-1] == "2024-01-03T22:45:00Z,0.0"
    assert len(lines) == 1 + 2 * 96


def test_setpoints_are_packed_alike_in_every_run(tmp_path: Path) -> None:
    contest = a_contest()
    for name in ("one.csv.gz", "two.csv.gz", "plain.csv"):
        write_setpoints(contest, tmp_path / name)
    packed = (tmp_path / "one.csv.gz").read_bytes()
    assert packed == (tmp_path / "two.csv.gz").read_bytes()
    assert gzip.decompress(packed) == (tmp_path / "plain.csv").read_bytes()


def test_without_our_v2g_there_are_no_setpoints() -> None:
    energies: dict[Strategy, tuple[float, float]] = dict(TWO_DAYS)
    del energies[Strategy.V2G]
    with pytest.raises(RehearsalFailed, match="did not come to its end"):
        setpoints_csv(a_contest(energies=energies))
