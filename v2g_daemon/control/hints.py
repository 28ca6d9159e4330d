"""What only a person can do for the plan, and what it is worth: shown from a small amount on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from v2g_daemon.control.departures import is_said_to_be_away
from v2g_daemon.control.fallback import USABLE_PLAN_S
from v2g_daemon.domain.instant import fresh
from v2g_daemon.domain.plan import Plan, StayWorth
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.prospect import Hint, HintKind
from v2g_daemon.domain.readings import EvseStatus
from v2g_daemon.domain.snapshot import Snapshot

LEAST_LACKING_WH = 500.0
ALIKE_MONEY = 0.20


def hints_of(
    status: EvseStatus, vehicle_id: str | None, snapshot: Snapshot, policy: Policy
) -> tuple[Hint, ...]:
    """The hints for the car at one EVSE; while none is there, for the one that was planned last.

    Nobody is told to plug in a car that he said is away.
    """
    plan = next((one for one in snapshot.plans if one.evse_id == status.evse_id), None)
    if plan is None or not fresh(plan.made_at, now=snapshot.now, max_age_s=USABLE_PLAN_S):
        return ()
    if not status.plugged_in:
        if is_said_to_be_away(plan.vehicle_id, snapshot):
            return ()
        found = _plug_in(plan, snapshot, policy)
    elif plan.vehicle_id == vehicle_id:
        found = _for_who_is_here(plan, snapshot, policy)
    else:
        return ()
    return tuple(hint for hint in found if _counts(hint, policy))


def _counts(hint: Hint, policy: Policy) -> bool:
    """Whether a hint is worth somebody's attention; what a trip lacks counts at its price."""
    lacking_kwh = 0.0 if hint.lacking_wh is None else hint.lacking_wh / 1000.0
    worth = 0.0 if hint.high_money is None else hint.high_money
    worth += lacking_kwh * policy.economics.unmet_later_per_kwh
    return worth >= policy.economics.hint_from_money


def _plug_in(plan: Plan, snapshot: Snapshot, policy: Policy) -> Iterator[Hint]:
    """What the next stay is worth: from when the car is expected back, or from now if it is late.

    Where the plan thought that the car would still be here, nobody knows when it comes back; the
    longer that takes, the less is left of what the plan sees.
    """
    now_utc = snapshot.now.utc
    stay = next(
        (slot for slot in plan.slots if slot.plugged_in and slot.interval.end_utc > now_utc), None
    )
    if stay is None or stay.stay is None:
        return
    worth, currency = stay.stay, policy.economics.currency
    low, high = max(worth.low_money, 0.0), max(worth.high_money, 0.0)
    if stay.interval.start_utc > now_utc:
        when = f"when back (about {_wall(stay.interval.start_utc, policy)})"
        amount = _amount(worth, currency)
    elif any(not slot.plugged_in for slot in plan.slots if slot.interval.end_utc <= now_utc):
        when, amount = "now if it is back", _amount(worth, currency)
    else:
        when, amount, low = "when back", f"up to {high:.2f} {currency}", 0.0
    lacks = worth.lacking_wh >= LEAST_LACKING_WH
    lacking = f"; without it the next trip lacks about {worth.lacking_wh / 1000.0:.1f} kWh"
    yield Hint(
        kind=HintKind.PLUG_IN,
        evse_id=plan.evse_id,
        low_money=low,
        high_money=high,
        lacking_wh=worth.lacking_wh if lacks else None,
        said=f"plug in {when}: worth {amount} until it leaves{lacking if lacks else ''}",
    )


def _for_who_is_here(plan: Plan, snapshot: Snapshot, policy: Policy) -> Iterator[Hint]:
    """What is worth telling of the next departure of a car that is here."""
    currency = policy.economics.currency
    if plan.told_money is not None:
        yield Hint(
            kind=HintKind.TELL_DEPARTURE,
            evse_id=plan.evse_id,
            low_money=plan.told_money,
            high_money=plan.told_money,
            lacking_wh=None,
            said=f"tell when it leaves next (v2g leave): knowing it is worth about "
            f"{plan.told_money:.2f} {currency}",
        )
        yield from _long_trip(plan, snapshot, policy)


def _long_trip(plan: Plan, snapshot: Snapshot, policy: Policy) -> Iterator[Hint]:
    """How far the plan reaches where one of the last trips went further."""
    vehicle = next((one for one in policy.vehicles if one.vehicle_id == plan.vehicle_id), None)
    leaving = next(
        (
            here
            for here, later in pairwise(plan.slots)
            if here.plugged_in and not later.plugged_in and here.interval.end_utc > snapshot.now.utc
        ),
        None,
    )
    if vehicle is None or leaving is None or plan.largest_trip_wh is None:
        return
    leaves = _wall(leaving.interval.end_utc, policy)
    covered_wh = max(leaving.soc - vehicle.soc_floor, 0.0) * vehicle.capacity_wh
    lacking_wh = plan.largest_trip_wh - covered_wh
    if lacking_wh < LEAST_LACKING_WH:
        return
    yield Hint(
        kind=HintKind.TELL_LONG_TRIP,
        evse_id=plan.evse_id,
        low_money=None,
        high_money=None,
        lacking_wh=lacking_wh,
        said=f"tell of a long trip (v2g leave): about {leaves} the car holds "
        f"{covered_wh / 1000.0:.0f} kWh above its floor, and its longest trip of late took "
        f"{plan.largest_trip_wh / 1000.0:.0f} kWh",
    )


def _amount(stay: StayWorth, currency: str) -> str:
    """One amount where the likely cases agree, else from one to the other."""
    low, high = max(stay.low_money, 0.0), max(stay.high_money, 0.0)
    if high - low <= ALIKE_MONEY:
        return f"about {max(stay.likely_money, 0.0):.2f} {currency}"
    return f"{low:.2f} to {high:.2f} {currency}"


def _wall(moment_utc: datetime, policy: Policy) -> str:
    """Weekday and wall time of the house."""
    return f"{moment_utc.astimezone(ZoneInfo(policy.timezone)):%a %H:%M}"
