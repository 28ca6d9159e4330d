"""Settling a station's settings: what differs is written, best value first, never in a loop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import assert_never

from v2g_daemon.adapters.ocpp.provisioning.abilities import Variable, members_of
from v2g_daemon.adapters.ocpp.provisioning.configuration import CallLimits, write_variables
from v2g_daemon.adapters.ocpp.provisioning.inventory import Inventory
from v2g_daemon.adapters.ocpp.provisioning.wanted import Wanted, holding
from v2g_daemon.adapters.ocpp.wire.codec import JsonObject
from v2g_daemon.adapters.ocpp.wire.session import StationCalls

TAKEN = frozenset({"Accepted", "RebootRequired"})


class SettingState(Enum):
    """How a setting stands after a connection's look at it."""

    FITS = "fits"
    WRITTEN = "written"
    LESS = "it takes no more"
    AFTER_REBOOT = "waits for the station's restart"
    READ_ONLY = "read-only"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting of a station: what it had, what was wanted of it and what became of that."""

    variable: Variable
    present: str
    wanted: str
    state: SettingState
    status: str = ""

    @property
    def in_force(self) -> str:
        """The value by which the station goes on."""
        return self.wanted if self.state is SettingState.WRITTEN else self.present

    @property
    def name(self) -> str:
        """Its address as people read it."""
        return address(self.variable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Experience:
    """What a firmware took and refused before, by address: it is not tried again each time.

    `waiting` is what only a restart of the station will bring into force.
    """

    taken: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    waiting: Mapping[str, str] = field(default_factory=dict)

    def after(self, setting: Setting) -> Experience:
        """The experience with one more setting."""
        name = setting.name
        match setting.state:
            case SettingState.WRITTEN | SettingState.LESS:
                return replace(self, taken={**self.taken, name: setting.wanted})
            case SettingState.REFUSED:
                return replace(self, refused={**self.refused, name: setting.wanted})
            case SettingState.AFTER_REBOOT:
                return replace(self, waiting={**self.waiting, name: setting.wanted})
            case SettingState.FITS | SettingState.READ_ONLY:
                return self
            case _:
                assert_never(setting.state)

    def restarted(self) -> Experience:
        """The station has started again: what waited for it is in force, or was forgotten."""
        return replace(self, waiting={})

    def as_json(self) -> JsonObject:
        """For the journal."""
        return {"taken": dict(self.taken), "refused": dict(self.refused)}


def experience_from(told: JsonObject) -> Experience:
    """The experience as it was."""
    return Experience(taken=told["taken"], refused=told["refused"])


async def settle(
    session: StationCalls,
    wanted: Sequence[Wanted],
    values: Mapping[Variable, str],
    *,
    inventory: Inventory,
    experience: Experience,
    limits: CallLimits,
) -> tuple[tuple[Setting, ...], Experience]:
    """What the station does not have is left alone; the rest is one pass over what differs."""
    settled: list[Setting] = []
    simple: dict[Variable, str] = {}
    lists: list[tuple[Wanted, tuple[str, ...]]] = []
    for one in wanted:
        present = values.get(one.variable)
        if present is None:
            continue
        tries = _tries(one, present, inventory, experience)
        state = _without_trying(one, present, tries, inventory, experience)
        if state is not None:
            settled.append(_setting(one, present, tries[0], state))
        elif len(tries) == 1 and not one.members:
            simple[one.variable] = tries[0]
        else:
            lists.append((one, tries))
    by_variable = {one.variable: one for one in wanted}
    statuses = await write_variables(session, simple, limits)
    settled += [
        _written(by_variable[variable], values[variable], simple[variable], status)
        for variable, status in statuses.items()
    ]
    for one, tries in lists:
        written = await _try_lists(session, one, values[one.variable], tries, limits)
        if written is not None:
            settled.append(written)
    for setting in settled:
        experience = experience.after(setting)
    return tuple(settled), experience


def _without_trying(
    one: Wanted,
    present: str,
    tries: tuple[str, ...],
    inventory: Inventory,
    experience: Experience,
) -> SettingState | None:
    """How a setting stands where nothing needs to be written, or writing is known to be vain."""
    name = address(one.variable)
    best = experience.taken.get(name)
    if one.fits(present):
        return SettingState.FITS
    if one.members and best is not None and holding(*best.split(","))(present):
        return SettingState.LESS
    if inventory.read_only(one.variable):
        return SettingState.READ_ONLY
    if experience.refused.get(name) in (tries[0], one.values[0]):
        return SettingState.REFUSED
    return SettingState.AFTER_REBOOT if experience.waiting.get(name) == tries[0] else None


def complaint(settled: Iterable[Setting], wanted: Iterable[Wanted]) -> str | None:
    """What people must know of settings that could not be had, and the next step; None: nothing."""
    by_variable = {one.variable: one for one in wanted}
    said = []
    for setting in settled:
        one, value = by_variable[setting.variable], setting.in_force
        why = None if one.fits(value) else one.needed(value)
        if why is not None:
            said.append(f"{setting.name} = {value} ({setting.state.value}): {why}")
    if not said:
        return None
    return "; ".join(said) + "; set it at the station itself, and restart it"


def address(variable: Variable) -> str:
    """The address of a variable as people write it."""
    evse = "" if variable.evse_number is None else f"[{variable.evse_number}]"
    instance = "" if variable.instance is None else f"[{variable.instance}]"
    return f"{variable.component}{evse}.{variable.name}{instance}"


def _tries(
    one: Wanted, present: str, inventory: Inventory, experience: Experience
) -> tuple[str, ...]:
    """The values to write, best first; of a list no more than the station knows of."""
    known = experience.taken.get(address(one.variable))
    if known is not None and one.members:
        return (known,)
    if one.extends:
        return tuple(f"{present},{value}" if present else value for value in one.values)
    offered = {member.casefold() for member in inventory.members(one.variable)}
    if not one.members or not offered:
        return one.values
    fitting = [name for name in one.values[0].split(",") if name.casefold() in offered]
    return (",".join(fitting),) if fitting else one.values


async def _try_lists(
    session: StationCalls, one: Wanted, present: str, tries: tuple[str, ...], limits: CallLimits
) -> Setting | None:
    """The first list that is taken, else one built up from the members that are."""
    status = ""
    for value in tries:
        if members_of(value) <= members_of(present):
            return _setting(one, present, value, SettingState.LESS)
        status = (await write_variables(session, {one.variable: value}, limits)).get(
            one.variable, ""
        )
        if status in TAKEN or status == "":
            return None if status == "" else _written(one, present, value, status)
    taken: list[str] = []
    for member in one.values[0].split(",") if one.members else ():
        value = ",".join((*taken, member))
        answered = await write_variables(session, {one.variable: value}, limits)
        if answered.get(one.variable) in TAKEN:
            taken.append(member)
    if taken:
        return _written(one, present, ",".join(taken), "Accepted")
    return _written(one, present, one.values[0], status)


def _written(one: Wanted, present: str, value: str, status: str) -> Setting:
    states = {"Accepted": SettingState.WRITTEN, "RebootRequired": SettingState.AFTER_REBOOT}
    return _setting(one, present, value, states.get(status, SettingState.REFUSED), status)


def _setting(
    one: Wanted, present: str, value: str, state: SettingState, status: str = ""
) -> Setting:
    return Setting(variable=one.variable, present=present, wanted=value, state=state, status=status)
