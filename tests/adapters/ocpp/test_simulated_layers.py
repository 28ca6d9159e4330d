"""Layers, pulls and modes on the project's simulated station: what its car does in the end."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.adapters.ocpp.test_simulated_station import START, House, house
from v2g_daemon.adapters.ocpp.config import (
    FrequencyPoint,
    LocalFrequency,
    LocalLoadBalancing,
    ProfileDialect,
)
from v2g_daemon.domain.outlook import Outlook, OutlookStep

OUTLOOK = Outlook(
    steps=(
        OutlookStep(starts_at_utc=START - timedelta(hours=1), limit_w=1500.0),
        OutlookStep(starts_at_utc=START + timedelta(minutes=12), limit_w=0.0),
    ),
    ends_at_utc=START + timedelta(hours=8),
)
DEFAULT_ID, OUTLOOK_ID, LEASE_ID = 1010, 1011, 1012


async def plugged_in(found: House, *, lowest_w: float = -7400.0) -> None:
    await found.until(
        lambda s: (
            s.session_id is not None
            and s.capability is not None
            and s.capability.power.lowest_w == lowest_w
        )
    )


def shown(world: Any) -> Any:
    """The station's own view, without complaints about us."""
    station = world["stations"]["S1"]
    assert station["protocol_errors"] == []
    return station


async def test_a_lapsed_lease_leaves_the_outlook_in_force_and_that_the_default(
    tmp_path: Path,
) -> None:
    async with house(tmp_path, "ocpp2.1") as found:
        await plugged_in(found)
        (port,) = found.central.ports()
        port.outlook(OUTLOOK)
        await found.hold(-3000.0, for_s=60.0)
        assert (await found.until(lambda s: s.power_w == -3000.0)).connected
        assert shown(await found.world())["active_profile"]["id"] == LEASE_ID
        # Nobody commands any more; nobody is away either.
        world = await found.until_world(lambda one: one["evse_power_w"] == 1500.0)
        assert shown(world)["active_profile"]["id"] == OUTLOOK_ID
        world = await found.until_world(lambda one: one["evse_power_w"] == 0.0)
        assert shown(world)["active_profile"]["id"] == OUTLOOK_ID


async def test_a_killed_daemons_car_follows_the_outlook(tmp_path: Path) -> None:
    async with house(tmp_path, "ocpp2.1") as found:
        await plugged_in(found)
        (port,) = found.central.ports()
        port.outlook(OUTLOOK)
        await found.hold(-3000.0, for_s=60.0)
        await found.until(lambda s: s.power_w == -3000.0)
        await found.kill()
        world = await found.until_world(lambda one: one["evse_power_w"] == 1500.0)
        assert shown(world)["active_profile"]["id"] == OUTLOOK_ID


async def test_an_outlook_ends_so_long_offline_as_is_configured(tmp_path: Path) -> None:
    dialect = ProfileDialect(outlook_offline_s=300)
    async with house(tmp_path, "ocpp2.1", dialect=dialect) as found:
        await plugged_in(found)
        (port,) = found.central.ports()
        port.outlook(replace(OUTLOOK, steps=OUTLOOK.steps[:1]))
        await found.hold(-3000.0, for_s=60.0)
        await found.until(lambda s: s.power_w == -3000.0)
        await found.kill()
        await found.until_world(lambda one: one["evse_power_w"] == 1500.0)
        world = await found.until_world(lambda one: one["evse_power_w"] == 2300.0)
        assert shown(world)["active_profile"]["id"] == DEFAULT_ID


async def test_a_2_0_1_station_has_the_three_layers_too(tmp_path: Path) -> None:
    async with house(tmp_path, "ocpp2.0.1") as found:
        await plugged_in(found, lowest_w=0.0)
        (port,) = found.central.ports()
        port.outlook(OUTLOOK)
        await found.hold(4000.0, for_s=60.0)
        await found.until(lambda s: s.power_w == 4000.0)
        world = await found.until_world(lambda one: one["evse_power_w"] == 1500.0)
        assert shown(world)["active_profile"]["id"] == OUTLOOK_ID


async def test_the_outlook_is_not_written_again_for_what_does_not_matter(tmp_path: Path) -> None:
    async with house(tmp_path, "ocpp2.1") as found:
        await plugged_in(found)
        (port,) = found.central.ports()
        port.outlook(OUTLOOK)
        await found.hold(-3000.0, for_s=30.0)
        before = (await found.until(lambda s: s.power_w == -3000.0)).writes_today
        for more_w in (10.0, 20.0, 30.0):
            first, second = OUTLOOK.steps
            steps = (replace(first, limit_w=1500.0 + more_w), second)
            port.outlook(replace(OUTLOOK, steps=steps))
            await asyncio.sleep(0.1)
        await found.hold(-3000.0, for_s=10.0)
        after = found.sink.evse["garage"].writes_today
        assert before is not None
        assert after is not None
        assert after - before <= 1  # at most a renewal of the lease


async def test_a_pulling_station_holds_its_setpoint_only_while_one_is_decided(
    tmp_path: Path,
) -> None:
    async with house(tmp_path, "ocpp2.1", dialect=ProfileDialect(pulls=True)) as found:
        await plugged_in(found)
        await found.hold(-3000.0, for_s=240.0)  # several leases long
        assert found.sink.evse["garage"].power_w == -3000.0
        station = shown(await found.world())
        assert station["active_profile"]["id"] == LEASE_ID
        ended_at = found.clock.now()
        await found.until_world(lambda one: one["evse_power_w"] == 2300.0)
        assert found.clock.now().seconds_since(ended_at) < 90.0 + 30.0  # the lease and a slow poll


async def test_a_long_rest_is_idle_and_a_command_wakes_it(tmp_path: Path) -> None:
    dialect = ProfileDialect(idle_after_s=60.0, evse_sleep=True)
    async with house(tmp_path, "ocpp2.1", dialect=dialect) as found:
        await plugged_in(found)
        await found.hold(0.0, for_s=120.0)
        station = shown(await found.world())
        assert station["active_profile"]["operation_mode"] == "Idle"
        await found.hold(-3000.0, for_s=60.0)
        status = await found.until(lambda s: s.power_w == -3000.0)
        assert status.outcome is not None
        assert status.outcome.detail == ""


@pytest.mark.parametrize(
    ("dialect", "mode", "power_w"),
    [
        (
            # The grid's 50 Hz lie half-way: nothing on top of the target.
            ProfileDialect(
                local=LocalFrequency(
                    points=(
                        FrequencyPoint(frequency_hz=49.8, power_w=-900.0),
                        FrequencyPoint(frequency_hz=50.2, power_w=900.0),
                    )
                )
            ),
            "LocalFrequency",
            -2000.0,
        ),
        (
            # The house draws 500 W beside the car: within the thresholds.
            ProfileDialect(
                local=LocalLoadBalancing(upper_threshold_w=600.0, lower_threshold_w=400.0)
            ),
            "LocalLoadBalancing",
            0.0,
        ),
    ],
    ids=["frequency", "load"],
)
async def test_a_mode_of_its_own_runs_where_it_was_asked_for_and_ends_as_a_lease(
    tmp_path: Path, dialect: ProfileDialect, mode: str, power_w: float
) -> None:
    async with house(tmp_path, "ocpp2.1", dialect=dialect) as found:
        await plugged_in(found)
        await found.hold(-2000.0, for_s=60.0)
        status = found.sink.evse["garage"]
        assert status.outcome is not None
        assert status.outcome.left_to_device is not None
        station = shown(await found.world())
        assert station["active_profile"]["operation_mode"] == mode
        assert (await found.world())["evse_power_w"] == pytest.approx(power_w, abs=50.0)
        world = await found.until_world(lambda one: one["evse_power_w"] == 2300.0)
        assert shown(world)["active_profile"]["id"] == DEFAULT_ID
