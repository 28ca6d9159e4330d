"""How an energy came about between two readings: a step from one measured power to another.

Loads, cars and chargers switch; a line between two readings would smear the switching over both.
"""

from __future__ import annotations

from dataclasses import dataclass

from v2g_daemon.domain.quick import quick

MILLIWH_PER_WS = 1.0 / 3.6


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """`energy_milliwh` (> 0) that flowed at `before_w` for `step_s`, then at `after_w`."""

    energy_milliwh: int
    step_s: float
    before_w: float
    after_w: float

    def part(self, upto_s: float) -> float:
        """The part (0–1) of the energy that had flowed `upto_s` after the first reading."""
        before_s = min(upto_s, self.step_s)
        flowed_ws = self.before_w * before_s + self.after_w * (upto_s - before_s)
        return min(max(flowed_ws * MILLIWH_PER_WS / self.energy_milliwh, 0.0), 1.0)


def course(energy_milliwh: int, *, before_w: float, after_w: float, span_s: float) -> Course | None:
    """The one step between the two powers (W, both ≥ 0) that explains the energy, or None.

    The step's moment solves E = before × step + after × (span − step).
    """
    if energy_milliwh <= 0 or before_w == after_w:
        return None
    energy_ws = energy_milliwh / MILLIWH_PER_WS
    step_s = (energy_ws - after_w * span_s) / (before_w - after_w)
    if not 0.0 <= step_s <= span_s:
        return None
    return Course(
        energy_milliwh=energy_milliwh,
        step_s=step_s,
        before_w=before_w,
        after_w=after_w,
    )


def courses(
    milliwh: tuple[int, int], *, before_w: float | None, after_w: float | None, span_s: float
) -> tuple[Course | None, Course | None]:
    """The courses of a register pair from the device's signed power (positive: the first's)."""
    if before_w is None or after_w is None:
        return None, None
    first, second = milliwh
    return (
        course(first, before_w=max(before_w, 0.0), after_w=max(after_w, 0.0), span_s=span_s),
        course(second, before_w=max(-before_w, 0.0), after_w=max(-after_w, 0.0), span_s=span_s),
    )
