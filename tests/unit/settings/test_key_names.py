"""What the sections promise of their keys: the domain's names, and units."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import pytest

from v2g_daemon.domain.goals import WeeklyDeparture
from v2g_daemon.domain.loss import LossCurve
from v2g_daemon.domain.policy import Cadence, Economics, EvsePolicy, ExportDepth, GridConnection
from v2g_daemon.domain.programs import AvailabilityTerms, WeeklyCommitment
from v2g_daemon.domain.vehicle import Vehicle, WarrantyTerms
from v2g_daemon.settings import sections
from v2g_daemon.settings.charger_sections import ChargerCadence, Loss
from v2g_daemon.settings.departures import Departure
from v2g_daemon.settings.programs import AvailabilitySection, CommitmentSection
from v2g_daemon.settings.section import Section

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

# What no key says: it is derived, or always the same.
NOT_WRITTEN = {
    "currency",
    "export_wear_factor",
    "has_meter",
    "hysteresis_soc",
    "margin_share",
    "margin_w",
    "wanted_for_s",
}


@pytest.mark.parametrize(
    ("section", "known_as"),
    [
        (sections.Site, GridConnection),
        (sections.Charger, EvsePolicy),
        (Loss, LossCurve),
        (ChargerCadence, Cadence),
        (sections.Vehicle, Vehicle),
        (sections.Warranty, WarrantyTerms),
        (CommitmentSection, WeeklyCommitment),
        (AvailabilitySection, AvailabilityTerms),
        (Departure, WeeklyDeparture),
        (sections.Export, ExportDepth),
        (sections.EconomicsSection, Economics),
    ],
)
def test_a_key_has_the_domains_name_or_is_told_as_an_exception(
    section: type[Section], known_as: type[DataclassInstance]
) -> None:
    others = {field.name for field in fields(known_as)} - set(section.model_fields) - NOT_WRITTEN
    promise = str(sections.__doc__)
    assert [name for name in others if f"`{name}`" not in promise] == []


def test_economics_says_the_unit_of_a_key_whose_name_does_not() -> None:
    promise = str(sections.EconomicsSection.__doc__)
    assert "per kWh." not in promise.splitlines()[0]
    keys = sections.EconomicsSection.model_fields
    nameless = [key for key in keys if not key.endswith("_per_kwh")]
    assert [key for key in nameless if f"`{key}`" not in promise] == []
