"""`v2g report`: one day from the ledger, read without the daemon."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from v2g_daemon.accounting.circulation import settled
from v2g_daemon.accounting.hours import Hour, hours
from v2g_daemon.accounting.statement import PlainTarget, Statement, neutral_price, statement
from v2g_daemon.adapters.database.reader import DatabaseReader
from v2g_daemon.adapters.reports.text import rendered
from v2g_daemon.domain.interval import QUARTER_HOUR, Interval, local_day
from v2g_daemon.domain.policy import Policy

# The SoC at midnight stands in the row before it; a car may have stood there since long.
LOOKED_BACK = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class DayReport:
    """A local day, whole or up to now."""

    day: date
    zone: ZoneInfo
    finished: bool
    statement: Statement
    hours: tuple[Hour, ...]


def day_report(database_url: str, *, day: date, now_utc: datetime, policy: Policy) -> DayReport:
    """Read one local day; LedgerError if the ledger cannot be read.

    Plain charging stops at the SoC actually reached; what else it leaves in the pack is credited
    at the day's mean import price.
    """
    reader = DatabaseReader.at(database_url)
    zone = ZoneInfo(policy.timezone)
    whole = local_day(day, zone)
    finished = now_utc >= whole.end_utc
    end_utc = whole.end_utc if finished else max(now_utc, whole.start_utc + QUARTER_HOUR)
    interval = Interval(start_utc=whole.start_utc, end_utc=end_utc)
    before = Interval(start_utc=whole.start_utc - LOOKED_BACK, end_utc=end_utc)
    pcc_rows = reader.pcc_intervals(interval)
    evse_rows = reader.evse_intervals(before)
    within = tuple(row for row in evse_rows if interval.contains(row.interval.start_utc))
    return DayReport(
        day=day,
        zone=zone,
        finished=finished,
        statement=statement(
            interval,
            pcc_rows=pcc_rows,
            evse_rows=evse_rows,
            sessions=reader.sessions(interval),
            policy=policy,
            target=PlainTarget.SOC_REACHED,
            neutral_per_kwh=neutral_price(pcc_rows),
        ),
        hours=hours([settled(row, policy.grid) for row in pcc_rows], within),
    )


def report_text(report: DayReport) -> str:
    """The report for people."""
    return rendered(
        report.statement,
        report.hours,
        day=report.day,
        zone=report.zone,
        finished=report.finished,
    )


def report_json(report: DayReport) -> str:
    """The report for programs: energies in Wh, money as numbers in `currency`."""
    one = report.statement
    return json.dumps(
        {
            "day": report.day.isoformat(),
            "timezone": report.zone.key,
            "finished": report.finished,
            "currency": one.currency,
            "imported_wh": one.import_milliwh / 1000.0,
            "exported_wh": one.export_milliwh / 1000.0,
            "charged_wh": one.charge_milliwh / 1000.0,
            "discharged_wh": one.discharge_milliwh / 1000.0,
            "exported_from_car_wh": one.exported_milliwh / 1000.0,
            "import_cost": _number(one.import_cost),
            "export_revenue": _number(one.export_revenue),
            "energy_cost": _number(one.energy_cost),
            "wear_cost": _number(one.wear.default),
            "wear_cost_low": _number(one.wear.low),
            "wear_cost_high": _number(one.wear.high),
            "net_cost": _number(one.net_cost),
            "plain_charging_cost": _number(one.plain_charging_cost),
            "plain_charged_wh": one.plain_charge_milliwh / 1000.0,
            "plain_ahead_wh": one.plain_ahead_wh,
            "neutral_per_kwh": _number(one.neutral_per_kwh),
            "saved": _number(one.saved),
            "intervals": one.intervals_count,
            "estimated_intervals": one.estimated_count,
            "incomplete": list(one.incomplete),
            "hours": [_hour(hour) for hour in report.hours],
        },
        indent=2,
    )


def _hour(hour: Hour) -> dict[str, str | float | None]:
    return {
        "start_utc": hour.start_utc.isoformat(),
        "imported_wh": hour.import_milliwh / 1000.0,
        "exported_wh": hour.export_milliwh / 1000.0,
        "charged_wh": hour.charge_milliwh / 1000.0,
        "discharged_wh": hour.discharge_milliwh / 1000.0,
        "import_per_kwh": _number(hour.import_per_kwh),
        "cost": _number(hour.cost),
        "soc": hour.end_soc,
    }


def _number(money: Decimal | None) -> float | None:
    return None if money is None else round(float(money), 6)
