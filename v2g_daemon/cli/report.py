"""`v2g report today|day DATE`: what a day was worth."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from v2g_daemon.cli.options import DAY_FORMATS, DEFAULT_CONFIG, ConfigOption, JsonOption


class Span(StrEnum):
    """Which day is reported."""

    TODAY = "today"
    DAY = "day"


def report(
    span: Annotated[Span, typer.Argument(help="today, or day with a DATE.")],
    date: Annotated[
        datetime | None, typer.Argument(formats=DAY_FORMATS, help="Local, as 2026-12-24.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Print energy, money net of wear, and what plain charging would have cost."""
    from v2g_daemon.app.composition import clock_of
    from v2g_daemon.app.report import day_report, report_json, report_text
    from v2g_daemon.settings import load_settings, to_policy

    if (span is Span.DAY) != (date is not None):
        raise typer.BadParameter("use `report today` or `report day YYYY-MM-DD`")
    settings = load_settings(config)
    policy = to_policy(settings)
    now_utc = clock_of(settings).now().utc.astimezone(UTC)
    today = now_utc.astimezone(ZoneInfo(policy.timezone)).date()
    found = day_report(
        settings.database.url,
        day=today if date is None else date.date(),
        now_utc=now_utc,
        policy=policy,
    )
    print(report_json(found) if as_json else report_text(found))
