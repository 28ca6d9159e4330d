"""How far each strategy has come, as bars in the terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)

from v2g_daemon.rehearsal.ranking import Combination
from v2g_daemon.rehearsal.strategies import TITLES, Strategy


@contextmanager
def bars(strategies: Sequence[Strategy], slots: int) -> Iterator[Callable[[Strategy, int], None]]:
    """Bars on standard error while the context lasts; nothing where that is no terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda strategy, done: None
        return
    progress = Progress(
        TextColumn("{task.description:24}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=console,
    )
    with progress:
        tasks = {
            one: progress.add_task(TITLES[one], total=slots, start=False) for one in strategies
        }

        def told(strategy: Strategy, done: int) -> None:
            progress.start_task(tasks[strategy])
            progress.update(tasks[strategy], completed=done)

        yield told


@contextmanager
def matrix_bar(combinations: int) -> Iterator[Callable[[Combination], None]]:
    """One bar on standard error for a whole matrix; nothing where that is no terminal."""
    console = Console(stderr=True)
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
    )
    with progress:
        task = progress.add_task("combinations", total=combinations)

        def told(one: Combination) -> None:
            progress.update(task, advance=1)

        yield told
