"""Which car is it, and how far may the house go with it."""

from __future__ import annotations

from v2g_daemon.domain.policy import ExportPolicy, Policy, Stage
from v2g_daemon.domain.readings import EvseStatus, VehicleIdentity
from v2g_daemon.domain.snapshot import CommissioningRecord, CommissioningStep
from v2g_daemon.domain.vehicle import Vehicle

SIMULATED_SERIAL_PREFIX = "SIM-"

_V2H_NEEDS = (
    CommissioningStep.PERMISSION_TO_OPERATE,
    CommissioningStep.SIGN_TEST,
    CommissioningStep.OWNER_CONSENT,
)


def vehicle_of(status: EvseStatus, policy: Policy) -> Vehicle | None:
    """The configured car that is plugged in; None is a guest.

    A foreign EVCCID or token is a guest for sure; only silence lets the owner's opt-in speak.
    """
    named = status.identity if status.identity is not None else VehicleIdentity()
    for vehicle in policy.vehicles:
        if named.evccid is not None and named.evccid == vehicle.evccid:
            return vehicle
    possible = [v for v in policy.vehicles if not _differ(named.evccid, v.evccid)]
    by_token = [v for v in possible if v.id_token is not None and named.id_token == v.id_token]
    if by_token:
        # A token that several cars share names none of them.
        return by_token[0] if len(by_token) == 1 else None
    if len(policy.vehicles) == 1 and len(possible) == 1:
        only = possible[0]
        if only.assumed_when_unidentified and not _differ(named.id_token, only.id_token):
            return only
    return None


def _differ(named: str | None, known: str | None) -> bool:
    """Whether both are known and not the same."""
    return named is not None and known is not None and named != known


def stage_of(
    records: tuple[CommissioningRecord, ...], serial: str | None, policy: Policy
) -> tuple[Stage, str]:
    """The stage the records permit for this device, and what is missing for the next one."""
    if policy.stage_wanted is Stage.WATCH:
        return Stage.WATCH, "the configuration asks only to watch"
    if not policy.grid.has_meter:
        return Stage.V1G, "no meter is configured"
    recorded = {record.step for record in records if _valid_for(record, serial)}
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


def _why_no_export(recorded: set[CommissioningStep], policy: Policy) -> str | None:
    if CommissioningStep.EXPORT_COMPENSATION not in recorded:
        return f"not recorded for this charger: {CommissioningStep.EXPORT_COMPENSATION.value}"
    if policy.export_policy is ExportPolicy.NEVER:
        return "the export policy is never"
    return None


def _valid_for(record: CommissioningRecord, serial: str | None) -> bool:
    if serial is None or record.evse_serial != serial:
        return False
    return not record.simulated or serial.startswith(SIMULATED_SERIAL_PREFIX)
