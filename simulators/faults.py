"""Which device says no, how and until when; every device has several ways."""

from __future__ import annotations

from dataclasses import dataclass, field

from simulators.modbus.mischief import LINE_KINDS

METER = "meter"
PRICES = "prices"

# What the registers hold, and whether the port is open; the rest happens on the line.
REGISTER_KINDS = frozenset(
    {"frozen", "not_implemented", "zeros", "ones", "word_order", "sign", "refuses"}
)
METER_KINDS = REGISTER_KINDS | LINE_KINDS
PRICE_KINDS = frozenset({"outage", "garbage", "partial", "unpublished", "nulls", "hangs"})
STATION_KINDS = frozenset(
    {
        "rejects_profiles",
        "accepts_and_ignores",
        "silent",
        "black_hole",
        "sign_flip",
        "reboot",
        "drop_link",
        "no_soc",
        "needs_rejected",
    }
)


def kinds_of(device: str) -> frozenset[str]:
    """Return the faults a device knows; any other name is a station's."""
    return {METER: METER_KINDS, PRICES: PRICE_KINDS}.get(device, STATION_KINDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One device misbehaving in [from_s, until_s) of simulated time; None = for ever."""

    device: str
    kind: str
    from_s: float
    until_s: float | None

    def active_at(self, at_s: float) -> bool:
        """Say whether the fault is there at an instant."""
        return self.from_s <= at_s and (self.until_s is None or at_s < self.until_s)


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

    def active(self, device: str, at_s: float) -> frozenset[str]:
        """Return the kinds a device shows at an instant."""
        return frozenset(
            fault.kind for fault in self.faults if fault.device == device and fault.active_at(at_s)
        )

    def take(self, device: str, kind: str, at_s: float) -> bool:
        """Consume a fault that happens once, such as a reboot."""
        due = [
            fault
            for fault in self.faults
            if (fault.device, fault.kind) == (device, kind) and fault.active_at(at_s)
        ]
        self.faults = [fault for fault in self.faults if fault not in due]
        return due != []
