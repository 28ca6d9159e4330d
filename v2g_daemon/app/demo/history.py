"""The 28 days before the demo: the recorded house as ledger rows, marked simulated."""

from __future__ import annotations

import csv
import gzip
import importlib.util
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from v2g_daemon.domain.errors import ConfigurationError
from v2g_daemon.domain.interval import QUARTER_HOUR, Interval
from v2g_daemon.domain.ledger import PccInterval
from v2g_daemon.domain.snapshot import CommissioningRecord, CommissioningStep

RECORDED_HOUSE = "house_fr_load_pv_30min_2024_2025.csv.gz"
SEEDED = timedelta(days=28)


def seeded_rows(start_utc: datetime, *, currency: str) -> tuple[PccInterval, ...]:
    """Quarter hours of the recorded house in the 28 days before `start_utc`."""
    first_utc = start_utc - SEEDED
    return tuple(
        _row(at_utc + offset, load_w, pv_w, currency)
        for at_utc, load_w, pv_w in _recorded(_recorded_path())
        if first_utc <= at_utc and at_utc + 2 * QUARTER_HOUR <= start_utc
        for offset in (timedelta(0), QUARTER_HOUR)
    )


def simulated_commissioning(serial: str, at_utc: datetime) -> tuple[CommissioningRecord, ...]:
    """All records of the demo's charger; valid for simulated serials only."""
    return tuple(
        CommissioningRecord(
            step=step,
            evse_serial=serial,
            recorded_at_utc=at_utc,
            recorded_by="v2g demo",
            evidence="simulated",
            simulated=True,
        )
        for step in CommissioningStep
    )


def _recorded_path() -> Path:
    """The simulators' data folder, found without importing the simulators."""
    spec = importlib.util.find_spec("simulators")
    if spec is None or not spec.submodule_search_locations:
        raise ConfigurationError("the simulators are not installed; reinstall v2g-daemon")
    return Path(spec.submodule_search_locations[0]) / "data" / RECORDED_HOUSE


def _recorded(path: Path) -> Iterator[tuple[datetime, float, float]]:
    """Half hours of load and PV; a missing value holds the one before it."""
    load_w = pv_w = 0.0
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            load_w = float(row["load_w"]) if row["load_w"] else load_w
            pv_w = float(row["pv_w"]) if row["pv_w"] else pv_w
            yield datetime.fromisoformat(row["time_utc"]), load_w, pv_w


def _row(at_utc: datetime, load_w: float, pv_w: float, currency: str) -> PccInterval:
    net_milliwh = round((load_w - pv_w) * 1000.0 / 4.0)
    return PccInterval(
        interval=Interval(start_utc=at_utc, end_utc=at_utc + QUARTER_HOUR),
        import_milliwh=max(net_milliwh, 0),
        export_milliwh=max(-net_milliwh, 0),
        pv_milliwh=round(pv_w * 1000.0 / 4.0),
        import_register_milliwh=None,
        export_register_milliwh=None,
        estimated=False,
        import_per_kwh=None,
        export_per_kwh=None,
        currency=currency,
        simulated=True,
    )
