"""What the house knows of one Modbus charger; every change goes to the sink."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from v2g_daemon.adapters.modbus.chargers.config import ChargerConfig
from v2g_daemon.adapters.modbus.chargers.energy import (
    LONGEST_GAP_S,
    AddedUp,
    Energy,
    SessionCounters,
)
from v2g_daemon.adapters.modbus.chargers.profile import Condition
from v2g_daemon.adapters.modbus.chargers.soc import SocBelief
from v2g_daemon.adapters.modbus.chargers.translate import Seen
from v2g_daemon.domain.faults import Fault
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.power import PowerRange
from v2g_daemon.domain.readings import (
    CommandOutcome,
    EvseCapability,
    EvseStatus,
    PowerControl,
    VehicleIdentity,
)
from v2g_daemon.ports import ObservationSink

SIMULATED = "SIM-"


class EvseView:
    """Turns looks into an EvseStatus; a plug-in is a session of its own, a restart begins one."""

    def __init__(self, config: ChargerConfig, sink: ObservationSink) -> None:
        self._config = config
        self._sink = sink
        self.soc = SocBelief(needs_power=config.profile.soc_needs_power)
        self.refused_discharge = False
        self.refuses_all = False
        longest_gap_s = LONGEST_GAP_S if config.watchdog_s is None else float(config.watchdog_s)
        self._added_up = AddedUp(config.start, longest_gap_s=longest_gap_s)
        self._counters = SessionCounters(config.start)
        self._seen: Seen | None = None
        self.status = EvseStatus(evse_id=config.evse_id, connected=False)

    @property
    def plugged_in(self) -> bool:
        """Whether there is a car, as far as is known."""
        return self.status.plugged_in

    def met(self, serial: str | None) -> None:
        """The charger is there, and this is its number; one that has none is known by its place."""
        number = serial or f"{self._config.profile.id}@{self._config.place}"
        if self._config.simulated and not number.startswith(SIMULATED):
            number = f"{SIMULATED}{number}"
        self._publish(connected=True, serial=number)

    def looked(self, seen: Seen, at: Instant) -> None:
        """One look at it."""
        changes: dict[str, Any] = {"connected": True}
        changes |= self._plug(seen, at)
        energy = self._energy(seen, at)
        self._seen = seen
        changes |= {
            "power_w": seen.power_w,
            "power_observed_at": at,
            "charge_milliwh": energy.charge_milliwh,
            "discharge_milliwh": energy.discharge_milliwh,
            "registers_observed_at": at,
            "car_stopped": seen.condition is Condition.CAR_WAITS,
        }
        if seen.evccid is not None:
            changes["identity"] = VehicleIdentity(evccid=seen.evccid)
        believed = self.soc.note(seen.soc, at)
        if believed is not None:
            changes |= {"soc": believed, "soc_observed_at": at}
        self._publish(**changes)

    def answered(self, outcome: CommandOutcome) -> None:
        """What became of a command."""
        self._publish(outcome=outcome)

    def counted(self, *, writes: int, flash_writes: int) -> None:
        """How often it was written to today; wear is only told where each new power wears."""
        wears = any(
            point.wears_flash
            for name, point in self._config.profile.point.items()
            if name == "setpoint_w"
        )
        self.status = replace(
            self.status, writes_today=writes, flash_writes_today=flash_writes if wears else None
        )

    def found_wrong(self, faults: tuple[Fault, ...]) -> None:
        """What is wrong with it now."""
        if faults != self.status.faults:
            self._publish(faults=faults)

    def gone(self) -> None:
        """The last values keep their moments; only the charger is away."""
        if self.status.connected:
            self._publish(connected=False)

    def _plug(self, seen: Seen, at: Instant) -> dict[str, Any]:
        """What a plug-in or a plug-out changes; a charger that failed says nothing of the car."""
        was, now = self.status.plugged_in, seen.plugged_in
        if now is None or now == was:
            return {}
        self.soc.plugged_anew()
        self.refused_discharge = False
        fresh: dict[str, Any] = {
            "plugged_in": now,
            "session_id": None,
            "plugged_in_at_utc": None,
            "identity": None,
            "soc": None,
            "soc_observed_at": None,
            "outcome": None,
        }
        if self.status.session_id is not None:
            fresh["ended_session_id"] = self.status.session_id
        if now:
            fresh["plugged_in_at_utc"] = at.utc
            fresh["session_id"] = f"{self._config.evse_id}:{at.utc:%Y%m%dT%H%M%SZ}"
        return fresh

    def _energy(self, seen: Seen, at: Instant) -> Energy:
        """Its own counters where it has both, else what its power adds up to."""
        charge_wh, discharge_wh = seen.charge_wh, seen.discharge_wh
        if self._config.profile.counters == "none" or charge_wh is None or discharge_wh is None:
            return self._added_up.note(seen.power_w, at)
        if self._config.profile.counters == "session":
            return self._counters.note(charge_wh, discharge_wh)
        return Energy(
            charge_milliwh=round(charge_wh * 1000.0), discharge_milliwh=round(discharge_wh * 1000.0)
        )

    def _publish(self, **changes: Any) -> None:
        self.status = replace(self.status, capability=self._capability(), **changes)
        self._sink.put_evse(self.status)

    def _capability(self) -> EvseCapability:
        """What it can be told now; what cannot end by itself is only told what is safe alone."""
        config, seen = self._config, self._seen
        highest_w, lowest_w = config.max_charge_w, -config.max_discharge_w
        if not config.ends_by_itself:
            highest_w = min(highest_w, config.static_safe_w)
        if seen is not None:
            highest_w = highest_w if seen.highest_w is None else min(highest_w, seen.highest_w)
            lowest_w = lowest_w if seen.lowest_w is None else max(lowest_w, seen.lowest_w)
        if not config.may_discharge or self.refused_discharge:
            lowest_w = 0.0
        failed = seen is not None and seen.condition is Condition.FAILED
        if failed or self.refuses_all:
            highest_w = lowest_w = 0.0
        least_w = (
            config.min_charge_w if seen is None else max(config.min_charge_w, seen.min_charge_w)
        )
        return EvseCapability(
            power=PowerRange(lowest_w=min(lowest_w, 0.0), highest_w=max(highest_w, 0.0)),
            min_charge_w=max(config.min_charge_w, least_w),
            min_discharge_w=config.min_discharge_w,
            control=PowerControl.SIGNED if config.may_discharge else PowerControl.CHARGE_LIMIT,
        )
