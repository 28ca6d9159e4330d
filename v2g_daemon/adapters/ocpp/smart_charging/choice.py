"""What to tell: a command as limit, setpoint, idling, or one of the modes a station runs itself."""

from __future__ import annotations

from v2g_daemon.adapters.ocpp.config import LocalFrequency, LocalLoadBalancing
from v2g_daemon.adapters.ocpp.evse import EvseState
from v2g_daemon.adapters.ocpp.provisioning.abilities import outlet
from v2g_daemon.adapters.ocpp.smart_charging.forms import DischargeWay
from v2g_daemon.adapters.ocpp.smart_charging.ladder import RateUnit, Rung
from v2g_daemon.adapters.ocpp.smart_charging.lease import contains
from v2g_daemon.adapters.ocpp.smart_charging.profiles import Outlet, realised_w
from v2g_daemon.adapters.ocpp.smart_charging.telling import (
    CentralSetpoint,
    ChargeLimit,
    FrequencyFollowing,
    Idle,
    LoadBalancing,
    NegativeLimit,
    Told,
    VendorSetpoint,
)
from v2g_daemon.domain.instant import Instant, fresh
from v2g_daemon.domain.power import ONLY_ZERO, PowerRange
from v2g_daemon.domain.readings import PowerControl
from v2g_daemon.domain.setpoint import Setpoint

# So long after the last decision that permitted discharge the wire stays signed: a bound that comes
# and goes with the load must not change the profile's form each time.
SIGNED_LINGERS_S = 600.0


class Choice:
    """Remembers of the commands since when discharge is permitted and since when 0 W is wanted."""

    def __init__(self, evse: EvseState) -> None:
        self._evse = evse
        self._discharge_permitted_at: Instant | None = None
        self._resting_since: Instant | None = None

    def note(self, command: Setpoint) -> None:
        """The newest command."""
        if command.permitted.lowest_w < 0.0:
            self._discharge_permitted_at = command.issued_at
        if command.target_w != 0.0:
            self._resting_since = None
        elif self._resting_since is None:
            self._resting_since = command.issued_at

    def forget(self) -> None:
        """A new connection or a restarted station."""
        self._discharge_permitted_at = self._resting_since = None

    def outlet(self) -> Outlet:
        """The EVSE as its car now uses it."""
        needs, evse = self._evse.needs, self._evse
        return outlet(
            evse.abilities,
            evse.config,
            direct_current=needs is not None and needs.direct_current,
        )

    def told(self, command: Setpoint, now: Instant, rung: Rung) -> Told:
        """The command in the words that this EVSE takes on this rung."""
        forms = self._evse.forms
        target_w = realised_w(self.outlet(), rung, command.target_w)
        if command.probe:
            return self._in_words_of(forms.untried_way, target_w, rung)
        if forms.way is DischargeWay.VENDOR:
            return self._in_words_of(forms.way, target_w, rung)
        if not self._two_way or (forms.way is DischargeWay.SETPOINT and rung.setpoint_kind is None):
            return self._limit(target_w, rung)
        if forms.way is DischargeWay.SETPOINT and self._rests(now, rung):
            asleep = self._evse.config.dialect.evse_sleep and forms.abilities.evse_sleep
            return Idle(evse_sleep=asleep)
        if not fresh(self._discharge_permitted_at, now=now, max_age_s=SIGNED_LINGERS_S):
            # A limit cannot be taken for a discharge.
            return self._limit(target_w, rung)
        if forms.way is DischargeWay.NEGATIVE_LIMIT:
            return self._in_words_of(forms.way, target_w, rung)
        local = self._left_to_station(target_w, rung) if rung.local else None
        if local is not None and contains(command.permitted, local.span):
            return local
        return CentralSetpoint(target_w=target_w, bounds=self._bounds())

    def _in_words_of(self, way: DischargeWay | None, target_w: float, rung: Rung) -> Told:
        words = self._evse.config.dialect.vendor_power
        if way is DischargeWay.VENDOR and words is not None:
            return VendorSetpoint(target_w=target_w, words=words)
        if way is DischargeWay.NEGATIVE_LIMIT and target_w < 0.0:
            return NegativeLimit(target_w=target_w)
        return self._limit(target_w, rung)

    def _limit(self, target_w: float, rung: Rung) -> ChargeLimit:
        """A limit never goes below 0 W, nor above what is safe where nothing surely ends it."""
        limit_w = max(0.0, target_w)
        if not rung.ends:
            limit_w = min(limit_w, self._evse.config.static_safe_w)
        return ChargeLimit(limit_w=limit_w)

    @property
    def _two_way(self) -> bool:
        """Q02.FR.01: an EV that did not ask for both ways is told nothing but limits."""
        capability = self._evse.status.capability
        return capability is not None and capability.control is PowerControl.SIGNED

    def _rests(self, now: Instant, rung: Rung) -> bool:
        """Whether 0 W has been wanted for so long that contactor and electronics may sleep."""
        after_s, since = self._evse.config.dialect.idle_after_s, self._resting_since
        offered = self._evse.abilities.idle and rung.idle and after_s > 0.0
        return offered and since is not None and now.seconds_since(since) >= after_s

    def _left_to_station(
        self, target_w: float, rung: Rung
    ) -> FrequencyFollowing | LoadBalancing | None:
        """A mode of the station's own, where the owner asked for it and the station offers it."""
        abilities, local = self._evse.abilities, self._evse.config.dialect.local
        match local:
            case LocalFrequency() if abilities.local_frequency:
                if rung.rate_unit is not RateUnit.WATT:  # Q08.FR.05
                    return None
                return FrequencyFollowing(target_w=target_w, points=local.points)
            case LocalLoadBalancing() if abilities.local_load_balancing and target_w < 0.0:
                return LoadBalancing(
                    target_w=target_w,
                    range_w=self._range(),
                    bounded=self._evse.config.dialect.setpoint_bounds,
                )
            case _:
                return None

    def _bounds(self) -> PowerRange | None:
        return self._range() if self._evse.config.dialect.setpoint_bounds else None

    def _range(self) -> PowerRange:
        """All that station and car can, which does not change with every command."""
        capability = self._evse.status.capability
        return ONLY_ZERO if capability is None else capability.power
