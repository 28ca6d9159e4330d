"""Ten minutes at the speed of life with everything on: quiet, small, explained, cleanly ended."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.system.house import (
    House,
    Setup,
    discharging,
    mapped_files,
    resident_kib,
    running_house,
    seconds_until,
)

LEASE_ID = 1012
TEN_MINUTES_S = 600.0
SETTLED_S = 120.0
# RSS may still grow by caches that fill; a leak of 1 KiB a tick would be 480 KiB by then.
GROWTH_KIB = 4096
NOT_FOR_CONTROL = ("numpy", "highspy", "scipy", "cryptography")  # the last: only with TLS


def test_the_control_process_imports_neither_numpy_nor_a_solver() -> None:
    program = (
        "import sys, v2g_daemon.app.composition, v2g_daemon.app.run, v2g_daemon.cli\n"
        f"print([name for name in {NOT_FOR_CONTROL!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "[]\n")


@pytest.mark.timeout(1000)
def test_ten_minutes_with_everything_on_pass_quietly(tmp_path: Path) -> None:
    with running_house(Setup(recorded_house=True), tmp_path) as house:
        assert house.daemon is not None
        began_s = time.monotonic()
        discharging(house)
        faults = watched(house, until_s=began_s + SETTLED_S)
        settled_kib = resident_kib(house.daemon)
        faults |= watched(house, until_s=began_s + TEN_MINUTES_S)
        assert faults == set()
        assert resident_kib(house.daemon) - settled_kib < GROWTH_KIB
        assert not any(name in mapped_files(house.daemon) for name in NOT_FOR_CONTROL)
        assert house.world()["export_watch"]["seconds_over_by_discharge"] == 0.0
        assert_status_is_told(house)
        assert house.end_daemon(signal.SIGTERM, within_s=10.0) == 0
        assert_left_to_itself(house)
        assert_nothing_went_wrong(house)
        assert_ledger_and_trace(house)


def watched(house: House, *, until_s: float) -> set[str]:
    """The faults seen until then, a look every two seconds."""
    found: set[str] = set()
    while time.monotonic() < until_s:
        found |= {fault["code"] for fault in house.status()["faults"]}
        time.sleep(2.0)
    return found


def assert_status_is_told(house: House) -> None:
    """`v2g status`, for people and for programs."""
    config = ("--config", str(house.config))
    plain, told = house.v2g("status", *config), house.v2g("status", "--json", *config)
    assert (plain.returncode, told.returncode) == (0, 0)
    for words in ("garage", "why:", "plan:", "stage V2G"):
        assert words in plain.stdout
    (evse,) = json.loads(told.stdout)["evses"]
    assert (evse["vehicle_id"], evse["stage"]) == ("car", "v2g")
    assert evse["target_w"] < 0.0


def assert_left_to_itself(house: House) -> None:
    """The farewell ends the discharge at once; its lease lapses within its minute."""
    seconds_until(lambda: house.evse_power_w() >= 0.0, within_s=10.0, what="no discharge")

    def profile() -> dict[str, Any]:
        found: dict[str, Any] = house.station()["active_profile"]
        return found

    seconds_until(
        lambda: profile()["id"] != LEASE_ID, within_s=70.0, what="the outlook, or the default"
    )
    assert profile()["operation_mode"] == "ChargingOnly"


def assert_nothing_went_wrong(house: House) -> None:
    """No complaint on either side, and one connection all the time."""
    station = house.station()
    assert station["protocol_errors"] == []
    assert (station["boots"], station["connections"]) == (1, 1)
    wrong = ("ERROR", "CRITICAL", "Traceback", "ended by itself")
    assert [line for line in house.log.splitlines() if any(word in line for word in wrong)] == []
    assert (house.folder / "simulators.log").read_text() == ""


def assert_ledger_and_trace(house: House) -> None:
    """The day's report speaks of this discharge, and every tick is decided again identically."""
    reported = house.v2g("report", "today", "--config", str(house.config))
    assert reported.returncode == 0, reported.stderr
    assert "discharged" in reported.stdout.lower()
    replayed = house.v2g("replay", *(str(path) for path in house.traces()))
    assert replayed.returncode == 0, replayed.stdout
    ticks = int(replayed.stdout.split()[0])
    assert 580 <= ticks <= 620
