"""`v2g compare`: which tariff, car, charger or habit makes the cheapest year."""

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
    from v2g_daemon.app.backtest.compare import Matrix
    from v2g_daemon.rehearsal.ranking import Compared

DEFAULT_FOLDER = Path("v2g-compare")


def compare(
    config: ConfigOption = DEFAULT_CONFIG,
    tariffs: Annotated[
        str, typer.Option(help="Tariff files or shipped ones: A,B,C. Default: the house's.")
    ] = "",
    cars: Annotated[str, typer.Option(help="ids of [\\[vehicle]]. Default: the first.")] = "",
    chargers: Annotated[str, typer.Option(help="ids of [\\[charger]]. Default: the first.")] = "",
    drivers: Annotated[
        str, typer.Option(help="CSVs of sessions, or schedule for [\\[departure]], the default.")
    ] = "",
    prices: Annotated[
        list[str] | None, typer.Option(help="A CSV for the tariffs' sources, or SOURCE=FILE.")
    ] = None,
    export_prices: FileOption = None,
    load: FileOption = None,
    pv: FileOption = None,
    knowledge: KnowledgeOption = Known.A,
    first: FirstDayOption = None,
    last: LastDayOption = None,
    folder: Annotated[
        Path, typer.Option(help="Keeps what is done; the same command goes on from there.")
    ] = DEFAULT_FOLDER,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the ranking to this file.")
    ] = None,
    html: PageOption = None,
) -> None:
    """Rehearse every combination of tariffs, cars, chargers and drivers, and rank them."""
    from v2g_daemon.adapters.reports.ranking import ranking_json, ranking_page, ranking_text
    from v2g_daemon.app.backtest.compare import matrix
    from v2g_daemon.app.backtest.house import Files
    from v2g_daemon.rehearsal.knowledge import Knowledge
    from v2g_daemon.rehearsal.ranking import ranked
    from v2g_daemon.settings import load_settings

    files = Files(
        prices=tuple(prices or ()),
        export_prices=export_prices,
        load=load,
        pv=pv,
        first_day=None if first is None else first.date(),
        last_day=None if last is None else last.date(),
    )
    asked = matrix(
        load_settings(config),
        files,
        knowledge=Knowledge(knowledge.value),
        tariffs=_names(tariffs),
        cars=_names(cars),
        chargers=_names(chargers),
        drivers=_names(drivers),
    )
    whole = len(asked.combinations())
    found = ranked(asyncio.run(_compared(asked, folder)))
    if found:
        print(ranking_text(found), end="")
        if json_file is not None:
            json_file.write_text(ranking_json(found), encoding="utf-8")
        if html is not None:
            html.write_text(ranking_page(found), encoding="utf-8")
    if len(found) < whole:
        print(f"Stopped after {len(found)} of {whole}; the same command goes on.", file=sys.stderr)
        sys.exit(EXIT_STOPPED)


async def _compared(asked: Matrix, folder: Path) -> tuple[Compared, ...]:
    from v2g_daemon.app.backtest.compare import compare as run
    from v2g_daemon.app.backtest.progress import matrix_bar

    with matrix_bar(len(asked.combinations())) as watch:
        cores = len(os.sched_getaffinity(0))
        return await run(asked, folder, cores=cores, watch=watch, stop=stop_asked())


def _names(given: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in given.split(",") if name.strip())
