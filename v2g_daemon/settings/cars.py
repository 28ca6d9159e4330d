"""What a section that is about a car must say of it, and know of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from v2g_daemon.settings.complaint import Complaint

Cars = Sequence[tuple[str, float | None]]
"""The vehicles' ids, and what each takes per km as far as it is known."""


def whose(vehicle: str | None, key: str, cars: Cars) -> Iterator[Complaint]:
    """Whose it is must be told where there are several, and be a car of the house."""
    known = [name for name, _ in cars]
    if vehicle is None and len(known) > 1:
        problem = "is missing, and there is more than one vehicle"
    elif vehicle is not None and vehicle not in known:
        problem = "no vehicle has this id"
    else:
        return
    yield Complaint(
        key=f"{key}.vehicle",
        value=None if vehicle is None else repr(vehicle),
        problem=problem,
        fix=f"name one of {', '.join(known)}",
    )


def unknown_consumption(
    vehicle: str | None, key: str, value: str, cars: Cars
) -> Iterator[Complaint]:
    """A distance says nothing of a car whose consumption nobody told."""
    named = vehicle if vehicle is not None else next((name for name, _ in cars), "")
    if dict(cars).get(named, 0.0) is None:
        yield Complaint(
            key=key,
            value=value,
            problem="nobody knows what this car takes per km",
            fix="add consumption_wh_per_km to its [[vehicle]], such as 180",
        )
