"""Cars with a will of their own: what they take of a demand."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from simulators.faults import Fault
from simulators.vehicle import Vehicle


def taken_w(faults: Sequence[Fault], vehicle: Vehicle, demand_w: float) -> float:
    """Return what a car takes of a demand, or gives."""
    for fault in faults:
        refuses = _REFUSALS.get(fault.kind)
        if refuses is not None and refuses(fault, vehicle, demand_w):
            return 0.0
    return demand_w


def _is_full(fault: Fault, vehicle: Vehicle, demand_w: float) -> bool:
    return demand_w > 0.0 and vehicle.soc * 100.0 >= fault.parameters.value


def _waits(_fault: Fault, _vehicle: Vehicle, _demand_w: float) -> bool:
    return True


_REFUSALS: dict[str, Callable[[Fault, Vehicle, float], bool]] = {
    "car_full": _is_full,
    "car_timer": _waits,
}
