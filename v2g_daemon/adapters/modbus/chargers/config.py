"""One charger over Modbus, as the house configures it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, tzinfo

from v2g_daemon.adapters.modbus.chargers.energy import NOTHING_COUNTED, Energy
from v2g_daemon.adapters.modbus.chargers.profile import ChargerProfile


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargerConfig:
    """`evse_id` is its name in the house; powers are AC magnitudes, periods (simulated) seconds.

    `connector` 0: found by itself. `watchdog_s` is what is armed in the device; None: it has
    nothing to arm, and its owner has not set it in its menu either, so that it is told only what is
    safe without us. `watches`: it is looked at and never told anything. `start`: the energy
    registers that the ledger holds. `place`: what stands for its serial number where it tells none;
    `simulated`: that number is marked so.
    """

    evse_id: str
    profile: ChargerProfile
    static_safe_w: float
    max_charge_w: float
    max_discharge_w: float
    min_charge_w: float
    min_discharge_w: float
    place: str = ""
    simulated: bool = False
    connector: int = 1
    charge_only: bool = False
    watches: bool = False
    watchdog_s: int | None = None
    period_s: float = 5.0
    resting_period_s: float = 15.0
    settle_s: float = 15.0
    zone: tzinfo = UTC
    start: Energy = NOTHING_COUNTED

    @property
    def ends_by_itself(self) -> bool:
        """Whether a command ends in the device when nobody renews it."""
        return self.watchdog_s is not None

    @property
    def may_discharge(self) -> bool:
        """Whether it may be told to discharge at all."""
        commanded = self.profile.discharge.commanded
        return commanded and self.ends_by_itself and not self.charge_only
