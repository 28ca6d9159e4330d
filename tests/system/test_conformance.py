"""Every row of the conformance page is proved by taking its handler away."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.timeout(2000)
def test_without_its_handler_every_rows_test_goes_red() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.conformance", "--prove"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=1800,
    )
    assert done.returncode == 0, done.stdout
    assert "rows proved" in done.stdout
