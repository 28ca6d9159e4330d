"""A car whose station tells no SoC: its session has met its goal once it takes no more power."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.system.house import House, Setup, running_house, seconds_until

# Twenty kilowatt-hours are asked for; the pack of 60 kWh takes little more than four.
PRESSING = 'ready_by = "20:00"\nenergy_wh = 20000'


@pytest.mark.parametrize("version", ["ocpp2.0.1", "ocpp1.6"])
def test_a_full_car_ends_its_session_by_drawing_no_more(tmp_path: Path, version: str) -> None:
    setup = Setup(speed=60.0, soc=0.93, station_version=version, departure=PRESSING)
    with running_house(setup, tmp_path) as house:
        seconds_until(
            lambda: pressing(house) and house.evse_power_w() >= 3000.0,
            within_s=60.0,
            what="charging",
            house=house,
        )
        assert house.evse()["soc"] is None
        seconds_until(
            lambda: house.evse().get("car_state") == "stopped_at_its_limit",
            within_s=120.0,
            what="a full car",
            house=house,
        )
        seconds_until(lambda: not pressing(house), within_s=30.0, what="no more hurry", house=house)
        assert house.station()["protocol_errors"] == []


def pressing(house: House) -> bool:
    """Whether the trip still has to be charged for, or is said to be missed."""
    status = house.status()
    faults = {fault["code"] for fault in status.get("faults", ())}
    rules = {evse["desire"]["rule"] for evse in status.get("evses", ())}
    return "commute_must_charge" in rules or "goal_unreachable" in faults
