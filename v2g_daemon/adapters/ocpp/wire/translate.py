"""OCPP's words and signs to the house's: every sign that changes convention stands here.

OCPP gives import and export at the EVSE as two magnitudes, and discharge powers as positive
numbers; `setpoint` is signed as in the house (charge +).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from v2g_daemon.adapters.ocpp.authorization.keys import is_no_key, is_own
from v2g_daemon.adapters.ocpp.config import EvseConfig
from v2g_daemon.adapters.ocpp.wire.codec import JsonObject, printable
from v2g_daemon.domain.power import PowerRange
from v2g_daemon.domain.readings import EvseCapability, PowerControl, VehicleIdentity

ONE_WAY_TRANSFERS = ("AC_single_phase", "AC_two_phase", "AC_three_phase", "DC")
TWO_WAY_TRANSFERS = ("AC_BPT", "DC_BPT")
AUTOCHARGE_PREFIX = "VID:"  # before an EVCCID that 1.6 stations send as idTag


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargingNeeds:
    """What the EV asked for; powers are magnitudes, None: not said.

    `scheduled`: ISO 15118 scheduled control, where each change is negotiated anew.
    `two_way_available`: it asked for less, but could transfer both ways.
    """

    bidirectional: bool
    direct_current: bool
    scheduled: bool = False
    two_way_available: bool = False
    most_periods: int | None = None
    max_charge_w: float | None = None
    max_discharge_w: float | None = None
    min_charge_w: float | None = None
    min_discharge_w: float | None = None
    soc: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DischargeOffer:
    """How a station may be told to discharge; `profiles` false: it cannot be told anything."""

    central_setpoint: bool = False
    proved: bool = False
    untried: bool = False
    profiles: bool = True


def parse_stamp(text: str) -> datetime | None:
    """An RFC 3339 stamp as aware UTC (naive ones are taken as UTC), None if it is none."""
    try:
        stamp = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    if stamp.tzinfo is None:
        return stamp.replace(tzinfo=UTC)
    try:
        return stamp.astimezone(UTC)
    except OverflowError:
        return None


def format_stamp(moment_utc: datetime) -> str:
    """A UTC stamp with milliseconds and Z; stations set their clocks by it."""
    stamp = moment_utc.astimezone(UTC).isoformat(timespec="milliseconds")
    return stamp.replace("+00:00", "Z")


def net_power_w(*, import_w: Decimal | None, export_w: Decimal | None) -> float | None:
    """Signed power at the EVSE, charge +; some stations report a discharge as negative import."""
    if import_w is None and export_w is None:
        return None
    if import_w is not None and import_w < 0:
        return float(import_w)  # the export beside it, if any, is the same flow told twice
    charge_w = Decimal(0) if import_w is None else import_w
    discharge_w = Decimal(0) if export_w is None else abs(export_w)
    return float(charge_w - discharge_w)


def charging_needs(
    payload: JsonObject, config: EvseConfig, *, most_periods: int | None = None
) -> ChargingNeeds:
    """The `chargingNeeds` of NotifyEVChargingNeeds, from whichever of its parts are filled."""
    transfer = str(payload["requestedEnergyTransfer"])
    v2x = payload.get("v2xChargingParameters", {})
    direct_current = payload.get("dcChargingParameters", {})
    alternating = payload.get("acChargingParameters", {})
    soc = direct_current.get("stateOfCharge")
    return ChargingNeeds(
        bidirectional="_BPT" in transfer,
        direct_current=transfer.startswith("DC"),
        scheduled=payload.get("controlMode") == "ScheduledControl",
        two_way_available=any(
            "_BPT" in str(one) for one in payload.get("availableEnergyTransfer", ())
        ),
        most_periods=most_periods,
        max_charge_w=_first_positive(
            _over_phases(v2x, "maxChargePower"),
            direct_current.get("evMaxPower"),
            _product(direct_current.get("evMaxCurrent"), direct_current.get("evMaxVoltage")),
            _alternating_w(alternating.get("evMaxCurrent"), transfer, config),
        ),
        max_discharge_w=_magnitude(_over_phases(v2x, "maxDischargePower")),
        min_charge_w=_first_positive(
            v2x.get("minChargePower"),
            _alternating_w(alternating.get("evMinCurrent"), transfer, config),
        ),
        min_discharge_w=_magnitude(v2x.get("minDischargePower")),
        soc=soc / 100 if soc is not None and 0 <= soc <= 100 else None,
    )


def _over_phases(v2x: JsonObject, name: str) -> float | None:
    """OCPP 2.1: the plain field is the sum of phases, unless _L2 or _L3 stand beside it."""
    found = [v2x[field] for field in (name, f"{name}_L2", f"{name}_L3") if field in v2x]
    if not found:
        return None
    total_w = 0.0
    for power_w in found:
        total_w += abs(float(power_w))
    return total_w


def _magnitude(power_w: float | None) -> float | None:
    # Cars disagree on the sign of discharge powers; the schema asks for magnitudes.
    return None if power_w is None else abs(float(power_w))


def _first_positive(*candidates_w: float | None) -> float | None:
    return next((float(one) for one in candidates_w if one is not None and one > 0), None)


def _product(current_a: float | None, voltage_v: float | None) -> float | None:
    return None if current_a is None or voltage_v is None else current_a * voltage_v


def _alternating_w(current_a: float | None, transfer: str, config: EvseConfig) -> float | None:
    phases = 1 if transfer == "AC_single_phase" else config.phases
    return None if current_a is None else current_a * config.nominal_voltage_v * phases


def capability(
    config: EvseConfig, needs: ChargingNeeds | None, offer: DischargeOffer
) -> EvseCapability:
    """What car, station and installer agree on; discharge only for an EV that asked for it.

    Before 2.1 a car cannot ask: there the guided test speaks for it.
    """
    told = ChargingNeeds(bidirectional=False, direct_current=False) if needs is None else needs
    agreed = (offer.central_setpoint and told.bidirectional) or offer.proved
    signed = agreed and not config.charge_only
    max_discharge_w = _smaller(config.max_discharge_w, told.max_discharge_w) if signed else 0.0
    control = PowerControl.SIGNED if signed else PowerControl.CHARGE_LIMIT
    return EvseCapability(
        power=PowerRange(
            lowest_w=-max_discharge_w if max_discharge_w > 0.0 else 0.0,
            highest_w=_smaller(config.max_charge_w, told.max_charge_w),
        ),
        min_charge_w=_larger(config.min_charge_w, told.min_charge_w),
        min_discharge_w=_larger(config.min_discharge_w, told.min_discharge_w),
        control=control if offer.profiles else PowerControl.NONE,
        untried_discharge_w=config.max_discharge_w if offer.untried else 0.0,
        renegotiates=told.scheduled,
    )


def _smaller(configured_w: float, told_w: float | None) -> float:
    return configured_w if told_w is None else min(configured_w, told_w)


def _larger(configured_w: float, told_w: float | None) -> float:
    return configured_w if told_w is None else max(configured_w, told_w)


def identity(id_token: JsonObject, *, known_evccids: Mapping[str, str]) -> VehicleIdentity:
    """Who the token is.

    The EVCCID stands in its additionalInfo, is the token itself, or was told at Authorize.
    """
    token = printable(str(id_token["idToken"]))
    evccid = next(
        (
            printable(str(info["additionalIdToken"]))
            for info in id_token.get("additionalInfo", ())
            if str(info["type"]).upper() == "EVCCID"
        ),
        None,
    )
    if evccid is None and id_token.get("type") == "MacAddress":
        evccid = token
    elif evccid is None and token.upper().startswith(AUTOCHARGE_PREFIX):
        evccid = token[len(AUTOCHARGE_PREFIX) :]
    # A transaction that we started ourselves, or that a button started, names no car by its token.
    named = token != "" and not is_own(id_token) and not is_no_key(id_token)
    return VehicleIdentity(
        evccid=evccid or known_evccids.get(token), id_token=token if named else None
    )


def allowed_transfers(configs: tuple[EvseConfig, ...]) -> list[str]:
    """The energy transfers an EV may choose here; leaving out BPT means charging only."""
    two_way = any(not config.charge_only for config in configs)
    return [*ONE_WAY_TRANSFERS, *(TWO_WAY_TRANSFERS if two_way else ())]
