"""What grid programs want of the car in question, as its plan is told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from v2g_daemon.accounting.counters import local_month
from v2g_daemon.domain.interval import Interval
from v2g_daemon.domain.ledger import SessionRow
from v2g_daemon.domain.plan import PlanProblem
from v2g_daemon.domain.programs import AvailabilityPay, Commitment
from v2g_daemon.domain.vehicle import Vehicle


def with_programs(
    problem: PlanProblem, vehicle: Vehicle, sessions: Iterable[SessionRow]
) -> PlanProblem:
    """The problem with the commitments of its hours, and the pay of the months that they lie in.

    A program pays for a car that can discharge; another has none.
    """
    if problem.store.max_discharge_w <= 0.0 or not (vehicle.commitments or vehicle.availability):
        return problem
    now_utc, zone = problem.asked_at.utc, ZoneInfo(problem.timezone)
    end_utc = problem.start_utc
    for length_s in problem.step_s:
        end_utc += timedelta(seconds=length_s)
    horizon = Interval(start_utc=problem.start_utc, end_utc=end_utc)
    return replace(
        problem,
        commitments=_commitments(vehicle, horizon, zone),
        availability=_availability(vehicle, sessions, (now_utc, end_utc), zone),
    )


def _commitments(vehicle: Vehicle, horizon: Interval, zone: ZoneInfo) -> tuple[Commitment, ...]:
    """As they stand in the configuration: of those that overlap, the first has the energy first."""
    return tuple(one for weekly in vehicle.commitments for one in weekly.within(horizon, zone))


def _availability(
    vehicle: Vehicle,
    sessions: Iterable[SessionRow],
    span_utc: tuple[datetime, datetime],
    zone: ZoneInfo,
) -> tuple[AvailabilityPay, ...]:
    now_utc, end_utc = span_utc
    month, found = local_month(now_utc, zone), []
    hours_h = plugged_in_h(sessions, vehicle.vehicle_id, month, now_utc)
    while True:
        found += [
            AvailabilityPay(terms=terms, period=month, plugged_to_date_h=hours_h)
            for terms in vehicle.availability
        ]
        if month.end_utc >= end_utc:
            return tuple(found)
        month, hours_h = local_month(month.end_utc, zone), 0.0


def plugged_in_h(
    sessions: Iterable[SessionRow], vehicle_id: str, period: Interval, now_utc: datetime
) -> float:
    """The hours of a period so far in which a car was plugged in, whatever it held.

    A session lasts to its end, to the next one of this car, or until now.
    """
    theirs = sorted(
        (row for row in sessions if row.vehicle_id == vehicle_id),
        key=lambda row: row.plugged_in_utc,
    )
    until_utc, seconds_s = min(now_utc, period.end_utc), 0.0
    for row in reversed(theirs):
        ends_utc = until_utc if row.plugged_out_utc is None else min(row.plugged_out_utc, until_utc)
        begins_utc = max(row.plugged_in_utc, period.start_utc)
        seconds_s += max((ends_utc - begins_utc).total_seconds(), 0.0)
        until_utc = min(row.plugged_in_utc, until_utc)
    return seconds_s / 3600.0
