"""Meter values as stations really send them, reduced to one sample in SI units.

What cannot be right (unit unknown, negative register, SoC above 100 %) is left out, never guessed.
The order of entries and of their values says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, DecimalException
from itertools import zip_longest

from v2g_daemon.adapters.ocpp.wire.codec import JsonObject
from v2g_daemon.adapters.ocpp.wire.translate import net_power_w, parse_stamp

# Entries this close to the newest one belong to it: some stations send one entry per measurand.
SAME_SAMPLE = timedelta(seconds=2)
LARGEST_POWER_W = Decimal(1_000_000)
LARGEST_ENERGY_WH = Decimal(10) ** 12
LARGEST_MULTIPLIER = 9

_DEFAULT_MEASURAND = "Energy.Active.Import.Register"  # OCPP 2.0.1, SampledValueType
_POWER = {"w": 0, "kw": 3}
_ENERGY = {"wh": 0, "kwh": 3}
# Of each measurand: its units as powers of ten, the first being the one where none is given; and
# the largest magnitude that can be true.
_KNOWN: dict[str, tuple[dict[str, int], Decimal]] = {
    "Power.Active.Import": (_POWER, LARGEST_POWER_W),
    "Power.Active.Export": (_POWER, LARGEST_POWER_W),
    "Energy.Active.Import.Register": (_ENERGY, LARGEST_ENERGY_WH),
    "Energy.Active.Export.Register": (_ENERGY, LARGEST_ENERGY_WH),
    "Current.Import": ({"a": 0, "ma": -3}, Decimal(1000)),
    "Current.Export": ({"a": 0, "ma": -3}, Decimal(1000)),
    "Voltage": ({"v": 0, "mv": -3, "kv": 3}, Decimal(1000)),
    "SoC": ({"percent": 0, "%": 0}, Decimal(100)),
}
_NEVER_NEGATIVE = frozenset(
    {"Energy.Active.Import.Register", "Energy.Active.Export.Register", "Voltage", "SoC"}
)
_PAST_CONTEXTS = frozenset({"Interruption.Begin", "Interruption.End"})
# Which of two values of one moment is the more telling, least first.
_CONTEXTS = ("Transaction.Begin", "Transaction.End", "Other", "Sample.Clock", "Trigger")
_PHASE_SETS = (("L1", "L2", "L3"), ("L1-N", "L2-N", "L3-N"))
_EVSE, _GRID = ("Outlet", "Inlet"), ("Upstream",)
_LINE_TO_LINE = ("L1-L2", "L2-L3", "L3-L1")
_ROOT_OF_3 = Decimal(3).sqrt()
_NO_STAMP = datetime.min.replace(tzinfo=UTC)

# What a value is of: measurand and location, by phase (None: the total).
_Readings = dict[tuple[str, str], dict[str | None, Decimal]]


@dataclass(frozen=True, slots=True, kw_only=True)
class GridFlow:
    """What a station measures upstream of it, at the house's grid connection; import +."""

    power_w: float
    phase_power_w: tuple[float, ...] = ()
    voltage_v: tuple[float, ...] = ()
    import_milliwh: int | None = None
    export_milliwh: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What one moment's meter values say; None: not said."""

    sampled_at_utc: datetime | None = None
    power_w: float | None = None
    soc: float | None = None
    charge_milliwh: int | None = None
    discharge_milliwh: int | None = None
    upstream: GridFlow | None = None


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class _Reading:
    """One value; the greatest of those that speak of the same thing holds."""

    at_utc: datetime
    context_rank: int
    value: Decimal
    measurand: str
    location: str
    phase: str


def newest_sample(meter_values: Iterable[JsonObject]) -> Sample | None:
    """The newest moment of a `meterValue` list (an Ended event carries the whole history)."""
    stamped = [(parse_stamp(str(entry.get("timestamp"))), entry) for entry in meter_values]
    if not stamped:
        return None
    newest = max((stamp for stamp, _ in stamped if stamp is not None), default=None)
    found = [
        reading
        for stamp, entry in stamped
        if newest is None or (stamp is not None and newest - stamp < SAME_SAMPLE)
        for reading in _readings(entry, _NO_STAMP if stamp is None else stamp)
    ]
    readings: _Readings = {}
    for reading in sorted(found):
        by_phase = readings.setdefault((reading.measurand, reading.location), {})
        by_phase[reading.phase or None] = reading.value
    return Sample(
        sampled_at_utc=newest,
        power_w=_power_w(readings),
        soc=_soc(readings),
        charge_milliwh=_milliwh(_total(readings, "Energy.Active.Import.Register")),
        discharge_milliwh=_milliwh(_total(readings, "Energy.Active.Export.Register")),
        upstream=_upstream(readings),
    )


def _readings(entry: JsonObject, at_utc: datetime) -> Iterator[_Reading]:
    for sampled in entry.get("sampledValue", ()):
        measurand = sampled.get("measurand", _DEFAULT_MEASURAND)
        context = sampled.get("context", "Sample.Periodic")
        if context in _PAST_CONTEXTS or measurand not in _KNOWN:
            continue
        value = _scaled(measurand, sampled)
        if value is not None:
            yield _Reading(
                at_utc=at_utc,
                context_rank=_CONTEXTS.index(context) if context in _CONTEXTS else len(_CONTEXTS),
                value=value,
                measurand=measurand,
                location=sampled.get("location", "EV" if measurand == "SoC" else "Outlet"),
                phase=sampled.get("phase", ""),
            )


def _scaled(measurand: str, sampled: JsonObject) -> Decimal | None:
    """The value in W, Wh, A, V or %, or None where it cannot be right."""
    units, largest = _KNOWN[measurand]
    unit_of_measure = sampled.get("unitOfMeasure", {})
    unit = str(unit_of_measure.get("unit", "")).strip().lower()
    exponent = next(iter(units.values())) if unit == "" else units.get(unit)
    multiplier = int(unit_of_measure.get("multiplier", 0))  # 3.0 is an integer in JSON
    if exponent is None or abs(multiplier) > LARGEST_MULTIPLIER:
        return None
    try:
        value = Decimal(str(sampled["value"])).scaleb(multiplier + exponent)
    except (DecimalException, ValueError):
        return None
    if not value.is_finite() or abs(value) > largest:
        return None
    return None if value < 0 and measurand in _NEVER_NEGATIVE else value


def _power_w(readings: _Readings) -> float | None:
    """The power told, else what currents and voltages make of it."""
    flows = [_total(readings, f"Power.Active.{way}") for way in ("Import", "Export")]
    if flows == [None, None]:
        flows = [_by_current(readings, f"Current.{way}") for way in ("Import", "Export")]
    return net_power_w(import_w=flows[0], export_w=flows[1])


def _upstream(readings: _Readings) -> GridFlow | None:
    """What flows at the grid connection, which is none of the EVSE's own values."""
    flows = [_total(readings, f"Power.Active.{way}", at=_GRID) for way in ("Import", "Export")]
    power_w = net_power_w(import_w=flows[0], export_w=flows[1])
    if power_w is None:
        return None
    voltages = _by_phase(readings, "Voltage")
    flows_by_phase = [_by_phase(readings, f"Power.Active.{way}") for way in ("Import", "Export")]
    phase_power_w = tuple(
        net_power_w(import_w=flowing_in, export_w=flowing_out) or 0.0
        for flowing_in, flowing_out in zip_longest(*flows_by_phase)
    )
    return GridFlow(
        power_w=power_w,
        phase_power_w=phase_power_w,
        voltage_v=tuple(float(one) for one in voltages),
        import_milliwh=_milliwh(_total(readings, "Energy.Active.Import.Register", at=_GRID)),
        export_milliwh=_milliwh(_total(readings, "Energy.Active.Export.Register", at=_GRID)),
    )


def _by_phase(readings: _Readings, measurand: str) -> tuple[Decimal, ...]:
    """The values upstream of L1, or of all three phases; empty for anything else."""
    by_phase = readings.get((measurand, "Upstream"), {})
    for phases in _PHASE_SETS:
        found = [by_phase[phase] for phase in phases if phase in by_phase]
        if len(found) == len(phases) or (len(found) == 1 and phases[0] in by_phase):
            return tuple(found)
    return ()


def _total(readings: _Readings, measurand: str, *, at: tuple[str, ...] = _EVSE) -> Decimal | None:
    """At the outlet (else the inlet): the total if given, else the sum of phases."""
    for location in at:
        by_phase = readings.get((measurand, location), {})
        if None in by_phase:
            return by_phase[None]
        for phases in _PHASE_SETS:
            found = [by_phase[phase] for phase in phases if phase in by_phase]
            if found:
                return sum(found, Decimal(0))
    return None


def _by_current(readings: _Readings, measurand: str) -> Decimal | None:
    """Current × measured voltage over the phases; a current without phase is that of one phase."""
    for location in _EVSE:
        currents = readings.get((measurand, location), {})
        voltages = readings.get(("Voltage", location), {})
        usual_v = _phase_voltage_v(voltages)
        if not currents or usual_v is None:
            continue
        phases = next((one for one in _PHASE_SETS if any(phase in currents for phase in one)), ())
        if phases:
            powers = [
                currents[phase] * voltages.get(f"L{number}-N", voltages.get(f"L{number}", usual_v))
                for number, phase in enumerate(phases, start=1)
                if phase in currents
            ]
            return sum(powers, Decimal(0))
        if None in currents and len(voltages) == 1:
            return currents[None] * usual_v
    return None


def _phase_voltage_v(voltages: dict[str | None, Decimal]) -> Decimal | None:
    """The mean voltage of a phase against neutral."""
    against_neutral = [
        value for phase, value in voltages.items() if phase not in (*_LINE_TO_LINE, "N")
    ]
    if against_neutral:
        return sum(against_neutral, Decimal(0)) / len(against_neutral)
    between = [voltages[phase] for phase in _LINE_TO_LINE if phase in voltages]
    return sum(between, Decimal(0)) / len(between) / _ROOT_OF_3 if between else None


def _soc(readings: _Readings) -> float | None:
    """The SoC in the car; a station that says it of its outlet means the same."""
    for location in ("EV", "Outlet", "Inlet"):
        percent = readings.get(("SoC", location), {}).get(None)
        if percent is not None:
            return float(percent / 100)
    return None


def _milliwh(energy_wh: Decimal | None) -> int | None:
    return None if energy_wh is None else round(energy_wh * 1000)
