"""`v2g probe` on a real house: what it proves, what it stops at once, and how it ends by hand."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from tests.system.house import STATION, House, Setup, discharging, running_house, seconds_until

OLD_STATION = Setup(station_version="ocpp2.0.1", negative_limit=True)
ABORTED_WITHIN_S = 5.0


def ready(house: House) -> None:
    """The car is there, and the daemon knows it."""
    seconds_until(
        lambda: house.evse().get("vehicle_id") == "car",
        within_s=60.0,
        what="a known car",
        house=house,
    )


@contextmanager
def probing(house: House) -> Iterator[subprocess.Popen[str]]:
    """`v2g probe` as a person starts it."""
    words = ["probe", STATION, "--config", str(house.config)]
    with subprocess.Popen(
        [sys.executable, "-m", "v2g_daemon", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=house.folder,
    ) as probe:
        try:
            yield probe
        finally:
            probe.kill()


def said(probe: subprocess.Popen[str]) -> str:
    """All that it printed, once it has ended."""
    out, _ = probe.communicate(timeout=240)
    return out


def charging_for_s(house: House, probe: subprocess.Popen[str]) -> float:
    """How long, at a stretch, the car charged with more than a kilowatt while the test ran."""
    longest_s, since = 0.0, None
    while probe.poll() is None:
        world = house.world()
        now = datetime.fromisoformat(world["now_utc"])
        if world["evse_power_w"] <= 1000.0:
            since = None
        else:
            since = since or now
            longest_s = max(longest_s, (now - since).total_seconds())
        time.sleep(0.2)
    return longest_s


def test_a_passed_test_unlocks_the_discharge_that_the_plan_wants(tmp_path: Path) -> None:
    with running_house(OLD_STATION, tmp_path) as house:
        house.order("/faults", device=STATION, kind="negative_limit_discharges")
        ready(house)
        with probing(house) as probe:
            out = said(probe)
        assert (probe.returncode, "passed: of 1400 W the grid meter saw 1" in out) == (0, True), out
        discharging(house, within_s=180.0)
        assert house.station()["protocol_errors"] == []
        assert house.station()["active_profile"]["purpose"] == "TxProfile"
        house.end_daemon(signal.SIGTERM)
        seconds_until(lambda: house.evse_power_w() >= 0.0, within_s=10.0, what="the farewell")
        house.start_daemon()
        discharging(house, within_s=180.0)


def test_full_power_instead_of_a_discharge_is_ended_within_seconds(tmp_path: Path) -> None:
    with running_house(OLD_STATION, tmp_path) as house:
        ready(house)
        with probing(house) as probe:
            longest_s = charging_for_s(house, probe)
            out = said(probe)
        assert (probe.returncode, "failed: " in out) == (1, True), out
        assert "the car charges, or a load came on" in out or "the station charges" in out
        assert 0.0 < longest_s <= ABORTED_WITHIN_S
        assert house.evse_power_w() <= 1000.0
        assert house.evse()["permitted_w"][0] == 0.0


def test_ctrl_c_ends_the_discharge_at_0_w(tmp_path: Path) -> None:
    with running_house(OLD_STATION, tmp_path) as house:
        house.order("/faults", device=STATION, kind="negative_limit_discharges")
        ready(house)
        with probing(house) as probe:
            seconds_until(
                lambda: house.evse_power_w() <= -1300.0,
                within_s=120.0,
                what="the test",
                house=house,
            )
            probe.send_signal(signal.SIGINT)
            seconds_until(lambda: house.evse_power_w() == 0.0, within_s=10.0, what="0 W")
            out = said(probe)
        assert (probe.returncode, "cancelled: cancelled" in out) == (1, True), out


def test_without_a_permit_nothing_is_tried(tmp_path: Path) -> None:
    setup = Setup(station_version="ocpp2.0.1", negative_limit=True, commissioned=False)
    with running_house(setup, tmp_path) as house:
        ready(house)
        said = house.v2g("probe", STATION, "--config", str(house.config))
        assert said.returncode == 1
        assert "neither a permission to operate nor a test permit is recorded" in said.stderr
