"""The price feed goes away for good: down the ladder, never a blind export, and the trip is met."""

from __future__ import annotations

from pathlib import Path

from tests.system.house import House, Setup, running_house, seconds_until
from v2g_daemon.domain.setpoint import Setpoint

NOON = "2024-12-12T12:10:00+01:00"


def targets(house: House, *, from_utc: str, to_utc: str) -> list[tuple[str, float, str]]:
    """Stamp, setpoint and rule of every tick with a setpoint in between."""
    found = []
    for tick in house.ticks():
        stamp, command = tick.snapshot.now.utc.isoformat(), tick.decision.evses[0].command
        if from_utc <= stamp < to_utc and isinstance(command, Setpoint):
            found.append((stamp, command.target_w, command.reason.rule))
    return found


def test_without_new_prices_nothing_is_exported_blindly_and_the_trip_is_met(
    tmp_path: Path,
) -> None:
    # Tomorrow's prices would appear at 13:00; the service fails from 12:45; today's end at 24:00.
    setup = Setup(start=NOON, speed=360.0, soc=0.7)
    with running_house(setup, tmp_path) as house:
        seconds_until(
            lambda: house.world()["now_utc"] >= "2024-12-12T11:45", within_s=60.0, what="12:45"
        )
        house.order("/faults", device="prices", kind="outage")
        seconds_until(
            lambda: house.world()["now_utc"] >= "2024-12-13T06:30", within_s=240.0, what="07:30"
        )
        assert house.world()["soc"] >= 0.595
        assert house.world()["export_watch"]["longest_episode_by_discharge_s"] <= 74.0
        faults = [fault["code"] for fault in house.status()["faults"]]
        assert "prices_missing" in faults
    known = targets(house, from_utc="2024-12-12T12", to_utc="2024-12-12T23")
    assert min(target_w for _, target_w, _ in known) < -1400.0, "while prices are known, it earns"
    blind = targets(house, from_utc="2024-12-12T23:01", to_utc="2024-12-13T06:30")
    assert len(blind) > 500
    assert min(target_w for _, target_w, _ in blind) == 0.0
    rules = [rule for _, _, rule in blind]
    assert rules[0] == "waiting_without_prices"
    assert "commute_must_charge" in rules
