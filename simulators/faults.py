"""Which device says no, how and until when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from types import MappingProxyType

from simulators.switches import (
    CAR_CLOUD_SWITCHES,
    METER_SWITCHES,
    PRICE_SWITCHES,
    STATION_SWITCHES,
    USUAL,
    Parameters,
    Switches,
)

METER = "meter"
PRICES = "prices"
CARS = "cars"  # the cloud of all cars; "cars/NAME" is that of one
USUAL_SWITCHES: Mapping[str, Switches] = {
    METER: METER_SWITCHES,
    PRICES: PRICE_SWITCHES,
    CARS: CAR_CLOUD_SWITCHES,
}
NONE_KNOWN: Mapping[str, Switches] = MappingProxyType({})


def cloud_of(name: str) -> str:
    """Return the device that is one car's cloud."""
    return f"{CARS}/{name}"


def switches_of(device: str, *, known: Mapping[str, Switches] = NONE_KNOWN) -> Switches:
    """Return the ways a device knows to fail; a name that is not known is a station's."""
    usual = CARS if device.startswith(cloud_of("")) else device
    return known.get(device, USUAL_SWITCHES.get(usual, STATION_SWITCHES))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One device misbehaving in [from_s, until_s) of simulated time; None = for ever."""

    device: str
    kind: str
    from_s: float
    until_s: float | None
    parameters: Parameters = USUAL

    def active_at(self, at_s: float) -> bool:
        """Say whether the fault is there at an instant."""
        return self.from_s <= at_s and (self.until_s is None or at_s < self.until_s)


def mistake(
    device: str,
    kind: str,
    given: Mapping[str, str | float | None],
    *,
    known: Mapping[str, Switches] = NONE_KNOWN,
) -> str | None:
    """Return what is wrong with a fault that somebody asks for, None if nothing."""
    switches = switches_of(device, known=known)
    if kind not in switches:
        return f"{device} knows {sorted(switches)}, not {kind!r}"
    surplus = sorted(set(given) - set(switches[kind].takes))
    if surplus:
        takes = sorted(switches[kind].takes) or "no parameter"
        return f"{kind} does not take {', '.join(surplus)}; it takes {takes}"
    return None


def fault_of(
    device: str,
    kind: str,
    given: Mapping[str, str | float | None],
    *,
    from_s: float,
    for_s: float | None,
    known: Mapping[str, Switches] = NONE_KNOWN,
) -> Fault:
    """Return a fault with its parameters: those given, else the switch's, else the usual."""
    chosen = {**asdict(Parameters()), **switches_of(device, known=known)[kind].takes, **given}
    return Fault(
        device=device,
        kind=kind,
        from_s=from_s,
        until_s=None if for_s is None else from_s + for_s,
        parameters=Parameters(**chosen),
    )


@dataclass(slots=True)
class FaultBoard:
    """All faults, planned by the scenario or set while running."""

    faults: list[Fault] = field(default_factory=list)

    def add(self, fault: Fault) -> None:
        """Plan or start a fault."""
        self.faults.append(fault)

    def clear(self, device: str) -> None:
        """Forget every fault of a device."""
        self.faults = [fault for fault in self.faults if fault.device != device]

    def now(self, device: str, at_s: float) -> tuple[Fault, ...]:
        """Return the faults of a device at an instant, the oldest first."""
        return tuple(
            fault for fault in self.faults if fault.device == device and fault.active_at(at_s)
        )

    def active(self, device: str, at_s: float) -> frozenset[str]:
        """Return the kinds a device shows at an instant."""
        return frozenset(fault.kind for fault in self.now(device, at_s))

    def take(self, device: str, kind: str, at_s: float) -> bool:
        """Consume a fault that happens once, such as a reboot."""
        due = [fault for fault in self.now(device, at_s) if fault.kind == kind]
        self.faults = [fault for fault in self.faults if fault not in due]
        return due != []

    def next_edge_s(self, device: str, at_s: float) -> float | None:
        """Return when a fault of a device next begins or ends by itself."""
        edges = [
            edge_s
            for fault in self.faults
            if fault.device == device
            for edge_s in (fault.from_s, fault.until_s)
            if edge_s is not None and edge_s > at_s
        ]
        return min(edges, default=None)
