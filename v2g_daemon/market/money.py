"""The money of one step, written once for dispatch (float) and optimiser (array)."""

from __future__ import annotations

from typing import Protocol, Self, TypeVar


class Arithmetic(Protocol):
    """What a float and an array of floats have in common."""

    def __sub__(self, other: Self, /) -> Self: ...
    def __mul__(self, other: Self, /) -> Self: ...
    def __rmul__(self, other: float, /) -> Self: ...


N = TypeVar("N", bound=Arithmetic)


def net_cost(*, import_w: N, export_w: N, hours: float, import_per_kwh: N, export_per_kwh: N) -> N:
    """Money paid for mean PCC powers (both >= 0) over `hours`; negative is earned."""
    return hours / 1000.0 * (import_w * import_per_kwh - export_w * export_per_kwh)
