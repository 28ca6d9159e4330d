"""What moved at the meters, and what that says of their wiring (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from v2g_daemon.domain.readings import MeterRole
from v2g_daemon.domain.snapshot import Snapshot

LEAST_LOAD_W = 600.0
STILL_W = 150.0
HALF = 0.5
LARGEST_MISS_W = 300.0
LARGEST_MISS_SHARE = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Powers:
    """The grid meter (import +), its phases where it tells them, and every configured meter."""

    grid_w: float
    phase_w: tuple[float, ...] = ()
    meter_w: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a step found, in a sentence."""

    passed: bool
    detail: str


def powers_of(snapshot: Snapshot) -> Powers | None:
    """What the meters say now; None while the one at the grid says nothing."""
    meter = snapshot.meter
    if meter is None:
        return None
    told = {one.meter_id: one.power_w for one in snapshot.meters if one.power_w is not None}
    return Powers(grid_w=meter.power_w, phase_w=meter.phase_power_w, meter_w=told)


def mean_of(samples: tuple[Powers, ...]) -> Powers:
    """The mean of at least one sample; what some did not tell is left out."""
    count, first = len(samples), samples[0]
    told = all(len(one.phase_w) == len(first.phase_w) for one in samples)
    ids = set(first.meter_w).intersection(*(one.meter_w for one in samples))
    return Powers(
        grid_w=sum(one.grid_w for one in samples) / count,
        phase_w=tuple(
            sum(each) / count for each in zip(*(one.phase_w for one in samples), strict=True)
        )
        if told
        else (),
        meter_w={name: sum(one.meter_w[name] for one in samples) / count for name in sorted(ids)},
    )


def is_still(samples: tuple[Powers, ...]) -> bool:
    """Whether nothing was switched meanwhile."""
    powers_w = [one.grid_w for one in samples]
    return max(powers_w) - min(powers_w) <= STILL_W


def moved(rest: Powers, now: Powers) -> Powers:
    """The difference."""
    same = len(rest.phase_w) == len(now.phase_w)
    return Powers(
        grid_w=now.grid_w - rest.grid_w,
        phase_w=tuple(b - a for a, b in zip(rest.phase_w, now.phase_w, strict=True))
        if same
        else (),
        meter_w={
            name: now.meter_w[name] - rest.meter_w[name]
            for name in now.meter_w
            if name in rest.meter_w
        },
    )


def load_moved(step: Powers) -> bool:
    """Whether a load worth a verdict shows anywhere at the grid meter."""
    return any(abs(power_w) >= LEAST_LOAD_W for power_w in (step.grid_w, *step.phase_w))


def load_verdict(step: Powers) -> Verdict:
    """A load was switched on: its phase must import more."""
    falling = [number for number, power_w in _phases(step) if power_w <= -HALF * LEAST_LOAD_W]
    rising = [number for number, power_w in _phases(step) if power_w >= HALF * LEAST_LOAD_W]
    if falling and (rising or len(falling) == 1):
        return Verdict(passed=False, detail=_reversed_phases(falling, alone=not rising))
    if falling or step.grid_w <= -LEAST_LOAD_W:
        return Verdict(passed=False, detail=f"a load was switched on and {_REVERSED_METER}")
    on = "" if not rising else f" on {_names(rising)}"
    return Verdict(passed=True, detail=f"a load of {step.grid_w:.0f} W shows as import{on}")


def unseen_load(step: Powers, roles: Mapping[str, MeterRole]) -> Verdict:
    """Nothing moved at the grid meter for as long as anybody waits."""
    others = _seen_by(step, roles, LEAST_LOAD_W)
    seen = f"; {_exchanged(others, roles)}" if others else ""
    return Verdict(
        passed=False,
        detail="the meter at the grid shows nothing of a load: it measures something else, such "
        f"as the PV system, or the load was below {LEAST_LOAD_W:.0f} W{seen}",
    )


def car_verdict(
    step: Powers,
    *,
    power_w: float,
    phases: int,
    connected_phase: int,
    roles: Mapping[str, MeterRole],
) -> Verdict:
    """The car charges with `power_w`: the grid meter, on the right phases, must import as much."""
    share_w = power_w if phases == 1 else power_w / 3.0
    own = (connected_phase,) if phases == 1 else (1, 2, 3)
    told = dict(_phases(step))
    falling = [number for number in own if told.get(number, 0.0) <= -HALF * share_w]
    if falling:
        if len(falling) == len(told) or (phases == 3 and len(falling) == 3):
            return Verdict(passed=False, detail=f"the car charges and {_REVERSED_METER}")
        return Verdict(passed=False, detail=_reversed_phases(falling, alone=phases == 1))
    if step.grid_w <= -HALF * power_w:
        return Verdict(passed=False, detail=f"the car charges and {_REVERSED_METER}")
    if abs(step.grid_w) < HALF * power_w and not any(
        abs(one_w) >= HALF * share_w for one_w in step.phase_w
    ):
        return Verdict(passed=False, detail=_blind(step, power_w, roles))
    return _right_phase(step, power_w, own, share_w) or _sum_verdict(step, power_w, roles)


def _right_phase(
    step: Powers, power_w: float, own: tuple[int, ...], share_w: float
) -> Verdict | None:
    elsewhere = [number for number, w in _phases(step) if number not in own and w >= HALF * power_w]
    if len(own) == 1 and elsewhere:
        return Verdict(
            passed=False,
            detail=f"the charger hangs on {_names(elsewhere)} as the meter counts, not on "
            f"L{own[0]}: write charger.connected_phase = {elsewhere[0]}",
        )
    blind = [n for n, w in _phases(step) if n in own and w < HALF * share_w]
    if blind and len(blind) < len(own):
        return Verdict(
            passed=False,
            detail=f"{_names(blind)} shows nothing of the car: its current transformer is missing "
            "or the car charges on fewer phases",
        )
    return None


def _sum_verdict(step: Powers, power_w: float, roles: Mapping[str, MeterRole]) -> Verdict:
    miss_w = abs(step.grid_w - power_w)
    said = f"of {power_w:.0f} W into the car the grid meter shows {step.grid_w:.0f} W"
    if miss_w > max(LARGEST_MISS_W, LARGEST_MISS_SHARE * power_w):
        return Verdict(passed=False, detail=f"{said}: repeat it while nothing else is switched")
    also = [
        name
        for name, one_w in step.meter_w.items()
        if roles.get(name) is not MeterRole.GRID and one_w >= HALF * power_w
    ]
    return Verdict(passed=True, detail=said + (f"; seen also by {', '.join(also)}" if also else ""))


def _blind(step: Powers, power_w: float, roles: Mapping[str, MeterRole]) -> str:
    others = _seen_by(step, roles, HALF * power_w)
    if not others:
        return "no meter shows the car: the one at the grid measures something else"
    return _exchanged(others, roles)


def _seen_by(step: Powers, roles: Mapping[str, MeterRole], least_w: float) -> list[str]:
    """Meters that are neither at the grid nor at the car's own EVSE, and show it all the same."""
    apart = (MeterRole.GRID, MeterRole.EVSE)
    return [
        name
        for name, one_w in step.meter_w.items()
        if roles.get(name) not in apart and abs(one_w) >= least_w
    ]


def _exchanged(others: list[str], roles: Mapping[str, MeterRole]) -> str:
    named = " and ".join(f"{name} (role {roles[name].value!r})" for name in others)
    if any(roles[name] is MeterRole.PV for name in others):
        return (
            f"meter {named} shows it and the grid meter does not: the PV meter was taken for the "
            "grid meter; exchange their roles"
        )
    return f"meter {named} shows it and the grid meter does not: exchange their roles"


_REVERSED_METER = (
    "the grid meter falls: it counts the other way round; exchange its lines in and out, or use a "
    "profile with the other sign"
)


def _reversed_phases(numbers: list[int], *, alone: bool) -> str:
    whole = ", or the whole meter counts the other way round" if alone else ""
    return (
        f"the current transformer on {_names(numbers)} is reversed: its power falls when more is "
        f"drawn; turn it round{whole}"
    )


def _phases(step: Powers) -> tuple[tuple[int, float], ...]:
    return tuple(enumerate(step.phase_w, start=1))


def _names(numbers: list[int]) -> str:
    return " and ".join(f"L{number}" for number in numbers)
