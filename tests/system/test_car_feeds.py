"""Two cars behind one badge, told apart by their clouds: car, van and a guest in one evening."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from tests.system.house import House, Setup, running_house, seconds_until

VAN = """
[[vehicle]]
name = "van"
evccid = "SIMEVCC00002"
id_token = "SIMTOKEN0001"
plugged_in = false
[[vehicle]]
name = "visitor"
evccid = "SIMEVCC00003"
id_token = "SIMTOKEN0001"
plugged_in = false
"""
FEED = """
[vehicle.feed]
url = "http://127.0.0.1:{port}/cars/{car}"
period_s = 60
quiet_period_s = 60
[vehicle.feed.answer]
plugged_in = "/charge/plugged_in"
observed_at = "/reported_at"
"""
OUR_VAN = """
[[vehicle]]
id = "van"
capacity_wh = 60000
id_token = "SIMTOKEN0001"
[vehicle.warranty]
acknowledged = true
start_date = 2024-01-01
"""


def two_cars_one_badge(house: House) -> None:
    """No car is known by its EVCCID, and all come with the same badge."""
    text, port = house.config.read_text(encoding="utf-8"), house.ready["http_port"]
    text = text.replace('evccid = "SIMEVCC00001"\n', "")
    feeds = FEED.format(port=port, car="car"), FEED.format(port=port, car="van")
    head, tail = text.split("[[departure]]\n")
    house.config.write_text(f"{head}{feeds[0]}{OUR_VAN}{feeds[1]}[[departure]]\n{tail}")


def clouds_say_no(house: House) -> bool:
    """As the trace has it."""
    feeds = [feed for tick in house.ticks()[-1:] for feed in tick.snapshot.vehicle_feeds]
    return {feed.vehicle_id: feed.plugged_in for feed in feeds} == {"car": False, "van": False}


def is_taken_for(house: House, car: str | None) -> bool:
    """Nobody is asked which car it is."""
    evse = house.evse()
    found = evse.get("plugged_in"), evse.get("vehicle_id"), evse.get("car_candidates")
    return found == (True, car, [])


def test_each_plug_in_is_the_car_whose_cloud_saw_it(tmp_path: Path) -> None:
    setup = Setup(speed=60.0, plugged_in=False, more_scenario=VAN)
    with running_house(setup, tmp_path, daemon=False) as house:
        two_cars_one_badge(house)
        house.start_daemon()
        seconds_until(lambda: house.evse().get("connected") is True, within_s=60.0, what="a link")

        seconds_until(
            partial(clouds_say_no, house), within_s=60.0, what="the clouds' answers", house=house
        )
        for car in ("car", "van"):
            house.order("/vehicle", action="plug", name=car, soc=0.7)
            named = partial(is_taken_for, house, car)
            seconds_until(named, within_s=60.0, what=f"the {car}", house=house)
        house.order("/vehicle", action="plug", name="visitor", soc=0.7)
        guest = partial(is_taken_for, house, None)
        seconds_until(guest, within_s=60.0, what="a guest", house=house)
        assert house.evse()["permitted_w"][0] == 0.0
        assert "vehicle_feed" not in house.fault_codes()
        seconds_until(lambda: len(house.reader().open_sessions()) == 1, within_s=30.0, what="rows")
        assert house.reader().open_sessions()[0].vehicle_id is None
