"""From what was asked on the command line to a case."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from v2g_daemon.adapters.series.folder import read_pairing
from v2g_daemon.app.backtest.house import Files, carbon_g_per_kwh, case_of_house
from v2g_daemon.app.backtest.pairing_case import case_of_pairing
from v2g_daemon.domain.errors import ConfigurationError
from v2g_daemon.domain.interval import Interval, at_local
from v2g_daemon.rehearsal.contest import Case
from v2g_daemon.settings import load_settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A house's configuration with files for its days, or the folder of a pairing."""

    config: Path
    pairing: Path | None
    files: Files


def case_of(request: Request) -> Case:
    """The case; ConfigurationError or SeriesFileError names what to change."""
    files = request.files
    if request.pairing is None:
        return case_of_house(load_settings(request.config), files, name=request.config.stem)
    given = {
        "--tariff": files.tariff,
        "--prices": files.prices or None,
        "--export-prices": files.export_prices,
        "--load": files.load,
        "--pv": files.pv,
        "--sessions": files.sessions,
    }
    mixed = [option for option, value in given.items() if value is not None]
    if mixed:
        raise ConfigurationError(
            f"--pairing brings prices, load, PV and stays of its own; leave out {', '.join(mixed)}"
        )
    pairing = read_pairing(request.pairing)
    case = case_of_pairing(pairing, _asked(files, pairing.timezone))
    if files.carbon is None:
        return case
    days = Interval(start_utc=case.days.start_utc, end_utc=case.days.end_utc)
    factors = carbon_g_per_kwh(files.carbon, days)
    return replace(case, market=replace(case.market, carbon_g_per_kwh=factors))


def _asked(files: Files, timezone: str) -> Interval | None:
    """The days from --from to --to, whichever was given; None: all of them."""
    if files.first_day is None and files.last_day is None:
        return None
    zone = ZoneInfo(timezone)
    first = date(1970, 1, 2) if files.first_day is None else files.first_day
    last = date(2199, 1, 1) if files.last_day is None else files.last_day
    if last < first:
        raise ConfigurationError(f"--to {last} lies before --from {first}; exchange them")
    return Interval(
        start_utc=at_local(first, time(0), zone),
        end_utc=at_local(last + timedelta(days=1), time(0), zone),
    )
