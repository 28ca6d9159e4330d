"""What may be entered early or looks wrong: the daemon starts with it and says so."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from v2g_daemon.battery.losses import pack_power_w
from v2g_daemon.domain.goals import WeeklyDeparture
from v2g_daemon.domain.policy import EvsePolicy, ExportPolicy, Policy, Stage
from v2g_daemon.domain.vehicle import Vehicle
from v2g_daemon.settings.policy import to_policy
from v2g_daemon.settings.schedule_lints import DAY_NAMES, away, in_week, schedule_doubts
from v2g_daemon.settings.sections import Charger, PriceSource, Settings

_WEEK = timedelta(days=7)


def warnings_of(settings: Settings) -> tuple[str, ...]:
    """One sentence each."""
    policy = to_policy(settings)
    return (
        *schedule_doubts(settings, policy),
        *_unreachable_goals(policy),
        *_early_export(policy),
        *_unsafe_alone(policy),
        *_open_passwords(settings),
        *_nobody_may(settings),
        *_bare_tokens(settings),
    )


def _unreachable_goals(policy: Policy) -> Iterator[str]:
    for departure in policy.schedule.departures:
        vehicle = policy.vehicle(departure.vehicle_id)
        evse = max(policy.evses, key=lambda one: _charge_w(policy, one, vehicle))
        power_w = max(pack_power_w(_charge_w(policy, evse, vehicle), evse.loss), 0.0)
        for weekday in departure.weekdays:
            before = _before(policy, departure, weekday)
            plugged_s = _plugged(departure, weekday, before).total_seconds()
            reached_wh = power_w * plugged_s / 3600.0
            sentence = _shortfall(departure, vehicle, before[0], reached_wh)
            if sentence is not None:
                yield f"departure {DAY_NAMES[weekday]} {departure.ready_by:%H:%M}: {sentence}"
                break


def _charge_w(policy: Policy, evse: EvsePolicy, vehicle: Vehicle) -> float:
    power_w = min(evse.max_charge_w, vehicle.max_charge_w)
    if policy.grid.has_meter:
        return power_w
    safe_w = evse.static_safe_current_a * policy.grid.nominal_voltage_v * evse.phases
    return min(power_w, safe_w)


def _before(
    policy: Policy, departure: WeeklyDeparture, weekday: int
) -> tuple[WeeklyDeparture, int]:
    """The same car's departure before this one in the cycle of weeks, and its weekday."""
    this = in_week(weekday, departure.ready_by)
    others = [
        (other, day)
        for other in policy.schedule.departures
        if other.vehicle_id == departure.vehicle_id
        for day in other.weekdays
    ]
    return min(others, key=lambda one: (this - in_week(one[1], one[0].ready_by)) % _WEEK or _WEEK)


def _plugged(
    departure: WeeklyDeparture, weekday: int, before: tuple[WeeklyDeparture, int]
) -> timedelta:
    """From the return of the trip before until this departure; no return known: all the time."""
    earlier, earlier_day = before
    leaves, left = in_week(weekday, departure.ready_by), in_week(earlier_day, earlier.ready_by)
    since = (leaves - left) % _WEEK or _WEEK
    return max(since - away(earlier), timedelta(0))


def _shortfall(
    departure: WeeklyDeparture, vehicle: Vehicle, before: WeeklyDeparture, reached_wh: float
) -> str | None:
    if departure.soc is None:
        missing_wh = 0.0 if departure.energy_wh is None else departure.energy_wh - reached_wh
        if missing_wh <= 0.0:
            return None
        return (
            f"the goal is missed by {missing_wh / 1000.0:.1f} kWh; plug in earlier or ask for less"
        )
    left_soc = vehicle.soc_floor if before.soc is None else before.soc
    arrival_soc = max(left_soc - before.trip_wh / vehicle.capacity_wh, 0.0)
    missing_wh = (departure.soc - arrival_soc) * vehicle.capacity_wh - reached_wh
    if missing_wh <= 0.0:
        return None
    enough_soc = departure.soc - reached_wh / vehicle.capacity_wh
    return (
        f"{departure.soc:.0%} is missed by {missing_wh / 1000.0:.1f} kWh after arriving with "
        f"{arrival_soc:.0%}; arriving with {enough_soc:.0%} would do"
    )


def _early_export(policy: Policy) -> Iterator[str]:
    if policy.grid.export_limit_w is not None and policy.grid.export_limit_w > 0.0:
        yield (
            f"the export limit of {policy.grid.export_limit_w / 1000.0:g} kW is kept; until the "
            "permission to operate is recorded the stage stays V1G and nothing is exported"
        )
    if policy.export_policy is ExportPolicy.ALLOWED and policy.grid.export_limit_w is None:
        yield "export is allowed but site.export_limit_w is not given: unknown counts as 0 kW"
    if policy.stage_wanted > Stage.V1G and not policy.grid.has_meter:
        yield (
            'no [[meter]] with role = "grid" is configured: the house stays V1G at the static '
            "safe current"
        )


def _unsafe_alone(policy: Policy) -> Iterator[str]:
    for evse in policy.evses:
        if evse.static_safe_current_a < 6.0:
            yield (
                f"charger {evse.evse_id}: {evse.static_safe_current_a:g} A is below the 6 A that "
                "an EV needs: without daemon or meter it does not charge"
            )


def _nobody_may(settings: Settings) -> Iterator[str]:
    tokens = [*settings.charge_key, *(one for one in settings.vehicle if one.id_token is not None)]
    if not settings.ocpp.accept_unknown_keys and not tokens:
        yield (
            "ocpp.accept_unknown_keys is false and no key is known: nothing charges but at a "
            "station that starts by itself or by remote_start; add a [[charge_key]]"
        )


def _bare_tokens(settings: Settings) -> Iterator[str]:
    for vehicle in settings.vehicle:
        feed = vehicle.feed
        if feed is not None and feed.token_file is not None and feed.url.startswith("http:"):
            yield (
                f"car {vehicle.id}: its feed is sent the token unencrypted; write https://, or "
                "keep it inside the house"
            )


def exposed_secrets(path: Path, settings: Settings) -> tuple[str, ...]:
    """Files with a password or token in them that every user of the machine may read."""
    passwords = [one.password_file for one in settings.charger]
    passwords += [one.password_file for one in settings.ocpp.relay]
    tokens = [one.token_file for one in settings.prices.source]
    tokens += [one.feed.token_file for one in settings.vehicle if one.feed is not None]
    passwords += [one.password_file for one in settings.calendar]
    tokens += [one.url_file for one in settings.calendar]
    files = [(path.parent / one, "password") for one in passwords if one is not None]
    files += [(path.parent / one, "token") for one in tokens if one is not None]
    if any(_stands_in_the_file(charger) for charger in settings.charger):
        files.append((path, "password"))
    if any(_token_in_the_file(source) for source in settings.prices.source):
        files.append((path, "token"))
    return tuple(
        f"{file} holds a {secret} and everybody on this machine may read it: chmod o-r {file}"
        for file, secret in files
        if file.stat().st_mode & stat.S_IROTH
    )


def _stands_in_the_file(charger: Charger) -> bool:
    named = charger.password_file, charger.password_env
    return charger.password is not None and named == (None, None)


def _token_in_the_file(source: PriceSource) -> bool:
    return source.token is not None and (source.token_file, source.token_env) == (None, None)


def _open_passwords(settings: Settings) -> Iterator[str]:
    if settings.clock is not None:
        return
    for charger in settings.charger:
        if _stands_in_the_file(charger):
            yield (
                f"charger {charger.id}: its password stands in the configuration; "
                "password_file keeps it apart"
            )
