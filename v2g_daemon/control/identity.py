"""Which car is it, and how far may the house go with it."""

from __future__ import annotations

from v2g_daemon.domain.policy import ExportPolicy, Policy, Stage
from v2g_daemon.domain.readings import EvseStatus
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

    A foreign EVCCID is a guest for sure; only silence lets the owner's opt-in speak.
    """
    identity = status.identity
    if identity is not None:
        for vehicle in policy.vehicles:
            if identity.evccid is not None and identity.evccid == vehicle.evccid:
                return vehicle
        if identity.evccid is not None and any(v.evccid is not None for v in policy.vehicles):
            return None
        for vehicle in policy.vehicles:
            if identity.id_token is not None and identity.id_token == vehicle.id_token:
                return vehicle
    if len(policy.vehicles) == 1 and policy.vehicles[0].assumed_when_unidentified:
        return policy.vehicles[0]
    return None


def stage_of(
    records: tuple[CommissioningRecord, ...], serial: str | None, policy: Policy
) -> tuple[Stage, str]:
    """The stage the records permit for this device, and what is missing for the next one."""
    if policy.stage_wanted is Stage.WATCH:
        return Stage.WATCH, "the configuration asks only to watch"
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
