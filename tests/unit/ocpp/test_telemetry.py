"""What an EVSE's samples are worth: power against energy, registers of a session, odd SoC."""

from __future__ import annotations

import pytest

from tests.adapters.ocpp.scripted_station import sample
from tests.unit.ocpp.test_evse_state import Story
from v2g_daemon.domain.faults import FaultCode
from v2g_daemon.domain.readings import EvseStatus

POWER, CHARGED = "Power.Active.Import", "Energy.Active.Import.Register"


@pytest.fixture
def story() -> Story:
    story = Story()
    story.event("Started", "CablePluggedIn")
    return story


def measured(story: Story, *, tx: str = "tx-1", **values: float) -> EvseStatus:
    """A sample every ten seconds, `power_w`, `energy_wh` and `soc` in percent as given."""
    names = {"power_w": POWER, "energy_wh": CHARGED, "soc": "SoC"}
    told = [sample(names[name], value) for name, value in values.items()]
    return story.event("Updated", "MeterValuePeriodic", tx=tx, **story.values(*told))


def test_a_station_that_tells_0_w_while_its_register_moves_is_believed_by_its_register(
    story: Story,
) -> None:
    for number in range(20):
        measured(story, power_w=0.0, energy_wh=1000.0 + number * 20.0)
    assert story.status.power_w == pytest.approx(7200.0)
    assert [fault.code for fault in story.status.faults] == [FaultCode.POWER_CONTRADICTED]


def test_a_station_that_tells_no_power_has_that_of_its_register(story: Story) -> None:
    for number in range(4):
        measured(story, energy_wh=1000.0 + number * 20.0)
    assert story.status.power_w == pytest.approx(7200.0)
    assert story.status.power_observed_at == story.now
    assert story.status.faults == ()


def test_a_register_that_stands_for_five_minutes_is_no_power(story: Story) -> None:
    told_w = [measured(story, energy_wh=1000.0).power_w for _ in range(31)]
    assert told_w == [None] * 30 + [0.0]


def test_a_power_told_now_and_then_is_not_replaced_in_between(story: Story) -> None:
    measured(story, power_w=7000.0)
    for number in range(3):
        measured(story, energy_wh=1000.0 + number * 20.0)
    assert story.status.power_w == 7000.0


def test_registers_of_a_session_go_on_and_outlive_a_restart(story: Story) -> None:
    for energy_wh in (0.0, 2000.0, 4000.0):
        measured(story, energy_wh=energy_wh)
    story.event("Started", "CablePluggedIn", tx="tx-2", evse={"id": 1})
    for energy_wh in (0.0, 10.0):
        measured(story, tx="tx-2", energy_wh=energy_wh)
    assert story.status.charge_milliwh == 4_010_000
    again = Story(journal=story.journal)
    again.station.recall(again.now)
    again.event("Updated", "MeterValuePeriodic", tx="tx-2", evse={"id": 1})
    measured(again, tx="tx-2", energy_wh=20.0)
    assert again.status.charge_milliwh == 4_020_000


@pytest.mark.parametrize("glitch", [0.0, 2.0])
def test_a_nearly_empty_pack_is_believed_once_it_has_been_told_for_a_minute(
    story: Story, glitch: float
) -> None:
    assert measured(story, soc=glitch).soc is None
    assert measured(story, soc=65.0).soc == 0.65
    assert [measured(story, soc=glitch).soc for _ in range(6)] == [0.65] * 6
    assert measured(story, soc=glitch).soc == glitch / 100.0
