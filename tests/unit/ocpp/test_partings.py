"""Cars that leave, or are swapped, while their transaction goes on."""

from __future__ import annotations

import asyncio

import pytest

from tests.adapters.ocpp.scripted_station import event, sample
from tests.unit.ocpp.test_evse_state import Story
from v2g_daemon.domain.readings import VehicleIdentity


@pytest.fixture
def story() -> Story:
    return Story()


TOKEN = {"idToken": {"idToken": "T", "type": "eMAID"}}


def test_a_second_plug_in_within_one_transaction_is_another_session_of_nobody(
    story: Story,
) -> None:
    story.event("Started", "Authorized", info={"chargingState": "Idle"}, **TOKEN)
    first = story.event("Updated", "CablePluggedIn", info={"chargingState": "EVConnected"})
    assert first.identity == VehicleIdentity(evccid=None, id_token="T")
    story.event("Updated", "EVCommunicationLost")
    second = story.event("Updated", "CablePluggedIn", info={"chargingState": "EVConnected"})
    assert (second.transaction_id, second.session_id) == ("tx-1", "S1:tx-1:2")
    assert second.identity is None


def test_a_car_that_left_while_the_link_was_down_takes_its_identity_along(story: Story) -> None:
    story.event("Started", "CablePluggedIn", **TOKEN)
    story.event("Updated", "MeterValuePeriodic", **story.values(sample("SoC", 80)))
    story.station.link_lost()
    story.station.link_opened()
    assert not story.event("Updated", "EVDeparted", offline=True).plugged_in
    story.event("Updated", "CablePluggedIn", offline=True)
    now = story.event("Updated", "MeterValuePeriodic")
    assert (now.session_id, now.identity, now.soc) == ("S1:tx-1:2", None, None)


def test_an_idle_transaction_has_lost_its_car(story: Story) -> None:
    story.event("Started", "CablePluggedIn", info={"chargingState": "EVConnected"}, **TOKEN)
    gone = story.event("Updated", "ChargingStateChanged", info={"chargingState": "Idle"})
    assert (gone.plugged_in, gone.session_id, gone.identity) == (False, None, None)


def test_a_departure_from_another_transaction_that_was_queued_changes_nothing(
    story: Story,
) -> None:
    story.event("Started", "CablePluggedIn")
    assert story.event("Updated", "EVDeparted", tx="tx-0", offline=True).plugged_in


def test_the_soc_of_one_transaction_is_never_that_of_the_next(story: Story) -> None:
    story.event("Started", "CablePluggedIn")
    story.event("Updated", "MeterValuePeriodic", **story.values(sample("SoC", 80)))
    next_one = story.event("Started", "CablePluggedIn", tx="tx-2", evse={"id": 1})
    assert (next_one.session_id, next_one.soc, next_one.soc_observed_at) == ("S1:tx-2", None, None)


def test_a_soc_that_came_with_the_needs_before_the_transaction_is_kept(story: Story) -> None:
    needs = {
        "requestedEnergyTransfer": "DC_BPT",
        "dcChargingParameters": {"evMaxCurrent": 20, "evMaxVoltage": 500, "stateOfCharge": 40},
    }
    story.station.needs_told({"evseId": 1, "chargingNeeds": needs}, story.now)
    assert story.event("Started", "EnergyTransfer").soc == 0.4


def test_a_one_way_car_does_not_become_two_way_by_what_its_station_reports(story: Story) -> None:
    (garage,) = story.station.evses
    story.event("Started", "CablePluggedIn", info={"operationMode": "CentralSetpoint"})
    assert garage.needs is None


def test_after_a_restart_the_second_car_of_a_transaction_is_still_not_the_first(
    story: Story,
) -> None:
    told = {**event("Started", "CablePluggedIn", evse={"id": 1}), **TOKEN}
    asyncio.run(story.station.keep_transaction(told, story.now))
    story.event("Started", "CablePluggedIn", evse={"id": 1}, **TOKEN)
    story.event("Updated", "EVDeparted")
    story.event("Updated", "CablePluggedIn")
    again = Story(journal=story.journal)
    again.station.recall(again.now)
    assert (again.status.session_id, again.status.identity) == ("S1:tx-1:2", None)
    now = again.event("Updated", "MeterValuePeriodic")
    assert (now.session_id, now.identity) == ("S1:tx-1:2", None)
