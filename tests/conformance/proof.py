"""Every row of the page proved: each run is forked from a process that has the libraries already.

A module of its own, for a fork cannot find what stands in `__main__` of a package.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from tests.conformance.table import Row, rows

ROOT = Path(__file__).resolve().parents[2]
ALONG = 2
LONGEST_S = 300.0  # a test; one that waits for what is gone may wait long on a busy machine
TESTS_FAILED = 1
NEVER_ENDED = -1
RAN = 100  # added to pytest's status, so that no crash is taken for a red test
FRESH = multiprocessing.get_context("forkserver")
FRESH.set_forkserver_preload(["tests.conformance.preloaded"])
OPTIONS = [
    *("-q", "-x", "-p", "no:cacheprovider", "-o", f"timeout={LONGEST_S:g}"),
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),
]


def prove() -> int:
    """Every named test is green as things are, and red without what it is named for."""
    claimed = [row for row in rows() if row.test is not None]
    tests = sorted({str(row.test) for row in claimed})
    print(f"{len(tests)} tests as they are ...", flush=True)
    if _status(tests, disabled=None) != 0:
        print("a named test is missing or red; run it by itself")
        return 1
    with ThreadPoolExecutor(ALONG) as pool:
        results = list(pool.map(_goes_red, claimed))
    unproved = [row.key for row, red in zip(claimed, results, strict=True) if not red]
    print(f"{len(claimed) - len(unproved)} of {len(claimed)} rows proved")
    for key in unproved:
        print(f"not proved: {key}")
    return int(bool(unproved))


def _goes_red(row: Row) -> bool:
    return _status([str(row.test)], disabled=row.key) == TESTS_FAILED


def _status(tests: list[str], *, disabled: str | None) -> int:
    """pytest's exit status for these tests, in a process of its own."""
    process = FRESH.Process(target=_run, args=(tests, disabled))
    process.start()
    process.join(LONGEST_S * len(tests))
    process.kill()
    return process.exitcode - RAN if process.exitcode is not None else NEVER_ENDED


def _run(tests: list[str], disabled: str | None) -> None:
    os.chdir(ROOT)
    plugins = []
    if disabled is not None:
        os.environ["V2G_DISABLE"] = disabled
        plugins = ["-p", "tests.conformance.disable"]
    with open(os.devnull, "w", encoding="utf-8") as nowhere, redirect_stdout(nowhere):
        status = pytest.main([*OPTIONS, *plugins, *tests])
    sys.exit(RAN + status)
