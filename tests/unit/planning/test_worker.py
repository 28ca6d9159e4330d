"""The planning child as the daemon starts it."""

from __future__ import annotations

import subprocess
import sys

from tests.unit.planning.problems import plan_problem
from v2g_daemon.planning.plan import solve
from v2g_daemon.trace.pipe import decode_plan, encode_problem


def run_worker(problem: bytes) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "v2g_daemon.planning_worker"]
    return subprocess.run(command, input=problem, capture_output=True, timeout=50)


def test_the_child_answers_a_problem_with_its_plan() -> None:
    done = run_worker(encode_problem(plan_problem()))
    assert done.returncode == 0, done.stderr
    assert decode_plan(done.stdout) == solve(plan_problem())


def test_a_problem_that_cannot_be_read_is_refused_with_status_65() -> None:
    done = run_worker(b'{"not": "a problem"}')
    assert done.returncode == 65
    assert done.stdout == b""
    assert b"planning problem cannot be read" in done.stderr


def test_a_problem_of_which_no_plan_can_be_made_is_refused_by_its_field() -> None:
    done = run_worker(encode_problem(plan_problem(capacity_wh=0.0)))
    assert done.returncode == 65
    assert done.stdout == b""
    assert b"no plan can be made: store.capacity_wh is 0.0" in done.stderr
