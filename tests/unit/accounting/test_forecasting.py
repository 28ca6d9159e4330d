"""What was foretold, held against what came."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from v2g_daemon.accounting.forecasting import ForecastError, forecast_errors
from v2g_daemon.domain.ledger import ForetoldRow
from v2g_daemon.domain.plan import HistoryRow

NOW = datetime(2024, 12, 11, 18, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


def came(number: int, net_load_w: float, pv_w: float | None = None) -> HistoryRow:
    """The quarter hour that began so many quarter hours ago."""
    return HistoryRow(start_utc=NOW - number * QUARTER, net_load_w=net_load_w, pv_w=pv_w)


def said(number: int, net_load_w: float, pv_w: float | None = None, lead_h: int = 1) -> ForetoldRow:
    return ForetoldRow(
        start_utc=NOW - number * QUARTER, lead_h=lead_h, net_load_w=net_load_w, pv_w=pv_w
    )


def test_bias_and_error_are_means_over_what_was_both_foretold_and_measured() -> None:
    history = (came(3, 400.0), came(2, -200.0), came(1, 100.0))
    foretold = (said(3, 500.0), said(2, -400.0), said(-4, 900.0))
    week, four_weeks = forecast_errors(history, foretold, NOW)
    # Off by +100 W and −200 W; what came was 400 W and 200 W in magnitude.
    assert week == ForecastError(
        what="net_load",
        lead_h=1,
        span_days=7,
        quarters_count=2,
        bias_w=-50.0,
        off_w=150.0,
        usual_w=300.0,
        off_share=0.5,
    )
    assert (four_weeks.span_days, four_weeks.off_w) == (28, 150.0)


def test_each_hour_ahead_and_pv_count_for_themselves() -> None:
    history = (came(1, 100.0, 1000.0),)
    foretold = (said(1, 150.0, 700.0), said(1, 300.0, None, lead_h=24))
    week = [one for one in forecast_errors(history, foretold, NOW) if one.span_days == 7]
    assert [(one.what, one.lead_h, one.bias_w) for one in week] == [
        ("net_load", 1, 50.0),
        ("net_load", 24, 200.0),
        ("pv", 1, -300.0),
    ]


def test_of_a_night_without_any_power_no_share_is_told() -> None:
    (week, _) = forecast_errors((came(1, 0.0),), (said(1, 30.0),), NOW)
    assert (week.off_w, week.off_share) == (30.0, None)


def test_older_days_count_in_the_longer_span_only() -> None:
    old = 8 * 96
    errors = forecast_errors((came(old, 100.0),), (said(old, 150.0),), NOW)
    assert [(one.span_days, one.quarters_count) for one in errors] == [(28, 1)]


def test_where_nothing_was_foretold_nothing_is_said() -> None:
    assert forecast_errors((came(1, 100.0),), (), NOW) == ()
