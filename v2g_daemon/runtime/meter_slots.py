"""The newest reading of each configured meter, and what the house makes of all of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from v2g_daemon.domain.instant import Instant, fresh
from v2g_daemon.domain.readings import EvseStatus, MeterReading, MeterRole, MeterStatus
from v2g_daemon.runtime.translate import produced_w


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterSlot:
    """One configured meter.

    `evse_id`: the EVSE that it measures. `upstream_of`: the EVSE whose station tells of the PCC.
    `place`: profile and link, which stand for a serial number where the meter tells none.
    """

    meter_id: str
    role: MeterRole
    max_age_s: float
    evse_id: str | None = None
    upstream_of: str | None = None
    place: str | None = None


class MeterSlots:
    """One writer per meter; of several at the PCC the first is first choice."""

    def __init__(self, slots: Iterable[MeterSlot]) -> None:
        self._slots = {slot.meter_id: slot for slot in slots}
        self._readings: dict[str, MeterReading] = {}
        self._troubles: dict[str, str | None] = {}
        self._serials: dict[str, str] = {}
        self._registers: dict[str, MeterReading] = {}

    def put(self, meter_id: str, reading: MeterReading) -> None:
        """The newest reading; KeyError for a meter that is not configured."""
        if meter_id not in self._slots:
            raise KeyError(meter_id)
        self._readings[meter_id] = reading
        if reading.import_milliwh is not None and reading.export_milliwh is not None:
            self._registers[meter_id] = reading
        if reading.serial is not None:
            self._serials[meter_id] = reading.serial

    def put_upstream(self, evse_id: str, reading: MeterReading) -> None:
        """A reading that an EVSE's station took at the PCC, if a slot wants it."""
        for slot in self._slots.values():
            if slot.upstream_of == evse_id:
                self.put(slot.meter_id, reading)

    def put_trouble(self, meter_id: str, trouble: str | None) -> None:
        """What is wrong with a meter now; None: nothing any more."""
        self._troubles[meter_id] = trouble

    def at_pcc(self, now: Instant) -> MeterReading | None:
        """The reading of the first meter that is fresh, else the newest one of all.

        A second choice lends its power and never its counters, which are another device's.
        """
        ids = [slot.meter_id for slot in self._slots.values() if slot.role is MeterRole.GRID]
        read = [meter_id for meter_id in ids if meter_id in self._readings]
        chosen = next((one for one in read if self._is_fresh(one, now)), None)
        if chosen is None:
            if not read:
                return None
            chosen = max(read, key=lambda one: self._readings[one].observed_at.monotonic_s)
        reading = self._readings[chosen]
        if chosen != ids[0]:
            return replace(reading, import_milliwh=None, export_milliwh=None)
        return self._with_registers(chosen, reading)

    def produced_w(self, now: Instant) -> float | None:
        """What the roof gives, positive; None unless every PV meter is fresh."""
        flows = self._flows(MeterRole.PV, now)
        return None if not flows else produced_w(sum(flows))

    def battery_w(self, now: Instant) -> float | None:
        """What flows into the home battery; None unless every battery meter is fresh."""
        flows = self._flows(MeterRole.BATTERY, now)
        return None if not flows else sum(flows)

    def with_measured_power(self, status: EvseStatus, now: Instant) -> EvseStatus:
        """The status with the power of the EVSE's own meter where that is the newer one."""
        for slot in self._slots.values():
            if slot.evse_id != status.evse_id or not self._is_fresh(slot.meter_id, now):
                continue
            reading = self._readings[slot.meter_id]
            told_at = status.power_observed_at
            if told_at is None or reading.observed_at.seconds_since(told_at) > 0.0:
                return replace(
                    status, power_w=reading.power_w, power_observed_at=reading.observed_at
                )
        return status

    def statuses(self, now: Instant) -> tuple[MeterStatus, ...]:
        """Every configured meter as it stands."""
        return tuple(
            MeterStatus(
                meter_id=meter_id,
                role=slot.role,
                power_w=self._readings[meter_id].power_w if self._is_fresh(meter_id, now) else None,
                serial=self._known_by(meter_id),
                trouble=self._troubles.get(meter_id),
            )
            for meter_id, slot in self._slots.items()
        )

    def taken(self) -> None:
        """A tick has seen the counters; the next ones are new."""
        self._registers.clear()

    def _known_by(self, meter_id: str) -> str | None:
        """Its serial number; the place of a meter that was read and told none."""
        place = self._slots[meter_id].place if meter_id in self._readings else None
        return self._serials.get(meter_id, place)

    def _with_registers(self, meter_id: str, reading: MeterReading) -> MeterReading:
        """Counters are read more seldom than power: those since the last tick go along."""
        counted = self._registers.get(meter_id)
        if counted is None or reading.import_milliwh is not None:
            return reading
        return replace(
            reading, import_milliwh=counted.import_milliwh, export_milliwh=counted.export_milliwh
        )

    def _flows(self, role: MeterRole, now: Instant) -> list[float]:
        """The power of each meter of a role; none unless all are fresh."""
        ids = [slot.meter_id for slot in self._slots.values() if slot.role is role]
        if not all(self._is_fresh(meter_id, now) for meter_id in ids):
            return []
        return [self._readings[meter_id].power_w for meter_id in ids]

    def _is_fresh(self, meter_id: str, now: Instant) -> bool:
        reading = self._readings.get(meter_id)
        observed_at = None if reading is None else reading.observed_at
        return fresh(observed_at, now=now, max_age_s=self._slots[meter_id].max_age_s)
