"""Which car is it, and how far may the house go with it."""

from __future__ import annotations

from v2g_daemon.control.vehicle_feed import Witnesses, doubt
from v2g_daemon.domain.policy import ExportPolicy, Policy, Stage
from v2g_daemon.domain.readings import EvseStatus, VehicleIdentity
from v2g_daemon.domain.snapshot import CommissioningRecord, CommissioningStep
from v2g_daemon.domain.vehicle import Vehicle

SIMULATED_SERIAL_PREFIX = "SIM-"
NAMELESS = VehicleIdentity()

_V2H_NEEDS = (
    CommissioningStep.PERMISSION_TO_OPERATE,
    CommissioningStep.SIGN_TEST,
    CommissioningStep.OWNER_CONSENT,
)


def vehicle_of(status: EvseStatus, witnesses: Witnesses, policy: Policy) -> Vehicle | None:
    """The configured car that is plugged in; None is a guest.

    The first that speaks has the word: the car by its EVCCID, the owner by his answer for this
    plug-in, a badge, the cars' own clouds, and last the owner's opt-in, for which a foreign EVCCID
    or badge, or a cloud that says no, is a guest.
    """
    named = _named(status)
    by_evccid = [v for v in policy.vehicles if _same(_plain(named.evccid), _plain(v.evccid))]
    if by_evccid:
        return by_evccid[0]
    if witnesses.answer is not None:
        answered = witnesses.answer.vehicle_id
        possible = (v for v in policy.vehicles if not excludes(named, v))
        return next((v for v in possible if v.vehicle_id == answered), None)
    fitting = fitting_cars(status, policy)
    by_badge = [v for v in fitting if _same(named.id_token, v.id_token)]
    if len(by_badge) == 1:
        return by_badge[0]
    # A badge that several cars share names none of them, and only them.
    vouched = [v for v in by_badge or fitting if witnesses.vouches(v, status)]
    if by_badge or vouched:
        return vouched[0] if len(vouched) == 1 else None
    return _assumed(fitting, status, witnesses, policy)


def stays(known: Vehicle, status: EvseStatus, witnesses: Witnesses, policy: Policy) -> bool:
    """Whether the car that this plug-in was taken for still is it, where nobody names one now.

    It is while the station is silent, or the car's own cloud goes on to say that it is plugged in:
    over a restart neither tells again how it began.
    """
    fitting, feed = fitting_cars(status, policy), witnesses.feed_of(known)
    contested = any(witnesses.vouches(one, status) for one in fitting)
    if known not in fitting or contested or witnesses.denies(known, status):
        return False
    return status.identity is None or (feed is not None and feed.plugged_in is True)


def candidates(status: EvseStatus, witnesses: Witnesses, policy: Policy) -> tuple[str, ...]:
    """The cars that an unknown one may be; a foreign EVCCID or badge excludes those with one."""
    return tuple(
        vehicle.vehicle_id
        for vehicle in fitting_cars(status, policy)
        if not witnesses.denies(vehicle, status)
    )


def feed_doubt(
    status: EvseStatus, vehicle: Vehicle | None, witnesses: Witnesses, policy: Policy
) -> str | None:
    """What people must know of the cars' clouds; owner and EVCCID leave nothing to ask."""
    if witnesses.feeds == ():
        return None
    if not status.plugged_in or status.session_id is None or witnesses.answer is not None:
        return None
    if vehicle is not None and _same(_plain(_named(status).evccid), _plain(vehicle.evccid)):
        return None
    return doubt(status, vehicle, fitting_cars(status, policy), witnesses)


def fitting_cars(status: EvseStatus, policy: Policy) -> tuple[Vehicle, ...]:
    """The cars that neither EVCCID nor badge makes impossible."""
    named = _named(status)
    return tuple(
        vehicle
        for vehicle in policy.vehicles
        if not excludes(named, vehicle) and not _badge_differs(named, vehicle)
    )


def _assumed(
    fitting: tuple[Vehicle, ...], status: EvseStatus, witnesses: Witnesses, policy: Policy
) -> Vehicle | None:
    """The only car of the house, by its owner's opt-in."""
    if len(policy.vehicles) != 1 or len(fitting) != 1 or not fitting[0].assumed_when_unidentified:
        return None
    return None if witnesses.denies(fitting[0], status) else fitting[0]


def _named(status: EvseStatus) -> VehicleIdentity:
    return status.identity if status.identity is not None else NAMELESS


def excludes(named: VehicleIdentity, vehicle: Vehicle) -> bool:
    """Whether what the car says of itself makes it another one than this."""
    one, other = _plain(named.evccid), _plain(vehicle.evccid)
    return one is not None and other is not None and one != other


def _badge_differs(named: VehicleIdentity, vehicle: Vehicle) -> bool:
    one, other = named.id_token, vehicle.id_token
    return one is not None and other is not None and not _same(one, other)


def _same(one: str | None, other: str | None) -> bool:
    """Whether both are known and alike; OCPP's identifiers know no letter case."""
    return one is not None and other is not None and one.casefold() == other.casefold()


def _plain(evccid: str | None) -> str | None:
    """An EVCCID without the separators that some stations write it with."""
    return None if evccid is None else evccid.replace(":", "").replace("-", "").casefold()


def stage_of(
    records: tuple[CommissioningRecord, ...],
    serial: str | None,
    policy: Policy,
    *,
    meter_serial: str | None = None,
) -> tuple[Stage, str]:
    """The stage the records permit for this charger and grid meter, and what the next one lacks."""
    if policy.stage_wanted is Stage.WATCH:
        return Stage.WATCH, "the configuration asks only to watch"
    if not policy.grid.has_meter:
        return Stage.V1G, "no meter is configured"
    valid = [record for record in records if _valid_for(record, serial)]
    recorded = [record.step for record in valid if _of_this_meter(record, meter_serial)]
    tested = CommissioningStep.SIGN_TEST
    if tested not in recorded and tested in [record.step for record in valid]:
        return Stage.V1G, _another_meter(meter_serial)
    missing = [step.value for step in _V2H_NEEDS if step not in recorded]
    if missing:
        return Stage.V1G, f"not recorded for this charger: {', '.join(missing)}"
    permitted = Stage.V2H
    why_not = _why_no_export(recorded, policy)
    if why_not is None:
        permitted = Stage.V2G
    if policy.stage_wanted <= permitted:
        return policy.stage_wanted, f"the configuration asks for {policy.stage_wanted.name}"
    return permitted, why_not or ""


def may_test(records: tuple[CommissioningRecord, ...], serial: str | None) -> bool:
    """Whether a guided test may discharge at this device."""
    permits = (CommissioningStep.PERMISSION_TO_OPERATE, CommissioningStep.TEST_PERMIT)
    return any(record.step in permits and _valid_for(record, serial) for record in records)


def _why_no_export(recorded: list[CommissioningStep], policy: Policy) -> str | None:
    if CommissioningStep.EXPORT_COMPENSATION not in recorded:
        return f"not recorded for this charger: {CommissioningStep.EXPORT_COMPENSATION.value}"
    if policy.export_policy is ExportPolicy.NEVER:
        return "the export policy is never"
    return None


def _of_this_meter(record: CommissioningRecord, meter_serial: str | None) -> bool:
    """A sign test holds for the meter that was tested, known by its number or its place."""
    return record.meter_serial is None or record.meter_serial == meter_serial


def _another_meter(meter_serial: str | None) -> str:
    if meter_serial is None:
        return "the grid meter has not told its serial number yet, and the sign test is bound to it"
    return (
        f"the sign test was made with another grid meter than {meter_serial}: "
        "repeat it with v2g commission meter"
    )


def _valid_for(record: CommissioningRecord, serial: str | None) -> bool:
    if serial is None or record.evse_serial != serial:
        return False
    return not record.simulated or serial.startswith(SIMULATED_SERIAL_PREFIX)
