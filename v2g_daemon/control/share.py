"""Site limits are shared among EVSEs: each gets a part of the site's room as a limit of its own."""

from __future__ import annotations

from dataclasses import dataclass

from v2g_daemon.domain.power import PowerRange, total_w
from v2g_daemon.domain.quick import quick, replace
from v2g_daemon.domain.setpoint import Authority, Limit


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What one EVSE wants inside its own limits, and on whose authority.

    Less than `least_w` (a positive magnitude) in that direction is of no use to it.
    """

    wanted_w: float
    least_w: float
    authority: Authority


def share(limits: tuple[Limit, ...], claims: tuple[Claim, ...]) -> tuple[tuple[Limit, ...], ...]:
    """For each claim the site limits cut to its part; one EVSE gets them whole.

    Charging parts sum to at most the site's highest power, discharging parts to at most its
    lowest: room made by one EVSE's discharge is never lent to another.
    """
    if len(claims) == 1:
        return (limits,)
    parts = [_parts(limit.permitted, claims) for limit in limits]
    return tuple(
        tuple(
            replace(limit, permitted=part[index]) for limit, part in zip(limits, parts, strict=True)
        )
        for index in range(len(claims))
    )


def _parts(permitted: PowerRange, claims: tuple[Claim, ...]) -> list[PowerRange]:
    highest = _divide(permitted.highest_w, tuple(max(c.wanted_w, 0.0) for c in claims), claims)
    lowest = _divide(-permitted.lowest_w, tuple(max(-c.wanted_w, 0.0) for c in claims), claims)
    return [
        PowerRange(lowest_w=-low_w, highest_w=high_w)
        for low_w, high_w in zip(lowest, highest, strict=True)
    ]


def _divide(
    room_w: float, wanted_w: tuple[float, ...], claims: tuple[Claim, ...]
) -> tuple[float, ...]:
    """Higher authority first, then in proportion, the rest evenly; never more than the room."""
    left_w = room_w
    granted_w = [0.0] * len(claims)
    for authority in sorted({claim.authority for claim in claims}, reverse=True):
        members = [i for i, claim in enumerate(claims) if claim.authority == authority]
        members = _served(left_w, members, wanted_w, claims)
        asked_w = total_w(wanted_w[i] for i in members)
        if asked_w <= 0.0:
            continue
        scale = min(left_w / asked_w, 1.0)
        for i in members:
            granted_w[i] = min(wanted_w[i] * scale, left_w)
            left_w = max(left_w - granted_w[i], 0.0)
    rest_w = left_w / len(claims) if claims else 0.0
    return tuple(power_w + rest_w for power_w in granted_w)


def _served(
    room_w: float, members: list[int], wanted_w: tuple[float, ...], claims: tuple[Claim, ...]
) -> list[int]:
    """Those whose part is of use: one too small for its charger goes to the ones before it."""
    members = [i for i in members if wanted_w[i] > 0.0]
    while len(members) > 1:
        scale = room_w / total_w(wanted_w[i] for i in members)
        starved = [i for i in members if scale < 1.0 and wanted_w[i] * scale < claims[i].least_w]
        if not starved:
            break
        members.remove(starved[-1])
    return members
