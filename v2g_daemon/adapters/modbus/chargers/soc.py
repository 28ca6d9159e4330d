"""Which SoC readings of a charger are believed, and when it is worth looking for one.

Some chargers tell 0 while nothing flows, and now and then 1 % in the middle of a charge.
"""

from __future__ import annotations

from v2g_daemon.domain.instant import Instant

SURE_FROM, SURE_TO = 0.02, 0.97
PERSISTS_S = 60.0
SAME = 0.015
LOOK_FOR_S = 60.0
LOOK_AGAIN_S = 1800.0
LOOK_W = 1.0  # enough for the car to tell, and for nothing else


class SocBelief:
    """What is known of the SoC in this plug-in.

    `needs_power`: the charger tells none while nothing flows, so that a charge of 1 W for up to a
    minute asks for it.
    """

    def __init__(self, *, needs_power: bool) -> None:
        self._needs_power = needs_power
        self._believed: float | None = None
        self._doubted: tuple[float, Instant] | None = None
        self._looking_since: Instant | None = None

    def plugged_anew(self) -> None:
        """Another car, or the same one after a trip."""
        self._believed = self._doubted = self._looking_since = None

    def note(self, soc: float | None, now: Instant) -> float | None:
        """The reading, if it can be believed; the edges only if they stand for a minute."""
        if soc is None or not 0.0 < soc <= 1.0:
            self._doubted = None
            return None
        if not SURE_FROM <= soc <= SURE_TO:
            if self._doubted is None or abs(self._doubted[0] - soc) > SAME:
                self._doubted = (soc, now)
            if now.seconds_since(self._doubted[1]) < PERSISTS_S:
                return None
        else:
            self._doubted = None
        self._believed = soc
        return soc

    def wants_power(self, now: Instant) -> bool:
        """Whether the least charge should flow, so that the car tells its SoC."""
        if not self._needs_power or self._believed is not None:
            return False
        since = self._looking_since
        if since is None or now.seconds_since(since) >= LOOK_AGAIN_S:
            self._looking_since = since = now
        return now.seconds_since(since) < LOOK_FOR_S
