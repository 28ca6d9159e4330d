"""Replay a year of setpoints in the plant that every programme is judged by.

    python -m tests.benchmarks.score_year YEAR TRACE.csv[.gz]

TRACE has the columns time_utc, setpoint_w (+ charge, − discharge), each held until the next row.
Where the pack would pass ceiling or floor inside a quarter hour the charger stops there. The car
gives way to the import fuse and the export limit (to 0 below its least power); PV beyond the export
limit, or while the export price is negative, is not produced. Discharging below the floor is
refused. It shares no code with the daemon.
"""

from __future__ import annotations

import csv
import gzip
import json
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

YEARS = Path(__file__).parent / "years"
STEP_S = 900
HOURS = 0.25
MET_WITHIN_KWH = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Year:
    """One pairing on its quarter hours: kW, money per kWh, kWh."""

    facts: dict[str, Any]
    start_s: int
    load: list[float]
    pv: list[float]
    bought: list[float]
    sold: list[float]
    plugged: list[bool]
    trip: list[float]
    target: list[float]


def read_year(name: str, folder: Path = YEARS) -> Year:
    """A pairing from its folder."""
    files = folder / name
    facts = json.loads((files / "pairing.json").read_text())
    start_s, end_s = _epoch(facts["start_utc"]), _epoch(facts["end_utc"])
    count = (end_s - start_s) // STEP_S
    prices = _rows(files / "prices.csv.gz")
    held = (_epoch(prices[1]["time_utc"]) - _epoch(prices[0]["time_utc"])) // STEP_S
    currency = facts["currency"]
    plugged, trip, target = [False] * count, [0.0] * count, [0.0] * count
    for row in _rows(files / "sessions.csv.gz"):
        first = (_epoch(row["plug_in_utc"]) - start_s) // STEP_S
        end = (_epoch(row["plug_out_utc"]) - start_s) // STEP_S
        plugged[first:end] = [True] * (end - first)
        trip[first] = float(row["trip_before_kwh"])
        if row["target_at_plug_out_kwh"]:
            target[end - 1] = float(row["target_at_plug_out_kwh"])
    pv = files / "pv.csv.gz"
    return Year(
        facts=facts,
        start_s=start_s,
        load=[float(row["load_w"]) / 1000.0 for row in _rows(files / "load.csv.gz")],
        pv=[float(row["pv_w"]) / 1000.0 for row in _rows(pv)] if pv.exists() else [0.0] * count,
        bought=_held(prices, f"import_price_{currency}_per_kwh", held)[:count],
        sold=_held(prices, f"export_price_{currency}_per_kwh", held)[:count],
        plugged=plugged,
        trip=trip,
        target=target,
    )


def score(year: Year, setpoints_kw: list[float], wear: float | None = None) -> dict[str, float]:
    """The numbers that count, for one setpoint per quarter hour."""
    plant = year.facts["plant"]
    energy_kwh = plant["soc_start_kwh"]
    money = out_kwh = missed_kwh = stranded_kwh = 0.0
    departures = met = starts = 0
    before_kw = 0.0
    for slot, setpoint_kw in enumerate(setpoints_kw):
        if year.trip[slot] > 0.0:
            stranded_kwh += max(year.trip[slot] - energy_kwh, 0.0)
            energy_kwh = max(energy_kwh - year.trip[slot], 0.0)
        wanted_kw = setpoint_kw if year.plugged[slot] else 0.0
        paid, moved_kwh, flowed_kw = _slot(year, slot, wanted_kw, energy_kwh)
        money, energy_kwh = money + paid, energy_kwh + moved_kwh
        out_kwh += max(-moved_kwh, 0.0)
        starts += int(flowed_kw != 0.0 and flowed_kw * before_kw <= 0.0 and slot > 0)
        before_kw = flowed_kw
        if year.target[slot] > 0.0:
            missing_kwh = max(year.target[slot] - energy_kwh, 0.0)
            departures, missed_kwh = departures + 1, missed_kwh + missing_kwh
            met += int(missing_kwh <= MET_WITHIN_KWH)
    worn = out_kwh * (plant["wear_per_kwh_discharged"] if wear is None else wear)
    credit = year.facts["end_energy_price"] * (energy_kwh - plant["soc_start_kwh"])
    return {
        "net_cost": money + worn - credit,
        "energy_cost": money,
        "wear_cost": worn,
        "end_credit": credit,
        "discharged_kwh": out_kwh,
        "missed_kwh": missed_kwh,
        "departures": departures,
        "departures_met": met,
        "stranded_kwh": stranded_kwh,
        "starts": starts,
    }


def share(name: str, scored: dict[str, float]) -> float:
    """The part of the attainable gain, by the reference; avoidable misses are taken off."""
    reference = json.loads((YEARS / "reference.json").read_text())[name]["policies"]
    plain, perfect = reference["plain"], reference["perfect_v2g"]
    avoidable = max(scored["missed_kwh"] - plain["missed_kwh"], 0.0)
    gained = plain["net_cost"] - scored["net_cost"] - avoidable
    return float(gained / (plain["net_cost"] - perfect["net_cost"]))


def setpoints_of(year: Year, path: Path) -> list[float]:
    """A trace on the quarter hours of a year, kW."""
    rows = [
        (_epoch(row["time_utc"]), float(row["setpoint_w"]) / 1000.0)
        for row in _rows(path)
        if row["setpoint_w"]
    ]
    moments = year.start_s + STEP_S * np.arange(len(year.load))
    place = np.searchsorted([moment for moment, _ in rows], moments, "right") - 1
    return [rows[at][1] if at >= 0 else 0.0 for at in place.tolist()]


def _slot(
    year: Year, slot: int, setpoint_kw: float, energy_kwh: float
) -> tuple[float, float, float]:
    """Money paid, energy into the pack, and the mean power of one quarter hour."""
    plant = year.facts["plant"]
    power_kw = _given_way(year, slot, setpoint_kw)
    idle = _money(year, slot, 0.0)
    if power_kw == 0.0:
        return idle, 0.0, 0.0
    constant, linear, square = plant["loss_kw"]
    size = abs(power_kw)
    moved_kwh = (power_kw - (constant + linear * size + square * size * size)) * HOURS
    ran = 1.0
    if moved_kwh > 0.0 and energy_kwh + moved_kwh > plant["soc_ceiling_kwh"]:
        ran = max(plant["soc_ceiling_kwh"] - energy_kwh, 0.0) / moved_kwh
    if moved_kwh < 0.0 and energy_kwh + moved_kwh < plant["soc_floor_kwh"]:
        ran = max(energy_kwh - plant["soc_floor_kwh"], 0.0) / -moved_kwh
    return idle + ran * (_money(year, slot, power_kw) - idle), ran * moved_kwh, ran * power_kw


def _given_way(year: Year, slot: int, power_kw: float) -> float:
    plant, net_kw = year.facts["plant"], year.load[slot] - year.pv[slot]
    if power_kw > 0.0:
        power_kw = min(power_kw, plant["charge_max_kw"])
        power_kw -= max(net_kw + power_kw - plant["import_limit_kw"], 0.0)
        return float(power_kw) if power_kw >= plant["power_min_kw"] - 1e-9 else 0.0
    power_kw = max(power_kw, -plant["discharge_max_kw"])
    power_kw += max(-(net_kw + power_kw) - plant["export_limit_kw"], 0.0)
    return float(power_kw) if -power_kw >= plant["power_min_kw"] - 1e-9 else 0.0


def _money(year: Year, slot: int, power_kw: float) -> float:
    net_kw = year.load[slot] - year.pv[slot] + power_kw
    if net_kw >= 0.0:
        return HOURS * net_kw * year.bought[slot]
    out_kw = min(-net_kw, float(year.facts["plant"]["export_limit_kw"]))
    if year.sold[slot] < 0.0:
        out_kw = min(out_kw, -power_kw) if power_kw < 0.0 else 0.0
    return -HOURS * out_kw * year.sold[slot]


def _rows(path: Path) -> list[dict[str, str]]:
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    return list(csv.DictReader(text.splitlines()))


def _held(rows: list[dict[str, str]], column: str, steps: int) -> list[float]:
    return [float(row[column]) for row in rows for _ in range(steps)]


def _epoch(text: str) -> int:
    return int(datetime.fromisoformat(text).astimezone(UTC).timestamp())


if __name__ == "__main__":
    judged = read_year(sys.argv[1])
    found = score(judged, setpoints_of(judged, Path(sys.argv[2])))
    print(json.dumps({**found, "share_of_attainable": share(sys.argv[1], found)}))
