"""Each fault of a charger's line, registers, module and rivals: named, and never a wrong power."""

from __future__ import annotations

import asyncio

import pytest

from tests.adapters.modbus.charger_house import ChargerHouse, charger_house
from v2g_daemon.domain.faults import FaultCode
from v2g_daemon.domain.power import PowerRange
from v2g_daemon.domain.readings import OutcomeKind

QUASAR, EVTEC = "wallbox-quasar-1", "evtec-bidipro-10"
FERMATE = "fermate-fe20"
POWER_W = 2000.0


def troubles(house: ChargerHouse, code: FaultCode = FaultCode.CHARGER_TROUBLE) -> list[str]:
    """What it is said to have."""
    return [fault.detail for fault in house.status.faults if fault.code is code]


@pytest.mark.parametrize(
    "kind",
    ["silent", "slow", "short", "half", "wrong_transaction", "wrong_unit", "gateway_silence"],
)
@pytest.mark.parametrize("make", [QUASAR, EVTEC])
async def test_a_line_that_gives_no_right_answer_is_no_answer_and_heals_alone(
    make: str, kind: str
) -> None:
    async with charger_house(make, timeout_s=0.2) as house:
        await house.met()
        await house.follow(POWER_W)
        house.fault(kind)
        seen_w: list[float] = []

        def away() -> bool:
            seen_w.append(house.status.power_w or 0.0)
            return not house.status.connected

        await house.hold(POWER_W, away)
        assert all(abs(power_w - POWER_W) < 60.0 for power_w in seen_w)
        await house.until(lambda: house.true_power_w() == 0.0)
        house.fault("none")
        await house.hold(0.0, lambda: house.status.connected)
        await house.follow(-POWER_W)


@pytest.mark.parametrize("make", [QUASAR, EVTEC])
async def test_an_answer_to_the_question_before_is_not_believed(make: str) -> None:
    async with charger_house(make, timeout_s=0.2) as house:
        await house.met()
        await house.follow(POWER_W)
        house.fault("previous")
        told_w: list[float] = []

        def away() -> bool:
            told_w.append(house.status.power_w or 0.0)
            return not house.status.connected

        await house.hold(-POWER_W, away)
        assert all(abs(abs(power_w) - POWER_W) < 60.0 for power_w in told_w)
        house.fault("none")
        await house.follow(-POWER_W)


@pytest.mark.parametrize("make", [QUASAR, EVTEC, FERMATE])
@pytest.mark.parametrize("target_w", [POWER_W, -POWER_W])
async def test_noise_in_its_registers_never_makes_it_do_more_than_told(
    make: str, target_w: float
) -> None:
    async with charger_house(make, timeout_s=0.2) as house:
        await house.met()
        await house.follow(target_w)
        asked = len(house.simulated.server.questions)
        house.fault("register_noise")
        flows_w: list[float] = []

        until = house.clock.now().later(240.0)

        def often_asked() -> bool:
            flows_w.append(house.true_power_w())
            often = len(house.simulated.server.questions) > asked + 60
            # Believed no more, it is left in silence.
            return often or until.reached(house.clock.now())

        await house.hold(target_w, often_asked)
        lowest_w, highest_w = sorted((0.0, target_w))
        assert all(lowest_w - 1.0 <= power_w <= highest_w + 1.0 for power_w in flows_w)
        house.fault("none")
        await house.follow(target_w)


async def test_a_charger_behind_a_serial_gateway_is_driven_alike() -> None:
    async with charger_house(EVTEC, link="rtu+tcp") as house:
        await house.met()
        await house.follow(-POWER_W)
        house.fault("bad_checksum")
        await house.hold(-POWER_W, lambda: not house.status.connected)
        house.fault("none")
        await house.follow(POWER_W)


async def test_connections_that_went_mute_are_replaced() -> None:
    async with charger_house(QUASAR, timeout_s=0.2) as house:
        await house.met()
        await house.follow(POWER_W)
        house.fault("half_open")
        connections = house.simulated.server.connections
        await house.hold(POWER_W, lambda: house.simulated.server.connections > connections)
        house.fault("none")
        await house.follow(-POWER_W)


async def test_one_busy_answer_changes_nothing() -> None:
    async with charger_house(QUASAR) as house:
        await house.met()
        await house.follow(POWER_W)
        house.fault("busy", for_s=2.0)
        at = house.status.power_observed_at
        assert at is not None

        def seen_again() -> bool:
            newer = house.status.power_observed_at
            return newer is not None and newer.seconds_since(at) > 20.0

        await house.hold(POWER_W, seen_again)
        assert house.status.connected
        assert house.true_power_w() == POWER_W
        assert house.simulated.server.connections == 1


async def test_a_crashed_module_is_told_of_with_what_to_do_and_left_alone() -> None:
    async with charger_house(QUASAR) as house:
        await house.met()
        await house.follow(-POWER_W)
        house.fault("module_crash")
        await house.hold(-POWER_W, lambda: any("crashed" in one for one in troubles(house)))
        assert "switch the charger off at its breaker" in troubles(house)[0]
        assert not house.status.connected
        before = len(house.simulated.server.questions)
        await asyncio.sleep(1.0)  # 40 s of the house: less than a question
        assert len(house.simulated.server.questions) - before <= 8
        house.fault("none")
        await house.hold(0.0, lambda: house.status.connected and troubles(house) == [])
        await house.follow(POWER_W)


async def test_values_that_stand_still_under_another_command_are_a_crash_too() -> None:
    async with charger_house(QUASAR) as house:
        await house.met()
        await house.follow(POWER_W)
        house.fault("frozen")
        await house.hold(-POWER_W, lambda: any("stand still" in one for one in troubles(house)))
        house.fault("none")
        await house.hold(POWER_W, lambda: troubles(house) == [])


async def test_errors_after_it_was_switched_on_are_normal_for_minutes() -> None:
    async with charger_house(QUASAR) as house:
        await house.met()
        house.fault("error_state")
        began = house.clock.now()

        def told() -> bool:
            return any("error_1 = 0x1" in one for one in troubles(house))

        await house.hold(0.0, told, within_s=20.0)
        assert house.clock.now().seconds_since(began) >= 300.0
        offered = house.status.capability
        assert offered is not None
        assert offered.power == PowerRange(lowest_w=0.0, highest_w=0.0)
        assert house.status.plugged_in


@pytest.mark.parametrize("make", [QUASAR, EVTEC, FERMATE])
async def test_another_master_is_named_and_told_over(make: str) -> None:
    async with charger_house(make) as house:
        await house.met()
        await house.follow(-POWER_W)
        house.fault("foreign_writer", value=5000.0)
        await house.hold(-POWER_W, lambda: troubles(house, FaultCode.FOREIGN_WRITER) != [])
        (said,) = troubles(house, FaultCode.FOREIGN_WRITER)
        assert "holds 5000 where -2000 was written" in said
        house.fault("none")
        await house.follow(-POWER_W)


async def test_an_app_that_takes_it_back_is_named_and_control_is_taken_again() -> None:
    async with charger_house(QUASAR) as house:
        await house.met()
        await house.follow(-POWER_W)
        house.fault("foreign_writer", value=0.0, for_s=30.0)
        await house.hold(-POWER_W, lambda: troubles(house, FaultCode.FOREIGN_WRITER) != [])
        assert any("control" in one for one in troubles(house, FaultCode.FOREIGN_WRITER))
        await house.hold(-POWER_W, lambda: house.device.remote)
        await house.follow(-POWER_W)


@pytest.mark.parametrize("make", [QUASAR, EVTEC, FERMATE])
async def test_a_charger_that_was_restarted_is_taken_again(make: str) -> None:
    async with charger_house(make) as house:
        await house.met()
        await house.follow(-POWER_W)
        house.fault("reboot")
        await house.hold(-POWER_W, lambda: house.true_power_w() > -1.0)
        await house.follow(-POWER_W)


@pytest.mark.parametrize("make", [QUASAR, EVTEC, FERMATE])
async def test_a_charger_that_discharges_when_told_to_charge_is_told_nothing_more(
    make: str,
) -> None:
    async with charger_house(make) as house:
        await house.met()
        house.fault("sign_flip")
        await house.hold(POWER_W, lambda: any("sign" in one for one in troubles(house)))
        await house.until(lambda: house.true_power_w() == 0.0)
        offered = house.status.capability
        assert offered is not None
        assert offered.power == PowerRange(lowest_w=0.0, highest_w=0.0)
        writes = len(house.questions())
        house.fault("none")
        later = house.clock.now().later(30.0)
        await house.hold(POWER_W, lambda: later.reached(house.clock.now()))
        assert len(house.questions()) == writes
        assert house.true_power_w() == 0.0


async def test_what_its_own_app_discharges_is_ended_where_only_limits_are_told() -> None:
    async with charger_house("sigenergy-evdc") as house:
        await house.met()
        await house.follow(POWER_W)
        # Once: its app would order it anew after 20 s, and within 1 s it may not get to it at all.
        house.fault("foreign_writer", value=-3000.0, for_s=15.0)
        await house.hold(POWER_W, lambda: house.device.foreign_at_s is not None)
        await house.hold(POWER_W, lambda: house.device.setpoint_w >= 0.0)
        await house.follow(POWER_W)
        offered = house.status.capability
        assert offered is not None
        assert offered.power.highest_w > 0.0


async def test_a_limit_of_nothing_is_never_written_where_it_would_latch() -> None:
    async with charger_house("sigenergy-evdc") as house:
        await house.met()
        for target_w in (POWER_W, 0.0, 1200.0, 0.0):
            await house.follow(target_w)
        limits = [values for _, address, values in house.questions() if address == 41002]
        assert limits == [(0, 2000), (0, 1200)]
        assert not house.device.latched


async def test_where_it_tells_its_soc_only_under_power_a_watt_asks_for_it() -> None:
    async with charger_house(QUASAR, soc=0.47) as house:
        await house.hold(0.0, lambda: house.status.soc is not None)
        assert house.status.soc == 0.47
        await house.follow(0.0)
        assert (house.status.soc, house.true_power_w()) == (0.47, 0.0)
        setpoints = [values for _, address, values in house.questions() if address == 260]
        assert setpoints == [(1,), (0,)]


async def test_no_watt_flows_for_the_soc_where_none_may() -> None:
    async with charger_house(QUASAR) as house:
        nothing = PowerRange(lowest_w=0.0, highest_w=0.0)
        seen = house.clock.now().later(120.0)
        await house.hold(0.0, lambda: seen.reached(house.clock.now()), permitted=nothing)
        assert house.status.soc is None
        assert [values for _, address, values in house.questions() if address == 260] == []


async def test_a_soc_of_one_per_cent_in_the_middle_of_a_charge_is_a_glitch() -> None:
    async with charger_house(QUASAR, soc=0.6) as house:
        await house.met()
        await house.follow(POWER_W)
        assert house.status.soc == 0.6
        house.fault("soc_glitch", value=1.0, for_s=40.0)
        over = house.clock.now().later(60.0)
        told: set[float | None] = set()

        def passed() -> bool:
            told.add(house.status.soc)
            return over.reached(house.clock.now())

        await house.hold(POWER_W, passed)
        assert told == {0.6}


async def test_the_setpoint_comes_before_the_start_and_control_before_all() -> None:
    async with charger_house(QUASAR, soc=0.5, plugged_in=False) as house:
        await house.hold(0.0, lambda: house.status.connected and house.device.remote)
        house.car("plug")
        await house.follow(-POWER_W)
        assert [(address, values) for _, address, values in house.questions()] == [
            (81, (1,)),
            (82, (0,)),
            (83, (1,)),
            (88, (60,)),
            (260, (63536,)),
            (257, (1,)),
        ]


async def test_a_decrease_is_told_at_once_though_the_value_before_was_refused() -> None:
    async with charger_house(EVTEC) as house:
        await house.met()
        await house.follow(POWER_W)
        house.fault("refuses_writes")

        def refused() -> bool:
            outcome = house.status.outcome
            return outcome is not None and outcome.kind is OutcomeKind.REJECTED

        await house.hold(5000.0, refused)
        house.fault("none")
        refused_at = house.clock.now()
        await house.hold(1000.0, lambda: house.device.setpoint_w == 1000.0)
        assert house.clock.now().seconds_since(refused_at) < 9.0


async def test_writes_are_counted_and_wear_is_told_where_each_power_wears() -> None:
    async with charger_house("sigenergy-evdc") as house:
        await house.met()
        await house.follow(POWER_W)
        await house.follow(1200.0)
        assert house.status.flash_writes_today == 2
        assert house.status.writes_today is not None
        assert house.status.writes_today > 2
    async with charger_house(QUASAR) as house:
        await house.met()
        await house.follow(POWER_W)
        assert house.status.flash_writes_today is None
        assert house.status.writes_today is not None


async def test_under_hands_off_nothing_is_taken() -> None:
    async with charger_house(QUASAR) as house:
        house.hands_off()
        await house.until(lambda: house.status.plugged_in)
        later = house.clock.now().later(30.0)
        await house.until(lambda: later.reached(house.clock.now()))
        assert house.questions() == []
        assert not house.device.remote


async def test_a_quasar_whose_car_leaves_is_stopped_so_that_the_next_one_waits() -> None:
    async with charger_house(QUASAR) as house:
        await house.met()
        await house.follow(POWER_W)
        before = len(house.questions())
        house.car("unplug")
        await house.hold(POWER_W, lambda: not house.status.plugged_in)
        after = [(address, values) for _, address, values in house.questions()[before:]]
        assert after == [(257, (2,)), (260, (0,))]
        house.car("arrive", soc=0.4)
        await house.until(lambda: house.status.plugged_in)
        assert house.true_power_w() == 0.0


async def test_a_setpoint_outside_the_window_of_an_evtec_is_refused_and_not_clamped() -> None:
    async with charger_house(EVTEC, settings={"max_charge_w": 12_000.0}) as house:
        await house.met()

        def refused() -> bool:
            outcome = house.status.outcome
            return outcome is not None and outcome.kind is OutcomeKind.REJECTED

        await house.hold(11_500.0, refused)
        assert house.status.outcome is not None
        assert "exception 3" in house.status.outcome.detail
        assert house.true_power_w() == 0.0
        offered = house.status.capability
        assert offered is not None
        assert offered.power.highest_w == 10_000.0


async def test_what_a_quasar_takes_less_than_it_is_told_is_no_disobedience() -> None:
    async with charger_house(QUASAR, max_charge_w=1900.0) as house:
        await house.met()
        await house.hold(POWER_W, lambda: house.true_power_w() == 1900.0)
        before = len(house.questions())
        later = house.clock.now().later(120.0)
        await house.hold(POWER_W, lambda: later.reached(house.clock.now()))
        assert house.true_power_w() == 1900.0
        assert house.status.faults == ()
        assert [one for one in house.questions()[before:] if one[1] == 257] == []
