"""[[vehicle.commitment]] and [[vehicle.availability]]: what grid programs want of a car and pay."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import time
from typing import Annotated

from pydantic import Field

from v2g_daemon.domain.programs import AvailabilityTerms, WeeklyCommitment
from v2g_daemon.settings.complaint import Complaint
from v2g_daemon.settings.departures import EVERY_DAY, Weekday, weekday_numbers
from v2g_daemon.settings.section import Fraction, NotNegative, Positive, Section

LONGEST_MONTH_H = 31 * 24 + 1


class CommitmentSection(Section):
    """[[vehicle.commitment]]: capacity promised in weekly hours of local wall time, AC W."""

    name: Annotated[str, Field(min_length=1)]
    starts_at: time
    ends_at: time
    discharge_w: Positive
    shortfall_per_kwh: Positive
    sustained_s: Positive | None = None
    weekdays: Annotated[tuple[Weekday, ...], Field(min_length=1)] = EVERY_DAY


class AvailabilitySection(Section):
    """[[vehicle.availability]]: what a calendar month's plugged hours are paid."""

    name: Annotated[str, Field(min_length=1)]
    per_plugged_h: NotNegative = 0.0
    cap_h: Positive | None = None
    bonus: NotNegative = 0.0
    threshold_h: Annotated[float, Field(ge=0.0, le=LONGEST_MONTH_H)] = 0.0
    soc_at_least: Fraction | None = None


def commitment(section: CommitmentSection) -> WeeklyCommitment:
    """The commitment as the step knows it."""
    return WeeklyCommitment(
        name=section.name,
        weekdays=weekday_numbers(section.weekdays),
        starts_at=section.starts_at,
        ends_at=section.ends_at,
        discharge_w=section.discharge_w,
        sustained_s=section.sustained_s,
        shortfall_per_kwh=section.shortfall_per_kwh,
    )


def availability(section: AvailabilitySection, *, soc_floor: float) -> AvailabilityTerms:
    """The terms as a plan knows them; the least SoC, if they name none, is the car's floor."""
    return AvailabilityTerms(
        name=section.name,
        soc_at_least=soc_floor if section.soc_at_least is None else section.soc_at_least,
        per_plugged_h=section.per_plugged_h,
        cap_h=section.cap_h,
        bonus_money=section.bonus,
        threshold_h=section.threshold_h,
    )


def program_complaints(
    key: str,
    commitments: tuple[CommitmentSection, ...],
    availability: tuple[AvailabilitySection, ...],
) -> Iterator[Complaint]:
    """What cannot hold together in the programs of one vehicle."""
    for number, one in enumerate(commitments):
        yield from _times(one, f"{key}.commitment[{number}]")
    for number, pay in enumerate(availability):
        yield from _pay(pay, f"{key}.availability[{number}]")


def _times(section: CommitmentSection, key: str) -> Iterator[Complaint]:
    for name, wall in (("starts_at", section.starts_at), ("ends_at", section.ends_at)):
        if wall.tzinfo is not None:
            yield Complaint(
                key=f"{key}.{name}",
                value=repr(wall.isoformat()),
                problem="a wall time has no offset",
                fix='write it as "17:00"',
            )


def _pay(section: AvailabilitySection, key: str) -> Iterator[Complaint]:
    if section.per_plugged_h == 0.0 and section.bonus == 0.0:
        yield Complaint(
            key=key, value=None, problem="pays nothing", fix="give per_plugged_h, or bonus"
        )
    if (section.bonus > 0.0) != (section.threshold_h > 0.0):
        name = "threshold_h" if section.bonus > 0.0 else "bonus"
        yield Complaint(
            key=f"{key}.{name}",
            value=None,
            problem="bonus and threshold_h say nothing without each other",
            fix=f"add {name}",
        )
    if section.cap_h is not None and section.per_plugged_h == 0.0:
        yield Complaint(
            key=f"{key}.cap_h",
            value=f"{section.cap_h:g}",
            problem="says nothing without per_plugged_h",
            fix="add per_plugged_h, or remove it",
        )
