"""The live values of one EVSE: samples of any order and clock, believed as far as they can be."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from v2g_daemon.adapters.ocpp.metering.meter_values import Sample
from v2g_daemon.adapters.ocpp.metering.power_check import PowerCheck, Told
from v2g_daemon.adapters.ocpp.metering.register_base import RegisterBase
from v2g_daemon.adapters.ocpp.metering.stamps import Stamps
from v2g_daemon.adapters.ocpp.wire.codec import JsonObject
from v2g_daemon.domain.instant import Instant

POWER_SILENT_S = 60.0
# A car that says so after a restart was seen to hold 65 %: it has to stand by it.
LOW_SOC = 0.02
LOW_SOC_STANDS_S = 60.0


class Telemetry:
    """Turns samples into values with the moment they are of."""

    def __init__(self) -> None:
        self._stamps = Stamps()
        self._check = PowerCheck()
        self._charge = RegisterBase()
        self._discharge = RegisterBase()
        self._power_told_at: Instant | None = None
        self._low_soc_since: Instant | None = None

    @property
    def power_doubted(self) -> bool:
        """Whether the station's power contradicts its registers."""
        return self._check.doubted

    @property
    def bases(self) -> JsonObject:
        """What has to be added to the station's registers, to be remembered over a restart."""
        return {"charge": self._charge.added, "discharge": self._discharge.added}

    def recall(self, bases: JsonObject) -> None:
        """What an earlier run remembered."""
        self._charge = RegisterBase(added=int(bases["charge"]))
        self._discharge = RegisterBase(added=int(bases["discharge"]))

    def transaction_began(self) -> None:
        """Registers may begin anew, and the car's values with them."""
        self._charge = self._charge.transaction_began()
        self._discharge = self._discharge.transaction_began()
        self.emptied()

    def emptied(self) -> None:
        """No car: nothing of it is compared with what the next one does."""
        self._check = self._check.afresh()
        self._power_told_at = None
        self._low_soc_since = None

    def values(
        self, sample: Sample | None, at_utc: datetime | None, now: Instant
    ) -> dict[str, Any]:
        """What a sample changes of the status; nothing where a newer one was seen before."""
        if sample is None:
            return {}
        at = self._stamps.taken_at(sample.sampled_at_utc or at_utc, now)
        if at is None:
            return {}
        values = self._registers(sample, at)
        power_w = self._power_w(sample, at)
        if power_w is not None:
            values |= {"power_w": power_w, "power_observed_at": at}
        soc = self._soc(sample.soc, at)
        if soc is not None:
            values |= {"soc": soc, "soc_observed_at": at}
        return values

    def _registers(self, sample: Sample, at: Instant) -> dict[str, Any]:
        values: dict[str, Any] = {}
        if sample.charge_milliwh is not None:
            self._charge = self._charge.after(sample.charge_milliwh)
            values["charge_milliwh"] = self._charge.value
        if sample.discharge_milliwh is not None:
            self._discharge = self._discharge.after(sample.discharge_milliwh)
            values["discharge_milliwh"] = self._discharge.value
        if values:
            values["registers_observed_at"] = at
        return values

    def _power_w(self, sample: Sample, at: Instant) -> float | None:
        """The power told, unless the registers contradict it or it is not told at all."""
        net_milliwh = None
        if sample.charge_milliwh is not None or sample.discharge_milliwh is not None:
            net_milliwh = (self._charge.value or 0) - (self._discharge.value or 0)
        told = Told(at_s=at.monotonic_s, power_w=sample.power_w, net_milliwh=net_milliwh)
        self._check = self._check.after(told)
        if sample.power_w is not None:
            self._power_told_at = at
        told_at = self._power_told_at
        silent = told_at is None or at.seconds_since(told_at) > POWER_SILENT_S
        return self._check.by_energy_w() if silent or self.power_doubted else sample.power_w

    def _soc(self, soc: float | None, at: Instant) -> float | None:
        """A nearly empty pack is believed once it has been told for a minute."""
        if soc is None:
            return None
        if soc > LOW_SOC:
            self._low_soc_since = None
            return soc
        since = self._low_soc_since or at
        self._low_soc_since = since
        return soc if at.seconds_since(since) >= LOW_SOC_STANDS_S else None
