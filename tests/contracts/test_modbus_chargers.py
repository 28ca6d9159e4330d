"""What every Modbus charger's driver promises, each on the simulated device of its make."""

from __future__ import annotations

import pytest

from simulators.chargers.table import MAKES
from tests.adapters.commanded import STATIC_SAFE_W
from tests.adapters.modbus.charger_house import WATCHDOG_S, charger_house
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


LIES = ("zeros", "ones", "not_implemented", "word_order")


@pytest.mark.parametrize("kind", LIES)
@pytest.mark.parametrize("make", MAKES)
async def test_registers_that_lie_lead_to_no_power_past_what_was_told(make: str, kind: str) -> None:
    async with charger_house(make, timeout_s=0.2) as house:
        target_w = -POWER_W if make in ENDS_BY_ITSELF else POWER_W
        await house.met()
        await house.follow(target_w)
        flows_w: list[float] = []
        until = house.clock.now().later(60.0)

        def a_minute() -> bool:
            flows_w.append(house.true_power_w())
            return until.reached(house.clock.now())

        house.fault(kind)
        await house.hold(target_w, a_minute)
        lowest_w, highest_w = sorted((0.0, target_w))
        assert all(lowest_w - 1.0 <= power_w <= highest_w + 1.0 for power_w in flows_w)
        # Whatever it tells: less is heard, or the device's own end comes.
        await house.hold(0.0, lambda: abs(house.true_power_w()) <= 1.0)
        house.fault("none")
        await house.follow(target_w)


@pytest.mark.parametrize("kind", LIES)
@pytest.mark.parametrize("make", MAKES)
async def test_registers_that_lie_lead_to_no_discharge_that_was_not_permitted(
    make: str, kind: str
) -> None:
    async with charger_house(make, timeout_s=0.2) as house:
        only_charge = PowerRange(lowest_w=0.0, highest_w=3000.0)
        await house.met()
        house.fault(kind)
        flows_w: list[float] = []
        until = house.clock.now().later(60.0)

        def a_minute() -> bool:
            flows_w.append(house.true_power_w())
            return until.reached(house.clock.now())

        await house.hold(POWER_W, a_minute, permitted=only_charge)
        assert all(-1.0 <= power_w <= POWER_W + 1.0 for power_w in flows_w)
        house.fault("none")
        await house.follow(POWER_W, permitted=only_charge)
