"""A value looked up as the very object that it is, however slow it would be to compare."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")


class Same(Generic[T]):
    """Equal to another one that holds the same object, and to nothing else.

    What is handed on from tick to tick as it is, such as the rows of a day that is over, need not
    be worked through again: a function of it keeps what it found under this (`lru_cache`).
    """

    __slots__ = ("value",)

    def __init__(self, value: T) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.value is other.value

    def __hash__(self) -> int:
        return object.__hash__(self.value)
