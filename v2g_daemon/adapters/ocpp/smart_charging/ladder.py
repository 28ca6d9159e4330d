"""The ladder: how profiles are written for one model, and where to step when it says no.

Each step costs a possibility and no safety: a form that does not end by itself, or outlives its
transaction, carries no discharge (see `Rung.may_discharge` and `Rung.ends`).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import assert_never

from v2g_daemon.adapters.ocpp.config import USUAL_LEASE_LEVEL
from v2g_daemon.adapters.ocpp.wire.outcomes import reason_of
from v2g_daemon.adapters.ocpp.wire.session import (
    CallAnswered,
    CallOutcome,
    CallRejectedByError,
    CallTimedOut,
    LinkClosed,
)

LEVELS_ABOVE = 4  # so far we climb above somebody else's profile


class RateUnit(StrEnum):
    """What a station counts charging rates in."""

    WATT = "W"
    AMPERE = "A"


class Purpose(StrEnum):
    """The purposes we write; the last one binds the whole station and only charges."""

    TX = "TxProfile"
    TX_DEFAULT = "TxDefaultProfile"
    STATION_MAX = "ChargingStationMaxProfile"


class Kind(StrEnum):
    """How a profile's time is counted."""

    DYNAMIC = "Dynamic"  # from the last update
    ABSOLUTE = "Absolute"  # from a stamp
    RELATIVE = "Relative"  # from when the car was ready for power, as the station sees it


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One way to write; `setpoint_kind` None: this EVSE takes no setpoints.

    `updates`, `idle` and `local`: whether UpdateDynamicSchedule, idling and modes of the station's
    own are of use here.
    """

    purpose: Purpose = Purpose.TX
    setpoint_kind: Kind | None = None
    limit_kind: Kind = Kind.ABSOLUTE
    rate_unit: RateUnit = RateUnit.WATT
    phases_said: bool = True
    stack_level: int = USUAL_LEASE_LEVEL
    starts_early: bool = False
    offline_limit: bool = False
    modes_said: bool = False
    updates: bool = True
    idle: bool = True
    local: bool = True

    @property
    def may_discharge(self) -> bool:
        """A discharge ends with its lease and with its transaction, whoever plugs in next."""
        return self.purpose is Purpose.TX and self.setpoint_kind is not None

    @property
    def ends(self) -> bool:
        """Whether a charge limit surely ends when its lease does."""
        return self.limit_kind is not Kind.RELATIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What a station leaves to step to; `shared_level` is the lowest free one beside our net."""

    highest_stack_level: int
    single_evse: bool
    direct_current: bool
    shared_level: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What was refused: the rung, whether a signed power was told, and every rung tried so far.

    `extra`: the name of the rung's flag that the message made use of and could do without.
    """

    rung: Rung
    signed: bool
    room: Room
    tried: frozenset[Rung]
    extra: str | None = None


Step = Callable[[Attempt], Rung | None]


def next_rung(attempt: Attempt, outcome: CallOutcome) -> Rung | None:
    """Where to step after a refusal; None: no other form would be taken either."""
    for step in _steps(outcome, attempt):
        found = step(attempt)
        if found is not None and found not in attempt.tried:
            return found
    return None


def encode(rung: Rung) -> str:
    """The rung as JSON."""
    return json.dumps(asdict(rung))


def decode(text: str) -> Rung | None:
    """The rung that was encoded; None for anything else."""
    try:
        told = json.loads(text)
        kind = told["setpoint_kind"]
        return Rung(
            purpose=Purpose(told["purpose"]),
            setpoint_kind=None if kind is None else Kind(kind),
            limit_kind=Kind(told["limit_kind"]),
            rate_unit=RateUnit(told["rate_unit"]),
            stack_level=int(told["stack_level"]),
            **{name: bool(told[name]) for name in _FLAGS},
        )
    except (ValueError, KeyError, TypeError):
        return None


_FLAGS = (
    "phases_said",
    "starts_early",
    "offline_limit",
    "modes_said",
    "updates",
    "idle",
    "local",
)


def _steps(outcome: CallOutcome, attempt: Attempt) -> tuple[Step, ...]:
    match outcome:
        case CallAnswered():
            reason = reason_of(outcome)
            if attempt.extra is not None and (reason in _VAGUE or reason in _BY_REASON):
                return (_without_extra,)
            if reason in _VAGUE:
                return _in_the_dark(attempt)
            return _BY_REASON.get(reason, ())
        case CallRejectedByError(code=code):
            return _in_the_dark(attempt) if code.endswith("Violation") else ()
        case CallTimedOut() | LinkClosed():
            return ()
        case _:
            assert_never(outcome)


def _in_the_dark(attempt: Attempt) -> tuple[Step, ...]:
    """No reason given: from the smallest loss to the greatest; setpoints are never given up."""
    if attempt.signed:
        return (_absolute, _starts_early, _other_unit, _without_phases, _lower_level)
    if attempt.rung.purpose is not Purpose.TX:
        return (_off_the_ground, _starts_early, _other_unit, _without_phases, _relative, _purpose)
    return (_starts_early, _other_unit, _without_phases, _lower_level, _purpose, _relative)


def _absolute(attempt: Attempt) -> Rung | None:
    if attempt.signed and attempt.rung.setpoint_kind is Kind.DYNAMIC:
        return replace(attempt.rung, setpoint_kind=Kind.ABSOLUTE)
    return None


def _relative(attempt: Attempt) -> Rung | None:
    """K01.FR.38: a station's maximum is never Relative."""
    if attempt.signed or attempt.rung.purpose is Purpose.STATION_MAX:
        return None
    return replace(attempt.rung, limit_kind=Kind.RELATIVE)


def _kind(attempt: Attempt) -> Rung | None:
    """The next kind; below Absolute a signed power cannot be told."""
    if attempt.signed:
        absolute = _absolute(attempt)
        return replace(attempt.rung, setpoint_kind=None) if absolute is None else absolute
    return _relative(attempt)


def _starts_early(attempt: Attempt) -> Rung | None:
    """A station whose clock is behind waits for a start that lies ahead of it."""
    rung = attempt.rung
    kind = rung.setpoint_kind if attempt.signed else rung.limit_kind
    return replace(rung, starts_early=True) if kind is Kind.ABSOLUTE else None


def _other_unit(attempt: Attempt) -> Rung | None:
    """Once; amperes of direct current say nothing of the power, so no setpoint is told in them."""
    in_watts = attempt.rung.rate_unit is RateUnit.WATT
    other = RateUnit.AMPERE if in_watts else RateUnit.WATT
    if any(rung.rate_unit is other for rung in attempt.tried):
        return None
    if in_watts and attempt.room.direct_current and attempt.signed:
        return None
    return replace(attempt.rung, rate_unit=other)


def _without_phases(attempt: Attempt) -> Rung | None:
    """K01.FR.49: three are assumed then, so no more power than was meant."""
    return replace(attempt.rung, phases_said=False)


def _lower_level(attempt: Attempt) -> Rung | None:
    rung = attempt.rung
    least = _least_level(attempt)
    return replace(rung, stack_level=rung.stack_level - 1) if rung.stack_level > least else None


def _least_level(attempt: Attempt) -> int:
    """A purpose that our default has too leaves only the levels above it."""
    return 0 if attempt.rung.purpose is Purpose.TX else attempt.room.shared_level


def _off_the_ground(attempt: Attempt) -> Rung | None:
    """The lowest level may be taken by somebody who says nothing."""
    rung, least = attempt.rung, _least_level(attempt)
    taken = rung.stack_level == least < attempt.room.highest_stack_level
    return replace(rung, stack_level=least + 1) if taken else None


def _another_level(attempt: Attempt) -> Rung | None:
    """Away from somebody else's profile: above it where there is room, else below."""
    rung = attempt.rung
    highest = min(attempt.room.highest_stack_level, USUAL_LEASE_LEVEL + LEVELS_ABOVE)
    above = range(rung.stack_level + 1, highest + 1)
    below = range(rung.stack_level - 1, _least_level(attempt) - 1, -1)
    for stack_level in (*above, *below):
        found = replace(rung, stack_level=stack_level)
        if found not in attempt.tried:
            return found
    return None


def _purpose(attempt: Attempt) -> Rung | None:
    """Past the transaction's own purpose only limits are told; one that is shared needs a level."""
    rung, room = attempt.rung, attempt.room
    if attempt.signed or room.highest_stack_level < room.shared_level:
        return None
    stack_level = max(room.shared_level, min(USUAL_LEASE_LEVEL, room.highest_stack_level))
    match rung.purpose:
        case Purpose.TX:
            return replace(rung, purpose=Purpose.TX_DEFAULT, stack_level=stack_level)
        case Purpose.TX_DEFAULT if room.single_evse:
            stack_level = stack_level if room.shared_level > 0 else 0
            return replace(
                rung,
                purpose=Purpose.STATION_MAX,
                limit_kind=Kind.ABSOLUTE,
                stack_level=stack_level,
            )
        case _:
            return None


def _without_offline_limit(attempt: Attempt) -> Rung | None:
    return replace(attempt.rung, offline_limit=False)


def _without_setpoints(attempt: Attempt) -> Rung | None:
    return replace(attempt.rung, setpoint_kind=None) if attempt.signed else None


def _without_extra(attempt: Attempt) -> Rung | None:
    match attempt.extra:
        case "idle":
            return replace(attempt.rung, idle=False)
        case "local":
            return replace(attempt.rung, local=False)
        case _:
            return None


def _without_modes(attempt: Attempt) -> Rung | None:
    return None if attempt.signed else replace(attempt.rung, modes_said=False)


# Reason codes that speak of the form (Part 2 appendices); any other says that no form would do.
_BY_REASON: dict[str, tuple[Step, ...]] = {
    "duplicateprofile": (_another_level,),
    "invalidoperationmode": (_without_setpoints, _without_modes),
    "invalidprofile": (_without_offline_limit, _kind),
    "invalidschedule": (_starts_early, _without_phases, _kind),
    # We stay below ProfileStackLevel, so it is somebody else's.
    "invalidstacklevel": (_another_level,),
    "invalidvalue": (_starts_early, _kind),
    "missingdevmodelinfo": (),
    "missingparam": (_kind,),
    "nofreqwattcurve": (),
    "nophasefordc": (_without_phases,),
    "phaseconflict": (_without_phases,),
    "unsupportedkind": (_kind,),
    "unsupportedparam": (_without_offline_limit, _without_setpoints, _without_modes),
    "unsupportedpurpose": (_purpose,),
    "unsupportedrateunit": (_other_unit,),
}
_VAGUE = frozenset({"", "unspecified", "rejected"})
