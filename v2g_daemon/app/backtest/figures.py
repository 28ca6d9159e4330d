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
from v2g_daemon.rehearsal.score import Score
from v2g_daemon.rehearsal.strategies import Strategy
from v2g_daemon.rehearsal.verdict import attainable, share_of_attainable

MONEY_DECIMALS = 4


def figures(contest: Contest) -> dict[str, object]:
    """All figures; money in `details.currency`, energies as their keys say."""
    return {
        "pairing": contest.case.name,
        "strategies": {
            strategy.value: _strategy(entry, contest) for strategy, entry in contest.entries.items()
        },
        "details": _details(contest),
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


def _details(contest: Contest) -> dict[str, object]:
    case = contest.case
    whole = attainable(contest.scores)
    return {
        "complete": contest.complete,
        "unfinished": {one.value: slots for one, slots in contest.unfinished.items()},
        "currency": case.days.currency,
        "timezone": case.days.timezone,
        "start_utc": case.days.start_utc.isoformat(),
        "end_utc": case.days.end_utc.isoformat(),
        "end_energy_price": float(case.market.end_per_kwh),
        "miss_price_per_kwh": case.miss_per_kwh,
        "attainable_gain": None if whole is None else _number(whole),
        "lp_relaxation_net_cost": (
            None
            if contest.relaxed_net_cost is None
            else round(contest.relaxed_net_cost, MONEY_DECIMALS)
        ),
        "notes": list(case.notes),
        "strategies": {
            strategy.value: _more(strategy, score, contest)
            for strategy, score in contest.scores.items()
        },
    }


def _more(strategy: Strategy, score: Score, contest: Contest) -> dict[str, object]:
    share = share_of_attainable(strategy, contest.scores, miss_per_kwh=contest.case.miss_per_kwh)
    carbon, warranty = score.carbon, score.warranty
    return {
        "share_of_attainable": None if share is None else round(share, 4),
        "money": {line.name: _number(line.amount) for line in score.lines},
        "energy_cost": _number(score.energy_cost),
        "wear_cost_low": _number(score.wear.low),
        "wear_cost_high": _number(score.wear.high),
        "end_credit": _number(score.end_credit),
        "import_kwh": _kwh(score.import_milliwh / 1000.0),
        "export_kwh": _kwh(score.export_milliwh / 1000.0),
        "charged_kwh": _kwh(score.charge_milliwh / 1000.0),
        "discharged_at_the_charger_kwh": _kwh(score.discharge_milliwh / 1000.0),
        "discharging_hours": round(score.discharging_h, 2),
        "cycles": round(score.cycles, 3),
        "stranded_kwh": _kwh(score.stranded_wh),
        "switches": score.switches_count,
        "nights": score.nights_count,
        "carbon_import_kg": None if carbon is None else round(carbon.import_kg, 3),
        "carbon_export_kg": None if carbon is None else round(carbon.export_kg, 3),
        "warranty_energy_share": None if warranty is None else warranty.energy_share,
        "warranty_hours_share": None if warranty is None else warranty.hours_share,
        "warranty_cycles_share": None if warranty is None else warranty.cycles_share,
    }


def _number(money: Decimal) -> float:
    return round(float(money), MONEY_DECIMALS)


def _kwh(energy_wh: float) -> float:
    return round(energy_wh / 1000.0, 4)
