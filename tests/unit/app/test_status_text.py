"""The status as people read it, in wall time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.builders import (
    NOW,
    a_goal,
    a_meter,
    a_plan,
    a_price_curve,
    a_snapshot,
    a_sun,
    a_vehicle,
    an_answer,
    an_evse_status,
    an_override,
    decided,
    goals,
    in_hours,
    some_counters,
    warranty_terms,
)
from v2g_daemon.adapters.web.translate import status_json
from v2g_daemon.app.status_text import cars_text, status_text
from v2g_daemon.battery.budgets import warranty_budgets
from v2g_daemon.domain.faults import Fault, FaultCode
from v2g_daemon.domain.snapshot import CommandCounters, Snapshot


@pytest.fixture(autouse=True)
def _amsterdam(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Europe/Amsterdam")
        time.tzset()
        yield
    time.tzset()


def lines_of(snapshot: Snapshot, *faults: Fault) -> list[str]:
    return status_text(status_json(snapshot, (decided(snapshot),), faults)).splitlines()


def test_a_quiet_house_is_a_few_lines() -> None:
    snapshot = a_snapshot(
        prices=a_price_curve([0.3], [0.2]), goals=goals(a_goal(12.5, 0.6)), plans=(a_plan(),)
    )
    lines = lines_of(snapshot)
    assert lines[:4] == [
        "Wed 11 Dec 2024 19:00:00",
        "grid     500 W import, 0 s ago",
        "price    0.300 in, 0.200 out EUR/kWh, known until Wed 20:00",
        "carport  car, 50 %, stage V2G",
    ]
    assert lines[5].startswith("         why: ")
    assert lines[6:] == [
        "         next: ready by Thu 07:30 with 60 %",
        "         plan: nothing is worth its while",
        "         if the Pi dies: charges from Thu 04:30 at 4.1 kW",
        "         used: writes 0 today, closings 0 of 12",
    ]


def test_export_is_said_as_a_direction_not_as_a_minus() -> None:
    snapshot = a_snapshot(meter=a_meter(-1234.5, age_s=2.0))
    assert lines_of(snapshot)[1] == "grid     1234 W export, 2 s ago"


def test_what_the_car_itself_plans_is_said() -> None:
    status = an_evse_status(car_plans_w=3500.0)
    assert "         the car itself plans 3500 W" in lines_of(a_snapshot(evses=(status,)))


def test_what_is_unknown_is_said_to_be() -> None:
    blind = an_evse_status(soc=None, soc_observed_at=None, power_w=None)
    lines = lines_of(a_snapshot(meter=None, prices=None, evses=(blind,), clock_trusted=False))
    assert lines[0].endswith("  clock not trusted")
    assert lines[1:3] == ["grid     no meter value", "price    unknown"]
    assert lines[3] == "carport  car, SoC unknown, stage V2G"
    assert lines[4].endswith("(measured ?)")


def test_an_empty_outlet_and_a_guest_are_told_apart() -> None:
    empty = lines_of(a_snapshot(evses=(an_evse_status(plugged_in=False, connected=False),)))
    assert empty[3].startswith("carport  no car, SoC unknown")
    assert empty[3].endswith(", station away")
    assert empty[4] == "         hands off (measured 0 W)"
    guest = lines_of(a_snapshot(evses=(an_evse_status(identity=None),)))
    assert guest[3].startswith("carport  a guest")
    assert guest[6] == "         which car is it? v2g car carport car|guest"


def test_which_car_is_where_is_a_line_each_and_says_how_to_answer() -> None:
    known = a_snapshot()
    nobody = a_snapshot(evses=(an_evse_status(identity=None),))
    answered = replace(nobody, answers=(an_answer(None),))
    assert cars_of(known) == ["carport  car"]
    assert cars_of(nobody) == [
        "carport  a guest",
        "         which car is it? v2g car carport car|guest",
    ]
    assert cars_of(answered) == ["carport  a guest"]


def cars_of(snapshot: Snapshot) -> list[str]:
    return cars_text(status_json(snapshot, (decided(snapshot),), ())).splitlines()


def test_a_goal_in_energy_is_shown_by_its_time() -> None:
    snapshot = a_snapshot(goals=goals(a_goal(12.5, None, energy_wh=9000.0)))
    assert "         next: ready by Thu 07:30" in lines_of(snapshot)


def test_what_the_car_does_without_the_daemon_is_its_next_charge() -> None:
    def dies(snapshot: Snapshot) -> str:
        (line,) = [one for one in lines_of(snapshot) if "if the Pi dies" in one]
        return line.removeprefix("         if the Pi dies: ")

    assert dies(a_snapshot()) == "charges at 4.1 kW"
    trip, plan = goals(a_goal(12.5, 0.6)), a_plan()
    slots = tuple(replace(slot, power_w=7400.0) for slot in plan.slots[:6])
    early = replace(plan, slots=(*slots, *plan.slots[6:]))
    assert dies(a_snapshot(goals=trip, plans=(early,))) == "charges at 4.1 kW until Wed 20:30"
    met = an_evse_status(soc=0.7)
    assert dies(a_snapshot(goals=trip, plans=(plan,), evses=(met,))) == "waits"


def test_what_a_charger_was_bothered_with_stands_beside_its_budgets() -> None:
    told = CommandCounters(
        evse_id="carport", day_ends_utc=in_hours(5.0), changes_today=900, closings_today=3
    )
    counting = an_evse_status(writes_today=950, flash_writes_today=41)
    used = "         used: writes 41 of 300 today, closings 3 of 12"
    assert used in lines_of(a_snapshot(evses=(counting,), command_counters=(told,)))
    silent = "         used: writes 900 today, closings 3 of 12"
    assert silent in lines_of(a_snapshot(command_counters=(told,)))


def test_overrides_and_faults_come_last() -> None:
    snapshot = a_snapshot(overrides=(an_override(until_utc=in_hours(4.0)),))
    site = Fault(code=FaultCode.METER_STALE, detail="the grid meter gives no value")
    lines = lines_of(snapshot, site, replace(site, evse_id="carport", detail="no power"))
    assert lines[-3:] == [
        "override carport: stop until Wed 23:00",
        "FAULT    the grid meter gives no value",
        "FAULT    carport: no power",
    ]


def test_the_budgets_of_the_warranty_stand_beside_what_is_allowed_by_now() -> None:
    # 345.75 of 2922 days are over, and 3/32 are open from the start.
    terms = warranty_terms(discharge_wh=1e6, discharge_s=1e6)
    vehicle = a_vehicle(warranty=terms)
    counters = some_counters(discharged_life_wh=150_000.0, discharging_life_s=None)
    budgets = {"carport": warranty_budgets(vehicle, counters, NOW.utc)}
    snapshot = a_snapshot()
    lines = status_text(
        status_json(snapshot, (decided(snapshot),), (), budgets=budgets)
    ).splitlines()
    assert "         warranty energy: 15.0% used, 21.2% allowed by now" in lines
    assert "         warranty hours: its counter cannot be read" in lines


def sun_line(snapshot: Snapshot) -> str:
    (found,) = [line for line in lines_of(snapshot) if line.startswith("sun ")]
    return found


def test_who_told_of_the_sun_is_said_with_its_age() -> None:
    assert sun_line(a_snapshot(sun=a_sun())) == "sun      Open-Meteo, told 0.5 h ago"


def test_a_forecast_that_is_too_old_is_said_to_be_ignored() -> None:
    assert sun_line(a_snapshot(sun=a_sun(told_ago_s=46_800.0))) == (
        "sun      Open-Meteo, told 13.0 h ago: ignored, the past days alone tell of PV"
    )


def test_a_service_that_never_answered_is_said_so() -> None:
    silent = a_sun(told_utc=None, irradiance_w_per_m2=())
    assert sun_line(a_snapshot(sun=silent)) == (
        "sun      Open-Meteo has told nothing yet; the past days alone tell of PV"
    )


def test_a_house_that_only_says_where_it_is_asks_nobody() -> None:
    place = a_sun(source=None, told_utc=None, irradiance_w_per_m2=())
    assert sun_line(a_snapshot(sun=place)) == (
        "sun      PV by the past days' share of a clear sky; no weather service is asked"
    )
