"""Energy registers of a charger that never fall: its own counters, or its power added up.

Both go on from what the ledger holds, so that a restart resets nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from v2g_daemon.domain.instant import Instant

LONGEST_GAP_S = 60.0  # where nothing is armed


@dataclass(frozen=True, slots=True, kw_only=True)
class Energy:
    """Two registers in milliwatt-hours."""

    charge_milliwh: int = 0
    discharge_milliwh: int = 0


NOTHING_COUNTED = Energy()


class AddedUp:
    """A charger without counters: each look adds what flowed since the one before.

    `longest_gap_s`: after so long a silence the device has ended the command by itself.
    """

    def __init__(self, start: Energy, *, longest_gap_s: float) -> None:
        self._longest_gap_s = longest_gap_s
        self._charge_milliwh = float(start.charge_milliwh)
        self._discharge_milliwh = float(start.discharge_milliwh)
        self._before: tuple[float, Instant] | None = None

    def note(self, power_w: float, at: Instant) -> Energy:
        """The registers after this look; a silence counts no more than its longest gap."""
        if self._before is not None:
            before_w, before_at = self._before
            passed_s = max(at.seconds_since(before_at), 0.0)
            if passed_s > self._longest_gap_s:
                self._add(before_w, before_w, self._longest_gap_s)
            else:
                self._add(before_w, power_w, passed_s)
        self._before = (power_w, at)
        return Energy(
            charge_milliwh=round(self._charge_milliwh),
            discharge_milliwh=round(self._discharge_milliwh),
        )

    def _add(self, start_w: float, end_w: float, seconds_s: float) -> None:
        """A straight line between two powers, cut where it crosses 0 W."""
        if start_w * end_w < 0.0:
            share = start_w / (start_w - end_w)
            self._add(start_w, 0.0, seconds_s * share)
            self._add(0.0, end_w, seconds_s * (1.0 - share))
            return
        milliwh = (start_w + end_w) / 2.0 * seconds_s / 3.6
        if milliwh >= 0.0:
            self._charge_milliwh += milliwh
        else:
            self._discharge_milliwh -= milliwh


class SessionCounters:
    """Counters that begin at 0 with each session: a fall is a new one."""

    def __init__(self, start: Energy) -> None:
        self._total = start
        self._before: Energy | None = None

    def note(self, charge_wh: float, discharge_wh: float) -> Energy:
        """The registers after this look; the first of all only says where they stand."""
        now = Energy(
            charge_milliwh=round(charge_wh * 1000.0), discharge_milliwh=round(discharge_wh * 1000.0)
        )
        before = self._before
        if before is not None:
            self._total = Energy(
                charge_milliwh=self._total.charge_milliwh
                + _risen(before.charge_milliwh, now.charge_milliwh),
                discharge_milliwh=self._total.discharge_milliwh
                + _risen(before.discharge_milliwh, now.discharge_milliwh),
            )
        self._before = now
        return self._total


def _risen(before: int, now: int) -> int:
    return now - before if now >= before else now
