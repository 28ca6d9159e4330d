"""Energy registers of chargers: added up from looks, or from counters that begin anew."""

from __future__ import annotations

from tests.builders import NOW
from v2g_daemon.adapters.modbus.chargers.energy import AddedUp, Energy, SessionCounters

BEFORE = Energy(charge_milliwh=5_000, discharge_milliwh=7_000)


def test_power_is_added_up_from_where_the_ledger_stands() -> None:
    energy = AddedUp(BEFORE, longest_gap_s=60.0)
    assert energy.note(3600.0, NOW) == BEFORE
    # 10 s at 3.6 kW are 10 Wh.
    assert energy.note(3600.0, NOW.later(10.0)) == Energy(
        charge_milliwh=15_000, discharge_milliwh=7_000
    )
    # From +3.6 to -3.6 kW in 10 s: 5 s at 1.8 kW on average each way, 2.5 Wh.
    assert energy.note(-3600.0, NOW.later(20.0)) == Energy(
        charge_milliwh=17_500, discharge_milliwh=9_500
    )


def test_a_silence_counts_until_the_device_has_ended_the_command() -> None:
    energy = AddedUp(BEFORE, longest_gap_s=60.0)
    energy.note(-3600.0, NOW)
    assert energy.note(0.0, NOW.later(3600.0)) == Energy(
        charge_milliwh=5_000, discharge_milliwh=67_000
    )


def test_counters_of_a_session_that_fall_began_anew() -> None:
    energy = SessionCounters(BEFORE)
    assert energy.note(2.0, 1.0) == BEFORE
    assert energy.note(3.0, 1.5) == Energy(charge_milliwh=6_000, discharge_milliwh=7_500)
    assert energy.note(0.5, 0.0) == Energy(charge_milliwh=6_500, discharge_milliwh=7_500)
