"""The project's sources as syntax trees, and how a rule names what it found."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PURE_PACKAGES = (
    "accounting", "battery", "control", "domain", "market",
    "planning", "rehearsal", "step", "trace",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One Python file: its path from the root with forward slashes, text and tree."""

    path: str
    text: str
    tree: ast.Module

    @classmethod
    def of(cls, path: str, text: str) -> Source:
        """Parse a text as if it stood at that path; the self-tests of the rules use it."""
        return cls(path=path, text=text, tree=ast.parse(text))

    @property
    def package(self) -> str | None:
        """The daemon's package that the file belongs to, such as `control`."""
        parts = self.path.split("/")
        return parts[1] if parts[0] == "v2g_daemon" and len(parts) > 2 else None

    def at(self, node: ast.AST, complaint: str) -> str:
        """A complaint that an editor can jump to."""
        return f"{self.path}:{getattr(node, 'lineno', 1)}: {complaint}"


@cache
def project_sources() -> tuple[Source, ...]:
    """Every Python file of the daemon and of the simulators."""
    return tuple(
        Source.of(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
        for package in ("v2g_daemon", "simulators")
        for path in sorted((ROOT / package).rglob("*.py"))
    )


def daemon_sources() -> tuple[Source, ...]:
    """The daemon's files only."""
    return tuple(source for source in project_sources() if source.path.startswith("v2g_daemon/"))


def pure_sources() -> tuple[Source, ...]:
    """The files of the pure packages."""
    return tuple(source for source in daemon_sources() if source.package in PURE_PACKAGES)


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method below a node."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def dotted_name(node: ast.expr) -> str:
    """`a.b.c` for a name or a chain of attributes, else the last attribute behind a dot."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=attribute):
            return f"{dotted_name(value)}.{attribute}"
        case _:
            return ""


def project_files() -> tuple[Path, ...]:
    """What git tracks or would track; without git, everything but hidden folders and caches."""
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-coz", "--exclude-standard"],
        capture_output=True,
        check=False,
    )
    if listed.returncode == 0:
        names = listed.stdout.decode().split("\0")
        paths = [ROOT / name for name in names if name]
    else:
        hidden = (".venv", ".git", "__pycache__", "_cache", ".hypothesis", "build", "dist")
        paths = [
            path
            for path in ROOT.rglob("*")
            if not any(part.endswith(hidden) for part in path.relative_to(ROOT).parts)
        ]
    return tuple(path for path in paths if path.is_file() and not path.is_symlink())
