"""What is committed runs anywhere, names no foreign host, and is finished."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path

import pytest

from tests.architecture.source_tree import ROOT, project_files

# Written in pieces, so that this file passes its own rules.
REGISTRIES = ("py" + "pi", "python" + "hosted", "npm" + "js", "deb" + "ian", "pi" + "wheels")
REGISTRY_HOST = re.compile(
    rf"\b[a-z0-9.-]*({'|'.join(REGISTRIES)})[a-z0-9-]*\.(org|com|io|net)\b", re.IGNORECASE
)
UNFINISHED = re.compile(
    r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3, "NotImplemented" + "Error")) + r")\b"
    r"|pytest\.mark\." + r"(skip|xfail)"
)
LOCKS = ("run", "build", "dev")


def blemishes(text: str, *, machine_paths: tuple[str, ...], is_python: bool) -> Iterator[str]:
    """Registry hosts, paths of this machine and unfinished work, as `line: what`."""
    for number, line in enumerate(text.splitlines(), start=1):
        if REGISTRY_HOST.search(line):
            yield f"{number}: names a package registry's host"
        if any(path in line for path in machine_paths):
            yield f"{number}: names a path of this machine"
        if is_python and UNFINISHED.search(line):
            yield f"{number}: unfinished work, or a test switched off"


def machine_paths() -> tuple[str, ...]:
    """The folder that holds the checkout, and the home folder."""
    return tuple(f"{path}/" for path in (ROOT, Path.home()) if path != Path("/"))


def test_no_committed_file_names_a_registry_or_this_machine_or_is_unfinished() -> None:
    found = []
    for path in project_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        complaints = blemishes(text, machine_paths=machine_paths(), is_python=path.suffix == ".py")
        found += [f"{path.relative_to(ROOT)}:{complaint}" for complaint in complaints]
    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        "index = https://files." + REGISTRIES[1] + ".org/x",
        "mirror: deb." + REGISTRIES[3] + ".org",
        "open('/somewhere/checkout/config')",
        "# TO" + "DO later",
        "@pytest.mark." + "skip",
    ],
)
def test_a_blemish_is_found(line: str) -> None:
    found = list(blemishes(line, machine_paths=("/somewhere/checkout/",), is_python=True))
    assert len(found) == 1


def test_a_plain_line_passes() -> None:
    line = "on Debian: apt-get install python3-venv; see /opt/v2g-daemon and debian packages"
    assert list(blemishes(line, machine_paths=("/somewhere/",), is_python=True)) == []


def locked(name: str) -> dict[str, set[str]]:
    """Distribution -> the versions that a lock pins (one per environment marker)."""
    versions: dict[str, set[str]] = {}
    for line in (ROOT / f"requirements/{name}.txt").read_text().splitlines():
        if match := re.match(r"([a-z0-9-]+)(?:\[[a-z,]+\])?==([^ ;]+)", line):
            versions.setdefault(match[1], set()).add(match[2])
    return versions


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_line_carries_its_hashes(name: str) -> None:
    text = (ROOT / f"requirements/{name}.txt").read_text()
    entries = re.split(r"^(?=[a-z])", text, flags=re.MULTILINE)[1:]
    assert len(entries) >= 5
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []


def test_what_is_installed_fits_together_and_is_what_the_locks_say() -> None:
    done = subprocess.run([sys.executable, "-m", "pip", "check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    pinned = locked("dev")
    present = {one.name.lower().replace("_", "-").replace(".", "-"): one.version
               for one in distributions()}  # fmt: skip
    known = pinned.keys() & present.keys()
    assert len(known) > 30
    assert {name: present[name] for name in known if present[name] not in pinned[name]} == {}


def test_the_locks_agree_and_dev_holds_the_others() -> None:
    dev = locked("dev")
    assert locked("run").items() <= dev.items()
    assert locked("build").items() <= dev.items()


def test_the_locks_hold_every_direct_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = {re.split(r"[\[<>=]", line)[0] for line in project["dependencies"]}
    assert names - locked("run").keys() == set()
