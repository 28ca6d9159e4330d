"""The maker's cloud of each car: whether it is plugged in, how full it is, and as of when."""

from __future__ import annotations

from dataclasses import dataclass

from simulators.clock import ScaledClock, iso_from_s
from simulators.faults import CARS, Fault, FaultBoard, cloud_of
from simulators.world import World


class NoSuchCar(Exception):
    """The cloud knows no car of this name."""


class NotServed(Exception):
    """The cloud answers with a status of HTTP and, perhaps, how long to leave it alone."""

    def __init__(self, status: int, text: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True, kw_only=True)
class CarReport:
    """One car as its cloud tells it."""

    plugged_in: bool
    soc: float
    at_s: float


class CarCloud:
    """Answers for the cars of the world; it wakes none of them."""

    def __init__(self, *, world: World, clock: ScaledClock, faults: FaultBoard) -> None:
        """Keep the parts; nothing is told yet."""
        self._world = world
        self._clock = clock
        self._faults = faults
        self._told: dict[str, CarReport] = {}
        self.questions: dict[str, int] = {}

    def faults_of(self, name: str) -> dict[str, Fault]:
        """Return the faults that its cloud shows now, by kind."""
        now_s = self._clock.now_s()
        found = (*self._faults.now(CARS, now_s), *self._faults.now(cloud_of(name), now_s))
        return {fault.kind: fault for fault in found}

    def answer(self, name: str) -> dict[str, object]:
        """Return what the cloud tells of one car."""
        self.questions[name] = self.questions.get(name, 0) + 1
        faults = self.faults_of(name)
        self._refuse(faults)
        report = self._told.get(name) if "stale" in faults else None
        if report is None:
            report = self._seen(name)
            self._told[name] = report
        plugged_in = report.plugged_in != ("lying" in faults)
        return {
            "vehicle": name,
            "charge": {"plugged_in": plugged_in, "soc_percent": round(report.soc * 100.0)},
            "reported_at": iso_from_s(report.at_s),
        }

    def _refuse(self, faults: dict[str, Fault]) -> None:
        if "outage" in faults:
            raise NotServed(503, "service unavailable")
        if "key_refused" in faults:
            raise NotServed(401, "invalid token")
        if "throttled" in faults:
            rest_s = faults["throttled"].parameters.value
            raise NotServed(429, "too many requests", retry_after_s=rest_s)

    def _seen(self, name: str) -> CarReport:
        vehicle = self._world.vehicles.get(name)
        if vehicle is None:
            raise NoSuchCar(f"no car {name!r}; there are {sorted(self._world.vehicles)}")
        now_s = self._clock.now_s()
        self._world.advance_to(now_s)
        return CarReport(
            plugged_in=self._world.outlet_of(vehicle) is not None, soc=vehicle.soc, at_s=now_s
        )
