"""Meter values as stations really send them, reduced to one sample in SI units.

What cannot be right (unit unknown, negative register, SoC above 100 %) is left out, never guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, DecimalException

from v2g_daemon.adapters.ocpp.codec import JsonObject
from v2g_daemon.adapters.ocpp.translate import net_power_w, parse_stamp

# Entries this close to the newest one belong to it: some stations send one entry per measurand.
SAME_SAMPLE = timedelta(seconds=2)
LARGEST_POWER_W = Decimal(1_000_000)
LARGEST_ENERGY_WH = Decimal(10) ** 12
LARGEST_MULTIPLIER = 9

_DEFAULT_MEASURAND = "Energy.Active.Import.Register"  # OCPP 2.0.1, SampledValueType
_POWERS = frozenset({"Power.Active.Import", "Power.Active.Export"})
_REGISTERS = frozenset({"Energy.Active.Import.Register", "Energy.Active.Export.Register"})
_UNITS = {"power": {"w": 0, "kw": 3}, "energy": {"wh": 0, "kwh": 3}}
_PAST_CONTEXTS = frozenset({"Interruption.Begin", "Interruption.End"})
_PHASE_SETS = (("L1", "L2", "L3"), ("L1-N", "L2-N", "L3-N"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What one moment's meter values say; None: not said."""

    sampled_at_utc: datetime | None = None
    power_w: float | None = None
    soc: float | None = None
    charge_milliwh: int | None = None
    discharge_milliwh: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    measurand: str
    phase: str | None
    location: str
    value: Decimal


def newest_sample(meter_values: Iterable[JsonObject]) -> Sample | None:
    """The newest moment of a `meterValue` list (an Ended event carries the whole history)."""
    stamped = [(parse_stamp(str(entry.get("timestamp"))), entry) for entry in meter_values]
    known = [stamp for stamp, _ in stamped if stamp is not None]
    newest = max(known) if known else None
    entries = [
        (stamp, entry)
        for stamp, entry in stamped
        if newest is None or (stamp is not None and newest - stamp < SAME_SAMPLE)
    ]
    if not entries:
        return None
    if newest is not None:
        entries.sort(key=lambda pair: pair[0] or newest)
    readings = [reading for _, entry in entries for reading in _readings(entry)]
    return Sample(
        sampled_at_utc=newest,
        power_w=net_power_w(
            import_w=_of(readings, "Power.Active.Import"),
            export_w=_of(readings, "Power.Active.Export"),
        ),
        soc=_soc(readings),
        charge_milliwh=_milliwh(_of(readings, "Energy.Active.Import.Register")),
        discharge_milliwh=_milliwh(_of(readings, "Energy.Active.Export.Register")),
    )


def _readings(entry: JsonObject) -> Iterator[_Reading]:
    for sampled in entry.get("sampledValue", ()):
        measurand = sampled.get("measurand", _DEFAULT_MEASURAND)
        if sampled.get("context") in _PAST_CONTEXTS:
            continue
        value = _scaled(measurand, sampled)
        if value is not None:
            yield _Reading(
                measurand=measurand,
                phase=sampled.get("phase"),
                location=sampled.get("location", "EV" if measurand == "SoC" else "Outlet"),
                value=value,
            )


def _scaled(measurand: str, sampled: JsonObject) -> Decimal | None:
    """The value in W, Wh or %, or None where it is of no use or cannot be right."""
    unit_of_measure = sampled.get("unitOfMeasure", {})
    unit = str(unit_of_measure.get("unit", "")).strip().lower()
    multiplier = unit_of_measure.get("multiplier", 0)
    if abs(multiplier) > LARGEST_MULTIPLIER:
        return None
    try:
        value = Decimal(str(sampled["value"])).scaleb(multiplier)
    except (DecimalException, ValueError):
        return None
    if not value.is_finite():
        return None
    if measurand in _POWERS:
        return _bounded(value, _UNITS["power"].get(unit or "w"), largest=LARGEST_POWER_W)
    if measurand in _REGISTERS:
        scaled = _bounded(value, _UNITS["energy"].get(unit or "wh"), largest=LARGEST_ENERGY_WH)
        return scaled if scaled is not None and scaled >= 0 else None
    if measurand == "SoC":
        return value if 0 <= value <= 100 else None
    return None


def _bounded(value: Decimal, exponent: int | None, *, largest: Decimal) -> Decimal | None:
    if exponent is None:
        return None
    scaled = value.scaleb(exponent)
    return scaled if abs(scaled) <= largest else None


def _of(readings: list[_Reading], measurand: str) -> Decimal | None:
    """The measurand at the outlet (else the inlet): its total if given, else the sum of phases."""
    for location in ("Outlet", "Inlet"):
        by_phase = {
            reading.phase: reading.value
            for reading in readings
            if reading.measurand == measurand and reading.location == location
        }
        if None in by_phase:
            return by_phase[None]
        for phases in _PHASE_SETS:
            found = [by_phase[phase] for phase in phases if phase in by_phase]
            if found:
                return sum(found, Decimal(0))
    return None


def _soc(readings: list[_Reading]) -> float | None:
    found = [reading.value for reading in readings if reading.measurand == "SoC"]
    return float(found[-1] / 100) if found else None


def _milliwh(energy_wh: Decimal | None) -> int | None:
    return None if energy_wh is None else round(energy_wh * 1000)
