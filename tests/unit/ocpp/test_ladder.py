"""Where a refusal leads: one rung down by its reason, and never to a looser form."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from v2g_daemon.adapters.ocpp.smart_charging.ladder import (
    Attempt,
    Kind,
    Purpose,
    RateUnit,
    Room,
    Rung,
    decode,
    encode,
    next_rung,
)
from v2g_daemon.adapters.ocpp.wire.session import (
    CallAnswered,
    CallOutcome,
    CallRejectedByError,
    CallTimedOut,
    LinkClosed,
)

BEST = Rung(setpoint_kind=Kind.DYNAMIC, modes_said=True, offline_limit=True)
ROOM = Room(highest_stack_level=5, single_evse=True, direct_current=False)


def refused(reason: str = "", detail: str = "") -> CallAnswered:
    info = {"reasonCode": reason, "additionalInfo": detail}
    return CallAnswered(
        payload={"status": "Rejected"} | ({} if reason == "" else {"statusInfo": info})
    )


def step(
    rung: Rung, outcome: CallOutcome, *, signed: bool = True, room: Room = ROOM
) -> Rung | None:
    return next_rung(Attempt(rung=rung, signed=signed, room=room, tried=frozenset({rung})), outcome)


def climb(rung: Rung, outcome: CallOutcome, *, signed: bool, room: Room = ROOM) -> Iterator[Rung]:
    """Every rung that a station which always answers the same is offered."""
    tried = frozenset({rung})
    while True:
        found = next_rung(Attempt(rung=rung, signed=signed, room=room, tried=tried), outcome)
        if found is None:
            return
        yield found
        rung, tried = found, tried | {found}


@pytest.mark.parametrize(
    ("reason", "signed", "change"),
    [
        ("UnsupportedKind", True, {"setpoint_kind": Kind.ABSOLUTE}),
        ("UnsupportedKind", False, {"limit_kind": Kind.RELATIVE}),
        ("UnsupportedRateUnit", True, {"rate_unit": RateUnit.AMPERE}),
        ("NoPhaseForDC", True, {"phases_said": False}),
        ("PhaseConflict", True, {"phases_said": False}),
        ("InvalidStackLevel", True, {"stack_level": 3}),
        ("InvalidOperationMode", True, {"setpoint_kind": None}),
        ("DuplicateProfile", True, {"stack_level": 3}),
        ("UnsupportedParam", True, {"offline_limit": False}),
        ("InvalidSchedule", False, {"starts_early": True}),
        ("InvalidProfile", True, {"offline_limit": False}),
        ("UnsupportedPurpose", False, {"purpose": Purpose.TX_DEFAULT}),
    ],
)
def test_the_reason_says_which_way_to_step(
    reason: str, signed: bool, change: dict[str, object]
) -> None:
    assert step(BEST, refused(reason), signed=signed) == replace(BEST, **change)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "outcome",
    [
        refused("TxNotFound"),
        refused("InternalError"),
        refused("NotEnabled"),
        refused("RateLimitExceeded"),
        refused("InvalidMessageSeq"),
        CallRejectedByError(code="NotImplemented", text=""),
        CallRejectedByError(code="NotSupported", text=""),
        CallRejectedByError(code="InternalError", text=""),
        CallTimedOut(timeout_s=30.0),
        LinkClosed(),
    ],
)
@pytest.mark.parametrize("signed", [True, False])
def test_what_no_other_form_would_cure_leads_nowhere(outcome: CallOutcome, signed: bool) -> None:
    assert step(BEST, outcome, signed=signed) is None


def test_a_conflict_with_another_profile_is_climbed_over_then_dived_under() -> None:
    conflict = refused("InvalidStackLevel", "TxProfileConflictingStackLevel")
    levels = [rung.stack_level for rung in climb(BEST, conflict, signed=True)]
    assert levels == [3, 4, 5, 1, 0]


@pytest.mark.parametrize(
    "reason", ["", "InvalidOperationMode", "UnsupportedParam", "InvalidSchedule"]
)
@pytest.mark.parametrize("extra", ["idle", "local"])
def test_what_a_setpoint_could_say_as_well_is_given_up_first(reason: str, extra: str) -> None:
    attempt = Attempt(rung=BEST, signed=True, room=ROOM, tried=frozenset({BEST}), extra=extra)
    assert next_rung(attempt, refused(reason)) == replace(BEST, **{extra: False})  # type: ignore[arg-type]
    assert next_rung(attempt, refused("TxNotFound")) is None


def test_without_a_reason_setpoints_are_never_given_up() -> None:
    rungs = list(climb(BEST, refused(), signed=True))
    assert [rung.setpoint_kind for rung in rungs] == [Kind.ABSOLUTE] * len(rungs)
    assert rungs[-1] == replace(
        BEST,
        setpoint_kind=Kind.ABSOLUTE,
        starts_early=True,
        rate_unit=RateUnit.AMPERE,
        phases_said=False,
        stack_level=0,
    )


def test_without_a_reason_a_limit_ends_as_a_maximum_of_the_whole_station() -> None:
    rungs = list(climb(Rung(), refused(), signed=False))
    assert [rung.purpose for rung in rungs][-1] is Purpose.STATION_MAX
    assert len(rungs) < 12
    two = replace(ROOM, single_evse=False)
    purposes = {rung.purpose for rung in climb(Rung(), refused(), signed=False, room=two)}
    assert purposes == {Purpose.TX, Purpose.TX_DEFAULT}


def test_a_schema_error_is_as_vague_as_no_reason() -> None:
    error = CallRejectedByError(code="PropertyConstraintViolation", text="limit")
    assert step(Rung(), error, signed=False) == replace(Rung(), starts_early=True)


def test_direct_current_gets_no_setpoint_in_amperes() -> None:
    room = replace(ROOM, direct_current=True)
    assert step(BEST, refused("UnsupportedRateUnit"), room=room) is None
    limits = step(BEST, refused("UnsupportedRateUnit"), signed=False, room=room)
    assert limits == replace(BEST, rate_unit=RateUnit.AMPERE)


def test_a_shared_purpose_stays_above_our_own_default() -> None:
    rungs = climb(Rung(), refused(), signed=False)
    shared = [rung for rung in rungs if rung.purpose is not Purpose.TX]
    assert shared
    assert all(rung.stack_level >= ROOM.shared_level for rung in shared)
    none = replace(ROOM, highest_stack_level=0)
    alone = climb(replace(Rung(), stack_level=0), refused(), signed=False, room=none)
    assert {rung.purpose for rung in alone} == {Purpose.TX}


REASONS = st.sampled_from(
    [
        "", "Unspecified", "DuplicateProfile", "InvalidProfile", "InvalidSchedule",
        "InvalidStackLevel", "InvalidValue", "MissingParam", "NoPhaseForDC", "PhaseConflict",
        "UnsupportedKind", "UnsupportedParam", "UnsupportedPurpose", "UnsupportedRateUnit",
        "TxNotFound",
    ]
)  # fmt: skip


@given(
    reasons=st.lists(REASONS, min_size=40, max_size=40),
    signed=st.booleans(),
    highest=st.integers(0, 9),
    single=st.booleans(),
    direct_current=st.booleans(),
)
def test_every_climb_ends_and_no_rung_on_it_discharges_beyond_lease_or_transaction(
    reasons: list[str], signed: bool, highest: int, single: bool, direct_current: bool
) -> None:
    room = Room(highest_stack_level=highest, single_evse=single, direct_current=direct_current)
    rung = replace(BEST, stack_level=min(2, highest))
    tried = frozenset({rung})
    for reason in reasons:
        found = next_rung(
            Attempt(rung=rung, signed=signed, room=room, tried=tried), refused(reason)
        )
        if found is None:
            return
        assert found not in tried
        assert 0 <= found.stack_level <= max(highest, room.shared_level)
        if found.may_discharge:
            assert found.purpose is Purpose.TX
            assert found.setpoint_kind in (Kind.DYNAMIC, Kind.ABSOLUTE)
        if found.purpose is Purpose.STATION_MAX:
            assert found.limit_kind is not Kind.RELATIVE  # K01.FR.38
            assert single
        rung, tried = found, tried | {found}
    raise AssertionError("the ladder has no end")


def test_a_rung_is_remembered_as_it_was_and_rubbish_is_none() -> None:
    rung = replace(BEST, purpose=Purpose.TX_DEFAULT, phases_said=False, updates=False)
    assert decode(encode(rung)) == rung
    assert decode(encode(replace(BEST, setpoint_kind=None))) == replace(BEST, setpoint_kind=None)
    for text in ("", "{}", "[]", '{"purpose": "X"}', encode(rung).replace("TxDefault", "Tix")):
        assert decode(text) is None
