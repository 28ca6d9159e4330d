"""Plain charging over the demo's recorded days costs what an independent calculation says."""

from __future__ import annotations

import csv
import gzip
from bisect import bisect_right
from datetime import datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

import simulators
from tests.unit.accounting.house import car, every_day, policy
from v2g_daemon.accounting.statement import PlainTarget, statement
from v2g_daemon.accounting.valuation import exact
from v2g_daemon.domain.interval import Interval, quarter_hours
from v2g_daemon.domain.ledger import EvseInterval, PccInterval, SessionRow
from v2g_daemon.domain.loss import LossCurve

DATA = Path(simulators.__file__).parent / "data"
LOSS = LossCurve(constant_w=150.0, linear=0.03, quadratic_per_w=0.000003)


class Steps:
    """A recorded column; an empty field holds the value before it."""

    def __init__(self, name: str, column: str) -> None:
        self._at: list[datetime] = []
        self._values: list[float] = []
        with gzip.open(DATA / name, "rt") as lines:
            for row in csv.DictReader(lines):
                if row[column]:
                    self._at.append(datetime.fromisoformat(row["time_utc"]))
                    self._values.append(float(row[column]))

    def at(self, moment_utc: datetime) -> float:
        return self._values[bisect_right(self._at, moment_utc) - 1]


HOUSE_FILE = "house_fr_load_pv_30min_2024_2025.csv.gz"


def rows_of(window: Interval) -> tuple[list[PccInterval], list[EvseInterval]]:
    """The house alone as the meter would have booked it, and the car's SoC at each end."""
    load, pv = Steps(HOUSE_FILE, "load_w"), Steps(HOUSE_FILE, "pv_w")
    spot = Steps("price_dayahead_nl_hourly_2023_2024.csv.gz", "price_eur_per_kwh")
    pcc = []
    for one in quarter_hours(window):
        net = round((load.at(one.start_utc) - pv.at(one.start_utc)) * 250.0)
        price = spot.at(one.start_utc)
        pcc.append(
            PccInterval(
                interval=one,
                import_milliwh=max(net, 0),
                export_milliwh=max(-net, 0),
                pv_milliwh=None,
                import_register_milliwh=None,
                export_register_milliwh=None,
                estimated=False,
                import_per_kwh=exact((price + 0.02 + 0.1088) * 1.21),
                export_per_kwh=exact(price - 0.005),
                currency="EUR",
            )
        )
    return pcc, []


def stays(window: Interval) -> list[SessionRow]:
    """Plugged in 17:30–07:30, away 07:30–17:30, twice; the trips take 9 kWh."""
    day = timedelta(days=1)
    return [
        SessionRow(
            session_id=f"S{number}",
            evse_id="garage",
            vehicle_id="car",
            transaction_id=None,
            plugged_in_utc=window.start_utc + number * day,
            plugged_out_utc=window.start_utc + number * day + timedelta(hours=14),
            start_soc=start_soc,
            end_soc=0.6,
            charge_milliwh=0,
            discharge_milliwh=0,
        )
        for number, start_soc in enumerate([0.5, 0.45])
    ]


@pytest.mark.parametrize(
    ("start", "cost"),
    [
        ("2024-11-05T16:30:00+00:00", 11.387),
        ("2024-12-11T16:30:00+00:00", 33.252),
        ("2024-06-15T15:30:00+00:00", -1.645),
    ],
)
def test_plain_charging_to_60_percent_costs_what_the_reference_says(
    start: str, cost: float
) -> None:
    start_utc = datetime.fromisoformat(start)
    window = Interval(start_utc=start_utc, end_utc=start_utc + timedelta(hours=48))
    pcc_rows, evse_rows = rows_of(window)
    house = policy(loss=LOSS, cars=(car(),), departures=(every_day(ready_by=time(7, 30), soc=0.6),))
    one = statement(
        window,
        pcc_rows=pcc_rows,
        evse_rows=evse_rows,
        sessions=stays(window),
        policy=house,
        target=PlainTarget.GOAL_ELSE_CEILING,
        neutral_per_kwh=Decimal("0.20"),
        end_energy_wh=27_000.0,
    )
    assert one.intervals_count == 192
    assert one.plain_charging_cost is not None
    assert float(one.plain_charging_cost) == pytest.approx(cost, abs=0.005)
