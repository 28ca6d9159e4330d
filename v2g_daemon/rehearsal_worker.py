"""One strategy of a rehearsal in a process of its own: job on stdin, progress and answer on stdout.

    python -m v2g_daemon.rehearsal_worker [--relax]

Lines of JSON: {"done": slots} now and then, at last {"ran": …}; with --relax one line
{"relaxed": net cost}, null where the extra `milp` is missing or the solver finds no optimum. Exit
status 0; 65 (EX_DATAERR) and a message on stderr if the job is unreadable. Whoever started it hears
Ctrl-C.
"""

from __future__ import annotations

import gc
import importlib.util
import os
import signal
import sys
from math import inf
from typing import TYPE_CHECKING

from v2g_daemon.rehearsal.job import Job, run
from v2g_daemon.trace.json_form import TraceError, dump, parse, structure, unstructure

if TYPE_CHECKING:
    from v2g_daemon.planning.case import Pack, Terms
    from v2g_daemon.planning.foresight import KnownDays

EX_DATAERR = 65
# A misses' price that nothing earned can outweigh: perfect foresight misses what cannot be met.
DEAREST_TIMES = 10.0


def main() -> int:
    """Do the job on stdin; the exit status."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        job = structure(parse(sys.stdin.buffer.read()), Job)
    except TraceError as error:
        print(f"rehearsal job cannot be read: {error}", file=sys.stderr)
        return EX_DATAERR
    # The arrays are small: threads would only cost memory, and numpy reads this at import.
    for library in ("OMP", "OPENBLAS", "MKL"):
        os.environ[f"{library}_NUM_THREADS"] = "1"
    if "--relax" in sys.argv[1:]:
        _say(f'{{"relaxed":{_relaxed(job)}}}'.encode())
        return 0
    # Frozen values hold no cycles; looking for some costs a third of the time.
    gc.disable()
    from v2g_daemon.planning.plan import advise
    from v2g_daemon.rehearsal.job import Ran

    ran = run(
        job,
        planner=advise,
        foresight=foreseen,
        progress=lambda slots: _say(f'{{"done":{slots}}}'.encode()),
    )
    _say(b'{"ran":' + dump(unstructure(ran, Ran)) + b"}")
    return 0


def foreseen(job: Job) -> tuple[float, ...]:
    """The setpoints of perfect foresight."""
    from v2g_daemon.planning.foresight import best_setpoints_w

    return tuple(best_setpoints_w(known_days(job)).tolist())


def known_days(job: Job) -> KnownDays:
    """The job as perfect foresight sees it."""
    import numpy as np

    from v2g_daemon.planning.foresight import KnownDays, KnownStay

    days, plant = job.days, job.plant
    return KnownDays(
        import_per_kwh=np.array(days.import_per_kwh),
        export_per_kwh=np.array(days.export_per_kwh),
        net_load_w=np.array(days.load_w) - np.array(days.pv_w),
        stays=tuple(
            KnownStay(
                first=stay.first,
                end=stay.end,
                trip_wh=stay.trip_wh,
                target_wh=stay.target_wh,
                ceiling_wh=plant.ceiling_of(stay.target_wh),
            )
            for stay in days.stays
        ),
        pack=_pack(job),
        terms=_terms(job),
        slot_h=days.slot_h,
    )


def _pack(job: Job) -> Pack:
    from v2g_daemon.planning.case import Pack

    plant = job.plant
    return Pack(
        start_wh=job.start_wh,
        floor_wh=plant.floor_wh,
        capacity_wh=plant.pack_wh,
        taper_above_wh=plant.taper_above_wh,
        max_charge_w=plant.max_charge_w,
        max_discharge_w=plant.max_discharge_w,
        min_charge_w=plant.min_charge_w,
        min_discharge_w=plant.min_discharge_w,
        charge_loss=plant.loss,
        discharge_loss=plant.loss,
    )


def _terms(job: Job) -> Terms:
    from v2g_daemon.planning.case import Terms

    days, plant = job.days, job.plant
    dearest_per_kwh = max(*days.import_per_kwh, *days.export_per_kwh, 0.1)
    return Terms(
        import_limit_w=plant.import_limit_w,
        export_limit_w=plant.export_limit_w,
        may_export=True,
        throttled_above_w=plant.export_limit_w if plant.curtails else None,
        wear_per_kwh=job.policy.vehicles[0].wear_cost_per_kwh_discharged,
        margin_per_kwh=0.0,
        unmet_per_kwh=DEAREST_TIMES * dearest_per_kwh,
        unmet_later_per_kwh=0.0,
        terminal_per_kwh=job.end_per_kwh,
        daily_export_wh=inf,
        exported_today_wh=0.0,
    )


def _relaxed(job: Job) -> str:
    """The net cost of the relaxation as JSON; null where there is none."""
    if importlib.util.find_spec("highspy") is None:
        return "null"
    from v2g_daemon.planning.relaxation import net_cost

    found = net_cost(known_days(job))
    return "null" if found is None else repr(found)


def _say(line: bytes) -> None:
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    raise SystemExit(main())
