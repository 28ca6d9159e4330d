"""Power against energy: what the registers say of a power that is absent or contradicts them; pure.

A register is read where it changes, so that its resolution (1 Wh or 100 Wh) does not matter.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

SHORTEST_SPAN_S = 10.0
STANDING_S = 300.0  # a register of 100 Wh steps every 261 s at the least current there is
LONGEST_GAP_S = 900.0
KEPT_STEPS = 64
WATTS_OF_A_MILLIWH_IN_A_SECOND = 3.6
LARGEST_POWER_W = 1e6  # beyond it a register did not count, it was set

# So much energy, in so many told powers, before a power is called contradicted or believed again.
TELLING_MILLIWH = 50_000
TELLING_POWERS = 4
CONTRADICTED = 4.0  # times too much or too little
AGREED = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One sample: seconds of any monotonic clock, power (charge +), net register (charge +)."""

    at_s: float
    power_w: float | None = None
    net_milliwh: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The moment a register was first seen with a new value."""

    at_s: float
    net_milliwh: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerCheck:
    """What one EVSE told lately.

    `doubted`: its power is not to be believed, its register is. `told_milliwh` is what the
    `told_powers` powers since the step `since` amount to.
    """

    doubted: bool = False
    at_s: float | None = None
    power: Told | None = None
    register: Step | None = None
    stood_since_s: float = 0.0
    steps: tuple[Step, ...] = ()
    since: Step | None = None
    told_milliwh: float = 0.0
    told_powers: int = 0

    def afresh(self) -> PowerCheck:
        """Another session: what is known of the station itself stays."""
        return PowerCheck(doubted=self.doubted)

    def after(self, told: Told) -> PowerCheck:
        """The check with one more sample; after a long gap or a jump it begins anew."""
        check = self
        if self.at_s is not None and not 0.0 <= told.at_s - self.at_s <= LONGEST_GAP_S:
            check = self.afresh()
        if _is_jump(check.register, told):
            check = self.afresh()
        check = check._integrated(told)
        return replace(check._counted(told), at_s=told.at_s)

    def by_energy_w(self) -> float | None:
        """The power between two steps at least ten seconds apart, None while there are no two.

        The next step is due by now at that power: each second without it lowers the power, and a
        register that stands is none.
        """
        if self.at_s is None or self.register is None:
            return None
        if self.at_s - self.stood_since_s >= STANDING_S:
            return 0.0
        if len(self.steps) < 2:
            return None
        newest = self.steps[-1]
        apart = (one for one in reversed(self.steps) if newest.at_s - one.at_s >= SHORTEST_SPAN_S)
        before = next(apart, None)
        if before is None:
            return None
        power_w = _power_w(newest.net_milliwh - before.net_milliwh, newest.at_s - before.at_s)
        waited_s = self.at_s - newest.at_s
        if waited_s <= 0.0:
            return power_w
        step_milliwh = abs(newest.net_milliwh - self.steps[-2].net_milliwh)
        bound_w = _power_w(step_milliwh, waited_s)
        return max(-bound_w, min(power_w, bound_w))

    def _integrated(self, told: Told) -> PowerCheck:
        """The told powers as energy since the reference step, by trapezoids."""
        if told.power_w is None:
            return self
        before = self.power
        if before is None or before.power_w is None:
            return replace(self, power=told)
        mean_w = (before.power_w + told.power_w) / 2.0
        more_milliwh = mean_w * (told.at_s - before.at_s) / WATTS_OF_A_MILLIWH_IN_A_SECOND
        return replace(
            self,
            power=told,
            told_milliwh=self.told_milliwh + more_milliwh,
            told_powers=self.told_powers + 1,
        )

    def _counted(self, told: Told) -> PowerCheck:
        """A register that moved makes a step; the first value is none, it may have stood long."""
        if told.net_milliwh is None:
            return self
        before, now = self.register, Step(at_s=told.at_s, net_milliwh=told.net_milliwh)
        if before is None:
            return replace(self, register=now, stood_since_s=now.at_s)
        if before.net_milliwh == now.net_milliwh:
            return replace(self, register=now)
        check = replace(
            self, register=now, stood_since_s=now.at_s, steps=(*self.steps, now)[-KEPT_STEPS:]
        )
        if self.since is None:
            return replace(check, since=now, told_milliwh=0.0, told_powers=0)
        moved = now.net_milliwh - self.since.net_milliwh
        coarse = abs(now.net_milliwh - before.net_milliwh)
        if abs(moved) < max(TELLING_MILLIWH, 2 * coarse) or self.told_powers < TELLING_POWERS:
            return check
        same_way = self.told_milliwh if moved > 0 else -self.told_milliwh
        times = AGREED if self.doubted else CONTRADICTED
        # After a turn of the direction a register is known to one of its steps only.
        agrees = (abs(moved) - coarse) / times <= same_way <= (abs(moved) + coarse) * times
        return replace(check, doubted=not agrees, since=now, told_milliwh=0.0, told_powers=0)


def _is_jump(before: Step | None, told: Told) -> bool:
    """Whether a register moved further than any device could have moved it."""
    if before is None or told.net_milliwh is None:
        return False
    span_s = max(told.at_s - before.at_s, 1.0)
    return abs(_power_w(told.net_milliwh - before.net_milliwh, span_s)) > LARGEST_POWER_W


def _power_w(moved_milliwh: int, span_s: float) -> float:
    return moved_milliwh * WATTS_OF_A_MILLIWH_IN_A_SECOND / span_s
