"""`v2g report` over a ledger on disk: the figures, the words, and what it admits not to know."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.unit.accounting.house import policy
from v2g_daemon.adapters.database.writer import DatabaseLedger
from v2g_daemon.app.report import day_report, report_json, report_text
from v2g_daemon.domain.errors import LedgerError
from v2g_daemon.domain.interval import Interval
from v2g_daemon.domain.ledger import EvseInterval, LedgerRow, PccInterval, SessionRow

# The local day of 11 December 2024 in Amsterdam begins at 23:00 UTC the day before.
MIDNIGHT = datetime(2024, 12, 10, 23, 0, tzinfo=UTC)
DAY = date(2024, 12, 11)
QUARTER = timedelta(minutes=15)


def rows(*, estimated: bool = False) -> list[LedgerRow]:
    """96 quarter hours of 0.1 kWh; the car gives 2 kWh at 18:00 and takes 2 kWh back at 23:00."""
    found: list[LedgerRow] = [
        SessionRow(
            session_id="S1",
            evse_id="garage",
            vehicle_id="car",
            transaction_id=None,
            plugged_in_utc=MIDNIGHT - timedelta(hours=3),
            plugged_out_utc=None,
            start_soc=0.4,
            end_soc=None,
            charge_milliwh=0,
            discharge_milliwh=0,
        )
    ]
    for number in range(-1, 96):
        start_utc = MIDNIGHT + number * QUARTER
        out, back = 2_000_000 * (number == 72), 2_000_000 * (number == 92)
        soc = 0.5 - 2.0 / 60.0 if 72 <= number < 92 else 0.5
        interval = Interval(start_utc=start_utc, end_utc=start_utc + QUARTER)
        found.append(
            PccInterval(
                interval=interval,
                import_milliwh=0 if out else 100_000 + back,
                export_milliwh=1_900_000 if out else 0,
                pv_milliwh=None,
                import_register_milliwh=None,
                export_register_milliwh=None,
                estimated=estimated and number == 5,
                import_per_kwh=Decimal("0.5") if 72 <= number < 76 else Decimal("0.2"),
                export_per_kwh=Decimal("0.4"),
                currency="EUR",
            )
        )
        found.append(
            EvseInterval(
                interval=interval,
                evse_id="garage",
                session_id="S1",
                vehicle_id="car",
                charge_milliwh=back,
                discharge_milliwh=out,
                exported_milliwh=1_900_000 if out else 0,
                discharging_s=900.0 if out else 0.0,
                wear_cost=Decimal("0.08") if out else Decimal(0),
                end_soc=soc,
                charge_register_milliwh=None,
                discharge_register_milliwh=None,
                estimated=False,
            )
        )
    return found


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'ledger.sqlite3'}"


def recorded(database_url: str, found: list[LedgerRow]) -> None:
    ledger = DatabaseLedger(database_url, now_utc=MIDNIGHT)
    ledger.commit(found).result(20.0)
    ledger.close()


def test_a_day_adds_up_as_on_paper(database_url: str) -> None:
    recorded(database_url, rows())
    report = day_report(
        database_url, day=DAY, now_utc=MIDNIGHT + timedelta(days=2), policy=policy()
    )
    told = json.loads(report_json(report))
    # 91 × 0.1 × 0.2 + 3 × 0.1 × 0.5 + 2.1 × 0.2 + (the quarter hour at 18:00 imports nothing)
    assert told["import_cost"] == pytest.approx(1.82 + 0.15 + 0.42)
    assert told["export_revenue"] == pytest.approx(0.76)
    assert told["net_cost"] == pytest.approx(2.39 - 0.76 + 0.08)
    # Plain charging leaves the full car alone: 92 × 0.02 + 4 × 0.05.
    assert told["plain_charging_cost"] == pytest.approx(2.04)
    assert told["saved"] == pytest.approx(0.33)
    assert (told["charged_wh"], told["discharged_wh"]) == (2000.0, 2000.0)
    assert (told["intervals"], told["incomplete"], told["finished"]) == (96, [], True)
    assert (told["wear_cost_low"], told["wear_cost_high"]) == (0.02, 0.18)
    assert [hour["discharged_wh"] for hour in told["hours"]] == [0.0] * 18 + [2000.0] + [0.0] * 5


def test_the_text_names_money_wear_and_plain_charging(database_url: str) -> None:
    recorded(database_url, rows())
    report = day_report(
        database_url, day=DAY, now_utc=MIDNIGHT + timedelta(days=2), policy=policy()
    )
    lines = report_text(report).splitlines()
    assert lines[0] == "Wednesday 11 December 2024, Europe/Amsterdam"
    assert "  net today                1.71" in lines
    assert "  saved                    0.33" in lines
    assert "  wear of the battery      0.08   somewhere between 0.02 and 0.18" in lines
    (evening,) = [line for line in lines if line.startswith("18:00")]
    assert evening == ("18:00   0.5000    0.30    1.90   -2.00   -0.61  47%  ############|")


def test_an_unfinished_or_patchy_day_says_so(database_url: str) -> None:
    patchy = [row for row in rows(estimated=True) if not _missing(row)]
    recorded(database_url, patchy)
    report = day_report(
        database_url, day=DAY, now_utc=MIDNIGHT + timedelta(hours=6), policy=policy()
    )
    text = report_text(report)
    assert "(so far)" in text
    assert "  - 30 minutes are not recorded" in text
    assert "  - 1 interval rows are estimated across a gap" in text


def _missing(row: LedgerRow) -> bool:
    return isinstance(row, PccInterval) and row.interval.start_utc in (
        MIDNIGHT + 2 * QUARTER,
        MIDNIGHT + 3 * QUARTER,
    )


def test_a_day_without_rows_claims_nothing(database_url: str) -> None:
    recorded(database_url, [])
    report = day_report(
        database_url, day=DAY, now_utc=MIDNIGHT + timedelta(days=2), policy=policy()
    )
    assert "Money: none can be stated." in report_text(report)
    assert json.loads(report_json(report))["net_cost"] is None


def test_a_house_that_never_ran_has_no_report(database_url: str) -> None:
    with pytest.raises(LedgerError, match="has the daemon run"):
        day_report(database_url, day=DAY, now_utc=MIDNIGHT, policy=policy())
