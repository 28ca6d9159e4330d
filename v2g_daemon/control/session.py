"""The plug-in: what memory belongs to it, which car it is, what it brought, whether it is full."""

from __future__ import annotations

from v2g_daemon.control.identity import stays, vehicle_of
from v2g_daemon.control.vehicle_feed import Witnesses
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.memory import EvseMemory
from v2g_daemon.domain.policy import EvsePolicy, Policy
from v2g_daemon.domain.quick import replace
from v2g_daemon.domain.readings import EvseStatus
from v2g_daemon.domain.snapshot import Snapshot
from v2g_daemon.domain.vehicle import CarAnswer, Vehicle

DRAWING_W = 100.0
OFFER_STANDS_S = 300.0


def of_this_session(memory: EvseMemory, status: EvseStatus, now: Instant) -> EvseMemory:
    """Forget what belonged to another plug-in; a station that is away says nothing about it."""
    if not status.plugged_in:
        return _afresh(memory, None, now) if status.connected else memory
    began_utc = status.plugged_in_at_utc
    if memory.session_id != status.session_id:
        # A plug-in may hold several transactions.
        same = began_utc is not None and began_utc == memory.plugged_in_at_utc
        left_at = memory.left_at
        memory = _afresh(memory, status.session_id, now)
        memory = replace(memory, left_at=left_at) if same else memory
    if memory.plugged_in_at_utc != began_utc:
        memory = replace(memory, plugged_in_at_utc=began_utc)
    if memory.session_base_milliwh is None:
        memory = replace(memory, session_base_milliwh=status.charge_milliwh)
    return memory


def _afresh(memory: EvseMemory, session_id: str | None, now: Instant) -> EvseMemory:
    """What is known of the EVSE itself stays."""
    return EvseMemory(
        evse_id=memory.evse_id,
        session_id=session_id,
        lag_s=memory.lag_s,
        steps_against=memory.steps_against,
        steps_unseen=memory.steps_unseen,
        left_at=memory.left_at if memory.session_id is None else now,
    )


def answer_of(status: EvseStatus, answers: tuple[CarAnswer, ...]) -> CarAnswer | None:
    """The owner's word on the car of this plug-in; one on another plug-in says nothing."""
    if status.session_id is None:
        return None
    found = (
        one
        for one in answers
        if (one.evse_id, one.session_id) == (status.evse_id, status.session_id)
    )
    return max(found, key=lambda one: one.answered_at_utc, default=None)


def witnesses_of(status: EvseStatus, memory: EvseMemory, snapshot: Snapshot) -> Witnesses:
    """Who may say, beside car and badge, which car this plug-in is."""
    return Witnesses(
        now=snapshot.now,
        answer=answer_of(status, snapshot.answers),
        feeds=snapshot.vehicle_feeds,
        left_at=memory.left_at,
        elsewhere=tuple(
            other
            for other in snapshot.evses
            if other.plugged_in and other.evse_id != status.evse_id
        ),
    )


def car_of_this_session(
    status: EvseStatus, memory: EvseMemory, witnesses: Witnesses, policy: Policy
) -> Vehicle | None:
    """A car that named itself in this plug-in stays known while the station is silent about it.

    So does one whose own cloud goes on to say that it is plugged in; it is no longer once that
    cloud says that it is not.
    """
    if not status.plugged_in:
        return None
    vehicle = vehicle_of(status, witnesses, policy)
    # Without a session's name nobody can say that it is still the same plug-in.
    answered = status.session_id is None or witnesses.answer is not None
    if vehicle is not None or answered or memory.vehicle_id is None:
        return vehicle
    known = next((one for one in policy.vehicles if one.vehicle_id == memory.vehicle_id), None)
    return known if known is not None and stays(known, status, witnesses, policy) else None


def car_full(status: EvseStatus, memory: EvseMemory, evse: EvsePolicy, now: Instant) -> bool:
    """Whether the car itself ended a charge that it had begun; it is so until it draws again.

    A car that waits for its own timer has not begun, and the offer has to stand for a while.
    """
    if status.power_w is not None and abs(status.power_w) >= DRAWING_W:
        return False
    if memory.car_full:
        return True
    least_w = max(evse.min_charge_w, DRAWING_W)
    offered = memory.last is not None and memory.last.target_w >= least_w
    standing = (
        memory.changed_at is not None and now.seconds_since(memory.changed_at) >= OFFER_STANDS_S
    )
    return status.car_stopped and offered and standing and charged_wh(memory, status) > 0.0


def charged_wh(memory: EvseMemory, status: EvseStatus) -> float:
    """What this session has charged so far; 0 Wh where no register was read."""
    if memory.session_base_milliwh is None or status.charge_milliwh is None:
        return 0.0
    return max(status.charge_milliwh - memory.session_base_milliwh, 0) / 1000.0
