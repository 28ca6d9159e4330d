"""The systemd unit is well formed and says what the runtime relies on."""

from __future__ import annotations

import configparser
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.architecture.source_tree import ROOT

UNIT = ROOT / "deploy/systemd/v2g-daemon.service"
PROGRAM = "/opt/v2g-daemon/.venv/bin/v2g"


def verified(analyze: Path, folder: Path, text: str) -> tuple[int, str]:
    """`systemd-analyze verify` of a unit with an existing program in place of the installed one."""
    unit = folder / UNIT.name
    unit.write_text(text.replace(PROGRAM, sys.executable))
    dropins = folder / f"{UNIT.name}.d"
    dropins.mkdir(exist_ok=True)
    (dropins / "credentials.conf").write_text((UNIT.parent / "credentials.conf").read_text())
    done = subprocess.run(
        [str(analyze), "verify", "--man=no", "--recursive-errors=no", str(unit)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stderr


def test_systemd_accepts_the_unit(peer: Callable[[str], Path], tmp_path: Path) -> None:
    assert verified(peer("systemd-analyze"), tmp_path, UNIT.read_text()) == (0, "")


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("WatchdogSec=10", "WatchdogSec=ten"),
        ("ProtectSystem=strict", "ProtectSytem=strict"),
        ("LockPersonality=yes", "LockPersonality=maybe"),
    ],
)
def test_systemd_complains_of_a_mistake_in_the_unit(
    peer: Callable[[str], Path], tmp_path: Path, right: str, wrong: str
) -> None:
    mistaken = UNIT.read_text().replace(right, wrong)
    assert mistaken != UNIT.read_text()
    assert verified(peer("systemd-analyze"), tmp_path, mistaken) != (0, "")


def test_the_unit_watches_restarts_and_heeds_a_wrong_configuration() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(UNIT)
    service = unit["Service"]
    assert service["Type"] == "notify"
    assert service["WatchdogSec"] == "10"
    assert service["Restart"] == "always"
    assert service["RestartPreventExitStatus"] == "78"
    assert service["StateDirectory"] == "v2g-daemon"
    assert service["RuntimeDirectory"] == "v2g-daemon"
    assert service["OOMPolicy"] == "continue"
    assert service["ExecStart"].startswith(f"{PROGRAM} run --config /etc/v2g-daemon/")
