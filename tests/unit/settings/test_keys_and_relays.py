"""Charge keys and relays: what cannot hold together, and what of them is never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.settings.files import SMALLEST, written
from v2g_daemon.adapters.ocpp.config import OcppVersion
from v2g_daemon.app.station_access import key_ring, relay_config
from v2g_daemon.domain.errors import ConfigurationError
from v2g_daemon.settings import load_settings

KEY = """\
[[charge_key]]
name = "{name}"
id_token = "{token}"
"""
RELAY = """\
[[ocpp.relay]]
station_id = "{station}"
url = "{url}"
"""


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("V2G_PASSWORD_GARAGE", "secret-word")


def refused(path: Path) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(path)
    return str(caught.value)


def a_key(name: str = "badge", token: str = "04A2B3C4") -> str:
    return KEY.format(name=name, token=token)


def a_relay(url: str = "wss://back-end.example/ocpp", station: str = "STATION-1") -> str:
    return RELAY.format(url=url, station=station)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (a_key() + a_key("other", "04a2b3c4"), "charge_key[1].id_token = (not shown): another"),
        (a_key() + 'vehicle = "bike"', "no vehicle has this id; name one of car"),
        (
            a_key() + 'vehicle = "car"\n' + a_key("b", "0B") + 'vehicle = "car"',
            "charge_key[1].vehicle = 'car': this car is known by another token already",
        ),
        (a_key(token="with space"), "charge_key[0].id_token = (not shown)"),
        (a_key(token="x" * 37), "charge_key[0].id_token = (not shown)"),
        (a_key() + 'kind = "badge"', "charge_key[0].kind = 'badge'"),
    ],
)
def test_keys_that_cannot_be_are_refused(tmp_path: Path, text: str, said: str) -> None:
    assert said in refused(written(tmp_path, SMALLEST + text))


def test_the_cars_own_token_is_a_key_too_and_one_that_stands_twice_is_one(tmp_path: Path) -> None:
    text = SMALLEST.replace('id = "car"', 'id = "car"\nid_token = "TAG-1"')
    ring = key_ring(load_settings(written(tmp_path, text + a_key() + a_key("mine", "tag-1"))))
    assert [(key.name, key.id_token) for key in ring.keys] == [
        ("badge", "04A2B3C4"),
        ("mine", "tag-1"),
    ]
    alone = key_ring(load_settings(written(tmp_path, text)))
    assert [(key.name, key.id_token) for key in alone.keys] == [("car", "TAG-1")]
    assert alone.accept_unknown


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (a_relay(station="S9"), "no charger belongs to this station; name one of STATION-1"),
        (a_relay() + a_relay(), "ocpp.relay[1].station_id = 'STATION-1': this station is relayed"),
        (a_relay("ws://192.168.1.20/ocpp"), "sends everything unencrypted; write wss://"),
        (
            a_relay("ws://back-end.example/ocpp") + "plain_text_on_private_network = true",
            "is plain, and its host is no address of a private network",
        ),
        (
            a_relay("ws://8.8.8.8/ocpp") + "plain_text_on_private_network = true",
            "is plain, and its host is no address of a private network",
        ),
        (
            a_relay("ws://127.0.0.1/ocpp")
            + 'plain_text_on_private_network = true\nca_file = "ca.pem"',
            "ocpp.relay[0].ca_file: says nothing where the line is plain",
        ),
        (a_relay("https://back-end.example"), "ocpp.relay[0].url"),
        (a_relay("wss://user:pw@back-end.example"), "ocpp.relay[0].url"),
        (a_relay("wss://back-end.example/?token=1"), "ocpp.relay[0].url"),
        (a_relay() + 'version = "ocpp2.2"', "ocpp.relay[0].version"),
        (a_relay() + 'user = "a:b"', "ocpp.relay[0].user"),
        (a_relay() + 'password_file = "none"', "write the back end's password into that file"),
    ],
)
def test_relays_that_cannot_be_are_refused(tmp_path: Path, text: str, said: str) -> None:
    assert said in refused(written(tmp_path, SMALLEST + text))


def test_a_version_that_the_station_is_not_offered_cannot_be_relayed(tmp_path: Path) -> None:
    text = SMALLEST.replace(
        "max_charge_w", 'ocpp_versions = ["ocpp1.6"]\nmax_charge_w'
    ) + a_relay()  # fmt: skip
    said = refused(written(tmp_path, text + 'version = "ocpp2.1"'))
    assert "the station is not offered this version" in said


def test_a_relays_password_is_read_from_its_file_and_never_shown(tmp_path: Path) -> None:
    (tmp_path / "relay.password").write_text("relay-secret\n")
    text = SMALLEST + a_relay() + 'password_file = "relay.password"\nversion = "ocpp1.6"\n'
    settings = load_settings(written(tmp_path, text))
    assert "relay-secret" not in repr(settings)
    config = relay_config("STATION-1", settings)
    assert config is not None
    assert (config.password, config.version) == ("relay-secret", OcppVersion.V1_6)
    assert "relay-secret" not in repr(config)
    assert relay_config("STATION-2", settings) is None


def test_a_relays_password_is_not_written_into_the_configuration(tmp_path: Path) -> None:
    said = refused(written(tmp_path, SMALLEST + a_relay() + 'password = "relay-secret"'))
    assert "name a password_file" in said
    assert "relay-secret" not in said


@pytest.mark.parametrize("host", ["127.0.0.1", "192.168.1.20", "[::1]", "localhost", "10.0.0.1"])
def test_a_plain_relay_within_the_house_needs_the_words(tmp_path: Path, host: str) -> None:
    text = SMALLEST + a_relay(f"ws://{host}:9001/ocpp") + "plain_text_on_private_network = true\n"
    config = relay_config("STATION-1", load_settings(written(tmp_path, text)))
    assert config is not None
    assert config.url == f"ws://{host}:9001/ocpp"
