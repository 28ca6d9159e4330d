"""What any EVSE port promises: it takes every command at once, whatever the device does."""

from __future__ import annotations

import pytest

from tests.adapters.ocpp.scripted_station import MemoryJournal
from tests.builders import NOW, a_setpoint
from tests.unit.runtime.surroundings import HandClock, NotingPort
from v2g_daemon.adapters.ocpp.config import CentralSystemConfig, EvseConfig, StationConfig
from v2g_daemon.adapters.ocpp.server import CentralSystem
from v2g_daemon.domain.power import UNBOUNDED
from v2g_daemon.domain.setpoint import Authority, HandsOff, Reason
from v2g_daemon.ports import EvsePort
from v2g_daemon.runtime.latest_values import LatestValues


def ports_of_a_central_system() -> tuple[EvsePort, ...]:
    """A central system whose station has never been seen."""
    evse = EvseConfig(evse_id="carport", static_safe_current_a=6.0, max_charge_w=7400.0)
    station = StationConfig(station_id="STATION-1", password="secret-word", evses=(evse,))
    latest = LatestValues(evse_ids=["carport"])
    central = CentralSystem(
        CentralSystemConfig(stations=(station,)), HandClock(), latest, MemoryJournal()
    )
    return central.ports()


@pytest.fixture(params=["ocpp", "noting"])
def port(request: pytest.FixtureRequest) -> EvsePort:
    """Each port after the other."""
    if request.param == "ocpp":
        (found,) = ports_of_a_central_system()
        return found
    return NotingPort(evse_id="carport", events=[])


def test_it_has_the_houses_name_of_the_evse(port: EvsePort) -> None:
    assert port.evse_id == "carport"


def test_commands_are_taken_outside_of_any_loop_and_without_a_station(port: EvsePort) -> None:
    reason = Reason(authority=Authority.FALLBACK, rule="no_car", detail="no car is plugged in")
    for target_w in (7400.0, -7400.0, 0.0):
        port.command(a_setpoint(target_w))
    port.command(HandsOff(permitted=UNBOUNDED, reason=reason))
    port.command(a_setpoint(1400.0))


def test_a_lease_that_has_run_out_is_taken_too(port: EvsePort) -> None:
    old = a_setpoint(7400.0, age_s=3600.0)
    assert old.expires_at.reached(NOW)
    port.command(old)
