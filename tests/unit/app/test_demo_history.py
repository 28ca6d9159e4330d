"""The 28 days before the demo, row by row as they were recorded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from v2g_daemon.app.demo.history import seeded_rows, simulated_commissioning
from v2g_daemon.domain.ledger import PccInterval
from v2g_daemon.domain.snapshot import CommissioningStep

FIRST_EVENING = datetime(2024, 12, 11, 16, 30, tzinfo=UTC)


def test_28_whole_days_of_quarter_hours_end_where_the_demo_begins() -> None:
    rows = seeded_rows(FIRST_EVENING, currency="EUR")
    assert len(rows) == 28 * 96
    assert rows[0].interval.start_utc == FIRST_EVENING - timedelta(days=28)
    assert rows[-1].interval.end_utc == FIRST_EVENING
    starts = [row.interval.start_utc for row in rows]
    assert starts == sorted(set(starts))


def test_every_row_is_marked_simulated_and_has_no_price_and_no_register() -> None:
    for row in seeded_rows(FIRST_EVENING, currency="EUR"):
        assert (row.simulated, row.estimated, row.currency) == (True, False, "EUR")
        assert (row.import_per_kwh, row.export_per_kwh) == (None, None)
        assert (row.import_register_milliwh, row.export_register_milliwh) == (None, None)


def at(start_utc: datetime) -> PccInterval:
    rows = seeded_rows(FIRST_EVENING, currency="EUR")
    return next(row for row in rows if row.interval.start_utc == start_utc)


def test_a_recorded_half_hour_is_two_quarter_hours_of_its_mean_power() -> None:
    # 2024-12-11 12:00 UTC: load 386 W, PV 2267 W; a quarter of 1881 W is exported.
    noon = datetime(2024, 12, 11, 12, 0, tzinfo=UTC)
    for start_utc in (noon, noon + timedelta(minutes=15)):
        row = at(start_utc)
        assert (row.import_milliwh, row.export_milliwh, row.pv_milliwh) == (0, 470_250, 566_750)
    # 2024-12-10 11:00 UTC: load 2047 W, PV 153 W.
    row = at(datetime(2024, 12, 10, 11, 0, tzinfo=UTC))
    assert (row.import_milliwh, row.export_milliwh, row.pv_milliwh) == (473_500, 0, 38_250)


def test_a_value_that_was_not_recorded_is_the_one_before_it() -> None:
    # The last load before the hole of 2024-11-25 is that of 06:00 UTC: 351 W.
    before, missing = (at(datetime(2024, 11, 25, hour, 0, tzinfo=UTC)) for hour in (6, 8))
    assert missing.import_milliwh == before.import_milliwh == 87_750


def test_before_the_recording_begins_there_is_no_history() -> None:
    assert seeded_rows(datetime(2020, 1, 1, tzinfo=UTC), currency="EUR") == ()


def test_the_simulated_charger_has_all_its_records_and_they_say_simulated() -> None:
    records = simulated_commissioning("SIM-0001", FIRST_EVENING)
    assert {record.step for record in records} == set(CommissioningStep)
    assert all(record.simulated and record.evse_serial == "SIM-0001" for record in records)
