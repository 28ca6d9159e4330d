"""`v2g demo` as a process, and what it leaves behind: figures, ledger, trace and the true world."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from v2g_daemon.adapters.database.reader import DatabaseReader
from v2g_daemon.adapters.system.trace_files import read_trace, trace_paths
from v2g_daemon.domain.interval import Interval, quarter_hour_start
from v2g_daemon.domain.ledger import EvseInterval, PccInterval
from v2g_daemon.trace.codec import Tick, decode_trace

QUARTERS = ("pcc_import_wh", "pcc_export_wh", "evse_charge_wh", "evse_discharge_wh")


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """A demo that has ended; `figures` is its JSON, `folder` what it kept."""

    start_utc: datetime
    hours: float
    figures: dict[str, Any]
    folder: Path

    @property
    def played(self) -> Interval:
        """The simulated hours."""
        end_utc = self.start_utc + timedelta(hours=self.hours)
        return Interval(start_utc=self.start_utc, end_utc=end_utc)

    def reader(self) -> DatabaseReader:
        """The ledger it kept."""
        return DatabaseReader.at(f"sqlite:///{self.folder / 'ledger.db'}")

    def pcc_rows(self) -> tuple[PccInterval, ...]:
        """All rows of the run, without the seeded past, and with what ran when it was stopped."""
        rows = self.reader().pcc_intervals(self._with_its_end())
        return tuple(row for row in rows if not row.simulated)

    def evse_rows(self) -> tuple[EvseInterval, ...]:
        """All rows of the one EVSE."""
        return self.reader().evse_intervals(self._with_its_end())

    def ticks(self) -> Iterator[Tick]:
        """Every recorded tick."""
        lines = (line for path in trace_paths(self.folder / "trace") for line in read_trace(path))
        return (record for record in decode_trace(lines) if isinstance(record, Tick))

    def true_quarters(self) -> dict[datetime, dict[str, float]]:
        """What the simulated world measured in each quarter hour."""
        text = (self.folder / "world-intervals.json").read_text(encoding="utf-8")
        return {
            quarter_hour_start(datetime.fromisoformat(one["start_utc"])): one
            for one in json.loads(text)["intervals"]
        }

    def ledger_quarters(self) -> dict[datetime, dict[str, float]]:
        """The same from the ledger, in Wh; a quarter hour may have several EVSE rows."""
        found: dict[datetime, dict[str, float]] = {}

        def add(at_utc: datetime, name: str, energy_milliwh: int) -> None:
            quarter = found.setdefault(quarter_hour_start(at_utc), dict.fromkeys(QUARTERS, 0.0))
            quarter[name] += energy_milliwh / 1000.0

        for row in self.pcc_rows():
            add(row.interval.start_utc, "pcc_import_wh", row.import_milliwh)
            add(row.interval.start_utc, "pcc_export_wh", row.export_milliwh)
        for one in self.evse_rows():
            add(one.interval.start_utc, "evse_charge_wh", one.charge_milliwh)
            add(one.interval.start_utc, "evse_discharge_wh", one.discharge_milliwh)
        return {at: quarter for at, quarter in found.items() if self.played.contains(at)}

    def _with_its_end(self) -> Interval:
        end_utc = self.played.end_utc + timedelta(hours=6)
        return Interval(start_utc=self.start_utc, end_utc=end_utc)


def started_demo(start: str, hours: float, folder: Path, *options: str) -> subprocess.Popen[str]:
    """The process, at 360 times the speed of life."""
    words = f"demo --start {start} --hours {hours:g} --speed 360 --json --keep".split()
    return subprocess.Popen(
        [sys.executable, "-m", "v2g_daemon", *words, str(folder), *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended_demo(
    process: subprocess.Popen[str], start_utc: datetime, hours: float, folder: Path
) -> Demo:
    """Wait for its end, which must be a good one."""
    with process:
        try:
            told, complaints = process.communicate(timeout=hours * 10.0 + 120.0)
        finally:
            process.kill()
    assert (process.returncode, complaints) == (0, "")
    return Demo(
        start_utc=start_utc.astimezone(UTC), hours=hours, figures=json.loads(told), folder=folder
    )


def assert_sums_are_register_differences(demo: Demo) -> None:
    """To the milliwatt-hour: the rows' sum is the last register reading less the first."""
    meters = [tick.snapshot.meter for tick in demo.ticks() if tick.snapshot.meter is not None]
    evses = [
        tick.snapshot.evses[0]
        for tick in demo.ticks()
        if tick.snapshot.evses[0].charge_milliwh is not None
    ]
    pcc, evse = demo.pcc_rows(), demo.evse_rows()
    for name in ("import_milliwh", "export_milliwh"):
        last_milliwh, first_milliwh = getattr(meters[-1], name), getattr(meters[0], name)
        assert sum(getattr(row, name) for row in pcc) == last_milliwh - first_milliwh
    for name in ("charge_milliwh", "discharge_milliwh"):
        last_milliwh, first_milliwh = getattr(evses[-1], name), getattr(evses[0], name)
        assert sum(getattr(row, name) for row in evse) == last_milliwh - first_milliwh


def unlike_the_world(demo: Demo, *, slack_wh: float = 20.0) -> list[str]:
    """The interval energies further from the simulated world than 1 % or the slack."""
    truth, ledger = demo.true_quarters(), demo.ledger_quarters()
    return [
        f"{at:%d %H:%M} {name}: {ledger[at][name]:.1f} Wh booked, {truth[at][name]:.1f} Wh flowed"
        for at in sorted(ledger)
        for name in QUARTERS
        if abs(ledger[at][name] - truth[at][name]) > max(slack_wh, 0.01 * truth[at][name])
    ]
