"""`v2g backtest`: what a year would have been worth, before or after the hardware is bought."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from v2g_daemon.cli.options import DEFAULT_CONFIG, ConfigOption
from v2g_daemon.cli.rehearsing import (
    EXIT_STOPPED,
    FileOption,
    FirstDayOption,
    KnowledgeOption,
    Known,
    LastDayOption,
    PageOption,
    stop_asked,
)

if TYPE_CHECKING:
    from v2g_daemon.rehearsal.contest import Case, Contest


def backtest(
    config: ConfigOption = DEFAULT_CONFIG,
    pairing: Annotated[
        Path | None, typer.Option(help="A folder with plant and series; needs no configuration.")
    ] = None,
    tariff: Annotated[
        str | None, typer.Option(help="A tariff file or a shipped one, instead of the house's.")
    ] = None,
    prices: Annotated[
        list[str] | None, typer.Option(help="A CSV for the tariff's sources, or SOURCE=FILE.")
    ] = None,
    export_prices: FileOption = None,
    load: FileOption = None,
    pv: FileOption = None,
    sessions: FileOption = None,
    carbon: FileOption = None,
    knowledge: KnowledgeOption = Known.A,
    first: FirstDayOption = None,
    last: LastDayOption = None,
    hardware_price: Annotated[
        float | None, typer.Option(min=0.0, help="What V2G costs more; for the payback.")
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write all figures to this file.")
    ] = None,
    setpoints: Annotated[
        Path | None, typer.Option(help="Write our V2G's setpoints to this CSV or .csv.gz.")
    ] = None,
    html: PageOption = None,
) -> None:
    """Rehearse a year: plain charging, simple rules, our own plans, and perfect foresight."""
    from v2g_daemon.adapters.reports.backtest_text import rendered
    from v2g_daemon.app.backtest.figures import write_json, write_page, write_setpoints
    from v2g_daemon.app.backtest.house import Files
    from v2g_daemon.app.backtest.request import Request, case_of

    files = Files(
        tariff=tariff,
        prices=tuple(prices or ()),
        export_prices=export_prices,
        load=load,
        pv=pv,
        sessions=sessions,
        carbon=carbon,
        first_day=None if first is None else first.date(),
        last_day=None if last is None else last.date(),
    )
    case = case_of(Request(config=config, pairing=pairing, files=files))
    contest = asyncio.run(_rehearsed(case, knowledge))
    print(rendered(contest, hardware_price=hardware_price), end="")
    if json_file is not None:
        write_json(contest, json_file)
    if html is not None:
        write_page(contest, html, hardware_price=hardware_price)
    if setpoints is not None:
        write_setpoints(contest, setpoints)
    if not contest.complete:
        sys.exit(EXIT_STOPPED)


async def _rehearsed(case: Case, knowledge: Known) -> Contest:
    from v2g_daemon.app.backtest.progress import bars
    from v2g_daemon.app.backtest.run import ORDER, rehearse
    from v2g_daemon.rehearsal.knowledge import Knowledge

    with bars(ORDER, case.days.count) as watch:
        return await rehearse(
            case,
            knowledge=Knowledge(knowledge.value),
            strategies=ORDER,
            cores=asyncio.Semaphore(len(os.sched_getaffinity(0))),
            watch=watch,
            stop=stop_asked(),
        )
