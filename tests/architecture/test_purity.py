"""The pure packages read no clock and no file, and compute alike on every machine."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.source_tree import Source, dotted_name, pure_sources

FORBIDDEN_IMPORTS = frozenset(
    "asyncio cmath concurrent io logging multiprocessing os pathlib random secrets socket "
    "statistics subprocess sys tempfile threading time uuid".split()
)
NUMERIC_LIBRARIES = frozenset("highspy numpy pandas scipy".split())
FORBIDDEN_CALLS = frozenset(
    "__import__ compile eval exec getenv hash id input open print uuid1 uuid4".split()
)
# Writes the functions that make a dataclass, as the dataclasses module does itself.
MAKES_CODE = frozenset({("v2g_daemon/domain/quick.py", "exec")})
# The wall clock under its usual receivers; `snapshot.now` is a value and not a call.
CLOCK_CALLS = frozenset("now utcnow today monotonic monotonic_ns perf_counter time_ns".split())
# Correctly rounded everywhere; the rest of math differs between C libraries.
EXACT_MATH = frozenset(
    "ceil copysign e fabs floor fmod gcd inf isclose isfinite isinf isnan lcm nan pi sqrt "
    "trunc".split()
)
# A sum of these is exact: counts, and energies and money held as integers.
INTEGER_SUFFIXES = ("_count", "_milliwh", "_micros", "_microunits")
EXACT_STARTS = frozenset({"Decimal", "timedelta"})


def impurities(source: Source) -> Iterator[str]:
    """Everything in a file that reads the world or computes differently somewhere else."""
    planning = source.package == "planning"
    for node in ast.walk(source.tree):
        match node:
            case ast.Import(names=names):
                yield from _imports(source, node, [name.name for name in names], planning=planning)
            case ast.ImportFrom(module=str(module), names=names, level=0):
                yield from _imports(source, node, [module], planning=planning)
                if module == "math" and not planning:
                    yield from _inexact(source, node, [name.name for name in names])
            case ast.AsyncFunctionDef() | ast.Await() | ast.AsyncFor() | ast.AsyncWith():
                yield source.at(node, "a pure package has no coroutine")
            case ast.Global() | ast.Nonlocal():
                yield source.at(node, "a pure function keeps no state between calls")
            case ast.Call():
                yield from _calls(source, node, planning=planning)
            case ast.Attribute(value=ast.Name(id="math"), attr=name) if not planning:
                yield from _inexact(source, node, [name])
            case ast.BinOp(op=ast.Pow()) | ast.AugAssign(op=ast.Pow()) if not planning:
                yield source.at(node, "** is not correctly rounded; multiply")


def _imports(
    source: Source, node: ast.stmt, modules: list[str], *, planning: bool
) -> Iterator[str]:
    forbidden = FORBIDDEN_IMPORTS if planning else FORBIDDEN_IMPORTS | NUMERIC_LIBRARIES
    for module in modules:
        if module.split(".")[0] in forbidden:
            yield source.at(node, f"a pure package does not import {module}")


def _inexact(source: Source, node: ast.AST, names: list[str]) -> Iterator[str]:
    for name in names:
        if name not in EXACT_MATH:
            yield source.at(node, f"math.{name} differs between machines")


def _calls(source: Source, call: ast.Call, *, planning: bool) -> Iterator[str]:
    name = dotted_name(call.func)
    last = name.rpartition(".")[2]
    if (source.path, name) in MAKES_CODE:
        return
    if name in FORBIDDEN_CALLS or (last in CLOCK_CALLS and "." in name) or name == "time.time":
        yield source.at(call, f"a pure function does not call {name}()")
    if planning:
        return
    if name == "pow":
        yield source.at(call, "pow() is not correctly rounded; multiply")
    if name == "sum" and not _sums_exactly(call):
        yield source.at(call, "sum() of floats changed in Python 3.12; write a left fold")


def _sums_exactly(call: ast.Call) -> bool:
    starts = [*call.args[1:], *(keyword.value for keyword in call.keywords)]
    if any(
        isinstance(start, ast.Call) and dotted_name(start.func) in EXACT_STARTS for start in starts
    ):
        return True
    element = call.args[0]
    if isinstance(element, ast.GeneratorExp | ast.ListComp):
        element = element.elt
    return _is_whole(element)


def _is_whole(element: ast.expr) -> bool:
    """Whether a term is an integer by its form or its name."""
    match element:
        case ast.Constant(value=int()) | ast.Call(func=ast.Name(id="len" | "int")):
            return True
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub(), right=right):
            return _is_whole(left) and _is_whole(right)
        case ast.Name() | ast.Attribute():
            return dotted_name(element).endswith(INTEGER_SUFFIXES)
        case ast.Call(func=function):
            return dotted_name(function).endswith(INTEGER_SUFFIXES)
        case _:
            return False


def test_the_pure_packages_are_pure() -> None:
    found = [complaint for source in pure_sources() for complaint in impurities(source)]
    assert found == []


@pytest.mark.parametrize(
    "snippet",
    [
        "import time",
        "import numpy as np",
        "from os import environ",
        "from logging.handlers import QueueHandler",
        "from math import exp",
        "async def decide(): ...",
        "def f():\n    global state",
        "started = datetime.now(UTC)",
        "day = date.today()",
        "x = clock.monotonic()",
        "open('ledger')",
        "print(1)",
        "key = uuid4()",
        "seed = hash('a')",
        "y = x ** 2",
        "y **= 2",
        "y = pow(x, 2)",
        "y = math.exp(x)",
        "y = sum(powers_w)",
        "y = sum(slot.energy_wh for slot in slots)",
        "y = sum(costs, start=0.0)",
        "y = sum(row.charge_milliwh - row.loss_wh for row in rows)",
        "y = sum(row.charge_milliwh / 1000 for row in rows)",
    ],
)
def test_an_impure_line_is_found(snippet: str) -> None:
    assert len(list(impurities(Source.of("v2g_daemon/control/bad.py", snippet)))) == 1


@pytest.mark.parametrize(
    "snippet",
    [
        "age_s = snapshot.now.monotonic_s - reading.observed_at.monotonic_s",
        "x = math.sqrt(y) if math.isfinite(y) else 0.0",
        "y = sum(1 for slot in slots if slot.late)",
        "y = sum(interval.charge_milliwh for interval in intervals)",
        "y = sum(row.import_milliwh - row.export_milliwh for row in rows)",
        "y = sum((row.cost for row in rows), start=Decimal(0))",
        "from math import floor",
    ],
)
def test_a_pure_line_passes(snippet: str) -> None:
    assert list(impurities(Source.of("v2g_daemon/control/good.py", snippet))) == []


def test_planning_alone_may_use_numpy_powers_and_sums() -> None:
    text = "import numpy as np\ny = sum(x ** 2 for x in xs) + math.exp(1.0)"
    assert list(impurities(Source.of("v2g_daemon/planning/dp.py", text))) == []
    assert len(list(impurities(Source.of("v2g_daemon/battery/wear.py", text)))) == 4
