"""What a discharge bears of its station, and what ends it: faults of the field, five times as fast.

One house serves them all; each test begins with a discharge, and the fault is over after it. What
judges a safety time is in test_mid_discharge.py, at the speed of life.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.system.house import House, Setup, discharging, running_house, seconds_until

SPEED = 5.0
NOTICED_S = 60.0
CHATTER = (
    "garbage",
    "sends_twice",
    "send_frames",
    "nul_characters",
    "seq_no_zero",
    "clock_skew",
    "status_evse_zero",
    "available_while_plugged",
    "no_units",
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house in the middle of a discharge."""
    setup = Setup(speed=SPEED)
    with running_house(setup, tmp_path_factory.mktemp("house")) as running:
        yield running


@pytest.fixture
def house(shared: House) -> Iterator[House]:
    """The same, discharging; no fault outlives a test."""
    discharging(shared)
    yield shared
    shared.fault("none")


def at_rest(house: House, what: str) -> None:
    """Wait until nothing flows out of the car."""
    seconds_until(lambda: house.evse_power_w() >= 0.0, within_s=NOTICED_S, what=what, house=house)


def goes_on(house: House, *, more_wh: float) -> None:
    """So much more flows out of the car; the late meter of a busy machine may hold it up."""
    enough_wh = house.station()["discharge_wh"] + more_wh
    seconds_until(
        lambda: house.station()["discharge_wh"] >= enough_wh,
        within_s=NOTICED_S,
        what=f"{more_wh:.0f} Wh more",
        house=house,
    )


def faults_of_the_station(house: House) -> set[str]:
    """What the daemon tells of the charger; a machine that is busy makes no such fault."""
    return house.fault_codes() & {
        "command_rejected",
        "command_timed_out",
        "decrease_unconfirmed",
        "evse_stale",
        "implausible",
        "not_following",
        "register_reset",
        "wrong_direction",
    }


def test_a_station_that_reboots_in_a_discharge_is_taken_up_again(house: House) -> None:
    before = house.station()
    house.fault("reboot")
    at_rest(house, "the reboot")
    discharging(house)
    after = house.station()
    assert after["boots"] == before["boots"] + 1
    assert after["transaction_id"] != before["transaction_id"]
    assert after["active_profile"]["operation_mode"] == "CentralSetpoint"
    assert 1 in {profile // 1000 for profile in after["profiles"]}, "the safety net lies again"
    assert house.evse()["vehicle_id"] == "car"
    assert house.reader().latches() == ()


def test_a_car_that_may_discharge_no_longer_rests_and_goes_on_when_it_may(house: House) -> None:
    transaction_id = house.station()["transaction_id"]
    for kind in ("permission_withdrawn", "needs_rejected"):
        house.fault(kind)
        at_rest(house, kind)
        seconds_until(
            lambda: (
                house.evse().get("permitted_w") is not None
                and house.evse()["permitted_w"][0] == 0.0
            ),
            within_s=NOTICED_S,
            what="charging only",
            house=house,
        )
        assert house.station()["bidirectional"] is False
        assert "wrong_direction" not in house.fault_codes()
        house.fault("none")
        discharging(house)
    assert house.station()["transaction_id"] == transaction_id
    assert house.reader().latches() == ()


def test_a_discharge_does_not_care_for_noise(house: House) -> None:
    connections = house.station()["connections"]
    for kind in CHATTER:
        house.fault(kind)
    goes_on(house, more_wh=120.0)  # two minutes of it
    assert house.station()["connections"] == connections
    assert house.station()["protocol_errors"] == []
    assert faults_of_the_station(house) == set()


def test_a_refusal_that_ends_before_the_lease_is_told_and_forgotten(house: House) -> None:
    house.fault("call_error", code="GenericError", for_s=60.0)
    house.order("/house", load_w=3000.0)  # so that another setpoint is due
    seconds_until(
        lambda: "command_rejected" in house.fault_codes(), within_s=30.0, what="a refusal"
    )
    seconds_until(
        lambda: faults_of_the_station(house) == set(), within_s=60.0, what="no fault", house=house
    )
    house.order("/house")
    discharging(house)
    assert house.reader().latches() == ()


def test_an_absence_is_told_afterwards_in_any_order_and_changes_nothing(house: House) -> None:
    session = house.reader().open_sessions()
    for kind in ("offline_replay", "out_of_order"):
        house.fault(kind)
    house.fault("drop_link", for_s=300.0)
    at_rest(house, "the end of the lease")
    seconds_until(lambda: house.station()["online"], within_s=90.0, what="the link", house=house)
    discharging(house)
    assert [one.session_id for one in house.reader().open_sessions()] == [
        one.session_id for one in session
    ]
    assert "register_reset" not in house.fault_codes()
    assert house.station()["protocol_errors"] == []
