"""`make rehearsals`: every strategy through six real years, and docs/rehearsals.md from it.

    python -m tests.benchmarks.rehearsals [--years DIR] [--only YEAR …] [--output FILE]

Each strategy is a child process, as with `v2g backtest`, one after the other for the sake of their
times. Our V2G's setpoints are then replayed by `score_year.py`, which shares no code with the
daemon.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import tempfile
import threading
import time
from pathlib import Path

from tests.benchmarks.__main__ import machine_here
from tests.benchmarks.rehearsals_page import Rehearsed, rehearsals_page
from tests.benchmarks.score_year import read_year, score, setpoints_of
from v2g_daemon.adapters.series.folder import read_pairing
from v2g_daemon.app.backtest.figures import write_setpoints
from v2g_daemon.app.backtest.pairing_case import case_of_pairing
from v2g_daemon.app.backtest.run import rehearse
from v2g_daemon.rehearsal.contest import Case, Contest
from v2g_daemon.rehearsal.knowledge import Knowledge

ROOT = Path(__file__).resolve().parents[2]
YEARS = Path("tests/benchmarks/years")
WORKER = "v2g_daemon.rehearsal_worker"


class Watched(threading.Thread):
    """The highest resident memory of any rehearsal's process.

    The kernel's own sum over children counts what their parent held when it forked them.
    """

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.highest_kib = 0

    def run(self) -> None:
        """Look ten times a second, as long as this process lives."""
        while True:
            for folder in Path("/proc").glob("[0-9]*"):
                self._look(folder)
            time.sleep(0.1)

    def _look(self, folder: Path) -> None:
        try:
            command, status = (folder / "cmdline").read_text(), (folder / "status").read_text()
        except OSError:
            return  # it has ended meanwhile
        ours = re.search(rf"^PPid:\s+{os.getpid()}$", status, re.MULTILINE)
        held = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
        if ours and held and WORKER in command:
            self.highest_kib = max(self.highest_kib, int(held[1]))


def main() -> None:
    """Rehearse, write, and name the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--years", type=Path, default=YEARS, help="a folder of pairings")
    parser.add_argument("--only", nargs="*", help="the names of some of them")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "rehearsals.md")
    options = parser.parse_args()
    reference = json.loads((options.years / "reference.json").read_text("utf-8"))
    found = []
    watched = Watched()
    watched.start()
    for name in options.only or reference:
        print(f"rehearsing: {name}", flush=True)
        found.append(rehearsed(options.years, name, reference[name]["policies"], at_once=1))
    page = rehearsals_page(machine_here(), found, highest_mib=watched.highest_kib / 1024.0)
    options.output.write_text(page, encoding="utf-8")
    print(f"wrote {options.output}")


def rehearsed(
    years: Path, name: str, reference: dict[str, dict[str, float]], *, at_once: int
) -> Rehearsed:
    """One year, so many strategies at once, and what another programme makes of its setpoints."""
    case = case_of_pairing(read_pairing(years / name), None)
    contest = asyncio.run(_contest(case, at_once))
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "setpoints.csv.gz"
        write_setpoints(contest, trace)
        year = read_year(name, years)
        replayed = score(year, setpoints_of(year, trace))
    return Rehearsed(contest=contest, reference=reference, replayed_net_cost=replayed["net_cost"])


async def _contest(case: Case, at_once: int) -> Contest:
    return await rehearse(
        case,
        knowledge=Knowledge.TOLD,
        cores=asyncio.Semaphore(at_once),
        watch=lambda strategy, slots: None,
        stop=asyncio.Event(),
    )


if __name__ == "__main__":
    main()
