"""What every Modbus charger's driver promises, each on the simulated device of its make."""

from __future__ import annotations

from typing import Any

import pytest

from simulators.chargers.table import MAKES
from tests.adapters.commanded import STATIC_SAFE_W
from tests.adapters.modbus.charger_house import WATCHDOG_S, ChargerHouse, charger_house
from v2g_daemon.adapters.modbus.profile_file import CHARGERS
from v2g_daemon.domain.power import PowerRange
from v2g_daemon.domain.readings import OutcomeKind, PowerControl

ENDS_BY_ITSELF = [make for make in MAKES if CHARGERS.load(make).watchdog is not None]
NO_END = [make for make in MAKES if make not in ENDS_BY_ITSELF]
POWER_W = 2000.0


def test_every_profile_has_a_simulated_charger() -> None:
    assert set(CHARGERS.shipped()) == set(MAKES)


@pytest.mark.parametrize("make", MAKES)
async def test_it_is_met_taken_and_told_to_rest(make: str) -> None:
    async with charger_house(make) as house:
        await house.met()
        status = house.status
        assert status.connected
        assert status.serial is not None
        assert status.session_id is not None
        assert status.capability is not None
        assert (status.power_w, status.car_stopped) in ((0.0, False), (1.0, False))
        await house.hold(0.0, lambda: house.status.outcome is not None)
        assert house.status.outcome is not None
        assert house.status.outcome.kind is OutcomeKind.APPLIED
        assert house.status.faults == ()


@pytest.mark.parametrize("make", MAKES)
async def test_it_charges_as_told_and_counts(make: str) -> None:
    async with charger_house(make) as house:
        await house.met()
        await house.follow(POWER_W)
        before = house.status.charge_milliwh
        assert before is not None
        await house.hold(POWER_W, lambda: (house.status.charge_milliwh or 0) > before + 3_000)
        assert house.status.discharge_milliwh == 0
        await house.follow(0.0)


@pytest.mark.parametrize("make", NO_END)
async def test_what_cannot_end_by_itself_is_only_offered_what_is_safe_alone(make: str) -> None:
    async with charger_house(make) as house:
        await house.met()
        offered = house.status.capability
        assert offered is not None
        assert offered.power == PowerRange(lowest_w=0.0, highest_w=STATIC_SAFE_W)
        assert offered.control is PowerControl.CHARGE_LIMIT


@pytest.mark.parametrize("make", ENDS_BY_ITSELF)
async def test_a_discharge_that_nobody_renews_ends_while_we_live(make: str) -> None:
    async with charger_house(make) as house:
        await house.met()
        await house.follow(-POWER_W)
        assert house.device.ended_by_itself == 0
        await house.until(lambda: house.true_power_w() == 0.0)
        assert house.status.connected
        assert house.device.ended_by_itself == 0


@pytest.mark.parametrize("make", MAKES)
async def test_a_refusal_is_told_with_its_reason_and_not_taken_for_power(make: str) -> None:
    async with charger_house(make) as house:
        await house.met()
        await house.follow(0.0)
        house.fault("refuses_writes")

        def refused() -> bool:
            outcome = house.status.outcome
            return outcome is not None and outcome.kind is OutcomeKind.REJECTED

        await house.hold(POWER_W, refused)
        assert house.status.outcome is not None
        assert "exception 4" in house.status.outcome.detail
        assert house.true_power_w() == 0.0
        house.fault("none")
        await house.follow(POWER_W)


@pytest.mark.parametrize("make", ENDS_BY_ITSELF)
async def test_a_refused_discharge_says_why_and_is_offered_no_more(make: str) -> None:
    async with charger_house(make, discharge_permitted=False) as house:
        await house.met()

        def given_up() -> bool:
            offered = house.status.capability
            return offered is not None and offered.power.lowest_w == 0.0

        await house.hold(-POWER_W, given_up)
        outcome = house.status.outcome
        if outcome is not None and outcome.kind is OutcomeKind.REJECTED:
            assert CHARGERS.load(make).discharge.because in outcome.detail
        else:
            # It told so before it was asked.
            assert make == "evtec-bidipro-10"
        assert 0.0 <= house.true_power_w() <= 1.0
        await house.follow(POWER_W)


@pytest.mark.parametrize("make", MAKES)
async def test_a_write_that_is_confirmed_and_ignored_is_no_success(make: str) -> None:
    async with charger_house(make) as house:
        await house.met()
        await house.follow(0.0)
        house.fault("ignores_writes")
        said: list[OutcomeKind] = []

        def told() -> bool:
            if house.status.outcome is not None and house.status.outcome.target_w == POWER_W:
                said.append(house.status.outcome.kind)
            return len(said) > 3

        await house.hold(POWER_W, told)
        if make == "sigenergy-evdc":
            return  # its orders cannot be read back: the power that does not come tells it
        assert OutcomeKind.APPLIED not in said


@pytest.mark.parametrize("make", MAKES)
async def test_after_an_outage_it_is_decided_anew(make: str) -> None:
    async with charger_house(make) as house:
        await house.met()
        await house.follow(POWER_W)
        house.fault("refuses")
        await house.until(lambda: not house.status.connected)
        before = len(house.questions())
        house.fault("none")
        await house.until(lambda: house.status.connected, within_s=20.0)
        assert house.questions()[before:] == []
        await house.follow(POWER_W)


@pytest.mark.parametrize("make", MAKES)
async def test_only_watched_it_is_never_written_to(make: str) -> None:
    async with charger_house(make, settings={"watches": True}) as house:
        await house.hold(POWER_W, lambda: house.status.plugged_in)
        seen_at = house.status.power_observed_at
        assert seen_at is not None

        def seen_again() -> bool:
            at = house.status.power_observed_at
            return at is not None and at.seconds_since(seen_at) > 10.0

        await house.hold(POWER_W, seen_again)
        assert house.questions() == []


@pytest.mark.parametrize("make", MAKES)
async def test_released_it_is_its_owners_again(make: str) -> None:
    async with charger_house(make) as house:
        await house.met()
        await house.follow(POWER_W)
        await house.stop()
        family = house.driver._family
        await family.release()
        house.bus.close()
        control = {
            "wallbox-quasar-1": lambda: house.device.remote,
            "evtec-bidipro-10": lambda: house.device.timeout_s == WATCHDOG_S,
            "fermate-fe20": lambda: house.device.enabled,
            "ambibox-ambicharge-home": lambda: house.device.setpoint_w != 0.0,
            "sigenergy-evdc": lambda: not house.device.running,
        }[make]
        assert not control()


LIES = ("zeros", "ones", "not_implemented")
A_MINUTE_S = 60.0


async def flows_w(house: ChargerHouse, target_w: float, **how: Any) -> list[float]:
    """What flows in a minute in which it is told that power."""
    seen_w: list[float] = []
    until = house.clock.now().later(A_MINUTE_S)

    def over() -> bool:
        seen_w.append(house.true_power_w())
        return until.reached(house.clock.now())

    await house.hold(target_w, over, **how)
    return seen_w


@pytest.mark.parametrize("kind", LIES)
@pytest.mark.parametrize("make", MAKES)
async def test_registers_that_lie_lead_to_no_power_past_what_was_told(make: str, kind: str) -> None:
    ends = make in ENDS_BY_ITSELF
    target_w = -POWER_W if ends else POWER_W
    async with charger_house(make, timeout_s=0.2) as house:
        await house.met()
        await house.follow(target_w)
        house.fault(kind)
        lowest_w, highest_w = sorted((0.0, target_w))
        for power_w in await flows_w(house, target_w):
            assert lowest_w - 1.0 <= power_w <= highest_w + 1.0
        if ends:  # the others were only told what is safe alone
            await house.hold(0.0, lambda: abs(house.true_power_w()) <= 1.0)
        house.fault("none")
        await house.follow(target_w)


@pytest.mark.parametrize("kind", LIES)
@pytest.mark.parametrize("make", MAKES)
async def test_registers_that_lie_lead_to_no_discharge_that_was_not_permitted(
    make: str, kind: str
) -> None:
    only_charge = PowerRange(lowest_w=0.0, highest_w=3000.0)
    async with charger_house(make, timeout_s=0.2) as house:
        await house.met()
        house.fault(kind)
        for power_w in await flows_w(house, POWER_W, permitted=only_charge):
            assert -1.0 <= power_w <= POWER_W + 1.0
        house.fault("none")
        await house.follow(POWER_W, permitted=only_charge)


@pytest.mark.parametrize("make", MAKES)
async def test_words_in_the_other_order_are_no_charger_of_this_kind(make: str) -> None:
    async with charger_house(make, timeout_s=0.2) as house:
        house.fault("word_order")
        found_w = await flows_w(house, POWER_W)
        if make == "wallbox-quasar-1":  # its values have one register each
            assert found_w[-1] == POWER_W
            return
        assert set(found_w) == {0.0}
        house.fault("none")
        await house.follow(POWER_W)


async def test_a_discharge_ends_by_our_silence_where_nothing_is_believed_and_looking_feeds_it() -> (
    None
):
    async with charger_house("evtec-bidipro-10", timeout_s=0.2) as house:
        await house.met()
        await house.follow(-POWER_W)
        house.fault("ones")
        began = house.clock.now()
        await house.hold(-POWER_W, lambda: house.true_power_w() == 0.0)
        # Ten seconds until nothing is known any more, then the device's own minute.
        assert house.clock.now().seconds_since(began) < 10.0 + WATCHDOG_S + 15.0


async def test_a_lost_charger_is_told_0_w_though_it_cannot_be_taken_again() -> None:
    async with charger_house("evtec-bidipro-10", timeout_s=0.2) as house:
        await house.met()
        await house.follow(-POWER_W)
        house.fault("word_order")  # its time-out and its power read as another's, and refuse ours
        await house.hold(-POWER_W, lambda: not house.driver._in_control)
        await house.hold(0.0, lambda: house.device.setpoint_w == 0.0)
        assert house.true_power_w() == 0.0


async def test_a_scale_that_slips_between_two_looks_multiplies_no_power() -> None:
    async with charger_house("fermate-fe20", timeout_s=0.2) as house:
        await house.met()
        house.fault("ones")  # a scale of 0xFFFF is ten to the minus one
        assert max(await flows_w(house, POWER_W)) <= POWER_W
        assert house.device.setpoint_w in (0.0, POWER_W)
