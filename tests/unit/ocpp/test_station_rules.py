"""Our profiles before the simulated station's own rules: what is refused leads to what is taken."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.station.period_rules import Capabilities
from simulators.station.profile_rules import Proposal, refusal
from simulators.station.profiles import InstalledProfile, ProfileStore
from simulators.station.targets import Hardware
from v2g_daemon.adapters.ocpp.config import FrequencyPoint, OcppVersion
from v2g_daemon.adapters.ocpp.smart_charging.ladder import (
    Attempt,
    Kind,
    Purpose,
    Room,
    Rung,
    next_rung,
)
from v2g_daemon.adapters.ocpp.smart_charging.lease import written_kind
from v2g_daemon.adapters.ocpp.smart_charging.profiles import (
    LeaseTime,
    Outlet,
    default_profile,
    lease_profile,
    outlook_profile,
)
from v2g_daemon.adapters.ocpp.smart_charging.telling import (
    CentralSetpoint,
    ChargeLimit,
    FrequencyFollowing,
    Idle,
    LoadBalancing,
    Told,
    extra_of,
    is_signed,
)
from v2g_daemon.adapters.ocpp.wire.codec import JsonObject
from v2g_daemon.adapters.ocpp.wire.schemas import call_violation
from v2g_daemon.adapters.ocpp.wire.session import CallAnswered
from v2g_daemon.domain.outlook import OutlookStep
from v2g_daemon.domain.power import PowerRange

NOW = datetime(2024, 12, 11, 17, 0, 0, tzinfo=UTC)
EVERYTHING = Capabilities(
    operation_modes=frozenset(
        "Idle ChargingOnly CentralSetpoint LocalFrequency LocalLoadBalancing".split()
    ),
    dynamic_profiles=True,
    load_band_set=True,
)
OUTLET = Outlet(evse_number=1, phases=3, nominal_voltage_v=230.0)
BEST = Rung(setpoint_kind=Kind.DYNAMIC, modes_said=True, offline_limit=True)
ROOM = Room(highest_stack_level=10, single_evse=True, direct_current=False)
SETPOINT = CentralSetpoint(target_w=-3000.0)
LIMIT = ChargeLimit(limit_w=3000.0)
CURVE = FrequencyFollowing(
    target_w=0.0,
    points=(
        FrequencyPoint(frequency_hz=49.8, power_w=-1000.0),
        FrequencyPoint(frequency_hz=50.2, power_w=1000.0),
    ),
)
BALANCING = LoadBalancing(target_w=-1000.0, range_w=PowerRange(lowest_w=-7400.0, highest_w=7400.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """A station of these capabilities, where others have installed something before."""

    capabilities: Capabilities = EVERYTHING
    installed: tuple[JsonObject, ...] = ()
    needs_due: bool = False

    def reason(self, message: JsonObject) -> str:
        """Its reasonCode; empty: it takes the profile."""
        store = ProfileStore(hardware=Hardware(phases=3, max_charge_w=11_000.0))
        for raw in self.installed:
            evse_id = int(raw.get("evseId", 1))
            store.put(InstalledProfile(evse_id=evse_id, raw=raw["profile"], updated_s=0.0))
        proposal = Proposal(
            evse_id=message["evseId"],
            raw=message["chargingProfile"],
            transaction_id="t",
            capabilities=self.capabilities,
            store=store,
            needs_due=self.needs_due,
        )
        refused = refusal(proposal)
        return "" if refused is None else refused.reason_code


def lease(told: Told, rung: Rung, outlet: Outlet = OUTLET) -> JsonObject:
    kind = written_kind(told, rung.setpoint_kind, rung.limit_kind)
    return lease_profile(
        outlet, rung, told, kind, LeaseTime(transaction_id="t", length_s=90, now_utc=NOW)
    )


def default(rung: Rung, outlet: Outlet = OUTLET) -> JsonObject:
    return default_profile(outlet, rung, current_a=10.0, now_utc=NOW)


def negotiated(
    judge: Judge, told: Told, rung: Rung = BEST, room: Room = ROOM
) -> tuple[list[str], Told, Rung]:
    """The reasons of all refusals, and what was taken in the end."""
    reasons: list[str] = []
    tried = frozenset({rung})
    while (reason := judge.reason(lease(told, rung))) != "":
        reasons.append(reason)
        attempt = Attempt(
            rung=rung, signed=is_signed(told), room=room, tried=tried, extra=extra_of(told)
        )
        info = {"reasonCode": reason}
        answer = CallAnswered(payload={"status": "Rejected", "statusInfo": info})
        found = next_rung(attempt, answer)
        assert found is not None, reasons
        rung, tried = found, tried | {found}
        if extra_of(told) is not None and not (rung.idle and rung.local):
            told = SETPOINT
        if is_signed(told) and rung.setpoint_kind is None:
            told = ChargeLimit(limit_w=0.0)
    return reasons, told, rung


def foreign(purpose: str, stack_level: int, evse_id: int = 1) -> JsonObject:
    profile: JsonObject = {
        "id": 77,
        "stackLevel": stack_level,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Absolute",
        "chargingSchedule": [
            {
                "id": 1,
                "chargingRateUnit": "W",
                "startSchedule": "2024-01-01T00:00:00Z",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 1000.0}],
            }
        ],
    }
    if purpose == "TxProfile":
        profile["transactionId"] = "t"
    return {"evseId": evse_id, "profile": profile}


@pytest.mark.parametrize(
    ("rule", "judge", "told", "reasons", "change"),
    [
        ("Q03", Judge(), SETPOINT, [], {}),
        ("Q02", Judge(), LIMIT, [], {}),
        ("Q08", Judge(), CURVE, [], {}),
        ("Q09", Judge(), BALANCING, [], {}),
        ("Q10", Judge(), Idle(), [], {}),
        (
            "K01.FR.26",
            Judge(capabilities=replace(EVERYTHING, rate_units=frozenset({"A"}))),
            SETPOINT,
            ["UnsupportedRateUnit"],
            {"rate_unit": "A"},
        ),
        (
            "K01.FR.44",
            Judge(capabilities=replace(EVERYTHING, direct_current=True)),
            SETPOINT,
            ["NoPhaseForDC"],
            {"phases_said": False},
        ),
        (
            "K01.FR.121",
            Judge(capabilities=replace(EVERYTHING, dynamic_profiles=False)),
            SETPOINT,
            ["UnsupportedKind"],
            {"setpoint_kind": Kind.ABSOLUTE},
        ),
        (
            "K01.FR.101",
            Judge(capabilities=replace(EVERYTHING, offline_limits=False)),
            SETPOINT,
            ["UnsupportedParam"],
            {"offline_limit": False},
        ),
        (
            "K01.FR.115",
            Judge(capabilities=replace(EVERYTHING, operation_modes=frozenset({"ChargingOnly"}))),
            SETPOINT,
            ["InvalidOperationMode"],
            {"setpoint_kind": None},
        ),
        (
            "K01.FR.39",
            Judge(installed=(foreign("TxProfile", 2),)),
            SETPOINT,
            ["InvalidStackLevel"],
            {"stack_level": 3},
        ),
        (
            "ProfileStackLevel",
            Judge(capabilities=replace(EVERYTHING, max_stack_level=2)),
            SETPOINT,
            [],
            {},
        ),
        (
            "Q09.FR.02",
            Judge(capabilities=replace(EVERYTHING, load_band_set=False)),
            BALANCING,
            ["MissingDevModelInfo"],
            {"local": False},
        ),
        (
            "Q09.FR.01",
            Judge(capabilities=replace(EVERYTHING, operation_modes=frozenset({"CentralSetpoint"}))),
            BALANCING,
            ["UnsupportedParam"],
            {"local": False},
        ),
        (
            "Q10",
            Judge(capabilities=replace(EVERYTHING, operation_modes=frozenset({"CentralSetpoint"}))),
            Idle(),
            ["InvalidOperationMode"],
            {"idle": False},
        ),
    ],
)
def test_each_rule_is_obeyed_or_its_refusal_leads_to_a_form_that_is(
    rule: str, judge: Judge, told: Told, reasons: list[str], change: dict[str, Any]
) -> None:
    assert negotiated(judge, told)[::2] == (reasons, replace(BEST, **change)), rule


def test_a_profile_before_the_needs_is_refused_for_good() -> None:
    answer = CallAnswered(
        payload={"status": "Rejected", "statusInfo": {"reasonCode": "InvalidMessageSeq"}}
    )
    assert Judge(needs_due=True).reason(lease(SETPOINT, BEST)) == "InvalidMessageSeq"  # K18.FR.17
    attempt = Attempt(rung=BEST, signed=True, room=ROOM, tried=frozenset({BEST}))
    assert next_rung(attempt, answer) is None


NET = replace(BEST, purpose=Purpose.TX_DEFAULT, stack_level=0, setpoint_kind=None)


@pytest.mark.parametrize("evse_id", [0, 1])
def test_a_default_beside_a_foreign_one_goes_a_level_higher(evse_id: int) -> None:
    """K01.FR.06, FR.52 and FR.53."""
    judge = Judge(installed=(foreign("TxDefaultProfile", 0, evse_id),))
    assert judge.reason(default(NET)) == "DuplicateProfile"
    assert judge.reason(default(replace(NET, stack_level=1))) == ""


def test_ids_lie_above_the_stations_own_constraints() -> None:
    """K01.FR.80 and FR.81."""
    judge = Judge(capabilities=replace(EVERYTHING, highest_external_id=4999))
    assert judge.reason(default(NET)) == "InvalidProfileId"
    above = replace(OUTLET, first_profile_id=5000)
    assert judge.reason(default(NET, above)) == ""
    assert judge.reason(lease(SETPOINT, BEST, above)) == ""


def test_the_same_id_replaces_in_every_form() -> None:
    """K01.FR.05."""
    for before in (LIMIT, SETPOINT, Idle(), CURVE):
        installed = {"evseId": 1, "profile": lease(before, BEST)["chargingProfile"]}
        assert Judge(installed=(installed,)).reason(lease(SETPOINT, BEST)) == ""


def test_the_three_layers_stand_beside_each_other() -> None:
    steps = [
        OutlookStep(starts_at_utc=NOW, limit_w=0.0),
        OutlookStep(starts_at_utc=NOW + timedelta(hours=1), limit_w=2300.0),
    ]
    middle = outlook_profile(
        OUTLET,
        BEST,
        steps=steps,
        ends_at_utc=NOW + timedelta(hours=4),
        transaction_id="t",
        offline_s=14_400,
    )
    layers = (default(NET), middle)
    installed = tuple({"evseId": 1, "profile": one["chargingProfile"]} for one in layers)
    for told in (LIMIT, SETPOINT, Idle(), CURVE, BALANCING):
        assert Judge(installed=installed).reason(lease(told, BEST)) == ""


TOLD = st.one_of(
    st.builds(CentralSetpoint, target_w=st.floats(-11_000.0, 11_000.0)),
    st.builds(ChargeLimit, limit_w=st.floats(0.0, 11_000.0)),
    st.builds(Idle),
    st.just(CURVE),
    st.just(BALANCING),
)
MODES = st.frozensets(
    st.sampled_from(["Idle", "CentralSetpoint", "LocalFrequency", "LocalLoadBalancing"])
).map(lambda modes: modes | {"ChargingOnly"})


@given(
    told=TOLD,
    modes=MODES,
    dynamic=st.booleans(),
    offline=st.booleans(),
    direct_current=st.booleans(),
    units=st.sampled_from([frozenset({"W"}), frozenset({"A", "W"})]),
    taken=st.lists(st.integers(0, 4), max_size=2),
)
def test_whatever_a_station_offers_something_is_taken_and_it_discharges_no_more_than_told(
    told: Told,
    modes: frozenset[str],
    dynamic: bool,
    offline: bool,
    direct_current: bool,
    units: frozenset[str],
    taken: list[int],
) -> None:
    capabilities = replace(
        EVERYTHING,
        operation_modes=modes,
        dynamic_profiles=dynamic,
        offline_limits=offline,
        direct_current=direct_current,
        rate_units=units,
    )
    judge = Judge(
        capabilities=capabilities, installed=tuple(foreign("TxProfile", one) for one in taken)
    )
    room = replace(ROOM, direct_current=direct_current)
    _, final, rung = negotiated(judge, told, room=room)
    message = lease(final, rung)
    assert call_violation(OcppVersion.V2_1, "SetChargingProfile", message) is None
    (schedule,) = message["chargingProfile"]["chargingSchedule"]
    assert schedule["duration"] > 0  # it ends by itself
    (period,) = schedule["chargingSchedulePeriod"]
    assert period.get("limit", 0.0) >= 0.0
    if "setpoint" in period:
        assert message["chargingProfile"]["chargingProfilePurpose"] == "TxProfile"
        assert period["operationMode"] == "CentralSetpoint"
