"""What the plan in force foretells of quarter hours to come, to be held against what comes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.interval import quarter_hour_start
from v2g_daemon.domain.ledger import ForetoldRow
from v2g_daemon.domain.plan import Plan
from v2g_daemon.domain.quick import replace
from v2g_daemon.step.history import KEPT
from v2g_daemon.step.pasts import Past

LEADS_H = (1, 6, 24)


def foretold(plans: Iterable[Plan], now: Instant, *, stale_s: float) -> tuple[ForetoldRow, ...]:
    """Of the quarter hours some hours after the running one, by the plan that is not stale.

    None of several: each tells of the load that the others leave to it.
    """
    young = [plan for plan in plans if plan.slots and now.seconds_since(plan.made_at) < stale_s]
    if len(young) != 1:
        return ()
    (plan,) = young
    quarter_utc = quarter_hour_start(now.utc)
    return tuple(
        ForetoldRow(start_utc=start_utc, lead_h=lead_h, net_load_w=slot.net_load_w, pv_w=slot.pv_w)
        for lead_h in LEADS_H
        for start_utc in (quarter_utc + timedelta(hours=lead_h),)
        for slot in plan.slots
        if slot.interval.contains(start_utc)
    )


def with_foretold(past: Past, rows: tuple[ForetoldRow, ...], now_utc: datetime) -> Past:
    """The past with these rows, and without those of quarter hours that are forgotten."""
    if not rows:
        return past
    news = {(row.start_utc, row.lead_h) for row in rows}
    kept = tuple(
        row
        for row in past.foretold
        if row.start_utc >= now_utc - KEPT and (row.start_utc, row.lead_h) not in news
    )
    return replace(past, foretold=(*kept, *rows))
