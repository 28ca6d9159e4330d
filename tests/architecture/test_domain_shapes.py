"""Facts are frozen, built by keyword, and say their unit."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.source_tree import Source, daemon_sources, dotted_name, pure_sources

UNITS = frozenset(
    # power, energy, electricity, time, distance, temperature, light, dimensionless
    "w kw wh mwh kwh v a ma hz ohm va var s ms h min days years km m2 deg c k "
    "fraction percent pct points ratio factor share cycles linear "
    # money, carbon
    "money cost price g kg".split()
)
RATIO_WORDS = frozenset({"per", "share", "sigma", "soc"})


def loose_dataclasses(source: Source) -> Iterator[str]:
    """Dataclasses that can be changed, carry a `__dict__`, or are built by position."""
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.ClassDef):
            continue
        for decorator in node.decorator_list:
            call = decorator.func if isinstance(decorator, ast.Call) else decorator
            if dotted_name(call).rpartition(".")[2] != "dataclass":
                continue
            given = {
                keyword.arg
                for keyword in (decorator.keywords if isinstance(decorator, ast.Call) else [])
                if isinstance(keyword.value, ast.Constant) and keyword.value.value is True
            }
            missing = sorted({"frozen", "kw_only", "slots"} - given)
            if missing:
                yield source.at(node, f"{node.name} is a dataclass without {', '.join(missing)}")


def floats_without_unit(source: Source) -> Iterator[str]:
    """Float fields of classes whose names end in no unit and are no state of charge."""
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.ClassDef):
            continue
        for field in node.body:
            if (
                isinstance(field, ast.AnnAssign)
                and isinstance(field.target, ast.Name)
                and ast.unparse(field.annotation) in ("float", "float | None")
                and not _says_its_unit(field.target.id)
            ):
                yield source.at(field, f"{node.name}.{field.target.id} does not end in its unit")


def _says_its_unit(name: str) -> bool:
    words = name.split("_")
    return words[-1] in UNITS or bool(RATIO_WORDS & set(words))


def _is_a_number(name: str) -> bool:
    words = name.split("_")
    return words[-1] == "soc" or (len(words) > 1 and words[-1] in UNITS)


def truthy_numbers(source: Source) -> Iterator[str]:
    """Physical numbers used as conditions: 0 W and None are different things."""
    for node in ast.walk(source.tree):
        match node:
            case ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test):
                conditions = [test]
            case ast.BoolOp(values=values):
                conditions = values
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                conditions = [operand]
            case ast.comprehension(ifs=ifs):
                conditions = ifs
            case _:
                continue
        for condition in conditions:
            name = dotted_name(condition).rpartition(".")[2]
            if _is_a_number(name):
                yield source.at(condition, f"{name} is a number; compare it or ask `is None`")


def test_pure_dataclasses_are_frozen_slotted_and_built_by_keyword() -> None:
    found = [complaint for source in pure_sources() for complaint in loose_dataclasses(source)]
    assert found == []


def test_every_float_of_the_domain_says_its_unit() -> None:
    found = [
        complaint
        for source in pure_sources()
        if source.package in ("domain", "control")
        for complaint in floats_without_unit(source)
    ]
    assert found == []


def test_no_number_is_used_as_a_condition() -> None:
    found = [complaint for source in daemon_sources() for complaint in truthy_numbers(source)]
    assert found == []


@pytest.mark.parametrize(
    ("decorator", "complaint"),
    [
        ("@dataclass", "v2g_daemon/domain/x.py:2: A is a dataclass without frozen, kw_only, slots"),
        (
            "@dataclasses.dataclass(frozen=True, slots=True)",
            "v2g_daemon/domain/x.py:2: A is a dataclass without kw_only",
        ),
        (
            "@dataclass(frozen=False, slots=True, kw_only=True)",
            "v2g_daemon/domain/x.py:2: A is a dataclass without frozen",
        ),
    ],
)
def test_a_loose_dataclass_is_found(decorator: str, complaint: str) -> None:
    source = Source.of("v2g_daemon/domain/x.py", f"{decorator}\nclass A:\n    x_w: float\n")
    assert list(loose_dataclasses(source)) == [complaint]


@pytest.mark.parametrize("name", ["power", "import_limit", "age", "w_total"])
def test_a_float_without_a_unit_is_found(name: str) -> None:
    source = Source.of("v2g_daemon/domain/x.py", f"class A:\n    {name}: float | None = None\n")
    wrong = [f"v2g_daemon/domain/x.py:2: A.{name} does not end in its unit"]
    assert list(floats_without_unit(source)) == wrong


@pytest.mark.parametrize("name", ["power_w", "soc", "floor_soc", "price_per_kwh", "age_s"])
def test_a_float_with_a_unit_passes(name: str) -> None:
    source = Source.of("v2g_daemon/domain/x.py", f"class A:\n    {name}: float\n")
    assert list(floats_without_unit(source)) == []


@pytest.mark.parametrize(
    "snippet",
    [
        "if reading.power_w:\n    pass",
        "x = status.soc or 0.5",
        "x = goal.target_soc or 0.5",
        "x = not limit_a",
        "x = 1 if age_s else 2",
        "x = [r for r in rs if r.energy_wh]",
    ],
)
def test_a_truthy_number_is_found(snippet: str) -> None:
    assert len(list(truthy_numbers(Source.of("v2g_daemon/control/x.py", snippet)))) == 1


def test_a_compared_number_passes() -> None:
    text = "if power_w is None or power_w > 0.0 and device.soc_needs_power:\n    pass"
    assert list(truthy_numbers(Source.of("v2g_daemon/control/x.py", text))) == []
