"""The edges read no clock, lose no task, swallow no error and hide behind no vague name."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.architecture.source_tree import (
    Source,
    daemon_sources,
    dotted_name,
    functions,
    project_sources,
)

CLOCK_FILE = "v2g_daemon/adapters/system/clock.py"
CLOCK_READS = frozenset(
    "time.time time.time_ns time.monotonic time.monotonic_ns time.perf_counter datetime.now "
    "datetime.utcnow datetime.today date.today".split()
)
LOOSE_TASKS = frozenset({"asyncio.create_task", "asyncio.ensure_future", "loop.create_task"})
# The two boundaries where any error may be met (design: errors), each once.
BROAD_EXCEPT_ALLOWED = {"v2g_daemon/runtime/supervisor.py": 1, "v2g_daemon/adapters/ocpp/": 1}
VAGUE_WORDS = frozenset("common helper helpers manager managers misc util utils".split())


def clock_reads(source: Source) -> Iterator[str]:
    """Calls that read a clock outside its one home."""
    if source.path == CLOCK_FILE:
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call):
            name = ".".join(dotted_name(node.func).split(".")[-2:])
            if name in CLOCK_READS:
                yield source.at(node, f"{name}() reads a clock; take `now` or the clock's port")
        if isinstance(node, ast.ImportFrom) and node.module == "time" and node.level == 0:
            for alias in node.names:
                if f"time.{alias.name}" in CLOCK_READS:
                    yield source.at(node, f"time.{alias.name} belongs to the clock's port")


def loose_tasks(source: Source) -> Iterator[str]:
    """Tasks that no TaskGroup owns."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and dotted_name(node.func) in LOOSE_TASKS:
            yield source.at(node, f"{dotted_name(node.func)}: start tasks in a TaskGroup")


def broad_excepts(source: Source) -> Iterator[str]:
    """Handlers that catch every error."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ExceptHandler):
            caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            if any(
                one is None or dotted_name(one) in ("Exception", "BaseException") for one in caught
            ):
                yield source.at(node, "a broad except")


def vague_names(source: Source) -> Iterator[str]:
    """Modules and classes named after no job."""
    parts = source.path.removesuffix(".py").split("/")
    for part in parts:
        if VAGUE_WORDS & set(part.split("_")):
            yield f"{source.path}:1: {part} says nothing of its job"
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ClassDef) and node.name.endswith(("Helper", "Manager", "Utils")):
            yield source.at(node, f"{node.name} says nothing of its job")


def positional_booleans(source: Source) -> Iterator[str]:
    """Boolean parameters that a caller may pass without their name."""
    for function in functions(source.tree):
        for argument in [*function.args.posonlyargs, *function.args.args]:
            if argument.annotation is not None and ast.unparse(argument.annotation) in (
                "bool",
                "bool | None",
            ):
                yield source.at(function, f"{function.name}({argument.arg}: bool) by position")


def test_only_the_clock_adapter_reads_a_clock() -> None:
    assert [found for source in daemon_sources() for found in clock_reads(source)] == []


def test_every_task_belongs_to_a_group() -> None:
    assert [found for source in project_sources() for found in loose_tasks(source)] == []


def test_every_error_is_caught_by_name_but_at_two_boundaries() -> None:
    counted: Counter[str] = Counter()
    places = [
        (source.path, found) for source in daemon_sources() for found in broad_excepts(source)
    ]
    for path, found in places:
        boundary = next((one for one in BROAD_EXCEPT_ALLOWED if path.startswith(one)), found)
        counted[boundary] += 1
    assert {
        boundary: count
        for boundary, count in counted.items()
        if count > BROAD_EXCEPT_ALLOWED.get(boundary, 0)
    } == {}


def test_every_module_and_class_is_named_after_its_job() -> None:
    assert [found for source in project_sources() for found in vague_names(source)] == []


def test_booleans_are_passed_by_name() -> None:
    sources = [source for source in project_sources() if "/cli/" not in source.path]
    assert [found for source in sources for found in positional_booleans(source)] == []


@pytest.mark.parametrize(
    ("rule", "snippet"),
    [
        (clock_reads, "x = datetime.now(UTC)"),
        (clock_reads, "x = datetime.datetime.now(UTC)"),
        (clock_reads, "from time import monotonic"),
        (loose_tasks, "asyncio.create_task(run())"),
        (broad_excepts, "try:\n    f()\nexcept Exception:\n    pass"),
        (broad_excepts, "try:\n    f()\nexcept:\n    pass"),
        (broad_excepts, "try:\n    f()\nexcept (OSError, BaseException):\n    pass"),
        (vague_names, "class PlanManager: ..."),
        (positional_booleans, "def f(fast: bool = False): ..."),
    ],
)
def test_a_breach_is_found(rule, snippet: str) -> None:
    assert len(list(rule(Source.of("v2g_daemon/runtime/x.py", snippet)))) == 1


@pytest.mark.parametrize(
    ("rule", "snippet"),
    [
        (clock_reads, "x = clock.now()"),
        (loose_tasks, "group.create_task(run())"),
        (broad_excepts, "try:\n    f()\nexcept (OSError, TimeoutError):\n    pass"),
        (vague_names, "class Planner: ..."),
        (positional_booleans, "def f(*, fast: bool = False): ..."),
    ],
)
def test_what_is_allowed_passes(rule, snippet: str) -> None:
    assert list(rule(Source.of("v2g_daemon/runtime/x.py", snippet))) == []


def test_a_vague_module_name_is_found() -> None:
    assert len(list(vague_names(Source.of("v2g_daemon/runtime/price_utils.py", "")))) == 1
    assert list(vague_names(Source.of(CLOCK_FILE, ""))) == []
