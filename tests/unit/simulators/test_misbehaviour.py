"""Each way of a station to fail does what it says, and nothing of the kind happens without it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest

from simulators.clock import utc_from_s
from simulators.switches import STATION_SWITCHES
from tests.adapters.simulators.test_misbehaviour_on_the_wire import ON_THE_WIRE
from tests.unit.simulators.rig import Json, Rig, charging_rig, rig

OLD_TABLE = {"versions": ["ocpp2.0.1"]}
TX_DEFAULT: Json = {
    "id": 1,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxDefaultProfile",
    "chargingProfileKind": "Absolute",
}
SINCE_LONG = {"startSchedule": "2024-01-01T00:00:00Z"}


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is seen with the fault and without it."""

    observe: Callable[[Rig], Any]
    shown: Any
    ordinary: Any
    given: Json = field(default_factory=dict)
    table: Json = field(default_factory=dict)
    from_start: bool = False


def reason(answer: Json) -> str:
    """The reasonCode of a refusal, "" for Accepted."""
    return "" if answer["status"] == "Accepted" else str(answer["statusInfo"]["reasonCode"])


def power_after(*orders: Callable[[Rig], Json], each_s: float = 5.0) -> Callable[[Rig], float]:
    """The power some time after the last of several orders."""

    def observe(r: Rig) -> float:
        for order in orders:
            order(r)
            r.run(each_s)
        return r.power_w

    return observe


def setpoint(power_w: float, **more: Any) -> Callable[[Rig], Json]:
    """An order of so many watts."""
    return lambda r: r.setpoint(power_w, **more)


def limit(power_w: float) -> Callable[[Rig], Json]:
    """An order of at most so many watts."""
    return lambda r: r.limit(power_w)


def accepted_and_power(r: Rig) -> tuple[str, float]:
    answer = r.setpoint(-5000.0)
    return reason(answer), power_after(lambda _: {})(r)


def two_writes(r: Rig) -> list[str]:
    answers = [reason(r.setpoint(3000.0))]
    r.run(10.0)
    return [*answers, reason(r.setpoint(4000.0))]


def power_offline(r: Rig) -> float:
    r.limit(2000.0)
    r.go_offline()
    r.run(5.0)
    return r.power_w


def power_and_sources(r: Rig) -> tuple[float, list[str]]:
    r.setpoint(5000.0)
    r.run(5.0)
    told = [one["chargingLimit"]["chargingLimitSource"] for one in r.of("NotifyChargingLimit")]
    return r.power_w, told


def own_default(r: Rig) -> str:
    r.run(2.0)
    return reason(
        r.profile({"limit": 2000.0}, **TX_DEFAULT, transactionId=None, schedule=SINCE_LONG)
    )


def slow_ramp(r: Rig) -> float:
    r.setpoint(2000.0)
    r.run(90.0)
    r.setpoint(5000.0)
    r.run(10.0)
    return round(r.power_w, -2)


def negotiated(r: Rig) -> tuple[str, list[float], int]:
    r.run(10.0)
    mode = r.of("NotifyEVChargingNeeds")[-1]["chargingNeeds"]["controlMode"]
    r.run(60.0)
    r.setpoint(-5000.0)
    powers = []
    for _ in range(2):
        r.run(35.0)
        powers.append(r.power_w)
    return mode, powers, len(r.of("NotifyEVChargingSchedule"))


def last_needs(r: Rig) -> str:
    r.run(10.0)
    return str(r.of("NotifyEVChargingNeeds")[-1]["chargingNeeds"]["requestedEnergyTransfer"])


def power_and_needs(r: Rig) -> tuple[float, str]:
    return power_after(setpoint(-5000.0), each_s=12.0)(r), last_needs(r)


def power_and_state(r: Rig) -> tuple[float, str]:
    power_w = power_after(limit(5000.0))(r)
    assert r.station.transaction is not None
    return power_w, r.station.transaction.charging_state


def stamp_ahead_s(r: Rig) -> float:
    connector(r)
    stamp = datetime.fromisoformat(r.of("StatusNotification")[-1]["timestamp"])
    return round((stamp - utc_from_s(r.clock.at_s)).total_seconds())


def stamp_year(r: Rig) -> int:
    r.run(10.0)
    return datetime.fromisoformat(r.events()[-1]["timestamp"]).year


def dirt_in_the_token(r: Rig) -> bool:
    r.run(10.0)
    return "\x00" in r.of("Authorize")[-1]["idToken"]["idToken"]


def actions_and_words(r: Rig) -> tuple[bool, bool]:
    r.run(10.0)
    status = r.of("StatusNotification")[-1]
    return "errorCode" in status, bool(r.of("MeterValues"))


def seq_numbers(r: Rig) -> set[int]:
    r.run(20.0)
    return {event["seqNo"] for event in r.events()[-3:]}


def reports(r: Rig) -> list[Json]:
    r.ask("GetBaseReport", {"requestId": 1, "reportBase": "FullInventory"})
    r.deliver()
    return r.of("NotifyReport")


def variable_has_a_value(r: Rig) -> bool:
    variable = {"component": {"name": "ChargingStation"}, "variable": {"name": "Model"}}
    (result,) = r.ask("GetVariables", {"getVariableData": [variable]})["getVariableResult"]
    assert result["attributeStatus"] == "Accepted"
    return "attributeValue" in result


def composite(r: Rig) -> tuple[int, int]:
    schedule = r.ask("GetCompositeSchedule", {"duration": 600, "evseId": 1})["schedule"]
    return schedule["duration"], len(schedule["chargingSchedulePeriod"])


def connector(r: Rig) -> tuple[int, int, str]:
    r.ask("TriggerMessage", {"requestedMessage": "StatusNotification"})
    r.deliver()
    told = r.of("StatusNotification")[-1]
    return told["evseId"], told["connectorId"], told["connectorStatus"]


def told_soc(r: Rig) -> float | None:
    r.run(6.0)
    return r.sample().get("SoC", {}).get("value")


def soc_moves(r: Rig) -> bool:
    r.run(6.0)
    before = r.sample()["SoC"]["value"]
    r.run(600.0, step_s=5.0)
    return bool(r.sample()["SoC"]["value"] != before)


def soc_at_rest(r: Rig) -> bool:
    power_after(setpoint(0.0), each_s=12.0)(r)
    return "SoC" in r.sample()


def unit_of(event: Json, measurand: str) -> str | None:
    (value,) = [
        one for one in event["meterValue"][0]["sampledValue"] if one["measurand"] == measurand
    ]
    unit: str | None = value.get("unitOfMeasure", {}).get("unit")
    return unit


def units(r: Rig) -> tuple[str | None, str | None]:
    r.run(6.0)
    event = r.events(eventType="Updated")[-1]
    return unit_of(event, "Energy.Active.Import.Register"), unit_of(event, "Power.Active.Import")


def units_by_event(r: Rig) -> list[str | None]:
    r.run(20.0)
    r.station.world.unplug(r.station.world.vehicles["car"])
    r.run(2.0)
    return [
        unit_of(r.events(eventType=kind)[-1], "Energy.Active.Import.Register")
        for kind in ("Started", "Updated", "Ended")
    ]


def told_power_w(r: Rig) -> float:
    power_after(setpoint(5000.0), each_s=12.0)(r)
    return float(r.sample()["Power.Active.Import"]["value"])


def register_of_a_second_session(r: Rig) -> bool:
    r.run(120.0)
    world, car = r.station.world, r.station.world.vehicles["car"]
    world.unplug(car)
    r.run(2.0)
    world.plug(car, "S1")
    r.run(2.0)
    (value,) = [
        one["value"]
        for one in r.events(eventType="Started")[-1]["meterValue"][0]["sampledValue"]
        if one["measurand"] == "Energy.Active.Import.Register"
    ]
    return bool(value > 100.0)


def signs(r: Rig) -> tuple[float, bool]:
    power_after(setpoint(-5000.0), each_s=12.0)(r)
    sample = r.sample()
    return sample["Power.Active.Import"]["value"], "Power.Active.Export" in sample


def ended_by(r: Rig) -> list[str]:
    r.run(2.0)
    return [one["transactionInfo"]["stoppedReason"] for one in r.events(eventType="Ended")]


def profiles_after_a_reboot(r: Rig) -> list[int]:
    r.profile({"limit": 2000.0}, **TX_DEFAULT, transactionId=None, schedule=SINCE_LONG)
    r.station.reboot("PowerUp")
    return sorted(r.station.store.installed)


def started(r: Rig) -> bool:
    r.run(10.0)
    return r.station.transaction is not None


def start_after_stop(r: Rig) -> str:
    assert r.station.transaction is not None
    r.ask("RequestStopTransaction", {"transactionId": r.station.transaction.id})
    token = {"idToken": "APP", "type": "Central"}
    return str(r.ask("RequestStartTransaction", {"idToken": token, "remoteStartId": 5})["status"])


def samples_made_offline(r: Rig) -> bool:
    r.go_offline()
    r.run(60.0)
    r.come_back()
    return any(r.events(offline=True, triggerReason="MeterValuePeriodic"))


FULL_W = 7400.0
CASES: dict[str, Case] = {
    "call_error": Case(
        observe=lambda r: r.setpoint(-5000.0),
        given={"code": "GenericError", "action": "SetChargingProfile"},
        shown={"code": "GenericError"},
        ordinary={"status": "Accepted"},
    ),
    # --- profiles ---
    "rejects_profiles": Case(
        observe=lambda r: reason(r.setpoint(-5000.0)),
        given={"reason_code": "OutOfMemory"},
        shown="OutOfMemory",
        ordinary="",
    ),
    "accepts_and_ignores": Case(
        observe=accepted_and_power, shown=("", FULL_W), ordinary=("", -5000.0)
    ),
    "rate_limited": Case(observe=two_writes, shown=["", "RateLimitExceeded"], ordinary=["", ""]),
    "zero_refused": Case(
        observe=lambda r: reason(r.limit(0.0)), shown="ValueZeroNotAllowed", ordinary=""
    ),
    "zero_latches": Case(
        observe=power_after(setpoint(0.0), setpoint(5000.0)), shown=0.0, ordinary=5000.0
    ),
    "negative_limit_zero": Case(observe=power_after(limit(-4000.0)), shown=0.0, ordinary=FULL_W),
    "negative_limit_ignored": Case(
        observe=power_after(limit(2000.0), limit(-4000.0)), shown=2000.0, ordinary=FULL_W
    ),
    "negative_limit_refused": Case(
        observe=lambda r: r.limit(-4000.0),
        shown={"code": "PropertyConstraintViolation"},
        ordinary={"status": "Accepted"},
    ),
    "negative_limit_absolute": Case(
        observe=power_after(limit(-4000.0)), shown=4000.0, ordinary=FULL_W
    ),
    "negative_limit_discharges": Case(
        observe=power_after(limit(-4000.0)), table=OLD_TABLE, shown=-4000.0, ordinary=FULL_W
    ),
    "never_expires": Case(
        observe=power_after(setpoint(-5000.0, schedule={"duration": 30}), each_s=60.0),
        shown=-5000.0,
        ordinary=FULL_W,
    ),
    "unlimited_offline": Case(observe=power_offline, shown=FULL_W, ordinary=2000.0),
    "foreign_profile": Case(
        observe=power_and_sources, shown=(3000.0, ["EMS"]), ordinary=(5000.0, [])
    ),
    "foreign_default": Case(observe=own_default, shown="DuplicateProfile", ordinary=""),
    # --- power ---
    "sign_flip": Case(observe=power_after(setpoint(-5000.0)), shown=5000.0, ordinary=-5000.0),
    "lag": Case(
        observe=power_after(setpoint(5000.0), setpoint(-5000.0), each_s=12.0),
        given={"lag_s": 15.0},
        shown=5000.0,
        ordinary=-5000.0,
    ),
    "slow_ramp": Case(observe=slow_ramp, shown=3000.0, ordinary=5000.0),
    "deadband": Case(
        observe=power_after(setpoint(5000.0), setpoint(4800.0)), shown=5000.0, ordinary=4800.0
    ),
    "power_floor": Case(observe=power_after(setpoint(2000.0)), shown=3000.0, ordinary=2000.0),
    "renegotiation": Case(
        observe=negotiated,
        from_start=True,
        shown=("ScheduledControl", [FULL_W, -5000.0], 1),
        ordinary=("DynamicControl", [-5000.0, -5000.0], 0),
    ),
    # --- the car ---
    "needs_rejected": Case(
        observe=last_needs, from_start=True, shown="AC_three_phase", ordinary="AC_BPT"
    ),
    "permission_withdrawn": Case(
        observe=power_and_needs, shown=(0.0, "AC_three_phase"), ordinary=(-5000.0, "AC_BPT")
    ),
    "car_full": Case(
        observe=power_and_state,
        given={"value": 50.0},
        shown=(0.0, "SuspendedEV"),
        ordinary=(5000.0, "Charging"),
    ),
    "car_timer": Case(
        observe=power_and_state, shown=(0.0, "SuspendedEV"), ordinary=(5000.0, "Charging")
    ),
    # --- messages ---
    "clock_skew": Case(observe=stamp_ahead_s, shown=7200, ordinary=0),
    "clock_1970": Case(observe=stamp_year, shown=1970, ordinary=2024),
    "nul_characters": Case(observe=dirt_in_the_token, from_start=True, shown=True, ordinary=False),
    "old_shapes": Case(
        observe=actions_and_words,
        from_start=True,
        table=OLD_TABLE,
        shown=(True, True),
        ordinary=(False, False),
    ),
    "seq_no_zero": Case(observe=lambda r: len(seq_numbers(r)), shown=1, ordinary=3),
    "tbc_missing": Case(
        observe=lambda r: any("tbc" in one for one in reports(r)), shown=False, ordinary=True
    ),
    "report_never_ends": Case(observe=lambda r: reports(r)[-1]["tbc"], shown=True, ordinary=False),
    "variables_without_value": Case(observe=variable_has_a_value, shown=False, ordinary=True),
    "absurd_composite": Case(observe=composite, shown=(8_638_204_624_965, 0), ordinary=(600, 1)),
    "status_evse_zero": Case(
        observe=connector, shown=(0, 0, "Occupied"), ordinary=(1, 1, "Occupied")
    ),
    "available_while_plugged": Case(
        observe=connector, shown=(1, 1, "Available"), ordinary=(1, 1, "Occupied")
    ),
    # --- readings ---
    "no_soc": Case(observe=told_soc, shown=None, ordinary=50.0),
    "soc_glitch": Case(observe=told_soc, given={"value": 101.0}, shown=101.0, ordinary=50.0),
    "soc_frozen": Case(observe=soc_moves, shown=False, ordinary=True),
    "soc_needs_power": Case(observe=soc_at_rest, shown=False, ordinary=True),
    "kwh": Case(observe=units, shown=("kWh", "kW"), ordinary=("Wh", "W")),
    "kwh_mixed": Case(
        observe=units_by_event,
        from_start=True,
        shown=["kWh", "Wh", "kWh"],
        ordinary=["Wh", "Wh", "Wh"],
    ),
    "no_units": Case(observe=units, shown=(None, None), ordinary=("Wh", "W")),
    "power_zero": Case(observe=told_power_w, shown=0.0, ordinary=5000.0),
    "session_registers": Case(observe=register_of_a_second_session, shown=False, ordinary=True),
    "negative_import": Case(observe=signs, shown=(-5000.0, False), ordinary=(0.0, True)),
    # --- life ---
    "reboot": Case(observe=ended_by, shown=["Reboot"], ordinary=[]),
    "forgets_default": Case(observe=profiles_after_a_reboot, shown=[], ordinary=[1]),
    "remote_start_needed": Case(observe=started, from_start=True, shown=False, ordinary=True),
    "stuck_finishing": Case(observe=start_after_stop, shown="Rejected", ordinary="Accepted"),
    "offline_replay": Case(observe=samples_made_offline, shown=True, ordinary=False),
}


@pytest.mark.parametrize("kind", CASES)
def test_a_fault_acts_and_only_while_it_is_set(kind: str) -> None:
    case = CASES[kind]
    seen = {}
    for name in ("ordinary", "shown"):
        made = rig(**case.table) if case.from_start else charging_rig(**case.table)
        if name == "shown":
            made.fault(kind, **case.given)
        seen[name] = case.observe(made)
    assert seen == {"ordinary": case.ordinary, "shown": case.shown}


def test_every_way_of_a_station_to_fail_is_tried() -> None:
    assert CASES.keys() | ON_THE_WIRE.keys() == STATION_SWITCHES.keys()
    assert CASES.keys() & ON_THE_WIRE.keys() == set()
