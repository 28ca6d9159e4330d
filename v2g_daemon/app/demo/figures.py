"""The demo's figures: energy and money from the ledger, the rest from the simulated world."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from v2g_daemon.accounting.statement import PlainTarget, Statement, statement
from v2g_daemon.adapters.database.reader import DatabaseReader
from v2g_daemon.app.demo.scenario import NEUTRAL_PER_KWH, DemoRun
from v2g_daemon.app.replay import replay_files
from v2g_daemon.domain.interval import Interval
from v2g_daemon.domain.policy import Policy

CENT = Decimal("0.0001")
SETPOINT_CALLS = ("SetChargingProfile", "UpdateDynamicSchedule")


def run_statement(
    database_url: str, *, start_utc: datetime, end_utc: datetime, policy: Policy, end_wh: float
) -> Statement:
    """The statement of the run; what is left in the pack is credited at the neutral price."""
    reader = DatabaseReader.at(database_url)
    interval = Interval(start_utc=start_utc, end_utc=end_utc)
    return statement(
        interval,
        pcc_rows=reader.pcc_intervals(interval),
        evse_rows=reader.evse_intervals(interval),
        sessions=reader.sessions(interval),
        policy=policy,
        target=PlainTarget.GOAL_ELSE_CEILING,
        neutral_per_kwh=Decimal(NEUTRAL_PER_KWH),
        end_energy_wh=end_wh,
    )


def figures(
    run: DemoRun,
    *,
    hours: float,
    ticks: int,
    policy: Policy,
    truth: dict[str, Any],
    database_url: str,
    traces: tuple[Path, ...],
) -> dict[str, Any]:
    """The one JSON object of `v2g demo --json`; money in the tariff's currency."""
    told = run_statement(
        database_url,
        start_utc=run.start_utc,
        end_utc=run.start_utc + timedelta(hours=hours),
        policy=policy,
        end_wh=next(iter(truth["vehicles"].values()))["energy_wh"],
    )
    return {
        "simulated_hours": hours,
        "ticks": ticks,
        "tick_s": run.tick_s,
        "export_limit_w": policy.grid.export_limit_w,
        **_by_the_world(truth),
        **_by_the_ledger(told),
        "replay_identical": replay_files(traces).identical,
    }


def _by_the_world(truth: dict[str, Any]) -> dict[str, Any]:
    """What the simulated world judges; over the limit counts what the car's discharge caused.

    PV alone over the limit is not the daemon's.
    """
    watch = truth["export_watch"]
    departures = [one for one in truth["departures"] if one["driven"]]
    return {
        "setpoints_sent": _setpoints_sent(truth),
        "seconds_over_export_limit": round(watch["seconds_over_by_discharge"], 1),
        "worst_export_over_limit_w": round(watch["worst_over_by_discharge_w"], 1),
        "longest_over_export_limit_s": round(watch["longest_episode_by_discharge_s"], 1),
        "departures": len(departures),
        "departures_met": sum(1 for one in departures if one["met"]),
        "end_soc": round(next(iter(truth["vehicles"].values()))["soc"], 4),
    }


def _setpoints_sent(truth: dict[str, Any]) -> int:
    """What stations were called for, and what was written to chargers."""
    calls = [station["calls_received"] for station in truth["stations"].values()]
    called = sum(call.get(name, 0) for call in calls for name in SETPOINT_CALLS)
    written = sum(sum(one["writes"].values()) for one in truth["chargers"].values())
    return int(called + written)


def _by_the_ledger(told: Statement) -> dict[str, Any]:
    """Energy at the EVSE and the PCC, and money with the rest in the pack credited."""
    return {
        "charged_wh": round(told.charge_milliwh / 1000.0, 1),
        "discharged_wh": round(told.discharge_milliwh / 1000.0, 1),
        "exported_wh": round(told.export_milliwh / 1000.0, 1),
        "net_cost": _money(told.net_cost),
        "plain_charging_cost": _money(told.plain_charging_cost),
        "wear_cost": _money(told.wear.default),
        "neutral_per_kwh": float(told.neutral_per_kwh),
        "currency": told.currency,
        "ledger_intervals": told.intervals_count,
    }


def _money(amount: Decimal | None) -> float | None:
    return None if amount is None else float(amount.quantize(CENT))
