"""The planning child: one problem as JSON on stdin, one plan as JSON on stdout, then exit.

Exit status 0 with a plan; 65 (EX_DATAERR) and a message on stderr if the problem is unreadable, or
such that no plan can be made of it.
"""

from __future__ import annotations

import os
import sys

from v2g_daemon.domain.errors import ProblemRefused
from v2g_daemon.trace.json_form import TraceError
from v2g_daemon.trace.pipe import decode_problem, encode_plan

EX_DATAERR = 65


def main() -> int:
    """Solve the problem on stdin; the exit status."""
    try:
        problem = decode_problem(sys.stdin.buffer.read())
    except TraceError as error:
        print(f"planning problem cannot be read: {error}", file=sys.stderr)
        return EX_DATAERR
    # The arrays are small: threads would only cost memory, and numpy reads this at import.
    for library in ("OMP", "OPENBLAS", "MKL"):
        os.environ[f"{library}_NUM_THREADS"] = "1"
    from v2g_daemon.planning.plan import solve

    try:
        plan = solve(problem)
    except ProblemRefused as refusal:
        print(f"no plan can be made: {refusal}", file=sys.stderr)
        return EX_DATAERR
    sys.stdout.buffer.write(encode_plan(plan))
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
