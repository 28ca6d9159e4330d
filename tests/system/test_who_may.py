"""At the speed of life: who is charged at once, who is never discharged, and what a stop costs."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.system.house import House, Setup, discharging, running_house, seconds_until

MORNING = "2024-12-13T06:05:00+01:00"
NIGHT = "2024-12-11T22:00:00+01:00"


def charging(house: House, *, within_s: float) -> float:
    """Seconds until the car takes at least what the charger can do least."""
    return seconds_until(
        lambda: house.evse_power_w() >= 1400.0, within_s=within_s, what="charging", house=house
    )


def test_a_car_that_arrives_at_12_percent_charges_within_a_minute_without_any_plan(
    tmp_path: Path,
) -> None:
    setup = Setup(plugged_in=False, prices_work=False)
    with running_house(setup, tmp_path) as house:
        seconds_until(lambda: house.evse().get("connected") is True, within_s=60.0, what="a link")
        time.sleep(35.0)  # the meter's recovery and the safety net stand: nothing helps the arrival
        assert house.evse_power_w() == 0.0
        house.order("/vehicle", action="arrive", soc=0.12)
        assert charging(house, within_s=60.0) <= 60.0
        full = seconds_until(
            lambda: house.evse_power_w() >= 7000.0, within_s=60.0, what="full power"
        )
        assert full <= 60.0
        evse = house.evse()
        assert evse["reason"]["rule"] == "below_floor"
        assert evse["plan"] is None
        assert house.status()["price"] is None


def test_without_any_plan_it_reaches_the_floor_and_then_waits_for_its_trip(tmp_path: Path) -> None:
    # 10.8 kWh into the pack at 6.9 kW of it: 1 h 34 min, at 60 times the speed of life.
    setup = Setup(speed=60.0, soc=0.12, prices_work=False)
    with running_house(setup, tmp_path) as house:
        seconds_until(lambda: house.world()["soc"] >= 0.30, within_s=150.0, what="the floor")
        seconds_until(
            lambda: house.evse_power_w() == 0.0,
            within_s=60.0,
            what="waiting once a step above the floor",
        )
        assert 0.30 <= house.world()["soc"] <= 0.33
        assert house.evse()["plan"] is None
        assert house.evse()["reason"]["rule"] == "waiting_without_prices"


def test_a_guest_is_charged_and_never_discharged_where_the_own_car_is(tmp_path: Path) -> None:
    with running_house(Setup(plugged_in=False), tmp_path) as house:
        seconds_until(lambda: house.evse().get("connected") is True, within_s=60.0, what="a link")
        house.order(
            "/vehicle", action="arrive", soc=0.7, evccid="GUESTEVCC001", id_token="GUESTTOKEN01"
        )
        charging(house, within_s=60.0)
        until_s = time.monotonic() + 75.0
        while time.monotonic() < until_s:
            assert house.evse_power_w() >= 0.0
            time.sleep(0.5)
        evse = house.evse()
        assert (evse["vehicle_id"], evse["permitted_w"][0]) == (None, 0.0)
        assert evse["reason"]["detail"] == "a guest's car charges at once"
        house.order(
            "/vehicle", action="arrive", soc=0.7, evccid="SIMEVCC00001", id_token="SIMTOKEN0001"
        )
        discharging(house)
        assert house.evse()["vehicle_id"] == "car"


@pytest.mark.parametrize("version", ["ocpp2.0.1", "ocpp1.6"])
def test_a_station_without_soc_charges_its_car_in_time_and_in_the_cheap_hours(
    version: str, tmp_path: Path
) -> None:
    # Nine and a half hours to a goal of 10 kWh; the six cheapest lie after midnight.
    setup = Setup(
        start=NIGHT,
        speed=360.0,
        soc=0.4,
        station_version=version,
        departure='ready_by = "07:30"\nenergy_wh = 10000',
    )
    with running_house(setup, tmp_path) as house:
        seconds_until(
            lambda: house.world()["now_utc"] >= "2024-12-12T06:30:00",
            within_s=150.0,
            what="half past seven",
        )
        intervals = house.world("/world/intervals")["intervals"]
        charged_wh = {
            one["start_utc"]: one["evse_charge_wh"]
            for one in intervals
            if one["start_utc"] < "2024-12-12T06:30:00"
        }
        assert 10000.0 <= sum(charged_wh.values()) <= 11500.0
        assert house.world()["soc"] is not None
        assert house.evse()["soc"] is None
        evening_wh = sum(wh for at, wh in charged_wh.items() if at < "2024-12-11T23:00:00")
        assert evening_wh <= 500.0
        assert house.station()["protocol_errors"] == []


def test_a_stop_outranks_the_trip_only_when_confirmed_and_says_what_will_be_missed(
    tmp_path: Path,
) -> None:
    # 45 % at 06:05 and 60 % wanted at 07:30: 9 kWh take 1 h 19 min, so it charges from the start.
    with running_house(Setup(start=MORNING, soc=0.45), tmp_path) as house:
        seconds_until(
            lambda: house.evse_power_w() >= 7000.0, within_s=90.0, what="charging for the trip"
        )
        unconfirmed = house.v2g("stop", "--config", str(house.config))
        assert unconfirmed.returncode == 0
        assert "the trip at Fri 07:30 comes first" in unconfirmed.stdout
        assert "kWh will be missing" in unconfirmed.stdout
        time.sleep(10.0)
        assert house.evse_power_w() >= 7000.0
        assert house.evse()["reason"]["rule"] == "commute_must_charge"
        confirmed = house.v2g("stop", "--confirm", "--config", str(house.config))
        assert confirmed.returncode == 0
        assert "kWh will be missing for the trip at Fri 07:30" in confirmed.stdout
        seconds_until(lambda: house.evse_power_w() == 0.0, within_s=20.0, what="stopped")
        assert "the next trip still lacks" in house.evse()["reason"]["detail"]
        assert house.v2g("auto", "--config", str(house.config)).returncode == 0
        charging(house, within_s=60.0)
