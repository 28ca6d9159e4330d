"""The powers of past quarter hours as columns; a row that holds no number is refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite

import numpy as np

from v2g_daemon.domain.errors import ProblemRefused
from v2g_daemon.domain.plan import HistoryDay, HistoryRow
from v2g_daemon.domain.same import Same
from v2g_daemon.planning.case import Bools, Floats, Ints
from v2g_daemon.planning.wall import QUARTER_S, posix_seconds

# The days of a house, and those that the present one was as it grew.
DAYS_KEPT = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class PastPowers:
    """Past quarter hours as columns."""

    start_s: Ints
    net_load_w: Floats
    pv_w: Floats

    def where(self, chosen: Bools) -> PastPowers:
        """The chosen rows."""
        if bool(chosen.all()):
            return self
        return PastPowers(
            start_s=self.start_s[chosen],
            net_load_w=self.net_load_w[chosen],
            pv_w=self.pv_w[chosen],
        )


def past_powers(history: Sequence[HistoryDay]) -> tuple[PastPowers, Bools]:
    """The rows as columns, and where PV is known (elsewhere it reads 0).

    Raises ProblemRefused with the first complaint.
    """
    days = [_powers_of(Same(day)) for day in history if day]
    pv_w = np.concatenate([day.pv_w for day in days])
    known = ~np.isnan(pv_w)
    past = PastPowers(
        start_s=np.concatenate([day.start_s for day in days]),
        net_load_w=np.concatenate([day.net_load_w for day in days]),
        pv_w=np.where(known, pv_w, 0.0),
    )
    return past, known


@lru_cache(maxsize=DAYS_KEPT)
def _powers_of(same: Same[HistoryDay]) -> PastPowers:
    """The rows of a day as columns; a PV that is not known (None) reads NaN."""
    day = same.value
    net_load_w = np.array([row.net_load_w for row in day], dtype=np.float64)
    metered_w = [row.pv_w for row in day]
    pv_w = np.array(metered_w, dtype=np.float64)
    no_number = np.isinf(pv_w).any() or int(np.isnan(pv_w).sum()) > metered_w.count(None)
    if no_number or not np.isfinite(net_load_w).all():
        raise ProblemRefused(next(_complaints(day)))
    return PastPowers(start_s=_starts_s(day), net_load_w=net_load_w, pv_w=pv_w)


def _starts_s(rows: Sequence[HistoryRow]) -> Ints:
    """When the quarter hours began; they come in order, and without a gap they are but counted."""
    first_s, last_s = (int(row.start_utc.timestamp()) for row in (rows[0], rows[-1]))
    if last_s - first_s == QUARTER_S * (len(rows) - 1):
        return first_s + QUARTER_S * np.arange(len(rows), dtype=np.int64)
    return posix_seconds([row.start_utc for row in rows])


def _complaints(rows: Sequence[HistoryRow]) -> Iterator[str]:
    """What is wrong with each row that holds no number."""
    for row in rows:
        for name, value in (("net load", row.net_load_w), ("PV", row.pv_w)):
            if value is not None and not isfinite(value):
                yield f"the {name} at {row.start_utc} is {value}: it must be a number"
