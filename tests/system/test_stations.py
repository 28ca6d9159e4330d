"""Stations one has to live with, each from its first moment: what they are good for."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.system.house import STATION, House, Setup, discharging, running_house, seconds_until
from v2g_daemon.domain.interval import Interval

SPEED = 5.0
MOST_TRIGGERS = 3  # of a station that does not answer them
AFTERNOON = "2024-12-12T15:30:00+01:00"
EVENING_TRIP = """\
ready_by = "20:30"
returns_at = "23:00"
soc = 0.6
trip_wh = 9000"""
DEPARTURE = """\
[[vehicle.schedule]]
departure = "20:30"
return = "23:00"
energy_wh = 9000
needed_soc = 0.6
"""


SECOND_STATION = """\
[[station]]
id = "SIM-STATION-2"
url = "ws://127.0.0.1:OCPP_PORT"
password = "simulated-station-2"
serial = "SIM-0002"
versions = ["ocpp1.6"]
max_discharge_w = 0
sample_interval_s = 5
[[vehicle]]
name = "second-car"
station = "SIM-STATION-2"
evccid = "SIMEVCC00002"
id_token = "SIMTOKEN0002"
capacity_wh = 40000
soc = 0.4
"""
SECOND_CHARGER = """\
[[charger]]
id = "carport"
station_id = "SIM-STATION-2"
password = "simulated-station-2"
max_charge_w = 7400
max_discharge_w = 0
min_charge_w = 1400
min_discharge_w = 0
static_safe_current_a = 6
sample_interval_s = 5
[[vehicle]]
id = "second-car"
capacity_wh = 40000
evccid = "SIMEVCC00002"
id_token = "SIMTOKEN0002"
[[departure]]
vehicle = "second-car"
ready_by = "18:30"
energy_wh = 8000
"""


def whole_time(house: House) -> Interval:
    """All that the house has seen."""
    start_utc = datetime.fromisoformat(house.setup.start).astimezone(UTC)
    return Interval(start_utc=start_utc, end_utc=start_utc + timedelta(days=2))


def test_a_session_from_plug_in_to_departure_earns_and_has_the_car_ready(tmp_path: Path) -> None:
    setup = Setup(
        start=AFTERNOON,
        speed=120.0,
        ticks_per_real_s=4.0,
        plugged_in=False,
        departure=EVENING_TRIP,
        more_scenario=DEPARTURE,
    )
    with running_house(setup, tmp_path) as house:
        seconds_until(lambda: house.evse().get("connected") is True, within_s=60.0, what="a link")
        house.order("/vehicle", action="arrive", soc=0.7)
        seconds_until(
            lambda: house.evse_power_w() <= -3000.0, within_s=120.0, what="a discharge", house=house
        )
        assert house.station()["bidirectional"] is True
        seconds_until(lambda: house.world()["departures"] != [], within_s=360.0, what="departure")
        (departure,) = house.world()["departures"]
        assert departure["met"] is True
        seconds_until(lambda: house.reader().open_sessions() == (), within_s=30.0, what="the end")
        (session,) = house.reader().sessions(whole_time(house))
        registers = house.world()["registers"]
        assert session.vehicle_id == "car"
        assert session.discharge_milliwh > 1_000_000
        assert session.discharge_milliwh == pytest.approx(
            registers["evse_discharge_wh"] * 1000.0, rel=0.02
        )
        assert session.charge_milliwh == pytest.approx(
            registers["evse_charge_wh"] * 1000.0, rel=0.02
        )
        told = house.station()["calls_received"]
        assert {"GetVariables", "SetChargingProfile", "UpdateDynamicSchedule"} <= set(told)
        assert house.station()["protocol_errors"] == []
        assert house.evse()["plugged_in"] is False


@pytest.mark.parametrize("kind", ["kwh", "kwh_mixed"])
def test_kilowatt_hours_are_counted_as_what_they_are(kind: str, tmp_path: Path) -> None:
    with running_house(Setup(speed=2.0 * SPEED, station_faults=(kind,)), tmp_path) as house:
        discharging(house)
        seconds_until(
            lambda: abs(house.evse()["power_w"] - house.evse_power_w()) < 500.0,
            within_s=20.0,
            what="the power in watts",
            house=house,
        )
        seconds_until(
            lambda: house.world()["registers"]["evse_discharge_wh"] >= 300.0,
            within_s=180.0,
            what="some minutes of it",
        )
        house.order("/vehicle", action="unplug")
        seconds_until(lambda: house.reader().open_sessions() == (), within_s=30.0, what="the end")
        (session,) = house.reader().sessions(whole_time(house))
        true_wh = house.world()["registers"]["evse_discharge_wh"]
        assert session.discharge_milliwh == pytest.approx(true_wh * 1000.0, rel=0.03)


def test_two_stations_and_their_cars_are_served_at_once(tmp_path: Path) -> None:
    """The first serves the house in the dear hour; the second must leave at 18:30 and charges."""
    setup = Setup(
        speed=30.0, load_w=4000.0, more_scenario=SECOND_STATION, more_daemon=SECOND_CHARGER
    )
    with running_house(setup, tmp_path) as house:
        seconds_until(
            lambda: (
                house.station()["evse_power_w"] <= -3000.0
                and house.station("SIM-STATION-2")["evse_power_w"] >= 1400.0
            ),
            within_s=120.0,
            what="one discharging, one charging",
            house=house,
        )
        until_s = time.monotonic() + 20.0
        while time.monotonic() < until_s:
            assert house.station("SIM-STATION-2")["evse_power_w"] >= 0.0
            time.sleep(0.5)
        second = house.station("SIM-STATION-2")
        assert second["version"] == "ocpp2.0.1", "1.6 thinks in 2.0.1"
        assert second["discharge_wh"] == 0.0
        assert house.evse("garage")["vehicle_id"] == "car"
        assert house.evse("carport")["vehicle_id"] == "second-car"
        assert house.world()["max_phase_current_a"] <= 25.0
        for station_id in (STATION, "SIM-STATION-2"):
            assert house.station(station_id)["protocol_errors"] == []
        assert house.reader().latches() == ()


def test_a_station_that_accepts_and_ignores_is_found_out(tmp_path: Path) -> None:
    setup = Setup(speed=SPEED, station_faults=("accepts_and_ignores",))
    with running_house(setup, tmp_path) as house:
        seconds_until(
            lambda: "not_following" in house.fault_codes(),
            within_s=120.0,
            what="not following",
            house=house,
        )
        # It charges on while it is told to discharge: that is the wrong direction, and latches.
        seconds_until(lambda: house.reader().latches() != (), within_s=120.0, what="a latch")
        assert house.evse()["permitted_w"][0] == 0.0
        assert house.world()["registers"]["evse_discharge_wh"] == 0.0


def test_a_station_without_a_boot_is_served_all_the_same(tmp_path: Path) -> None:
    with running_house(Setup(speed=SPEED, station_faults=("skips_boot",)), tmp_path) as house:
        discharging(house)
        assert house.station()["calls_received"]["TriggerMessage"] <= MOST_TRIGGERS
        assert house.fault_codes() & {"evse_stale", "command_timed_out", "not_following"} == set()


def test_a_station_that_never_boots_is_linked_and_does_nothing(tmp_path: Path) -> None:
    setup = Setup(speed=SPEED, plugged_in=False, station_faults=("never_boots",))
    with running_house(setup, tmp_path) as house:
        seconds_until(lambda: house.evse().get("connected") is True, within_s=60.0, what="a link")
        house.order("/vehicle", action="arrive", soc=0.7)
        time.sleep(120.0 / SPEED)
        assert house.evse_power_w() == 0.0
        assert house.station()["booted"] is False
        assert house.station()["calls_received"]["TriggerMessage"] <= MOST_TRIGGERS
        assert house.log.count("Traceback") == 0
        house.fault("none")
        discharging(house)
