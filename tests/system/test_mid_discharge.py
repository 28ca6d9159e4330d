"""At the speed of life, in the middle of a discharge: what happens when a part goes away."""

from __future__ import annotations

import time
from pathlib import Path

from tests.system.house import (
    LEASE_S,
    STATION,
    Setup,
    discharging,
    no_discharge,
    running_house,
    seconds_until,
    the_session,
)

LEASE_ID = 1012
BLACK_HOLE_S = 300.0
METER_MAX_AGE_S = 5.0
# A tick, a message, and 4.9 kW at 3.7 kW/s; the rest is a busy machine's.
FOLLOWING_S = 4.0


def test_a_silent_meter_ends_the_discharge_and_a_good_one_opens_it_again(tmp_path: Path) -> None:
    with running_house(Setup(), tmp_path) as house:
        discharging(house)
        house.order("/faults", device="meter", kind="silent")
        took_s = no_discharge(house, within_s=30.0)
        assert took_s <= METER_MAX_AGE_S + FOLLOWING_S
        assert house.evse()["reason"]["rule"] in {"static_safe", "export_limit"}
        # The PV meter is a unit of the same device, and as silent.
        faults = [fault["code"] for fault in house.status()["faults"]]
        assert faults == ["meter_stale", "meter_trouble"]
        house.order("/faults", device="meter", kind="none")
        assert discharging(house) >= 25.0, "an increase waits until the meter was good for 30 s"
        assert house.world()["export_watch"]["seconds_over_by_discharge"] == 0.0


def test_a_black_hole_on_the_link_ends_the_discharge_within_the_lease(tmp_path: Path) -> None:
    with running_house(Setup(), tmp_path) as house:
        discharging(house)
        session = the_session(house)
        began_s = time.monotonic()
        house.order("/faults", device=STATION, kind="black_hole")
        time.sleep(5.0)
        assert house.evse_power_w() <= -3000.0, "until then the station holds what was leased"
        took_s = no_discharge(house, within_s=LEASE_S + 10.0)
        assert took_s <= LEASE_S
        assert house.station()["active_profile"]["id"] != LEASE_ID, "outlook or default govern"
        seconds_until(
            lambda: "evse_stale" in house.fault_codes(), within_s=60.0, what="a dead link told"
        )
        time.sleep(max(0.0, began_s + BLACK_HOLE_S - time.monotonic()))
        assert house.evse_power_w() >= 0.0
        house.order("/faults", device=STATION, kind="none")
        discharging(house)
        assert the_session(house) == session
        assert house.station()["protocol_errors"] == []
