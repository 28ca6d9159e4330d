"""What a departure needs, as people say it: per cent, kilometres, miles or kilowatt hours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

KM_PER_MILE = 1.609344
LONGEST_KM = 2000.0
LARGEST_KWH = 500.0
HOW_TO_SAY_IT = 'say it as "80 %", "120 km", "75 miles" or "20 kWh"'

# A speed (km/h) or a consumption (kWh/100 km) is no need.
_SAID = re.compile(
    r"(?<![\w.,/-])(?<!\d:)(?P<number>\d{1,3}(?P<thousands>[.,'\u2019 \u00a0\u202f]\d{3})|"
    r"\d{1,4}(?:[.,]\d{1,2})?)\s*(?P<unit>%|kwh|km|miles|mi)(?![\w/-])",
    re.IGNORECASE | re.ASCII,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """So much of the pack."""

    soc: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Distance:
    """So far, on what the pack holds above its floor."""

    distance_km: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Energy:
    """So much for driving, above the floor of the pack."""

    energy_wh: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Unclear:
    """What may be meant as a need and is not taken for one; `why`: a text for the user."""

    why: str


Drive = Distance | Energy
Need = Share | Drive


def needs_in(text: str) -> Iterator[Need | Unclear]:
    """Every need that a text speaks of, in its order."""
    for said in _SAID.finditer(text):
        need = _read(said)
        if need is not None:
            yield need


def need_of(text: str) -> Need:
    """The need that a text is; raises ValueError with a text for the user."""
    said = _SAID.fullmatch(text.strip())
    need = None if said is None else _read(said)
    if need is None:
        raise ValueError(f"{text!r} is no need that a car can have; {HOW_TO_SAY_IT}")
    if isinstance(need, Unclear):
        raise ValueError(need.why)
    return need


def says_only_needs(text: str) -> bool:
    """Whether nothing but needs is in it, maybe several."""
    return not _SAID.sub("", text).strip(" ,;\r\n\t")


def _read(said: re.Match[str]) -> Need | Unclear | None:
    """Three digits after a separator are thousands to some and decimals to others."""
    if said["thousands"] is not None:
        return Unclear(
            why=f'"{said[0]}" can be read in two ways; write thousands without a separator, as in '
            '"1200 km", and at most two decimals'
        )
    return _need(float(said["number"].replace(",", ".")), said["unit"].casefold())


def _need(number: float, unit: str) -> Need | None:
    """None where no car can be meant."""
    if number <= 0.0:
        return None
    match unit:
        case "%":
            return Share(soc=number / 100.0) if number <= 100.0 else None
        case "kwh":
            return Energy(energy_wh=number * 1000.0) if number <= LARGEST_KWH else None
        case "km":
            distance_km = number
        case _:
            distance_km = number * KM_PER_MILE
    return Distance(distance_km=distance_km) if distance_km <= LONGEST_KM else None
