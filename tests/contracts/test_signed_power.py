"""What every charger that takes signed powers promises, whatever it speaks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import pytest

from tests.adapters.commanded import STATIC_SAFE_W, CommandedHouse
from tests.adapters.modbus.charger_house import charger_house
from tests.adapters.ocpp.station_house import station_house
from v2g_daemon.adapters.modbus.profile_file import CHARGERS
from v2g_daemon.domain.readings import PowerControl

OCPP = "ocpp2.1"
CHARGERS_WITH_AN_END = [
    make for make in CHARGERS.shipped() if CHARGERS.load(make).watchdog is not None
]
MENU_END = "ambibox-ambicharge-home"  # its menu has the end that no register can arm
POWER_W = 2000.0
LONGEST_ALONE_S = 120.0  # the longest lease, and the time it takes to stop


def house_of(kind: str) -> AbstractAsyncContextManager[CommandedHouse]:
    """A house with such a charger."""
    if kind == OCPP:
        return station_house()
    return charger_house(kind, own_timeout_s=60.0) if kind == MENU_END else charger_house(kind)


@pytest.fixture(params=[OCPP, *CHARGERS_WITH_AN_END, MENU_END])
async def house(request: pytest.FixtureRequest) -> AsyncIterator[CommandedHouse]:
    """Each after the other, with a car that was seen."""
    async with house_of(request.param) as found:
        await found.met()
        yield found


async def test_it_discharges_as_told_and_turns_round(house: CommandedHouse) -> None:
    await house.follow(-POWER_W)
    assert house.status.capability is not None
    assert house.status.capability.control is PowerControl.SIGNED
    await house.follow(POWER_W)
    await house.follow(-POWER_W)
    await house.follow(0.0)


async def test_when_we_die_the_device_itself_ends_a_discharge(house: CommandedHouse) -> None:
    await house.follow(-POWER_W)
    died_s = house.parts.clock.now_s()
    await house.die()
    await house.until(lambda: house.true_power_w() >= 0.0)
    assert house.parts.clock.now_s() - died_s <= LONGEST_ALONE_S
    assert house.true_power_w() <= STATIC_SAFE_W


async def test_when_we_die_the_device_itself_ends_a_charge_that_is_not_safe_alone(
    house: CommandedHouse,
) -> None:
    await house.follow(5000.0)
    await house.die()
    await house.until(lambda: house.true_power_w() <= STATIC_SAFE_W)


async def test_a_lease_that_nobody_renews_ends(house: CommandedHouse) -> None:
    await house.follow(-POWER_W)
    house.hands_off()
    await house.until(lambda: house.true_power_w() >= 0.0)
    assert house.true_power_w() <= STATIC_SAFE_W


async def test_an_orderly_stop_leaves_nothing_that_is_not_safe_alone(
    house: CommandedHouse,
) -> None:
    await house.follow(-POWER_W)
    await house.stop()
    await house.until(lambda: 0.0 <= house.true_power_w() <= STATIC_SAFE_W)


async def test_an_orderly_stop_lowers_a_charge(house: CommandedHouse) -> None:
    await house.follow(5000.0)
    await house.stop()
    await house.until(lambda: house.true_power_w() <= STATIC_SAFE_W)


async def test_a_car_that_leaves_ends_the_session(house: CommandedHouse) -> None:
    await house.follow(POWER_W)
    first = house.status.session_id
    assert first is not None
    house.car("unplug")
    await house.hold(POWER_W, lambda: not house.status.plugged_in)
    assert (house.status.session_id, house.status.soc) == (None, None)
    house.car("arrive", soc=0.4)
    await house.hold(0.0, lambda: house.status.plugged_in)
    await house.follow(POWER_W)
    assert house.status.session_id not in (None, first)
