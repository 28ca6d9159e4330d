"""The live view of an EVSE through orders of events that stations were seen to produce."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.adapters.ocpp.scripted_station import (
    TOKEN,
    MemoryJournal,
    Sink,
    connector,
    event,
    sample,
)
from v2g_daemon.adapters.ocpp.config import EvseConfig, StationConfig
from v2g_daemon.adapters.ocpp.station import StationState
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.readings import EvseStatus, VehicleIdentity

START = datetime(2024, 12, 11, 17, 0, 0, tzinfo=UTC)
EVSE = EvseConfig(evse_id="garage", static_safe_current_a=10.0, max_charge_w=7400.0)


class Story:
    """Tells a station's messages one after the other, ten seconds apart."""

    def __init__(self, *, journal: MemoryJournal | None = None) -> None:
        self.sink = Sink()
        self.journal = MemoryJournal() if journal is None else journal
        config = StationConfig(station_id="S1", password="p" * 16, evses=(EVSE,))
        self.station = StationState(config=config, sink=self.sink, journal=self.journal)
        self.station.link_opened()
        self.now = Instant(utc=START, monotonic_s=0.0)

    @property
    def status(self) -> EvseStatus:
        return self.sink.evse["garage"]

    def event(self, kind: str, trigger: str, **more: Any) -> EvseStatus:
        self.now = self.now.later(10.0)
        at = more.pop("at", self.now.utc.isoformat())
        self.station.transaction_told(event(kind, trigger, at=at, **more), self.now)
        return self.status

    def connector(self, word: str) -> EvseStatus:
        self.now = self.now.later(10.0)
        self.station.connector_told(connector(word), self.now)
        return self.status

    def values(self, *values: dict[str, Any], ago_s: float = 0.0) -> dict[str, Any]:
        at = self.now.utc + timedelta(seconds=10 - ago_s)
        return {"meterValue": [{"timestamp": at.isoformat(), "sampledValue": list(values)}]}


@pytest.fixture
def story() -> Story:
    return Story()


def test_occupied_before_or_after_started_is_one_session(story: Story) -> None:
    assert story.connector("Occupied").plugged_in
    first_utc = story.status.plugged_in_at_utc
    story.event("Started", "CablePluggedIn")
    assert story.status.plugged_in_at_utc == first_utc == START + timedelta(seconds=10)
    assert story.connector("Occupied").session_id == "S1:tx-1"


def test_available_while_a_transaction_talks_is_not_believed(story: Story) -> None:
    story.event("Started", "CablePluggedIn")
    assert story.connector("Available").plugged_in


def test_available_ends_a_transaction_that_a_new_connection_never_told_of(story: Story) -> None:
    story.event("Started", "CablePluggedIn")
    story.station.link_lost()
    story.station.link_opened()
    assert not story.connector("Available").plugged_in
    assert story.status.session_id is None


def test_evse_zero_and_connector_zero_say_nothing(story: Story) -> None:
    for wrong in ({"evseId": 0}, {"connectorId": 0}, {"evseId": 7}):
        story.station.connector_told({**connector("Occupied"), **wrong}, story.now)
    assert not story.status.plugged_in


def test_an_update_of_an_unknown_transaction_creates_it(story: Story) -> None:
    story.event("Updated", "MeterValuePeriodic", **story.values(sample("SoC", 40)))
    assert (story.status.session_id, story.status.plugged_in_at_utc) == ("S1:tx-1", None)
    assert (story.status.plugged_in, story.status.soc) == (True, 0.4)


def test_offline_events_change_nothing_live_but_tell_who_it_was(story: Story) -> None:
    token = {"idToken": {"idToken": "T", "type": "eMAID"}}
    story.event("Started", "CablePluggedIn", offline=True, **token)
    story.event("Updated", "MeterValuePeriodic", offline=True, **story.values(sample("SoC", 9)))
    assert (story.status.plugged_in, story.status.soc) == (False, None)
    story.event("Updated", "MeterValuePeriodic", **story.values(sample("SoC", 50)))
    assert story.status.soc == 0.5
    assert story.status.identity == VehicleIdentity(evccid=None, id_token="T")


def test_an_end_that_was_queued_offline_still_ends_the_transaction(story: Story) -> None:
    story.event("Started", "CablePluggedIn")
    stopped = {"stoppedReason": "EVDisconnected"}
    story.event("Ended", "EVDeparted", info=stopped, offline=True)
    assert (story.status.plugged_in, story.status.session_id) == (False, None)


def test_an_end_is_told_though_the_link_closes_before_anybody_looked(story: Story) -> None:
    story.event("Started", "CablePluggedIn")
    story.event("Ended", "EVDeparted", info={"stoppedReason": "EVDisconnected"})
    story.station.link_lost()
    told = story.status
    assert (told.connected, told.session_id, told.ended_session_id) == (False, None, "S1:tx-1")


def test_a_transaction_that_takes_the_place_of_one_without_an_end_is_another_plug_in(
    story: Story,
) -> None:
    first_utc = story.event("Started", "CablePluggedIn").plugged_in_at_utc
    second = story.event("Started", "CablePluggedIn", tx="tx-2", evse={"id": 1})
    assert first_utc == START + timedelta(seconds=10)
    assert second.plugged_in_at_utc == START + timedelta(seconds=20)


def test_a_late_update_does_not_raise_an_ended_transaction(story: Story) -> None:
    story.event("Started", "CablePluggedIn")
    story.event("Ended", "EVDeparted", info={"stoppedReason": "EVDisconnected"})
    assert not story.event("Updated", "MeterValuePeriodic").plugged_in


def test_an_older_sample_never_replaces_a_newer_one(story: Story) -> None:
    story.event("Started", "CablePluggedIn")
    story.event("Updated", "MeterValuePeriodic", **story.values(sample("SoC", 50)))
    observed_at = story.status.soc_observed_at
    story.event("Updated", "MeterValuePeriodic", **story.values(sample("SoC", 20), ago_s=60))
    assert (story.status.soc, story.status.soc_observed_at) == (0.5, observed_at)


def test_a_station_clock_in_the_future_does_not_silence_it_once_it_is_set_right(
    story: Story,
) -> None:
    story.event("Started", "CablePluggedIn")
    story.event("Updated", "Trigger", **story.values(sample("SoC", 50), ago_s=-7200))
    story.event("Updated", "Trigger", **story.values(sample("SoC", 51)))
    assert story.status.soc == 0.51


def test_a_clock_of_1970_is_no_obstacle_and_never_the_time_of_plug_in(story: Story) -> None:
    story.event("Started", "CablePluggedIn", at="1970-01-01T00:00:07Z")
    assert story.status.plugged_in_at_utc == story.now.utc
    values = {
        "meterValue": [{"timestamp": "1970-01-01T00:00:17Z", "sampledValue": [sample("SoC", 5)]}]
    }
    story.event("Updated", "Trigger", **values)
    assert (story.status.soc, story.status.soc_observed_at) == (0.05, story.now)


def test_the_last_charging_state_holds_where_an_update_has_none(story: Story) -> None:
    story.event("Started", "CablePluggedIn", info={"chargingState": "SuspendedEV"})
    assert story.event("Updated", "MeterValuePeriodic").car_stopped
    assert not story.event("Updated", "Trigger", info={"chargingState": "Charging"}).car_stopped


def test_a_transaction_that_ends_with_the_cable_in_stays_plugged_in(story: Story) -> None:
    story.event("Started", "CablePluggedIn")
    ended = story.event("Ended", "RemoteStop", info={"stoppedReason": "Remote"})
    assert (ended.plugged_in, ended.transaction_id, ended.power_w) == (True, None, 0.0)
    assert not story.connector("Available").plugged_in


def test_an_end_carries_the_last_registers(story: Story) -> None:
    story.event("Started", "CablePluggedIn")
    register = sample("Energy.Active.Import.Register", 7.5, "kWh")
    story.event(
        "Ended", "EVDeparted", info={"stoppedReason": "EVDisconnected"}, **story.values(register)
    )
    assert (story.status.charge_milliwh, story.status.registers_observed_at) == (
        7_500_000,
        story.now,
    )


def test_the_main_meter_is_not_the_evse(story: Story) -> None:
    story.event("Started", "CablePluggedIn")
    values = story.values(sample("Power.Active.Import", 9000))
    story.station.meter_told({"evseId": 0, **values}, story.now)
    assert story.status.power_w is None
    story.station.meter_told({"evseId": 1, **values}, story.now)
    assert story.status.power_w == 9000.0


def test_a_lost_link_keeps_the_last_values_with_their_moment(story: Story) -> None:
    story.event("Started", "CablePluggedIn")
    story.event("Updated", "Trigger", **story.values(sample("SoC", 50)))
    seen_at = story.now
    story.station.link_lost()
    assert (story.status.connected, story.status.soc, story.status.soc_observed_at) == (
        False, 0.5, seen_at,
    )  # fmt: skip


def test_a_control_character_in_an_id_reaches_no_ledger(story: Story) -> None:
    story.event("Started", "CablePluggedIn", tx="a\x00\n\x1bb")
    assert story.status.session_id == "S1:ab"


def test_a_transaction_at_an_outlet_we_do_not_have_never_becomes_ours(story: Story) -> None:
    story.event("Started", "CablePluggedIn", tx="other", evse={"id": 2})
    assert story.event("Updated", "MeterValuePeriodic", tx="other").session_id is None
    story.event("Started", "CablePluggedIn", evse={"id": 1})
    assert story.event("Updated", "MeterValuePeriodic", tx="stray").session_id == "S1:tx-1"


def test_a_transaction_may_start_before_the_cable_is_in(story: Story) -> None:
    waiting = story.event("Started", "Authorized", info={"chargingState": "Idle"})
    assert (waiting.plugged_in, waiting.session_id) == (False, "S1:tx-1")
    assert waiting.plugged_in_at_utc is None
    come = story.event("Updated", "CablePluggedIn", info={"chargingState": "EVConnected"})
    assert (come.plugged_in, come.plugged_in_at_utc) == (True, story.now.utc)


def test_a_departure_told_as_an_update_unplugs(story: Story) -> None:
    story.event("Started", "CablePluggedIn")
    assert not story.event("Updated", "EVDeparted").plugged_in


@pytest.mark.parametrize("clock_s", [0.0, 40.0, -40.0])
def test_a_sample_counts_from_when_it_was_taken_whatever_the_stations_clock_says(
    story: Story, clock_s: float
) -> None:
    story.event("Started", "CablePluggedIn")
    seen_ago_s = []
    for delay_s in (0.2, 0.1, 7.1, 0.2):
        values = story.values(sample("Power.Active.Import", 3000.0), ago_s=clock_s + delay_s)
        seen = story.event("Updated", "MeterValuePeriodic", **values).power_observed_at
        assert seen is not None
        seen_ago_s.append(story.now.seconds_since(seen))
    # The quickest way so far, 0.1 s, is what none can be told from.
    assert seen_ago_s == pytest.approx([0.0, 0.0, 7.0, 0.1])


def test_a_stamp_that_jumps_far_back_tells_nothing_of_the_sample(story: Story) -> None:
    story.event("Started", "CablePluggedIn")
    story.event("Updated", "MeterValuePeriodic", **story.values(sample("SoC", 50.0)))
    story.now = story.now.later(400.0)
    values = story.values(sample("SoC", 51.0), ago_s=405.0)
    assert story.event("Updated", "MeterValuePeriodic", **values).soc_observed_at == story.now


def after_a_restart(*kinds: str) -> StationState:
    """The station as a new daemon finds it in the journal of the old one."""
    journal = MemoryJournal()
    config = StationConfig(station_id="S1", password="p" * 16, evses=(EVSE,))
    now = Instant(utc=START, monotonic_s=0.0)
    before = StationState(config=config, sink=Sink(), journal=journal)
    for kind in kinds:
        told = event(kind, "CablePluggedIn", evse={"id": 1}, idToken=TOKEN)
        asyncio.run(before.keep_transaction(told, now))
    station = StationState(config=config, sink=Sink(), journal=journal)
    station.recall(now)
    return station


def test_a_restart_takes_a_transaction_up_again_without_the_stations_help() -> None:
    (evse,) = after_a_restart("Started").evses
    assert evse.transaction is not None
    assert (evse.transaction.transaction_id, evse.transaction.adopted) == ("tx-1", True)
    assert not evse.transaction.heard
    assert (evse.status.plugged_in, evse.status.session_id) == (True, "S1:tx-1")
    assert evse.status.identity == VehicleIdentity(evccid="EVCC-1", id_token="TOKEN-1")


def test_a_transaction_that_had_ended_is_not_taken_up() -> None:
    (evse,) = after_a_restart("Started", "Ended").evses
    assert (evse.transaction, evse.status.plugged_in) == (None, False)


def upstream(power_w: float) -> dict[str, Any]:
    return sample("Power.Active.Import", power_w, "W", location="Upstream")


def test_what_is_measured_upstream_goes_to_whoever_reads_the_grid_by_any_route(
    story: Story,
) -> None:
    story.event("Started", "CablePluggedIn", **story.values(upstream(900.0)))
    story.station.meter_told({"evseId": 1, **story.values(upstream(800.0))}, story.now.later(10.0))
    story.station.meter_told({"evseId": 0, **story.values(upstream(700.0))}, story.now.later(10.0))
    assert [(name, one.power_w) for name, one in story.sink.upstream] == [
        ("garage", 900.0),
        ("garage", 800.0),
        ("garage", 700.0),
    ]
    assert story.status.power_w is None


def test_of_upstream_only_what_is_newest_and_live_counts(story: Story) -> None:
    story.event("Started", "CablePluggedIn", **story.values(upstream(900.0)))
    story.event("Updated", "MeterValuePeriodic", **story.values(upstream(1.0), ago_s=60.0))
    story.event("Updated", "MeterValuePeriodic", offline=True, **story.values(upstream(2.0)))
    assert [one.power_w for _, one in story.sink.upstream] == [900.0]
