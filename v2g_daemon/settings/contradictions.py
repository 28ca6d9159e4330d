"""Values that are well formed each for itself and cannot hold together."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from v2g_daemon.domain.vehicle import GUEST
from v2g_daemon.settings.calendars import calendar_complaints
from v2g_daemon.settings.complaint import Complaint
from v2g_daemon.settings.departures import departure_complaints
from v2g_daemon.settings.price_sources import source_complaints
from v2g_daemon.settings.programs import program_complaints
from v2g_daemon.settings.protocols import protocol_contradictions
from v2g_daemon.settings.sections import Charger, Settings
from v2g_daemon.settings.station_access import access_contradictions
from v2g_daemon.settings.tariff_sections import timezone_of
from v2g_daemon.settings.vehicle_feed import VehicleFeedSection
from v2g_daemon.settings.weather import weather_contradictions


def contradictions(settings: Settings) -> tuple[Complaint, ...]:
    """Everything that cannot hold together, in the order of the file's sections."""
    return tuple(
        chain(
            _site(settings),
            _tariff(settings),
            _ids(settings),
            _safe_currents(settings),
            *(_charger(settings, number, one) for number, one in enumerate(settings.charger)),
            protocol_contradictions(settings),
            access_contradictions(settings),
            _vehicles(settings),
            _charge_keys(settings),
            _meters(settings),
            _departures(settings),
            weather_contradictions(
                settings.weather, pv_metered=any(one.role == "pv" for one in settings.meter)
            ),
            _clock(settings),
        )
    )


def _site(settings: Settings) -> Iterator[Complaint]:
    site = settings.site
    if site.largest_other_load_a > site.main_fuse_a:
        yield Complaint(
            key="site.largest_other_load_a",
            value=f"{site.largest_other_load_a:g}",
            problem=f"is above site.main_fuse_a = {site.main_fuse_a:g}",
            fix="give the largest load that runs beside the charger, per phase",
        )
    if settings.tariff and site.timezone is None and timezone_of(settings.tariff) is None:
        yield Complaint(
            key="site.timezone",
            value=None,
            problem="is missing, and the tariff does not tell it",
            fix='add it, such as "Europe/Amsterdam"',
        )


def _tariff(settings: Settings) -> Iterator[Complaint]:
    if not settings.tariff:
        yield Complaint(
            key="tariff", value=None, problem="is missing", fix="add it (docs/tariffs.md)"
        )
    yield from source_complaints(settings)


def _ids(settings: Settings) -> Iterator[Complaint]:
    lists = {
        "charger": [one.id for one in settings.charger],
        "vehicle": [one.id for one in settings.vehicle],
    }
    for section, ids in lists.items():
        if not ids:
            yield Complaint(key=section, value=None, problem="is empty", fix=f"add a [[{section}]]")
        for number, one in enumerate(ids):
            if one in ids[:number]:
                yield Complaint(
                    key=f"{section}[{number}].id",
                    value=repr(one),
                    problem=f"another {section} has this id",
                    fix="give each its own",
                )
    places = [(one.station_id, one.evse_number) for one in settings.charger]
    for number, place in enumerate(places):
        if settings.charger[number].protocol == "ocpp" and place in places[:number]:
            yield Complaint(
                key=f"charger[{number}].evse_number",
                value=str(place[1]),
                problem=f"station {place[0]!r} has another charger with this number",
                fix="give each EVSE of a station its own number",
            )


def _safe_currents(settings: Settings) -> Iterator[Complaint]:
    """All chargers at once, each at its static safe current, beside the largest other load."""
    site, together_a = settings.site, 0.0
    left_a = site.main_fuse_a - site.largest_other_load_a
    for number, charger in enumerate(settings.charger):
        safe_a = charger.static_safe_current_a
        if safe_a is None:
            continue
        together_a += safe_a
        if together_a > left_a:
            of_all = (
                "" if together_a == safe_a else f" (with the chargers before: {together_a:g} A)"
            )
            yield Complaint(
                key=f"charger[{number}].static_safe_current_a",
                value=f"{safe_a:g}",
                problem=f"is above main fuse less largest other load, "
                f"{site.main_fuse_a:g} A − {site.largest_other_load_a:g} A = {left_a:g} A{of_all}",
                fix="lower it, or leave it out",
            )


def _charger(settings: Settings, number: int, charger: Charger) -> Iterator[Complaint]:
    key, site = f"charger[{number}]", settings.site
    for way in ("charge", "discharge"):
        least_w, most_w = getattr(charger, f"min_{way}_w"), getattr(charger, f"max_{way}_w")
        if least_w is not None and least_w > most_w > 0.0:
            yield Complaint(
                key=f"{key}.min_{way}_w",
                value=f"{least_w:g}",
                problem=f"is above max_{way}_w = {most_w:g}",
                fix="exchange or correct them",
            )
    first = next(one for one in settings.charger if one.station_id == charger.station_id)
    if charger.protocol == "ocpp" and charger.dialect != first.dialect:
        yield Complaint(
            key=f"{key}.dialect",
            value=repr(charger.dialect),
            problem=f"station {charger.station_id!r} has another charger that says otherwise",
            fix="name one dialect for all chargers of a station",
        )
    if charger.phases is not None and charger.phases > site.phases:
        yield Complaint(
            key=f"{key}.phases",
            value=str(charger.phases),
            problem=f"the site has {site.phases}",
            fix="correct one of them",
        )


def _vehicles(settings: Settings) -> Iterator[Complaint]:
    for number, vehicle in enumerate(settings.vehicle):
        if vehicle.id == GUEST:
            yield Complaint(
                key=f"vehicle[{number}].id",
                value=repr(GUEST),
                problem="is the word for a car that is none of yours",
                fix="give the car another name",
            )
        if vehicle.soc_floor >= vehicle.soc_ceiling:
            yield Complaint(
                key=f"vehicle[{number}].soc_floor",
                value=f"{vehicle.soc_floor:g}",
                problem=f"is not below soc_ceiling = {vehicle.soc_ceiling:g}",
                fix="lower the floor or raise the ceiling",
            )
        yield from program_complaints(
            f"vehicle[{number}]", vehicle.commitment, vehicle.availability
        )
        if vehicle.feed is not None:
            yield from _feed(f"vehicle[{number}].feed", vehicle.feed)
        if vehicle.assumed_when_unidentified and len(settings.vehicle) > 1:
            yield Complaint(
                key=f"vehicle[{number}].assumed_when_unidentified",
                value="true",
                problem="there is more than one vehicle",
                fix="give each its evccid or id_token and remove this",
            )


def _feed(key: str, feed: VehicleFeedSection) -> Iterator[Complaint]:
    if feed.quiet_period_s < feed.period_s:
        yield Complaint(
            key=f"{key}.quiet_period_s",
            value=f"{feed.quiet_period_s:g}",
            problem=f"is below period_s = {feed.period_s:g}",
            fix="exchange or correct them",
        )
    plugged, unplugged = feed.answer.plugged_in_when, feed.answer.unplugged_when
    both = [one for one in plugged if (type(one), one) in [(type(two), two) for two in unplugged]]
    if both:
        yield Complaint(
            key=f"{key}.answer.unplugged_when",
            value=repr(both[0]),
            problem="stands in plugged_in_when, too",
            fix="give each word one meaning",
        )


def _meters(settings: Settings) -> Iterator[Complaint]:
    chargers = [one.id for one in settings.charger]
    ids: list[str] = []
    for number, meter in enumerate(settings.meter):
        key = f"meter[{number}]"
        if meter.id in ids:
            yield Complaint(
                key=f"{key}.id",
                value=repr(meter.id),
                problem="another meter has this id",
                fix="give each its own",
            )
        ids += [] if meter.id is None else [meter.id]
        if meter.role == "evse" and meter.evse is None:
            yield Complaint(
                key=f"{key}.evse",
                value=None,
                problem="is missing, so nobody knows whose power it measures",
                fix=f"name one of {', '.join(chargers)}",
            )
        if meter.evse is not None and (meter.role != "evse" or meter.evse not in chargers):
            yield Complaint(
                key=f"{key}.evse",
                value=repr(meter.evse),
                problem="no charger has this id" if meter.role == "evse" else "has no meaning here",
                fix=f"name one of {', '.join(chargers)}"
                if meter.role == "evse"
                else 'remove it, or write role = "evse"',
            )


def _charge_keys(settings: Settings) -> Iterator[Complaint]:
    """One token is one key, and a car has one token: its own, or that of a key."""
    known = [one.id for one in settings.vehicle]
    named = {one.id for one in settings.vehicle if one.id_token is not None}
    seen: set[str] = set()
    for number, key in enumerate(settings.charge_key):
        if key.id_token.casefold() in seen:
            yield Complaint(
                key=f"charge_key[{number}].id_token",
                value="(not shown)",
                problem="another charge key has this token",
                fix="leave one of them out",
            )
        seen.add(key.id_token.casefold())
        if key.vehicle is None:
            continue
        if key.vehicle not in known:
            yield Complaint(
                key=f"charge_key[{number}].vehicle",
                value=repr(key.vehicle),
                problem="no vehicle has this id",
                fix=f"name one of {', '.join(known)}",
            )
        if key.vehicle in named:
            yield Complaint(
                key=f"charge_key[{number}].vehicle",
                value=repr(key.vehicle),
                problem="this car is known by another token already",
                fix="name it in one charge_key, or give it its own id_token, not both",
            )
        named.add(key.vehicle)


def _departures(settings: Settings) -> Iterator[Complaint]:
    cars = [(one.id, one.consumption_wh_per_km) for one in settings.vehicle]
    for number, departure in enumerate(settings.departure):
        yield from departure_complaints(departure, number, cars)
    yield from calendar_complaints(settings.calendar, cars)


def _clock(settings: Settings) -> Iterator[Complaint]:
    if settings.clock is None and settings.control.tick_s > 1.0:
        yield Complaint(
            key="control.tick_s",
            value=f"{settings.control.tick_s:g}",
            problem="a real house ticks at least once a second",
            fix="write at most 1, or add [clock] for a simulated run",
        )
