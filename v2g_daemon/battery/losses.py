"""The loss between AC at the EVSE and the pack, written once for floats and arrays."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import Protocol, Self, TypeVar

from v2g_daemon.domain.loss import LossCurve


class Arithmetic(Protocol):
    """What a float and an array of floats have in common."""

    def __neg__(self) -> Self: ...
    def __radd__(self, other: float, /) -> Self: ...
    def __rsub__(self, other: float, /) -> Self: ...
    def __add__(self, other: Self, /) -> Self: ...
    def __mul__(self, other: Self, /) -> Self: ...
    def __rmul__(self, other: float, /) -> Self: ...
    def __truediv__(self, other: float, /) -> Self: ...


N = TypeVar("N", bound=Arithmetic)


def active_loss_w(magnitude_w: N, curve: LossCurve) -> N:
    """Loss in W of an active charger at |P| = `magnitude_w` > 0, in either direction."""
    return (
        curve.constant_w
        + curve.linear * magnitude_w
        + curve.quadratic_per_w * magnitude_w * magnitude_w
    )


def pack_power_w(ac_power_w: float, curve: LossCurve) -> float:
    """Power into the pack (+) or out of it (−) for a signed AC power; 0 W is idle, without loss."""
    if ac_power_w == 0.0:
        return 0.0
    return ac_power_w - active_loss_w(abs(ac_power_w), curve)


def ac_power_w(pack_w: float, curve: LossCurve) -> float:
    """The AC power that puts `pack_w` into (+) or takes it out of (−) the pack.

    Inverse of `pack_power_w`; a discharge smaller than the constant loss needs 0 W.
    """
    if pack_w == 0.0:
        return 0.0
    if pack_w > 0.0:
        return charging_w(pack_w, curve, _root)
    out_w = -pack_w - curve.constant_w
    return 0.0 if out_w <= 0.0 else -drawing_w(out_w, curve, _root)


def charging_w(into_w: N, curve: LossCurve, root: Callable[[N], N]) -> N:
    """The AC power that puts `into_w` > 0 into the pack; `root` is the square root, 0 below 0."""
    return _positive_root(
        -curve.quadratic_per_w, 1.0 - curve.linear, -curve.constant_w - into_w, root
    )


def drawing_w(out_w: N, curve: LossCurve, root: Callable[[N], N]) -> N:
    """The AC power that takes out of the pack `out_w` > 0 more than its constant loss."""
    return _positive_root(curve.quadratic_per_w, 1.0 + curve.linear, -out_w, root)


def _positive_root(a: float, b: float, c: N, root: Callable[[N], N]) -> N:
    """The smaller positive root of a·x² + b·x + c; the vertex where there is none."""
    if a == 0.0:
        return -c / b
    return (-b + root(b * b - 4.0 * a * c)) / (2.0 * a)


def _root(square: float) -> float:
    return sqrt(max(square, 0.0))
