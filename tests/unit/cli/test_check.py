"""`v2g check` and what every command does with a configuration that cannot be used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.cli.conftest import V2g
from tests.unit.settings.files import after, written


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("V2G_PASSWORD_GARAGE", "secret-word")


def test_a_good_file_is_explained(v2g: V2g, tmp_path: Path) -> None:
    path = written(tmp_path)
    said = v2g("check", path)
    assert (said.status, said.err) == (0, "")
    assert said.out.startswith(f"{path}: the configuration can be used.\n")
    assert "Grid connection: 3 × 25 A" in said.out


def test_a_bad_value_is_refused_with_file_key_value_and_fix(v2g: V2g, tmp_path: Path) -> None:
    path = written(tmp_path, main_fuse_a="main_fuse_a = -25")
    said = v2g("check", path)
    assert (said.status, said.out) == (78, "")
    assert said.err.startswith(f"v2g: {path}: site.main_fuse_a = -25")
    assert "Traceback" not in said.err


def test_an_unknown_key_is_refused_with_the_one_that_was_meant(v2g: V2g, tmp_path: Path) -> None:
    path = written(tmp_path, after("site", "main_fuse_amps = 25"))
    said = v2g("check", path)
    assert said.status == 78
    assert "site.main_fuse_amps" in said.err


@pytest.mark.parametrize(
    "command",
    [
        ("check", "FILE"),
        ("run", "--config", "FILE"),
        ("report", "today", "--config", "FILE"),
        ("status", "--config", "FILE"),
        ("stop", "--config", "FILE"),
        ("charge", "--config", "FILE"),
        ("auto", "--config", "FILE"),
    ],
    ids=lambda command: command[0],
)
def test_a_file_that_is_not_there_is_exit_status_78(
    v2g: V2g, tmp_path: Path, command: tuple[str, ...]
) -> None:
    path = tmp_path / "nowhere.toml"
    said = v2g(*(path if word == "FILE" else word for word in command))
    assert said.status == 78
    assert said.err.startswith(f"v2g: {path}: ")


def test_a_command_that_does_not_exist_is_a_usage_error(v2g: V2g) -> None:
    assert v2g("export").status == 2


def test_without_a_command_the_help_is_shown(v2g: V2g) -> None:
    said = v2g()
    assert said.status in {0, 2}
    for command in ("run", "demo", "check", "status", "stop", "charge", "auto", "report", "replay"):
        assert f" {command} " in said.out + said.err


def test_python_m_v2g_daemon_is_v2g(tmp_path: Path) -> None:
    path = tmp_path / "nowhere.toml"
    done = subprocess.run(
        [sys.executable, "-m", "v2g_daemon", "check", str(path)],
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert done.returncode == 78
    assert done.stderr.startswith(f"v2g: {path}: ")
