"""Three layers of profiles: the default in flash, the outlook for hours, the lease on top."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.adapters.ocpp.conftest import EVSE, Bench, Benches
from tests.adapters.ocpp.scripted_station import (
    NEEDS_BPT,
    START_UTC,
    Json,
    ScriptedStation,
    station,
)
from tests.adapters.waiting import until
from v2g_daemon.domain.outlook import Outlook, OutlookStep
from v2g_daemon.domain.readings import OutcomeKind


async def v2g_session(car: ScriptedStation) -> None:
    await car.configured()
    await car.event("Started", "CablePluggedIn", evse={"id": 1})
    await car.call("NotifyEVChargingNeeds", NEEDS_BPT)


def outlook(*hours_and_watts: tuple[float, float], ends_h: float = 12.0) -> Outlook:
    return Outlook(
        steps=tuple(
            OutlookStep(starts_at_utc=START_UTC + timedelta(hours=hours), limit_w=limit_w)
            for hours, limit_w in hours_and_watts
        ),
        ends_at_utc=START_UTC + timedelta(hours=ends_h),
    )


def reporting(car: ScriptedStation, changed: Callable[[Json], Json] = lambda one: one) -> None:
    """The station reports what was written to it last, after `changed` had its way with it."""
    tasks: set[asyncio.Task[Json]] = set()

    def answer(payload: Json) -> Json:
        wanted = payload["chargingProfile"].get("chargingProfileId")
        kept = [one for one in KEPT if wanted is None or one["id"] in wanted]
        if not kept:
            return {"status": "NoProfiles"}
        report = {
            "requestId": payload["requestId"],
            "chargingLimitSource": "CSO",
            "evseId": 1,
            "chargingProfile": [changed(dict(one)) for one in kept],
        }
        task = asyncio.create_task(car.call("ReportChargingProfiles", report))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        return {"status": "Accepted"}

    car.answers["GetChargingProfiles"] = answer


KEPT: list[Json] = []


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    KEPT.clear()


def keeping(car: ScriptedStation) -> None:
    def answer(payload: Json) -> Json:
        KEPT.append(payload["chargingProfile"])
        return {"status": "Accepted"}

    car.answers["SetChargingProfile"] = answer


async def test_a_default_that_lies_there_is_not_written_again(bench: Bench) -> None:
    for boots in (1, 2):
        async with station(bench.central) as car:
            keeping(car)
            reporting(car)
            await car.configured()
            assert len(car.profiles("TxDefaultProfile")) == (1 if boots == 1 else 0)
            # Its leases wear nothing, so nothing is budgeted.
            assert (bench.status.writes_today, bench.status.flash_writes_today) == (1, None)
        await bench.until(lambda s: not s.connected)


@pytest.mark.parametrize(
    "changed",
    [
        lambda one: {**one, "stackLevel": 4},
        lambda one: {**one, "validTo": "2024-12-12T00:00:00Z"},
        lambda one: _scheduled(one, {"duration": 3600}),
        lambda one: _scheduled(one, {"startSchedule": "2024-12-12T00:00:00Z"}),
        lambda one: _scheduled(one, {"startSchedule": "soon"}),
        lambda one: _scheduled(
            one, {"chargingSchedulePeriod": [{"startPeriod": 0, "limit": 11000.0}]}
        ),
    ],
)
async def test_a_default_that_does_something_else_is_written_again(
    bench: Bench, changed: Callable[[Json], Json]
) -> None:
    for _ in range(2):
        async with station(bench.central) as car:
            keeping(car)
            reporting(car, changed)
            await car.configured()
            assert len(car.profiles("TxDefaultProfile")) == 1
        await bench.until(lambda s: not s.connected)


def _scheduled(profile: Json, changes: Json) -> Json:
    (schedule,) = profile["chargingSchedule"]
    return {**profile, "chargingSchedule": [{**schedule, **changes}]}


async def test_where_nothing_is_reported_a_reconnect_trusts_and_a_boot_does_not(
    bench: Bench,
) -> None:
    written = []
    for boots in (True, False, True):
        async with station(bench.central) as car:
            car.answers["GetChargingProfiles"] = lambda _: {"error": "NotImplemented"}
            if boots:
                await car.configured()
            else:
                await car.asked("SetVariables")
            written.append(len(car.profiles("TxDefaultProfile")))
        await bench.until(lambda s: not s.connected)
    assert written == [1, 0, 1]


async def test_the_outlook_lies_between_default_and_lease(bench: Bench) -> None:
    async with station(bench.central) as car:
        await v2g_session(car)
        bench.port.outlook(outlook((-1.0, 0.0), (2.0, 9000.0), (5.0, 0.0)))
        bench.setpoint(-3000.0)
        await car.asked("SetChargingProfile", count=3)
        lease, middle = car.profiles()
        assert (lease["stackLevel"], middle["stackLevel"]) == (2, 1)
        assert (lease["id"], middle["id"]) == (1012, 1011)
        assert middle["maxOfflineDuration"] == 4 * 3600
        (schedule,) = middle["chargingSchedule"]
        assert schedule["startSchedule"] == "2024-12-11T17:00:00.000Z"
        assert schedule["duration"] == 12 * 3600
        # None above the static safe power of 2300 W: nobody guards the fuse then.
        assert [(one["startPeriod"], one["limit"]) for one in schedule["chargingSchedulePeriod"]] \
            == [(0, 0.0), (7200, 2300.0), (18_000, 0.0)]  # fmt: skip
        assert all(
            one["operationMode"] == "ChargingOnly" for one in schedule["chargingSchedulePeriod"]
        )
        assert car.broken == []


async def test_an_outlook_that_an_earlier_process_left_is_known_by_the_stations_report(
    bench: Bench,
) -> None:
    """It would mask a lease that somebody else's profile has driven below it."""
    async with station(bench.central) as car:
        left = {
            "id": 1011,
            "stackLevel": 1,
            "chargingProfilePurpose": "TxProfile",
            "chargingProfileKind": "Absolute",
            "transactionId": "tx-1",
            "chargingSchedule": [
                {
                    "id": 1011,
                    "chargingRateUnit": "W",
                    "startSchedule": "2024-12-11T16:00:00Z",
                    "duration": 12 * 3600,
                    "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 2300.0}],
                }
            ],
        }
        KEPT.append(left)
        reporting(car)

        def refusing_the_top(payload: Json) -> Json:
            top = payload["chargingProfile"]["stackLevel"] >= 2
            reason = {"reasonCode": "InvalidStackLevel"}
            return {"status": "Rejected", "statusInfo": reason} if top else {"status": "Accepted"}

        car.answers["SetChargingProfile"] = refusing_the_top
        await v2g_session(car)
        await car.asked("GetChargingProfiles", count=2)
        bench.setpoint(0.0)
        await until(lambda: any(one["id"] == 1011 for one in car.profiles()))
        (own,) = [one for one in car.profiles() if one["id"] == 1011]
        assert own["transactionId"] == "tx-1"
        assert own["chargingSchedule"][0]["chargingSchedulePeriod"][0]["limit"] == 0.0


async def test_an_outlook_is_written_again_only_where_it_matters_and_not_often(
    bench: Bench,
) -> None:
    async with station(bench.central) as car:
        await v2g_session(car)

        async def then(wanted: Outlook, after_s: float, *, written: int) -> None:
            bench.clock.elapsed_s += after_s
            bench.port.outlook(wanted)
            bench.setpoint(0.0, lowest_w=0.0, lease_s=1800)
            await until(lambda: outlooks() >= written)
            await asyncio.sleep(0.05)
            assert outlooks() == written

        def outlooks() -> int:
            return sum(one["id"] == 1011 for one in car.profiles())

        await then(outlook((0.0, 2000.0)), 0.0, written=1)
        await then(outlook((0.0, 2000.0)), 1000.0, written=1)
        await then(outlook((0.0, 2040.0)), 1000.0, written=1)  # apart by less than 500 Wh
        await then(outlook((0.0, 1000.0)), 100.0, written=2)
        await then(outlook((0.0, 2000.0)), 100.0, written=2)  # 100 s after the last one
        await then(outlook((0.0, 2000.0)), 800.0, written=3)
        # About to end: half of what is known lies beyond it.
        await then(outlook((0.0, 2000.0), ends_h=36.0), 3600.0, written=4)


async def test_an_outlook_never_goes_before_a_setpoint_that_is_due(bench: Bench) -> None:
    async with station(bench.central) as car:
        await v2g_session(car)
        bench.port.outlook(outlook((0.0, 2000.0)))
        await asyncio.sleep(0.05)
        assert car.profiles() == []  # nobody commands: nothing is written
        bench.setpoint(-3000.0)
        await car.asked("SetChargingProfile", count=3)
        assert [one["id"] for one in car.profiles()] == [1012, 1011]


async def test_hands_off_writes_no_outlook(bench: Bench) -> None:
    async with station(bench.central) as car:
        await v2g_session(car)
        bench.port.outlook(outlook((0.0, 2000.0)))
        bench.hands_off()
        await asyncio.sleep(0.05)
        assert car.profiles() == []


async def test_an_outlook_has_no_more_periods_than_station_and_car_take(bench: Bench) -> None:
    async with station(bench.central) as car:
        car.device_model[("SmartChargingCtrlr", "PeriodsPerSchedule")] = "4"
        await car.configured()
        await car.event("Started", "CablePluggedIn", evse={"id": 1})
        await car.call("NotifyEVChargingNeeds", {**NEEDS_BPT, "maxScheduleTuples": 2})
        bench.port.outlook(outlook((0.0, 0.0), (1.0, 2000.0), (2.0, 0.0), (3.0, 2000.0)))
        bench.setpoint(0.0)
        await car.asked("SetChargingProfile", count=3)
        (schedule,) = car.profiles()[-1]["chargingSchedule"]
        assert len(schedule["chargingSchedulePeriod"]) == 2
        assert schedule["duration"] == 7200


async def test_with_two_levels_there_are_still_three_layers_and_with_one_two(
    bench: Bench,
) -> None:
    for highest, expected in (("1", [(1012, 1), (1011, 0)]), ("0", [(1012, 0)])):
        async with station(bench.central) as car:
            car.device_model[("SmartChargingCtrlr", "ProfileStackLevel")] = highest
            await car.configured()
            await car.event("Started", "CablePluggedIn", evse={"id": 1}, tx=f"tx-{highest}")
            await car.call("NotifyEVChargingNeeds", NEEDS_BPT)
            bench.port.outlook(outlook((0.0, 2000.0)))
            bench.setpoint(-3000.0)
            await bench.until(lambda s: s.outcome is not None)
            await asyncio.sleep(0.05)
            assert [(one["id"], one["stackLevel"]) for one in car.profiles()] == expected
        await bench.until(lambda s: not s.connected)


async def test_a_refused_outlook_is_not_repeated_in_this_transaction(bench: Bench) -> None:
    async with station(bench.central) as car:

        def answer(payload: Json) -> Json:
            if payload["chargingProfile"]["id"] != 1011:
                return {"status": "Accepted"}
            return {"status": "Rejected", "statusInfo": {"reasonCode": "TooManyElements"}}

        car.answers["SetChargingProfile"] = answer
        await v2g_session(car)
        for _ in range(3):
            bench.port.outlook(outlook((0.0, 2000.0)))
            bench.setpoint(-3000.0)
            await asyncio.sleep(0.05)
            bench.clock.elapsed_s += 1000.0
        assert sum(one["id"] == 1011 for one in car.profiles()) == 1
        assert bench.status.outcome is not None
        assert bench.status.outcome.kind is OutcomeKind.APPLIED


async def test_an_outlook_that_was_not_answered_is_tried_again_later(benches: Benches) -> None:
    async with benches(call_timeout_s=0.2) as bench, station(bench.central) as car:

        def outlooks() -> int:
            return sum(one["id"] == 1011 for one in car.profiles())

        def answer(payload: Json) -> Json | None:
            unheard = payload["chargingProfile"]["id"] == 1011 and outlooks() == 0
            return None if unheard else {"status": "Accepted"}

        car.answers["SetChargingProfile"] = answer
        await v2g_session(car)
        bench.port.outlook(outlook((0.0, 2000.0)))

        async def then(after_s: float, *, written: int) -> None:
            bench.clock.elapsed_s += after_s
            bench.setpoint(-3000.0, lease_s=3600.0)
            await until(lambda: outlooks() >= written)
            await asyncio.sleep(0.3)  # longer than a call waits for its answer
            assert outlooks() == written

        await then(0.0, written=1)
        await then(800.0, written=1)
        await then(100.0, written=2)
        await then(1000.0, written=2)


async def test_a_2_0_1_station_has_the_outlook_too_without_the_fields_of_2_1(
    bench: Bench,
) -> None:
    async with station(bench.central, versions=("ocpp2.0.1",)) as car:
        await car.configured()
        await car.event("Started", "CablePluggedIn", evse={"id": 1})
        bench.port.outlook(outlook((0.0, 2000.0)))
        bench.setpoint(3700.0)
        await car.asked("SetChargingProfile", count=3)
        middle = car.profiles()[-1]
        assert (middle["id"], middle["stackLevel"]) == (1011, 1)
        assert "maxOfflineDuration" not in middle
        assert car.broken == []


async def test_a_station_that_only_knows_maxima_is_capped_in_two_layers(bench: Bench) -> None:
    async with station(bench.central, versions=("ocpp2.0.1",)) as car:

        def answer(payload: Json) -> Json:
            if payload["chargingProfile"]["chargingProfilePurpose"] != "ChargingStationMaxProfile":
                return {"status": "Rejected", "statusInfo": {"reasonCode": "UnsupportedPurpose"}}
            return {"status": "Accepted"}

        car.answers["SetChargingProfile"] = answer
        await car.configured()
        await car.event("Started", "CablePluggedIn", evse={"id": 1})
        bench.setpoint(5000.0)
        status = await bench.until(lambda s: s.outcome is not None)
        assert status.outcome is not None
        assert status.outcome.kind is OutcomeKind.APPLIED
        maxima = car.profiles("ChargingStationMaxProfile")
        limits = [
            one["chargingSchedule"][0]["chargingSchedulePeriod"][0]["limit"] for one in maxima
        ]
        assert list(zip([one["stackLevel"] for one in maxima], limits, strict=True)) == [
            (0, 2300.0),
            (2, 5000.0),
        ]
        assert {one["evseId"] for one in car.of("SetChargingProfile")[-2:]} == {0}
        assert car.broken == []


async def test_without_any_default_each_lease_ends_at_the_safe_current_itself(
    bench: Bench,
) -> None:
    async with station(bench.central, versions=("ocpp2.0.1",)) as car:

        def answer(payload: Json) -> Json:
            if payload["chargingProfile"]["id"] == 1010:
                return {"status": "Rejected", "statusInfo": {"reasonCode": "InternalError"}}
            return {"status": "Accepted"}

        car.answers["SetChargingProfile"] = answer
        await car.configured()
        await car.event("Started", "CablePluggedIn", evse={"id": 1})
        bench.setpoint(5000.0, lease_s=90)
        await bench.until(lambda s: s.outcome is not None)
        (schedule,) = car.profiles()[-1]["chargingSchedule"]
        assert "duration" not in schedule
        assert [(one["startPeriod"], one["limit"]) for one in schedule["chargingSchedulePeriod"]] \
            == [(0, 5000.0), (100, 2300.0)]  # fmt: skip


async def test_writes_are_counted_per_day_and_over_a_restart(benches: Benches) -> None:
    dialect = replace(EVSE.dialect, wears_flash=True)
    async with benches(evse=replace(EVSE, dialect=dialect)) as bench:
        async with station(bench.central) as car:
            await v2g_session(car)
            bench.setpoint(-3000.0)
            await bench.until(lambda s: s.outcome is not None)
            bench.setpoint(-2000.0)
            status = await bench.until(
                lambda s: s.outcome is not None and s.outcome.target_w == -2000.0
            )
            # The default and the lease wear it; the update does not.
            assert (status.writes_today, status.flash_writes_today) == (3, 2)
        evse = replace(EVSE, dialect=dialect)
        made = benches(evse=evse, journal=bench.journal, timezone="Europe/Amsterdam")
        async with made as again, station(again.central) as car:
            car.answers["GetChargingProfiles"] = lambda _: {"error": "NotImplemented"}
            car.device_model |= {
                ("ChargingStation", "VendorName"): "V",
                ("ChargingStation", "Model"): "M",
            }
            await car.asked("SetVariables")
            status = await again.until(lambda s: s.flash_writes_today is not None)
            # What wore the flash is on record at once, the rest within the hour.
            assert status.flash_writes_today == 2
            again.clock.elapsed_s += 6.5 * 3600.0  # past midnight in Amsterdam
            await car.event("Started", "CablePluggedIn", evse={"id": 1})
            await car.call("NotifyEVChargingNeeds", NEEDS_BPT)
            again.setpoint(-3000.0)
            status = await again.until(lambda s: s.outcome is not None)
            assert (status.writes_today, status.flash_writes_today) == (1, 1)
