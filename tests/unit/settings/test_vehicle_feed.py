"""[vehicle.feed]: its defaults, its token, and what cannot hold together."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.settings.files import SMALLEST, written
from v2g_daemon.app.check import check
from v2g_daemon.app.vehicle_feeds import feed_sources
from v2g_daemon.domain.errors import ConfigurationError
from v2g_daemon.settings import load_settings

FEED = """\
[vehicle.feed]
url = "{url}"
{more}
[vehicle.feed.answer]
plugged_in = "/state"
{words}
"""
URL = "https://cars.example/v1/leaf?vin=W0L0"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("V2G_PASSWORD_GARAGE", "secret-word")


def a_house(folder: Path, *, url: str = URL, more: str = "", words: str = "") -> Path:
    feed = FEED.format(url=url, more=more, words=words)
    return written(folder, SMALLEST.replace("[tariff]\n", f"{feed}[tariff]\n"))


def test_a_feed_is_asked_kindly_by_default(tmp_path: Path) -> None:
    (source,) = feed_sources(load_settings(a_house(tmp_path)))
    assert (source.vehicle_id, source.url, source.headers) == ("car", URL, {})
    assert (source.period_s, source.quiet_period_s, source.timeout_s) == (300.0, 900.0, 10.0)
    assert source.pointers.plugged_in_when == (True,)
    assert source.pointers.unplugged_when == (False,)
    assert source.pointers.observed_at is None


def test_its_words_are_told_apart_by_kind(tmp_path: Path) -> None:
    words = 'plugged_in_when = ["on", 1, true]\nunplugged_when = ["off", 0, false]'
    (source,) = feed_sources(load_settings(a_house(tmp_path, words=words)))
    assert [type(one) for one in source.pointers.plugged_in_when] == [str, int, bool]
    assert source.pointers.unplugged_when == ("off", 0, False)


def test_its_token_comes_from_a_file_and_is_never_shown(tmp_path: Path) -> None:
    (tmp_path / "leaf.token").write_text("t0ken\n", encoding="utf-8")
    path = a_house(tmp_path, more='token_file = "leaf.token"')
    settings = load_settings(path)
    (source,) = feed_sources(settings)
    assert source.headers == {"Authorization": "Bearer t0ken"}
    assert "t0ken" not in f"{source!r} {settings!r} {settings.model_dump_json()} {check(path).text}"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"url": "ftp://cars.example"}, "vehicle[0].feed.url = 'ftp://cars.example'"),
        ({"url": "https://me:secret@cars.example"}, "vehicle[0].feed.url"),
        ({"more": "period_s = 59"}, "vehicle[0].feed.period_s = 59"),
        ({"more": "quiet_period_s = 200"}, "quiet_period_s = 200: is below period_s = 300"),
        ({"more": 'token = "t0ken"'}, "feed.token = (not shown): is not written here"),
        ({"more": 'token_file = "none.token"'}, "vehicle[0].feed.token_file = 'none.token'"),
        ({"more": "every = 5"}, "vehicle[0].feed.every = 5: unknown key"),
        ({"words": 'plugged_in_when = "on"'}, "vehicle[0].feed.answer.plugged_in_when"),
        ({"words": "plugged_in_when = []"}, "vehicle[0].feed.answer.plugged_in_when"),
        ({"words": "plugged_in_when = [false]"}, "False: stands in plugged_in_when, too"),
        ({"words": 'observed_at = "at"'}, "vehicle[0].feed.answer.observed_at = 'at'"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, given: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(a_house(tmp_path, **given))
    assert said in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (" \n", "is empty; write the cloud's token into that file"),
        ("two\nlines", "holds no token of one line"),
        ("no ascii: é", "holds no token of one line"),
    ],
)
def test_a_file_that_holds_no_token_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "leaf.token").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=said):
        load_settings(a_house(tmp_path, more='token_file = "leaf.token"'))


def test_check_says_how_often_it_is_asked_and_what_is_doubtful(tmp_path: Path) -> None:
    token = tmp_path / "leaf.token"
    token.write_text("t0ken", encoding="utf-8")
    token.chmod(0o644)
    path = a_house(tmp_path, url="http://192.168.1.9/leaf?k=1", more='token_file = "leaf.token"')
    said = check(path).text
    assert (
        "Car car is asked after at http://192.168.1.9/leaf, every 5 min while it may be the one "
        "plugged in, else every 15 min." in said
    )
    assert "Warning: car car: its feed is sent the token unencrypted" in said
    assert "leaf.token holds a token and everybody on this machine may read it" in said
