"""At the speed of life, in the middle of a discharge: the daemon is killed and started again."""

from __future__ import annotations

import signal
import time
from datetime import datetime
from pathlib import Path

import pytest

from tests.system.house import (
    LEASE_S,
    STATION,
    House,
    Setup,
    discharging,
    no_discharge,
    running_house,
    seconds_until,
    the_session,
)


def exported_today_wh(house: House) -> float:
    """The car's daily export counter as the newest recorded tick knew it."""
    (counters,) = house.ticks()[-1].snapshot.counters
    assert counters.exported_today_wh is not None
    return counters.exported_today_wh


def exported_by_the_ledger_wh(house: House) -> float:
    """The same as the sum of the rows that stand in the ledger."""
    now_utc = datetime.fromisoformat(house.world()["now_utc"])
    counters = house.reader().counters("car", now_utc=now_utc, timezone="Europe/Amsterdam")
    assert counters.exported_today_wh is not None
    return counters.exported_today_wh


@pytest.mark.timeout(2000)
def test_a_killed_daemon_ends_the_discharge_and_the_next_one_goes_on_from_the_ledger(
    tmp_path: Path,
) -> None:
    # A quarter is written when it is over: 17:15, or 17:30 where the discharge began too late.
    with running_house(Setup(start="2024-12-12T17:11:00+01:00"), tmp_path) as house:
        discharging(house)
        seconds_until(
            lambda: exported_by_the_ledger_wh(house) > 30.0,
            within_s=1200.0,
            what="a row of exported energy in the ledger",
            house=house,
        )
        discharging(house)
        session, exported_wh = the_session(house), exported_by_the_ledger_wh(house)
        assert house.end_daemon(signal.SIGKILL) == -signal.SIGKILL
        time.sleep(5.0)
        assert house.evse_power_w() <= -3000.0, "until then the station holds what was leased"
        assert no_discharge(house, within_s=LEASE_S + 10.0) <= LEASE_S
        house.start_daemon()
        discharging(house, within_s=300.0)
        # Updated events carry no identity: that this is the owner's car is remembered, not told.
        assert house.evse()["vehicle_id"] == session[2] == "car"
        assert the_session(house) == session
        assert exported_today_wh(house) >= exported_wh
        assert house.station()["connections"] == 2
        assert house.station()["protocol_errors"] == []
        assert house.end_daemon(signal.SIGTERM) == 0
        replayed = house.v2g("replay", *(str(path) for path in house.traces()))
        assert replayed.returncode == 0, replayed.stdout + replayed.stderr


def test_a_latch_outlives_the_daemon_that_set_it(tmp_path: Path) -> None:
    with running_house(Setup(), tmp_path) as house:
        discharging(house)
        house.order("/faults", device=STATION, kind="sign_flip")
        # On a busy machine the meter may be late just now: then nothing is discharged for 30 s, and
        # the charger has its learned lag again, before it can be caught at it.
        seconds_until(
            lambda: house.reader().latches() != (),
            within_s=240.0,
            what="a latch in the ledger",
            house=house,
        )
        (latch,) = house.reader().latches()
        assert (latch.evse_id, latch.rule) == ("garage", "wrong_direction")
        house.end_daemon(signal.SIGKILL)
        house.order("/faults", device=STATION, kind="none")
        house.start_daemon()
        seconds_until(
            lambda: house.evse().get("plan") is not None,
            within_s=120.0,
            what="a plan after the restart",
            house=house,
        )
        watched_until_s = time.monotonic() + 60.0
        while time.monotonic() < watched_until_s:
            assert house.evse_power_w() >= 0.0
            assert house.evse()["permitted_w"][0] == 0.0
            time.sleep(1.0)
        assert "wrong_direction" in [fault["code"] for fault in house.status()["faults"]]
        assert house.reader().latches() == (latch,)
