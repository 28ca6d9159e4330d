"""Readings that are not what is: SoC, units, signs."""

from __future__ import annotations

from collections.abc import Callable

from simulators.faults import Fault
from simulators.station.station import Station
from simulators.station.wire import JsonDict

KILO = {"W": "kW", "Wh": "kWh"}
ENDS = frozenset({"Started", "Ended"})
IMPORT, EXPORT = "Power.Active.Import", "Power.Active.Export"


def shown_soc_percent(station: Station, percent: float) -> float | None:
    """Return the SoC that is told; None = none."""
    told: float | None = percent
    for fault in station.faults_now():
        change = _SOC.get(fault.kind)
        if change is not None and told is not None:
            told = change(station, fault, told)
    return told


def _no_soc(_station: Station, _fault: Fault, _percent: float) -> float | None:
    return None


def _glitch(_station: Station, fault: Fault, _percent: float) -> float | None:
    return fault.parameters.value


def _frozen(station: Station, _fault: Fault, percent: float) -> float | None:
    return (
        percent
        if station.remembered.soc_told_percent is None
        else station.remembered.soc_told_percent
    )


def _needs_power(station: Station, _fault: Fault, percent: float) -> float | None:
    return None if station.outlet.power_w == 0.0 else percent


_SOC: dict[str, Callable[[Station, Fault, float], float | None]] = {
    "no_soc": _no_soc,
    "soc_glitch": _glitch,
    "soc_frozen": _frozen,
    "soc_needs_power": _needs_power,
}


def distorted(station: Station, payload: JsonDict) -> JsonDict:
    """Return a message with its sampled values as the faults show them."""
    changes = [_VALUES[fault.kind] for fault in station.faults_now() if fault.kind in _VALUES]
    if not changes or "meterValue" not in payload:
        return payload
    event_type = str(payload.get("eventType", ""))
    meter_values = payload["meterValue"]
    for change in changes:
        meter_values = [
            {**one, "sampledValue": change(event_type, one["sampledValue"])} for one in meter_values
        ]
    return {**payload, "meterValue": [one for one in meter_values if one["sampledValue"]]}


def _kilo(_event_type: str, samples: list[JsonDict]) -> list[JsonDict]:
    return [_in_kilo(sample) for sample in samples]


def _mixed(event_type: str, samples: list[JsonDict]) -> list[JsonDict]:
    return [
        _in_kilo(sample) if event_type in ENDS and _unit(sample) == "Wh" else sample
        for sample in samples
    ]


def _in_kilo(sample: JsonDict) -> JsonDict:
    unit = KILO.get(_unit(sample))
    if unit is None:
        return sample
    value = round(sample["value"] / 1000.0, 6)
    return {**sample, "value": value, "unitOfMeasure": {"unit": unit}}


def _unit(sample: JsonDict) -> str:
    return str(sample.get("unitOfMeasure", {}).get("unit", ""))


def _without_units(_event_type: str, samples: list[JsonDict]) -> list[JsonDict]:
    return [
        {name: value for name, value in sample.items() if name != "unitOfMeasure"}
        for sample in samples
    ]


def _no_power(_event_type: str, samples: list[JsonDict]) -> list[JsonDict]:
    powers = {IMPORT, EXPORT}
    return [
        {**sample, "value": 0.0} if sample["measurand"] in powers else sample for sample in samples
    ]


def _negative_import(_event_type: str, samples: list[JsonDict]) -> list[JsonDict]:
    exported = next((one["value"] for one in samples if one["measurand"] == EXPORT), 0.0)
    return [
        {**sample, "value": sample["value"] - exported} if sample["measurand"] == IMPORT else sample
        for sample in samples
        if sample["measurand"] != EXPORT
    ]


_VALUES: dict[str, Callable[[str, list[JsonDict]], list[JsonDict]]] = {
    "kwh": _kilo,
    "kwh_mixed": _mixed,
    "no_units": _without_units,
    "power_zero": _no_power,
    "negative_import": _negative_import,
}
