"""The public holidays of a country, as dates for a tariff."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date

from v2g_daemon.domain.errors import ConfigurationError

YEARS = range(2000, 2061)


def public_holidays(
    country: str, subdivision: str, *, only: Collection[str], years: Iterable[int] = YEARS
) -> frozenset[date]:
    """All of a country and its subdivision, or `only` those of these English names.

    ConfigurationError where country, subdivision or a name is not known.
    """
    # The library takes 28 MB: only a tariff with holidays loads it.
    import holidays

    known = holidays.list_supported_countries()
    if country not in known or (subdivision and subdivision not in known[country]):
        raise ConfigurationError(
            f"tariff.holidays: no holidays are known of {country} {subdivision}".rstrip()
            + "; write the codes of ISO 3166, or the dates"
        )
    found = holidays.country_holidays(
        country, subdiv=subdivision or None, years=years, language="en_US"
    )
    if not only:
        return frozenset(found)
    names = {name for names in found.values() for name in names.split("; ")}
    for name in only:
        if name not in names:
            raise ConfigurationError(
                f"tariff.holidays.only = {name!r}: no such holiday; known are "
                + ", ".join(sorted(names))
            )
    return frozenset(day for day, held in found.items() if set(held.split("; ")) & set(only))
