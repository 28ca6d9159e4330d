"""When samples were taken, by stamps that come late, out of order, or from a wrong clock."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

from v2g_daemon.domain.instant import Instant

# A stamp further off than this tells of the station's clock, not of the moment.
CLOCK_TOLERANCE = timedelta(seconds=300)
REMEMBERED_WAYS = 16


class Stamps:
    """The stamps of one source."""

    def __init__(self) -> None:
        self._ways_s: deque[float] = deque(maxlen=REMEMBERED_WAYS)
        self._newest_utc: datetime | None = None

    def taken_at(self, stamp_utc: datetime | None, now: Instant) -> Instant | None:
        """The moment of a sample; None where a newer one was seen before.

        It is earlier than now by what its way took longer than the quickest lately: so a station's
        clock may be wrong, as long as it runs.
        """
        if stamp_utc is None:
            return now
        newest_utc = self._newest_utc
        believed = newest_utc is not None and newest_utc <= now.utc + CLOCK_TOLERANCE
        if believed and newest_utc is not None and stamp_utc < newest_utc:
            return None
        self._newest_utc = stamp_utc
        way_s = (now.utc - stamp_utc).total_seconds()
        self._ways_s.append(way_s)
        delay_s = way_s - min(self._ways_s)
        return now.later(-delay_s) if delay_s <= CLOCK_TOLERANCE.total_seconds() else now
