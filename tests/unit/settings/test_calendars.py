"""[[calendar]]: where it is, what it is refused for, and that no secret is shown."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.unit.settings.files import SMALLEST, after, written
from v2g_daemon.adapters.system.clock import RealClock
from v2g_daemon.app.calendars import (
    bare_calendars,
    calendar_lines,
    calendar_sentences,
    calendar_tasks,
)
from v2g_daemon.domain.errors import ConfigurationError
from v2g_daemon.runtime.latest_values import LatestValues
from v2g_daemon.settings import Settings, exposed_secrets, load_settings

URL = 'url = "https://calendar.example/private-7f3a/basic.ics"'


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("V2G_PASSWORD_GARAGE", "secret-word")


def loaded(folder: Path, *lines: str, text: str = SMALLEST) -> Settings:
    body = "".join(f"{line}\n" for line in ('id = "family"', *lines))
    return load_settings(written(folder, f"{text}[[calendar]]\n{body}"))


def test_a_calendar_needs_no_more_than_an_address(tmp_path: Path) -> None:
    settings = loaded(tmp_path, URL)
    (said,) = calendar_sentences(settings)
    assert said == (
        "Calendar family: events with 'car' or 'EV' in the title are departures of car, with the "
        "car's ceiling unless they say more; read from its address every 15 min."
    )
    assert "private-7f3a" not in repr(settings.calendar[0].address)
    tasks = calendar_tasks(settings, RealClock(), LatestValues(evse_ids=()))
    assert list(tasks) == ["calendar family"]


def test_a_house_without_a_calendar_has_no_task_for_it(tmp_path: Path) -> None:
    settings = load_settings(written(tmp_path))
    assert calendar_tasks(settings, RealClock(), LatestValues(evse_ids=())) == {}


def test_an_address_that_is_a_secret_stands_in_a_file_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "family.url"
    file.write_text("webcal://calendar.example/private-7f3a/basic.ics\n")
    file.chmod(0o644)
    settings = loaded(tmp_path, 'url_file = "family.url"')
    address = settings.calendar[0].address
    assert address is not None
    assert address.get_secret_value() == "webcal://calendar.example/private-7f3a/basic.ics"
    (exposed,) = exposed_secrets(tmp_path / "house.toml", settings)
    assert exposed.startswith(f"{file} holds a token and everybody")
    assert list(bare_calendars(settings)) == []


def test_an_address_in_plain_text_is_warned_of(tmp_path: Path) -> None:
    settings = loaded(tmp_path, 'url = "http://192.168.1.9/family.ics"')
    assert "are sent unencrypted" in next(bare_calendars(settings))


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ((), "calendar[0].url: a calendar is in one place, and CalDAV at an address; give one of"),
        ((URL, 'file = "x.ics"'), "calendar[0].file: a calendar is in one place"),
        (('kind = "caldav"', 'file = "x.ics"'), "CalDAV at an address"),
        (('url = "https://me:word@calendar.example/x"',), "calendar[0].url = "),
        (('url = "ftp://calendar.example/x"',), "calendar[0].url = "),
        ((URL, 'user = "me"'), "user and password_file belong together"),
        ((URL, 'password = "word"'), "is not written here; name a password_file"),
        ((URL, 'need = "far"'), 'say it as "80 %", "120 km"'),
        ((URL, 'need = "80 km"'), "add consumption_wh_per_km to its [[vehicle]]"),
        ((URL, 'vehicle = "bus"'), "calendar[0].vehicle = 'bus': no vehicle has this id"),
        ((URL, "words = []"), "calendar[0].words"),
        ((URL, "period_s = 10"), "calendar[0].period_s = 10"),
        ((URL, 'all_day_from = "07:00Z"'), "a wall time has no offset"),
        (('url_file = "none.url"',), "calendar[0].url_file = 'none.url': cannot be read"),
        (('url_file = "house.toml"',), "calendar[0].url_file = 'house.toml': holds no address"),
    ],
)
def test_what_cannot_be_is_refused_with_key_and_fix(
    tmp_path: Path, lines: tuple[str, ...], said: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        loaded(tmp_path, *lines)
    assert said in str(refused.value)


def test_the_id_of_a_calendar_is_its_own(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="another calendar has this id"):
        loaded(tmp_path, URL, "[[calendar]]", 'id = "family"', URL)


async def test_the_doctor_reads_each_once(tmp_path: Path) -> None:
    known = after("[vehicle]", "consumption_wh_per_km = 200")
    settings = loaded(tmp_path, 'file = "family.ics"', 'need = "80 km"', text=known)
    (missing,) = [finding async for finding in calendar_lines(settings)]
    assert "cannot be read (FileNotFoundError)" in missing.text
    text = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nEND:VCALENDAR\r\n"
    await asyncio.to_thread((tmp_path / "family.ics").write_text, text)
    (found,) = [finding async for finding in calendar_lines(settings)]
    assert "speaks of 0 departures" in found.text
