"""The import contracts of pyproject.toml hold, and each of them can be broken."""

from __future__ import annotations

import ast
import importlib.metadata
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path

import pytest

from tests.architecture.source_tree import ROOT, Source, daemon_sources, project_sources

WORKER = "v2g_daemon/planning_worker.py"
WORKER_MAY_IMPORT = (
    "v2g_daemon.planning",
    "v2g_daemon.domain",
    "v2g_daemon.trace.pipe",
    "v2g_daemon.trace.json_form",
)
PACKAGES = (
    "accounting", "adapters", "adapters/modbus", "adapters/ocpp", "app", "battery", "cli",
    "control", "domain", "market", "planning", "rehearsal", "runtime", "step", "trace",
)  # fmt: skip
MODULES = (
    "__main__", "domain/decision", "domain/memory", "domain/policy", "domain/snapshot",
    "planning_worker", "ports", "rehearsal_worker", "settings", "trace/codec",
)  # fmt: skip


@pytest.fixture
def skeleton(tmp_path: Path) -> Path:
    """An empty tree of the daemon's shape, under the project's own contracts."""
    for package in ("", *PACKAGES):
        folder = tmp_path / "v2g_daemon" / package
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "__init__.py").touch()
    for module in MODULES:
        (tmp_path / f"v2g_daemon/{module}.py").touch()
    (tmp_path / "simulators").mkdir()
    (tmp_path / "simulators/__init__.py").touch()
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    return tmp_path


def broken_contracts(root: Path) -> list[str]:
    """Which contracts import-linter reports as broken for the tree at root."""
    shown = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=root,
        env={"PYTHONPATH": str(root), "PATH": "/usr/bin:/bin", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    summary = [line for line in shown.stdout.splitlines() if line.endswith((" KEPT", " BROKEN"))]
    assert summary, shown.stdout + shown.stderr
    return [line.removesuffix(" BROKEN") for line in summary if line.endswith(" BROKEN")]


def test_the_empty_skeleton_keeps_every_contract(skeleton: Path) -> None:
    assert broken_contracts(skeleton) == []


@pytest.mark.parametrize(
    ("module", "line", "broken"),
    [
        ("domain/x", "import v2g_daemon.market", "Imports point inwards"),
        ("control/x", "import v2g_daemon.planning", "Imports point inwards"),
        ("battery/x", "import v2g_daemon.market", "Imports point inwards"),
        ("step/x", "import v2g_daemon.runtime", "Imports point inwards"),
        ("stray", "", "Imports point inwards"),
        (
            "adapters/ocpp/x",
            "import v2g_daemon.adapters.modbus",
            "Adapters do not know each other",
        ),
        ("trace/x", "import pathlib", "The core is pure"),
        ("step/x", "import logging", "The core is pure"),
        ("control/x", "import numpy", "Control and accounting are standard library only"),
        ("app/x", "import numpy", "The control process never loads numpy or a solver"),
        (
            "planning_worker",
            "import v2g_daemon.ports",
            "The planning child carries only planning, domain and the pipe",
        ),
        (
            "rehearsal_worker",
            "import v2g_daemon.settings",
            "A rehearsal's process carries no edge of the daemon",
        ),
        ("../simulators/x", "import v2g_daemon", "Simulators are an independent oracle"),
        ("runtime/x", "import simulators", "The daemon does not know its simulators"),
    ],
)
def test_each_contract_can_be_broken(skeleton: Path, module: str, line: str, broken: str) -> None:
    (skeleton / f"v2g_daemon/{module}.py").write_text(f"{line}\n")
    assert broken in broken_contracts(skeleton)


def daemon_imports(source: Source) -> list[str]:
    """The daemon's own modules that a file imports by name."""
    found = []
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            found += [name.name for name in node.names]
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            found += [f"{node.module}.{name.name}" for name in node.names]
    return [name for name in found if name.startswith("v2g_daemon")]


def test_the_planning_child_imports_planning_domain_and_the_pipe_only() -> None:
    workers = [source for source in daemon_sources() if source.path == WORKER]
    strays = [
        name
        for source in workers
        for name in daemon_imports(source)
        if not name.startswith(WORKER_MAY_IMPORT)
    ]
    assert strays == []


def test_an_import_of_the_planning_child_is_read_by_its_full_name() -> None:
    source = Source.of(WORKER, "from v2g_daemon.trace import replay, codec\nimport json")
    assert daemon_imports(source) == ["v2g_daemon.trace.replay", "v2g_daemon.trace.codec"]


def third_party(source: Source) -> set[str]:
    """Top-level names that a file imports and neither we nor the standard library provide."""
    names = set()
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            names |= {name.name.split(".")[0] for name in node.names}
        if isinstance(node, ast.ImportFrom) and node.module is not None and node.level == 0:
            names.add(node.module.split(".")[0])
    return names - set(sys.stdlib_module_names) - {"v2g_daemon", "simulators"}


def test_every_imported_distribution_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    lines = [*project["dependencies"], *chain.from_iterable(extras)]
    declared = {_distribution(line) for line in lines}
    providers = importlib.metadata.packages_distributions()
    missing = {
        (source.path, name)
        for source in project_sources()
        for name in third_party(source)
        if not declared & {_distribution(one) for one in providers.get(name, [])}
    }
    assert missing == set()


def _distribution(requirement: str) -> str:
    name = requirement
    for mark in "[<>=!~; ":
        name = name.split(mark)[0]
    return name.lower().replace("_", "-")


def test_a_requirement_line_is_read_down_to_its_name() -> None:
    assert _distribution("psycopg[binary]>=3.2") == "psycopg"
    assert _distribution("pydantic_settings>=2.7") == "pydantic-settings"
    assert third_party(Source.of("simulators/x.py", "import os, httpx.foo")) == {"httpx"}
