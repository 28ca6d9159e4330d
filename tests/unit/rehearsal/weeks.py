"""Some days of a real year (tests/benchmarks/years) as a case."""

from __future__ import annotations

from datetime import date, time, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from v2g_daemon.adapters.series.folder import read_pairing
from v2g_daemon.adapters.series.pairing import Pairing
from v2g_daemon.app.backtest.pairing_case import case_of_pairing
from v2g_daemon.domain.interval import Interval, at_local
from v2g_daemon.rehearsal.contest import Case

YEARS = Path(__file__).resolve().parents[2] / "benchmarks/years"


@cache
def pairing(name: str) -> Pairing:
    """A whole year."""
    return read_pairing(YEARS / name)


@cache
def days_from(name: str, first: date, count: int) -> Case:
    """So many local days of it from `first` on."""
    zone = ZoneInfo(pairing(name).timezone)
    return case_of_pairing(
        pairing(name),
        Interval(
            start_utc=at_local(first, time(0), zone),
            end_utc=at_local(first + timedelta(days=count), time(0), zone),
        ),
    )
