"""Tariffs as the parts need them: the rules of a file or a house, with their holidays as dates."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from v2g_daemon.adapters.calendars.public_holidays import public_holidays
from v2g_daemon.domain.errors import ConfigurationError
from v2g_daemon.market.tariff import TariffBook
from v2g_daemon.settings import Settings
from v2g_daemon.settings.tariff_file import load_tariff
from v2g_daemon.settings.tariff_rules import to_book
from v2g_daemon.settings.tariff_sections import HolidaysSection, TariffSection, timezone_of


def book_of(settings: Settings) -> TariffBook:
    """The tariff of a house."""
    return to_book(settings.tariff, timezone=settings.timezone, holidays=dates_of)


def load_book(name: str) -> TariffBook:
    """The tariff of a file, by its path or by the name of a shipped one; ConfigurationError."""
    return book_of_versions(load_tariff(name), file=name)


def book_of_versions(versions: Sequence[TariffSection], *, file: str) -> TariffBook:
    """The tariff of a file's versions, which tell their time zone; ConfigurationError names it."""
    try:
        return to_book(versions, timezone=timezone_of(versions) or "UTC", holidays=dates_of)
    except ConfigurationError as error:
        raise ConfigurationError(f"{file}: {error}") from error


def dates_of(section: HolidaysSection) -> frozenset[date]:
    """The dates of a [tariff.holidays]."""
    found = frozenset(section.dates)
    if section.country:
        found |= public_holidays(section.country, section.subdivision, only=section.only)
    return found
