"""docs/ocpp-conformance.md and its proof.

python -m tests.conformance            write the page
python -m tests.conformance --prove    disable every handler in turn: its test must go red
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.conformance.page import page
from tests.conformance.table import Row, rows

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "ocpp-conformance.md"
ALONG = 2
LONGEST_S = 120.0
TESTS_FAILED = 1


def main() -> int:
    """0 if the page is written, or every row is proved."""
    parser = argparse.ArgumentParser(description="The conformance page and its proof.")
    parser.add_argument("--prove", action="store_true")
    if not parser.parse_args().prove:
        PAGE.write_text(page(), encoding="utf-8")
        print(f"wrote {PAGE.relative_to(ROOT)}")
        return 0
    return prove()


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
    """pytest's exit status for these tests."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
    environment = dict(os.environ)
    if disabled is not None:
        command += ["-p", "tests.conformance.disable"]
        environment["V2G_DISABLE"] = disabled
    done = subprocess.run(
        [*command, *tests], cwd=ROOT, env=environment, capture_output=True, timeout=LONGEST_S
    )
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
