"""The figures of a rehearsal for programs: as JSON, and the setpoints of our V2G as CSV."""

from __future__ import annotations

import csv
import gzip
import io
import json
from decimal import Decimal
from pathlib import Path

from v2g_daemon.adapters.reports.backtest_page import backtest_page
from v2g_daemon.domain.errors import RehearsalFailed
from v2g_daemon.rehearsal.contest import Contest, Entry
from v2g_daemon.rehearsal.strategies import Strategy

MONEY_DECIMALS = 4


def figures(contest: Contest) -> dict[str, object]:
    """What strategies are compared by; money in the case's currency."""
    return {
        "pairing": contest.case.name,
        "strategies": {
            strategy.value: _strategy(entry, contest) for strategy, entry in contest.entries.items()
        },
    }


def as_json(contest: Contest) -> str:
    """The figures as text."""
    return json.dumps(figures(contest), indent=1, ensure_ascii=False)


def setpoints_csv(contest: Contest) -> bytes:
    """`time_utc,setpoint_w` of our V2G, a line a quarter hour; RehearsalFailed without it."""
    if Strategy.V2G not in contest.entries:
        raise RehearsalFailed("our V2G did not come to its end: there are no setpoints to write")
    days = contest.case.days
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["time_utc", "setpoint_w"])
    for slot, setpoint_w in enumerate(contest.entries[Strategy.V2G].ran.setpoint_w):
        writer.writerow([f"{days.utc(slot):%Y-%m-%dT%H:%M:%SZ}", repr(setpoint_w)])
    return text.getvalue().encode("ascii")


def write_json(contest: Contest, path: Path) -> None:
    """The figures into a file."""
    path.write_text(as_json(contest) + "\n", encoding="utf-8")


def write_page(contest: Contest, path: Path, *, hardware_price: float | None) -> None:
    """The page for people into a file; it needs nothing else."""
    path.write_text(backtest_page(contest, hardware_price=hardware_price), encoding="utf-8")


def write_setpoints(contest: Contest, path: Path) -> None:
    """The setpoints into a file, packed where its name ends in .gz."""
    content = setpoints_csv(contest)
    path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)


def _strategy(entry: Entry, contest: Contest) -> dict[str, object]:
    score = entry.score
    return {
        "net_cost": _number(score.net_cost),
        "wear_cost": _number(score.wear.default),
        "discharged_kwh": _kwh(score.discharged_wh),
        "missed_kwh": _kwh(score.missed_wh),
        "departures": score.departures_count,
        "departures_met": score.departures_met_count,
        "switches_per_night": round(score.switches_per_night, 3),
        "seconds": round(entry.seconds_s, 2),
        "wear_per_kwh_discharged": contest.case.wear_per_kwh,
        "knowledge": contest.knowledge.value,
    }


def _number(money: Decimal) -> float:
    return round(float(money), MONEY_DECIMALS)


def _kwh(energy_wh: float) -> float:
    return round(energy_wh / 1000.0, 4)
