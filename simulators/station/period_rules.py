"""Why a station refuses a schedule period: its operation mode, the fields, the phases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from simulators.station.wire import JsonDict

RATE_FIELDS = ("limit", "dischargeLimit", "setpoint", "setpointReactive")
PHASE_FIELDS = {f"{name}_{phase}": name for name in RATE_FIELDS for phase in ("L2", "L3")}
CHARGES_W = {"limit": "maxChargePower", "dischargeLimit": "maxDischargePower"}
CHARGING_ONLY = "ChargingOnly"
FOR_TRANSACTIONS = frozenset({"TxProfile", "TxDefaultProfile"})
LEAST_CURVE_POINTS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What this station says it can do with profiles."""

    operation_modes: frozenset[str]
    dynamic_profiles: bool
    rate_units: frozenset[str] = frozenset({"A", "W"})
    additional_purposes: frozenset[str] = frozenset()
    direct_current: bool = False
    load_band_set: bool = False
    offline_limits: bool = True
    ev_phases: frozenset[str] = frozenset()  # of v2xChargingParameters: maxChargePower_L2, ...
    highest_external_id: int | None = None
    max_stack_level: int = 10
    max_periods: int = 96
    max_profiles: int = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A statusInfo: reasonCode and words."""

    reason_code: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """One period in its place."""

    raw: JsonDict
    rate_unit: str
    purpose: str
    kind: str
    capabilities: Capabilities

    @property
    def mode(self) -> str:
        """The operation mode; absent, it charges only (K01.FR.110)."""
        return str(self.raw.get("operationMode", CHARGING_ONLY))


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """A row of the table "Limits and setpoints per operation mode" (Q 2.2)."""

    needs: frozenset[str] = frozenset()
    allows: frozenset[str] = frozenset()
    purposes: frozenset[str] = FOR_TRANSACTIONS


_BOUNDS = frozenset({"limit", "dischargeLimit"})
_EXTERNAL = frozenset({"ChargingStationExternalConstraints"})
MODES: dict[str, Mode] = {
    CHARGING_ONLY: Mode(
        needs=frozenset({"limit"}),
        allows=frozenset({"limit"}),
        purposes=FOR_TRANSACTIONS
        | _EXTERNAL
        | {"ChargingStationMaxProfile", "PriorityCharging", "LocalGeneration"},
    ),
    "CentralSetpoint": Mode(needs=frozenset({"setpoint"}), allows=frozenset(RATE_FIELDS)),
    # Q07.FR.03 (errata 2025-09) against the table: no limits beside this setpoint.
    "CentralFrequency": Mode(needs=frozenset({"setpoint"}), allows=frozenset({"setpoint"})),
    "ExternalSetpoint": Mode(allows=_BOUNDS, purposes=FOR_TRANSACTIONS | _EXTERNAL),
    "ExternalLimits": Mode(purposes=FOR_TRANSACTIONS | _EXTERNAL | {"LocalGeneration"}),
    "LocalFrequency": Mode(),
    # Q09.FR.05 caps by limits that the table does not show.
    "LocalLoadBalancing": Mode(allows=_BOUNDS),
    "Idle": Mode(),
}

Rule = Callable[[Period], Refused | None]


def period_refusal(period: Period) -> Refused | None:
    """Return the first reason to refuse a period, None if there is none."""
    return next(_refusals(period), None)


def _refusals(period: Period) -> Iterator[Refused]:
    for rule in _RULES:
        refused = rule(period)
        if refused is not None:
            yield refused


def _mode_is_offered(period: Period) -> Refused | None:
    if period.mode == CHARGING_ONLY or period.mode in period.capabilities.operation_modes:
        return None
    # Q09.FR.01 has a code of its own; all others are K01.FR.115 of the errata 2025-09.
    code = "UnsupportedParam" if period.mode == "LocalLoadBalancing" else "InvalidOperationMode"
    return Refused(reason_code=code, detail=f"operationMode {period.mode}")


def _mode_suits_the_purpose(period: Period) -> Refused | None:
    if period.purpose in MODES[period.mode].purposes:
        return None
    # K01.FR.111 to .114 of the errata.
    detail = f"{period.mode} is not for {period.purpose}"
    return Refused(reason_code="InvalidOperationMode", detail=detail)


def _mode_suits_the_kind(period: Period) -> Refused | None:
    if period.mode == "CentralFrequency" and period.kind != "Dynamic":  # Q07.FR.02
        return Refused(reason_code="InvalidProfile", detail="CentralFrequency is Dynamic")
    return None


def _fields_suit_the_mode(period: Period) -> Refused | None:
    mode = MODES[period.mode]
    given = {name for name in RATE_FIELDS if name in period.raw}
    given |= {base for name, base in PHASE_FIELDS.items() if name in period.raw}
    if mode.needs <= given <= mode.allows:
        return None
    return Refused(
        reason_code="InvalidSchedule",
        detail=f"{period.mode} needs {sorted(mode.needs)} and allows {sorted(mode.allows)}",
    )


def _setpoint_is_in_range(period: Period) -> Refused | None:
    """V2X.05."""
    setpoint = period.raw.get("setpoint")
    if setpoint is None:
        return None
    highest = period.raw.get("limit", setpoint)
    lowest = period.raw.get("dischargeLimit", setpoint)
    if lowest <= setpoint <= highest:
        return None
    detail = "setpoint outside [dischargeLimit, limit]"
    return Refused(reason_code="InvalidSchedule", detail=detail)


def _frequency_curve_is_whole(period: Period) -> Refused | None:
    """Q08.FR.02, .03 and .05."""
    if period.mode != "LocalFrequency":
        return None
    curve = period.raw.get("v2xFreqWattCurve", [])
    if len(curve) < LEAST_CURVE_POINTS or "v2xBaseline" not in period.raw:
        detail = "LocalFrequency needs v2xBaseline and a curve of two points"
        return Refused(reason_code="NoFreqWattCurve", detail=detail)
    if period.rate_unit != "W":
        return Refused(reason_code="UnsupportedRateUnit", detail="LocalFrequency is in W")
    return None


def _load_band_is_set(period: Period) -> Refused | None:
    """Q09.FR.02."""
    if period.mode != "LocalLoadBalancing" or period.capabilities.load_band_set:
        return None
    detail = "V2XChargingCtrlr LocalLoadBalancing is not set, or upside down"
    return Refused(reason_code="MissingDevModelInfo", detail=detail)


def _phases_are_of_this_evse(period: Period) -> Refused | None:
    """K01.FR.19, .44 and .48; this EVSE switches no phases."""
    phases, use = period.raw.get("numberPhases"), period.raw.get("phaseToUse")
    if period.capabilities.direct_current and (phases is not None or use is not None):
        return Refused(reason_code="NoPhaseForDC", detail="an EVSE of direct current has no phases")
    if use is not None:
        detail = "phaseToUse: this EVSE switches no phases"
        return Refused(reason_code="InvalidSchedule", detail=detail)
    return None


def _phase_fields_are_the_evs(period: Period) -> Refused | None:
    """K01.FR.142 to .146 and V2X.07 to .10 of the errata."""
    for name, base in PHASE_FIELDS.items():
        if name not in period.raw:
            continue
        power = f"{CHARGES_W.get(base, 'maxDischargePower')}_{name[-2:]}"
        known = power in period.capabilities.ev_phases
        if period.purpose != "TxProfile" or base not in period.raw or not known:
            return Refused(reason_code="PhaseConflict", detail=f"{name} without its ground")
    return None


def _sleep_is_offered(period: Period) -> Refused | None:
    """K01.FR.126 of the errata: idle, what is not offered is ignored."""
    if period.raw.get("evseSleep", False) and period.mode != "Idle":
        return Refused(reason_code="InvalidSchedule", detail="evseSleep is for Idle")
    return None


_RULES: tuple[Rule, ...] = (
    _mode_is_offered,
    _mode_suits_the_purpose,
    _mode_suits_the_kind,
    _phase_fields_are_the_evs,
    _fields_suit_the_mode,
    _setpoint_is_in_range,
    _frequency_curve_is_whole,
    _load_band_is_set,
    _phases_are_of_this_evse,
    _sleep_is_offered,
)
