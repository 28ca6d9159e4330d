"""[[calendar]]: calendars whose events are departures; none is needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import time
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from v2g_daemon.domain.errors import ConfigurationError
from v2g_daemon.domain.needs import Distance, need_of
from v2g_daemon.settings.cars import Cars, unknown_consumption, whose
from v2g_daemon.settings.complaint import Complaint
from v2g_daemon.settings.secret_files import OnlyInAFile, secret_in
from v2g_daemon.settings.section import Name, Positive, Section

SHORTEST_PERIOD_S = 60.0
_ADDRESS = r"^(https?|webcal)://[^@#\s]+$"


class CalendarSection(Section):
    """[[calendar]]: read every `period_s`; events with one of the words in their title count."""

    id: Name
    kind: Literal["ics", "caldav"] = "ics"
    url: Annotated[str, Field(pattern=_ADDRESS)] | None = None
    url_file: Path | None = None
    file: Path | None = None
    user: str | None = None
    password_file: Path | None = None
    vehicle: Name | None = None
    words: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(min_length=1)] = (
        "car",
        "EV",
    )
    need: str | None = None
    all_day_from: time = time(7, 0)
    period_s: Annotated[float, Field(ge=SHORTEST_PERIOD_S)] = 900.0
    timeout_s: Positive = 20.0
    address: OnlyInAFile = None
    password: OnlyInAFile = None

    @field_validator("need")
    @classmethod
    def _said(cls, need: str | None) -> str | None:
        if need is not None:
            need_of(need)
        return need


def calendar_complaints(calendars: Sequence[CalendarSection], cars: Cars) -> Iterator[Complaint]:
    """What cannot hold together."""
    for number, one in enumerate(calendars):
        key = f"calendar[{number}]"
        if one.id in [earlier.id for earlier in calendars[:number]]:
            yield Complaint(
                key=f"{key}.id",
                value=repr(one.id),
                problem="another calendar has this id",
                fix="give each its own",
            )
        yield from _places(one, key)
        yield from whose(one.vehicle, key, cars)
        if one.need is not None and isinstance(need_of(one.need), Distance):
            yield from unknown_consumption(one.vehicle, f"{key}.need", repr(one.need), cars)


def _places(one: CalendarSection, key: str) -> Iterator[Complaint]:
    """It is in one place, and a password goes to somebody who is asked, encrypted."""
    places = [name for name in ("url", "url_file", "file") if getattr(one, name) is not None]
    if len(places) != 1 or (one.kind == "caldav" and places == ["file"]):
        yield Complaint(
            key=f"{key}.{places[-1] if places else 'url'}",
            value=None,
            problem="a calendar is in one place, and CalDAV at an address",
            fix="give one of url, url_file (for a secret address) and file",
        )
    if (one.user is None) != (one.password_file is None) or (one.user and one.file is not None):
        yield Complaint(
            key=f"{key}.password_file",
            value=None if one.password_file is None else repr(str(one.password_file)),
            problem="user and password_file belong together, and to an address",
            fix="give both or none",
        )
    if one.all_day_from.tzinfo is not None:
        yield Complaint(
            key=f"{key}.all_day_from",
            value=repr(one.all_day_from.isoformat()),
            problem="a wall time has no offset",
            fix='write it as "07:00"',
        )


def with_secrets(one: CalendarSection, number: int, path: Path) -> CalendarSection:
    """The calendar with address and password read, and its file beside the configuration."""
    key, read = f"calendar[{number}]", dict[str, object]()
    if one.url_file is not None:
        where = f"{key}.url_file"
        address = secret_in(one.url_file, where=where, what="the calendar's address", config=path)
        if urlsplit(address.get_secret_value()).scheme not in ("https", "http", "webcal"):
            raise ConfigurationError(
                f"{path}: {where} = {str(one.url_file)!r}: holds no address; write one such as "
                "https://calendar.example/private.ics into that file"
            )
        read["address"] = address
    elif one.url is not None:
        read["address"] = SecretStr(one.url)
    if one.password_file is not None:
        read["password"] = secret_in(
            one.password_file,
            where=f"{key}.password_file",
            what="the calendar's password",
            config=path,
        )
    if one.file is not None:
        read["file"] = path.parent / one.file
    return one.model_copy(update=read)
