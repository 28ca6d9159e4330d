"""When a station refuses a charging profile, and with which reason."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from simulators.station.period_rules import Capabilities
from simulators.station.profile_rules import Proposal, refusal
from simulators.station.profiles import EXTERNAL
from tests.unit.simulators.test_profiles import Json, dynamic, raw, store

V2X = Capabilities(
    operation_modes=frozenset(
        "Idle CentralSetpoint CentralFrequency LocalFrequency LocalLoadBalancing".split()
    ),
    dynamic_profiles=True,
    additional_purposes=frozenset({"PriorityCharging"}),
    load_band_set=True,
)
V1G = Capabilities(operation_modes=frozenset({"ChargingOnly"}), dynamic_profiles=False)


def judged(one: Json, *installed: Json, capabilities: Capabilities = V2X, **fields: Any) -> str:
    """The reasonCode of a refusal, or "" for none."""
    place: Json = {"evse_id": 1, "transaction_id": "tx", **fields}
    refused = refusal(
        Proposal(raw=one, capabilities=capabilities, store=store(*installed), **place)
    )
    return "" if refused is None else refused.reason_code


def modes(**period: Any) -> Json:
    """A TxProfile Absolute with one period."""
    return raw(
        period={"startPeriod": 0, **period},
        chargingProfilePurpose="TxProfile",
        transactionId="tx",
    )


def per_frequency(*points: tuple[float, float], unit: str = "W", **period: Any) -> Json:
    """A TxProfile that follows the grid's frequency."""
    curve = [{"frequency": hertz, "power": watts} for hertz, watts in points]
    return raw(
        period={"startPeriod": 0, "operationMode": "LocalFrequency", **period}
        | ({"v2xFreqWattCurve": curve} if curve else {}),
        chargingProfilePurpose="TxProfile",
        transactionId="tx",
        schedule={"chargingRateUnit": unit},
    )


def priority(**schedule: Any) -> Json:
    """A PriorityCharging profile."""
    return raw(chargingProfilePurpose="PriorityCharging", stackLevel=0, schedule=schedule)


SETPOINT = {"operationMode": "CentralSetpoint"}
SLOPE = ((49.8, -5000.0), (50.2, 5000.0))
BALANCING = {"operationMode": "LocalLoadBalancing"}


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (raw(), ""),
        (dynamic(-5000.0), ""),
        (modes(operationMode="Idle"), ""),
        (modes(operationMode="Idle", limit=0.0), "InvalidSchedule"),
        (modes(limit=1000.0, setpoint=500.0), "InvalidSchedule"),
        (modes(**SETPOINT), "InvalidSchedule"),
        (modes(**SETPOINT, setpoint=-5000.0, dischargeLimit=-4000.0), "InvalidSchedule"),
        (modes(**SETPOINT, setpoint=-4000.0, dischargeLimit=-4000.0, limit=0.0), ""),
        (modes(**SETPOINT, setpoint=5000.0, limit=4000.0), "InvalidSchedule"),
        (modes(**SETPOINT, setpoint=1000.0, setpoint_L2=1000.0), "PhaseConflict"),
        (modes(operationMode="ExternalSetpoint"), "InvalidOperationMode"),
        (modes(operationMode="CentralFrequency", setpoint=100.0), "InvalidProfile"),
        (dynamic(-5000.0, transactionId="other"), "TxNotFound"),
        (dynamic(-5000.0, maxOfflineDuration=30, invalidAfterOfflineDuration=True), ""),
        (raw(transactionId="tx"), "InvalidProfile"),
        (raw(chargingProfilePurpose="TxProfile"), "MissingParam"),
        (modes(**SETPOINT, setpoint=0.0, setpointReactive=100.0), ""),
        (modes(limit=1000.0, setpointReactive=100.0), "InvalidSchedule"),
        (modes(operationMode="Idle", preconditioningRequest=True, evseSleep=True), ""),
        (modes(limit=1000.0, evseSleep=True), "InvalidSchedule"),
        (modes(**BALANCING), ""),
        (modes(**BALANCING, limit=5000.0, dischargeLimit=-5000.0), ""),
        (modes(**BALANCING, setpoint=100.0), "InvalidSchedule"),
        (per_frequency(*SLOPE, v2xBaseline=0.0), ""),
        (per_frequency(*SLOPE), "NoFreqWattCurve"),
        (per_frequency(SLOPE[0], v2xBaseline=0.0), "NoFreqWattCurve"),
        (per_frequency(v2xBaseline=0.0), "NoFreqWattCurve"),
        (per_frequency(*SLOPE, v2xBaseline=0.0, limit=1000.0), "InvalidSchedule"),
        (per_frequency(*SLOPE, v2xBaseline=0.0, unit="A"), "UnsupportedRateUnit"),
        (dynamic(0.0, period={"operationMode": "CentralFrequency", "setpoint": 100.0}), ""),
        (modes(limit=1000.0, phaseToUse=1, numberPhases=1), "InvalidSchedule"),
        (raw(schedule={"useLocalTime": True}), "InvalidSchedule"),
        (raw(schedule={"randomizedDelay": 600}), "InvalidSchedule"),
        (raw(schedule={"useLocalTime": False, "randomizedDelay": 0}), ""),
        (priority(), ""),
        (priority(duration=600), "InvalidSchedule"),
        (raw(chargingProfilePurpose="LocalGeneration"), "UnsupportedPurpose"),
        (raw(chargingProfilePurpose="ChargingStationExternalConstraints"), "InvalidProfile"),
        (raw(chargingProfilePurpose="ChargingStationMaxProfile"), "InvalidProfile"),
        (raw(stackLevel=11), "InvalidStackLevel"),
        (raw(dynUpdateInterval=5), "InvalidProfile"),
        (raw(chargingProfileKind="Recurring"), "InvalidProfile"),
        (raw(schedule={"limitAtSoC": {"soc": 80, "limit": 0.0}}), "InvalidSchedule"),
        (raw(schedule={"startSchedule": "yesterday"}), "InvalidValue"),
        (raw(period={"startPeriod": 5, "limit": 0.0}), "InvalidSchedule"),
    ],
)
def test_each_rule_refuses_with_its_reason(one: Json, reason: str) -> None:
    assert judged(one) == reason


def test_a_dynamic_profile_has_one_period_and_no_start() -> None:
    two = dynamic(-5000.0)
    two["chargingSchedule"][0]["chargingSchedulePeriod"].append(
        {"startPeriod": 60, "operationMode": "CentralSetpoint", "setpoint": 0.0}
    )
    assert judged(two) == "InvalidSchedule"
    started = dynamic(-5000.0)
    started["chargingSchedule"][0]["startSchedule"] = "2024-12-11T16:30:00Z"
    assert judged(started) == "InvalidSchedule"


def test_without_v2x_only_plain_charging_is_offered() -> None:
    assert judged(raw(), capabilities=V1G) == ""
    assert judged(modes(**SETPOINT, setpoint=2000.0), capabilities=V1G) == "InvalidOperationMode"
    assert judged(dynamic(2000.0), capabilities=V1G) == "UnsupportedKind"


def test_the_same_id_replaces_and_a_new_id_on_the_level_is_refused() -> None:
    assert judged(raw(), raw()) == ""
    assert judged(raw(id=2), raw()) == "DuplicateProfile"
    assert judged(raw(id=2, stackLevel=1), raw()) == ""
    assert judged(raw(id=2), raw(), evse_id=0) == "DuplicateProfile"
    assert judged(dynamic(-1.0, id=10), dynamic(-5000.0)) == "InvalidStackLevel"
    assert judged(dynamic(-2000.0), dynamic(-5000.0)) == ""


def test_profiles_on_one_level_may_follow_each_other() -> None:
    earlier = raw(validTo="2024-12-12T00:00:00Z")
    later = raw(id=2, validFrom="2024-12-12T00:00:00Z")
    assert judged(later, earlier) == ""


def test_a_station_maximum_belongs_to_the_whole_station() -> None:
    cap = raw(chargingProfilePurpose="ChargingStationMaxProfile")
    assert judged(cap, evse_id=0) == ""
    relative = raw(
        chargingProfilePurpose="ChargingStationMaxProfile", chargingProfileKind="Relative"
    )
    assert judged(relative, evse_id=0) == "InvalidProfile"
    assert judged(raw(), evse_id=2) == "UnknownEvse"
    setpoints = raw(
        chargingProfilePurpose="ChargingStationMaxProfile",
        period={"startPeriod": 0, **SETPOINT, "setpoint": 0.0},
    )
    assert judged(setpoints, evse_id=0) == "InvalidOperationMode"


def test_a_priority_profile_only_charges() -> None:
    two_way = raw(
        chargingProfilePurpose="PriorityCharging",
        period={"startPeriod": 0, **SETPOINT, "setpoint": 0.0},
    )
    assert judged(two_way) == "InvalidOperationMode"


def test_what_is_not_offered_is_refused_by_its_name() -> None:
    assert judged(raw(), capabilities=replace(V2X, rate_units=frozenset("A"))) == (
        "UnsupportedRateUnit"
    )
    offline = dynamic(-5000.0, maxOfflineDuration=30)
    assert judged(offline, capabilities=replace(V2X, offline_limits=False)) == "UnsupportedParam"
    unset = replace(V2X, load_band_set=False)
    assert judged(modes(**BALANCING), capabilities=unset) == "MissingDevModelInfo"
    assert judged(modes(**BALANCING), capabilities=V1G) == "UnsupportedParam"


def test_an_evse_of_direct_current_has_no_phases() -> None:
    direct = replace(V2X, direct_current=True)
    assert judged(modes(limit=1000.0), capabilities=direct) == ""
    assert judged(modes(limit=1000.0, numberPhases=3), capabilities=direct) == "NoPhaseForDC"
    assert judged(modes(limit=1000.0, phaseToUse=1), capabilities=direct) == "NoPhaseForDC"


def test_phases_are_set_apart_only_where_the_ev_told_them() -> None:
    told = replace(V2X, ev_phases=frozenset({"maxChargePower_L2", "maxDischargePower_L2"}))
    assert judged(modes(limit=1000.0, limit_L2=500.0), capabilities=told) == ""
    assert judged(modes(limit=1000.0, limit_L2=500.0)) == "PhaseConflict"
    assert judged(modes(**SETPOINT, setpoint=0.0, setpoint_L2=9.0), capabilities=told) == ""
    assert judged(modes(**SETPOINT, setpoint_L2=9.0), capabilities=told) == "PhaseConflict"
    default = raw(period={"startPeriod": 0, "limit": 1000.0, "limit_L2": 500.0})
    assert judged(default, capabilities=told) == "PhaseConflict"


def test_ids_of_others_are_not_ours_to_take() -> None:
    bounded = replace(V2X, highest_external_id=100)
    assert judged(raw(id=100), capabilities=bounded) == "InvalidProfileId"
    assert judged(raw(id=101), capabilities=bounded) == ""
    assert judged(raw(), raw(chargingProfilePurpose=EXTERNAL)) == "InvalidProfileId"


def test_the_ev_speaks_first() -> None:
    assert judged(dynamic(-5000.0), needs_due=True) == "InvalidMessageSeq"
    assert judged(raw(), needs_due=True) == ""


def test_alternatives_are_for_an_ev_that_chooses() -> None:
    two = modes(limit=1000.0)
    two["chargingSchedule"] *= 2
    assert judged(two) == "InvalidProfile"
    assert judged(two, needs_told=True) == ""


def test_there_is_room_for_so_many_profiles_and_periods() -> None:
    twenty = [
        raw(id=one, stackLevel=one % 10, validTo=f"20{one:02}-01-01T00:00:00Z")
        for one in range(10, 30)
    ]
    assert judged(raw(id=99, stackLevel=10), *twenty) == "TooManyElements"
    assert judged(raw(id=29, stackLevel=10), *twenty) == ""
    periods = [{"startPeriod": one, "limit": 0.0} for one in range(97)]
    assert judged(raw(schedule={"chargingSchedulePeriod": periods})) == "TooManyElements"
