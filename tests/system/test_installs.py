"""An editable install, a wheel and a wheel from the sdist all carry what the daemon reads."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.architecture.source_tree import ROOT

READ_WHAT_SHIPS = """
import importlib.metadata
import importlib.resources
daemon = importlib.resources.files("v2g_daemon")
simulators = importlib.resources.files("simulators")
assert (daemon / "py.typed").is_file()
assert any(file.name.endswith(".csv.gz") for file in (simulators / "data").iterdir())
assert (daemon / "config" / "tariffs" / "nl-dynamic.toml").is_file()
assert importlib.metadata.version("v2g-daemon") == __import__("v2g_daemon").__version__
print((daemon / "config" / "demo.toml").read_text(encoding="utf-8"), end="")
"""


def build(hook: str, source: Path, into: Path) -> Path:
    """Call one hook of the build backend, as an installer does; returns what it built."""
    into.mkdir(exist_ok=True)
    call = f"import hatchling.build as b, sys; print(b.{hook}(sys.argv[1]))"
    built = run([sys.executable, "-c", call, str(into)], cwd=source)
    return into / built.splitlines()[-1]


def run(command: list[str], *, cwd: Path) -> str:
    """Run to the end and return its output; its errors are the test's message."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def editable(folder: Path) -> Path:
    """What `pip install -e .` installs."""
    return build("build_editable", ROOT, folder)


def wheel(folder: Path) -> Path:
    """A wheel built from the checkout, through the symlink."""
    return build("build_wheel", ROOT, folder)


def wheel_from_sdist(folder: Path) -> Path:
    """A wheel built from an unpacked source distribution."""
    sdist = build("build_sdist", ROOT, folder / "sdist")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder / "unpacked", filter="data")
    (unpacked,) = (folder / "unpacked").iterdir()
    return build("build_wheel", unpacked, folder / "from-sdist")


@pytest.mark.parametrize("way", [editable, wheel, wheel_from_sdist])
def test_every_way_of_installing_ships_the_configuration(
    way: Callable[[Path], Path], tmp_path: Path
) -> None:
    built = way(tmp_path)
    environment = tmp_path / "environment"
    run([sys.executable, "-m", "venv", "--without-pip", str(environment)], cwd=tmp_path)
    python = str(environment / "bin/python")
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--no-index", "--no-deps"]
    run([*pip, "--quiet", str(built)], cwd=tmp_path)

    shown = run([python, "-I", "-c", READ_WHAT_SHIPS], cwd=tmp_path)

    assert shown == (ROOT / "config/demo.toml").read_text(encoding="utf-8")
    assert (environment / "bin/v2g").is_file()
