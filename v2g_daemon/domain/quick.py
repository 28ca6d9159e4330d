"""Frozen dataclasses of which thousands are made, made and changed in a third of the time or less.

A frozen dataclass sets each field through `object.__setattr__`, which a tick of the house does
hundreds of times. While an instance of a `quick` one is being made, it is of a twin class
with the same slots and nothing that refuses an assignment; then it is frozen as any other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, Field, fields
from dataclasses import replace as replace_any
from typing import TYPE_CHECKING, Any, TypeVar

__all__ = ["quick", "replace"]

T = TypeVar("T")


def quick(cls: type[T]) -> type[T]:
    """Make instances of a frozen dataclass sooner; nothing else about it changes.

    It has slots, inherits nothing and takes all its fields as keywords (TypeError).
    """
    plain: type[Any] = cls
    known = fields(plain)
    if cls.__bases__ != (object,) or not all(one.kw_only and one.init for one in known):
        raise TypeError(f"{cls.__name__} inherits, or has a field that is no keyword")
    twin = type(cls.__name__, (), {"__slots__": plain.__slots__, "__module__": cls.__module__})
    names: dict[str, Any] = {"_cls": cls, "_twin": twin, "_missing": MISSING}
    names |= {"_become": object.__setattr__, "_bare": object.__new__}
    names |= {f"_{one.name}": one.default for one in known}
    names |= {f"_make_{one.name}": one.default_factory for one in known}
    # As dataclasses do, and of the names of fields alone.
    exec("\n".join(_source(known, checked=hasattr(cls, "__post_init__"))), names)  # noqa: S102
    init = names["__init__"]
    init.__annotations__ = plain.__init__.__annotations__
    init.__qualname__ = plain.__init__.__qualname__
    plain.__init__, plain.__replace__ = init, names["__replace__"]
    return cls


def _source(known: tuple[Field[Any], ...], *, checked: bool) -> Iterator[str]:
    """Two functions: one makes an instance, one makes one that differs from another."""
    yield f"def __init__(self, *, {', '.join(map(_parameter, known))}):"
    yield "    _become(self, '__class__', _twin)"
    for one in known:
        name, made = one.name, one.default_factory is not MISSING
        yield f"    self.{name} = {f'_make_{name}() if {name} is _missing else ' * made}{name}"
    yield "    self.__class__ = _cls"
    if checked:
        yield "    self.__post_init__()"
    yield "def __replace__(self, /, **changes):"
    yield "    new = _bare(_twin)"
    yield from (f"    new.{one.name} = self.{one.name}" for one in known)
    yield "    for name, value in changes.items():"
    yield "        setattr(new, name, value)"
    yield "    new.__class__ = _cls"
    if checked:
        yield "    new.__post_init__()"
    yield "    return new"


def _parameter(one: Field[Any]) -> str:
    needed = one.default is MISSING and one.default_factory is MISSING
    return one.name if needed else f"{one.name}=_{one.name}"


if TYPE_CHECKING:
    from dataclasses import replace
else:

    def replace(old: T, /, **changes: object) -> T:
        """As `dataclasses.replace`, and sooner where the class is quick."""
        changed = getattr(type(old), "__replace__", None)
        return replace_any(old, **changes) if changed is None else changed(old, **changes)
