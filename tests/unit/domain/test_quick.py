"""A quick dataclass differs from any other frozen one in nothing but the time that it takes."""

from __future__ import annotations

import copy
import dataclasses
import inspect
from dataclasses import FrozenInstanceError, dataclass, field
from typing import Any, get_type_hints

import pytest

from v2g_daemon.domain.quick import quick, replace


def a_charge() -> type[Any]:
    """A dataclass with a default, a field made for each instance, and a rule."""

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Charge:
        power_w: float
        soc: float = 0.5
        rows: list[int] = field(default_factory=list)

        def __post_init__(self) -> None:
            if self.power_w < 0.0:
                raise ValueError("a charge takes power")

    return Charge


Plain, Quick = a_charge(), quick(a_charge())


def columns(one: Any) -> tuple[object, ...]:
    return dataclasses.astuple(one)


def test_it_holds_what_it_was_made_of_and_its_defaults() -> None:
    assert columns(Quick(power_w=7.0)) == columns(Plain(power_w=7.0)) == (7.0, 0.5, [])
    assert columns(Quick(power_w=7.0, soc=0.9, rows=[1])) == (7.0, 0.9, [1])
    assert type(Quick(power_w=7.0)) is Quick


def test_each_instance_has_its_own_of_what_a_factory_makes() -> None:
    assert Quick(power_w=1.0).rows is not Quick(power_w=1.0).rows


def test_it_is_frozen() -> None:
    one = Quick(power_w=7.0)
    with pytest.raises(FrozenInstanceError):
        one.power_w = 8.0
    with pytest.raises(FrozenInstanceError):
        del one.power_w
    with pytest.raises((AttributeError, TypeError)):
        one.unheard_of = 8.0


def test_it_checks_itself_as_soon_as_it_is_made_or_changed() -> None:
    with pytest.raises(ValueError, match="takes power"):
        Quick(power_w=-1.0)
    with pytest.raises(ValueError, match="takes power"):
        replace(Quick(power_w=1.0), power_w=-1.0)


def test_what_is_missing_or_unknown_is_refused() -> None:
    wrong: Any = Quick
    with pytest.raises(TypeError, match="power_w"):
        wrong()
    with pytest.raises(TypeError, match="energy_wh"):
        wrong(power_w=1.0, energy_wh=2.0)
    with pytest.raises(TypeError):
        wrong(7.0)
    with pytest.raises(AttributeError, match="energy_wh"):
        replace(wrong(power_w=1.0), energy_wh=2.0)


@pytest.mark.parametrize("kind", [Plain, Quick])
def test_a_changed_one_differs_in_the_named_fields_alone(kind: type[Any]) -> None:
    one = kind(power_w=7.0, rows=[1])
    other = replace(one, soc=0.9)
    assert columns(other) == (7.0, 0.9, [1])
    assert columns(one) == (7.0, 0.5, [1])
    assert type(other) is kind


def test_it_is_equal_and_printed_and_copied_as_any_other() -> None:
    one = Quick(power_w=7.0)
    assert one == Quick(power_w=7.0) != Quick(power_w=8.0)
    assert repr(one) == repr(Plain(power_w=7.0))
    assert copy.deepcopy(one) == one == copy.copy(one)
    assert dataclasses.replace(one, soc=0.9) == replace(one, soc=0.9)


def test_its_parameters_are_told_as_before() -> None:
    told, before = inspect.signature(Quick), inspect.signature(Plain)
    assert list(told.parameters) == list(before.parameters)
    assert all(one.kind is inspect.Parameter.KEYWORD_ONLY for one in told.parameters.values())
    assert get_type_hints(Quick.__init__) == get_type_hints(Plain.__init__)


def test_what_inherits_or_is_given_by_place_is_no_quick_one() -> None:
    class Base:
        __slots__ = ()

    with pytest.raises(TypeError, match="Heir"):

        @quick
        @dataclass(frozen=True, slots=True, kw_only=True)
        class Heir(Base):
            power_w: float

    with pytest.raises(TypeError, match="Placed"):

        @quick
        @dataclass(frozen=True, slots=True)
        class Placed:
            power_w: float
