"""What grid programs want of a car and pay for it, in words."""

from __future__ import annotations

from collections.abc import Iterator

from v2g_daemon.app.departure_words import days_of
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.programs import AvailabilityTerms, WeeklyCommitment
from v2g_daemon.domain.vehicle import Vehicle


def program_sentences(policy: Policy) -> Iterator[str]:
    """What `v2g check` says of each."""
    currency = policy.economics.currency
    for vehicle in policy.vehicles:
        for commitment in vehicle.commitments:
            yield _promised(vehicle, commitment, currency)
        for terms in vehicle.availability:
            yield _paid(vehicle, terms, currency)


def _promised(vehicle: Vehicle, commitment: WeeklyCommitment, currency: str) -> str:
    sustained = "to the end"
    if commitment.sustained_s is not None:
        sustained = f"for {commitment.sustained_s / 3600.0:g} h at a time"
    return (
        f"Commitment {commitment.name} of {vehicle.vehicle_id}: {days_of(commitment.weekdays)} "
        f"{commitment.starts_at:%H:%M} to {commitment.ends_at:%H:%M}, "
        f"{commitment.discharge_w / 1000.0:g} kW {sustained}; "
        f"{commitment.shortfall_per_kwh:g} {currency} per kWh that could not be given."
    )


def _paid(vehicle: Vehicle, terms: AvailabilityTerms, currency: str) -> str:
    pays: list[str] = []
    if terms.per_plugged_h > 0.0:
        upto = "" if terms.cap_h is None else f" up to {terms.cap_h:g} h"
        pays.append(f"{terms.per_plugged_h:g} {currency} an hour{upto}")
    if terms.bonus_money > 0.0:
        pays.append(f"{terms.bonus_money:g} {currency} from {terms.threshold_h:g} h on")
    return (
        f"Availability pay {terms.name} of {vehicle.vehicle_id}: {' and '.join(pays)}, each month "
        f"for the hours plugged in at {terms.soc_at_least:.0%} or more."
    )
