"""Limits that others have set at a station: its app, its maker's cloud, the grid operator."""

from __future__ import annotations

from collections.abc import Iterable

from v2g_daemon.adapters.ocpp.evse import EvseState
from v2g_daemon.adapters.ocpp.provisioning.abilities import outlet
from v2g_daemon.adapters.ocpp.provisioning.reports import Reports
from v2g_daemon.adapters.ocpp.smart_charging.installed import Installed, installed_profiles
from v2g_daemon.adapters.ocpp.wire.codec import JsonObject, printable
from v2g_daemon.adapters.ocpp.wire.session import CallAnswered, StationCalls
from v2g_daemon.domain.faults import FaultCode

COMPOSITE_S = 60
NOTICEABLE_A = 0.5
MOST_NAMED = 3
MOST_TOLD = 10  # sources at one EVSE; since 2.1 their names are free text
WAY_OUT = "remove it where it was set: the charger's app, its maker's cloud, or the energy manager"


class ForeignLimits:
    """What is known of them, by EVSE; each change is told to the EVSE as a fault or its end."""

    def __init__(self, evses: Iterable[EvseState]) -> None:
        self._evses = tuple(evses)
        self._profiles: dict[int, list[str]] = {}
        self._told: dict[int, dict[str, str]] = {}

    def told(self, payload: JsonObject) -> None:
        """NotifyChargingLimit; without an EVSE it binds them all."""
        limit = payload["chargingLimit"]
        source = printable(str(limit["chargingLimitSource"]))
        lowest = _lowest(payload.get("chargingSchedule", ()))
        grid = ", critical for the grid" if limit.get("isGridCritical") else ""
        for evse in self._concerned(payload.get("evseId")):
            told = self._told.setdefault(evse.config.number, {})
            told.pop(source, None)
            told[source] = f"{source} limits it{lowest}{grid}"
            if len(told) > MOST_TOLD:
                del told[next(iter(told))]
            self._complain(evse)

    def cleared(self, payload: JsonObject) -> None:
        """ClearedChargingLimit."""
        source = printable(str(payload["chargingLimitSource"]))
        for evse in self._concerned(payload.get("evseId")):
            self._told.get(evse.config.number, {}).pop(source, None)
            self._complain(evse)

    def restarted(self) -> None:
        """The station has started anew: it tells again what still limits it."""
        self._told.clear()
        for evse in self._evses:
            self._complain(evse)

    async def look(self, session: StationCalls, reports: Reports, *, patience_s: float) -> None:
        """List what is installed; where a station cannot, ask it for what would hold now."""
        found = await installed_profiles(session, reports, patience_s=patience_s)
        for evse in self._evses:
            number = evse.config.number
            if found is None:
                capped = await _capped(session, evse)
                self._profiles[number] = [] if capped is None else [capped]
            else:
                _tell_of_outlook(evse, found)
                self._profiles[number] = [
                    _described(one)
                    for one in found
                    if one.evse_number in (0, number) and not self._is_ours(one)
                ]
            self._complain(evse)

    def _is_ours(self, found: Installed) -> bool:
        """A maximum of ours lies at the whole station, under an id of one of its EVSEs."""
        return any(
            outlet(evse.abilities, evse.config, direct_current=False).is_ours(found.profile["id"])
            for evse in self._evses
        )

    def _concerned(self, number: int | None) -> tuple[EvseState, ...]:
        if not number:
            return self._evses
        return tuple(evse for evse in self._evses if evse.config.number == number)

    def _complain(self, evse: EvseState) -> None:
        number = evse.config.number
        named = [*self._told.get(number, {}).values(), *self._profiles.get(number, ())]
        detail = None
        if named:
            more = "" if len(named) <= MOST_NAMED else f" and {len(named) - MOST_NAMED} more"
            detail = f"{'; '.join(named[:MOST_NAMED])}{more}; {WAY_OUT}"
        evse.complain(FaultCode.FOREIGN_LIMIT, detail)


def _tell_of_outlook(evse: EvseState, found: Iterable[Installed]) -> None:
    """The report also tells what an earlier process has left there."""
    ours = outlet(evse.abilities, evse.config, direct_current=False).outlook_id
    for one in found:
        if evse.commander is not None and one.profile["id"] == ours:
            evse.commander.outlook_reported(one.profile)


async def _capped(session: StationCalls, evse: EvseState) -> str | None:
    """Whether less would hold at an idle EVSE than the default that we have just laid."""
    if not evse.forms.default_installed or evse.transaction is not None:
        return None
    config = evse.config
    asked = {"evseId": config.number, "duration": COMPOSITE_S}
    outcome = await session.call("GetCompositeSchedule", asked)
    if not isinstance(outcome, CallAnswered) or outcome.payload["status"] != "Accepted":
        return None
    schedule = outcome.payload.get("schedule", {})
    limits = [
        float(period["limit"])
        for period in schedule.get("chargingSchedulePeriod", ())
        if "limit" in period
    ]
    if not limits:  # seen: a schedule without periods, for 270 000 years
        return None
    watts = schedule.get("chargingRateUnit") == "W"
    lowest_a = min(limits) / (config.nominal_voltage_v * config.phases if watts else 1.0)
    if lowest_a >= config.static_safe_current_a - NOTICEABLE_A:
        return None
    return f"something holds it at {lowest_a:g} A, where {config.static_safe_current_a:g} A are set"


def _described(found: Installed) -> str:
    profile = found.profile
    words = (
        str(profile["chargingProfilePurpose"]),
        f"stack level {profile['stackLevel']}{_lowest(profile['chargingSchedule'])}",
    )
    return f"{found.source} has set profile {profile['id']} ({', '.join(words)})"


def _lowest(schedules: Iterable[JsonObject]) -> str:
    """The least that schedules allow, in words."""
    found = [
        (float(period["limit"]), str(schedule["chargingRateUnit"]))
        for schedule in schedules
        for period in schedule["chargingSchedulePeriod"]
        if "limit" in period
    ]
    if not found:
        return ""
    limit, unit = min(found)
    return f", at most {limit:g} {unit}"
