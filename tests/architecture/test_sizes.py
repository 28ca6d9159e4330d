"""Functions, files and core files stay small enough to be read at once."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.architecture.source_tree import Source, functions, project_sources

FUNCTION_LINES = 40
FILE_LINES = 400
CORE_FILE_LINES = 250
CORE = ("v2g_daemon/domain/", "v2g_daemon/control/")
# Tables and DDL are one long declaration; a command's signature is its list of options.
TABLES = frozenset({"v2g_daemon/adapters/database/tables.py"})
MIGRATIONS = "v2g_daemon/adapters/database/migrations/versions/"
COMMANDS = "v2g_daemon/cli/"


def oversized(source: Source) -> Iterator[str]:
    """The file itself and each of its functions that is longer than allowed."""
    if source.path in TABLES or source.path.startswith(MIGRATIONS):
        return
    allowed = CORE_FILE_LINES if source.path.startswith(CORE) else FILE_LINES
    lines = len(source.text.splitlines())
    if lines > allowed:
        yield f"{source.path}: {lines} lines, {allowed} allowed"
    for function in functions(source.tree):
        length = _length(function, signature_counts=not source.path.startswith(COMMANDS))
        if length > FUNCTION_LINES:
            yield source.at(
                function, f"{function.name} has {length} lines, {FUNCTION_LINES} allowed"
            )


def _length(function: ast.FunctionDef | ast.AsyncFunctionDef, *, signature_counts: bool) -> int:
    first = function.lineno if signature_counts else function.body[0].lineno
    return (function.end_lineno or first) - first + 1


def test_no_function_and_no_file_is_too_long() -> None:
    assert [complaint for source in project_sources() for complaint in oversized(source)] == []


def _function_of(*, lines: int) -> str:
    return "def f():\n" + "    x = 1\n" * (lines - 1)


def test_a_function_of_40_lines_passes_and_one_of_41_is_found() -> None:
    assert list(oversized(Source.of("v2g_daemon/app/run.py", _function_of(lines=40)))) == []
    assert list(oversized(Source.of("v2g_daemon/app/run.py", _function_of(lines=41)))) == [
        "v2g_daemon/app/run.py:1: f has 41 lines, 40 allowed"
    ]


def test_a_core_file_may_have_250_lines_and_another_400() -> None:
    assert list(oversized(Source.of("v2g_daemon/control/a.py", "x = 1\n" * 250))) == []
    assert len(list(oversized(Source.of("v2g_daemon/control/a.py", "x = 1\n" * 251)))) == 1
    assert list(oversized(Source.of("simulators/a.py", "x = 1\n" * 400))) == []
    assert len(list(oversized(Source.of("simulators/a.py", "x = 1\n" * 401)))) == 1


def test_only_a_command_leaves_its_signature_uncounted() -> None:
    signature = "def f(\n" + "".join(f"    a{i}: int,\n" for i in range(40)) + "):\n    return 1\n"
    assert list(oversized(Source.of("v2g_daemon/cli/run.py", signature))) == []
    assert len(list(oversized(Source.of("v2g_daemon/app/run.py", signature)))) == 1
