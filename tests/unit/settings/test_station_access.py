"""How stations may come in: what the configuration refuses, and what it must say in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.settings.files import SMALLEST, after, written
from v2g_daemon.domain.errors import ConfigurationError
from v2g_daemon.settings import exposed_secrets, least_profile, load_settings

FILES = 'tls_certificate_file = "server.pem"\ntls_key_file = "server.key"\n'
CA = 'client_ca_file = "ca.pem"\n'
NO_PASSWORD = SMALLEST.replace('password_env = "V2G_PASSWORD_GARAGE"\n', "")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("V2G_PASSWORD_GARAGE", "secret-word")


def house(tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file; the password's variable is there only if the file names it."""
    if "V2G_PASSWORD_GARAGE" not in text:
        monkeypatch.delenv("V2G_PASSWORD_GARAGE")
    return written(tmp_path, text)


def ocpp(lines: str, *, text: str = SMALLEST) -> str:
    return f"{text}[ocpp]\n{lines}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ocpp("security_profile = 2\n"), "tls_certificate_file: is missing, and security_profile"),
        (ocpp('tls_key_file = "k"\n'), "ocpp.tls_certificate_file: is missing beside the other"),
        (ocpp('tls_certificate_file = "c"\n'), "ocpp.tls_key_file: is missing beside the other"),
        (ocpp(f"security_profile = 3\n{FILES}"), "ocpp.client_ca_file: is missing"),
        (ocpp(CA), "ocpp.client_ca_file: says nothing without tls_certificate_file"),
        (ocpp("tls_rsa_key_exchange = true\n"), "ocpp.tls_rsa_key_exchange: says nothing without"),
        (ocpp(f"port = 9443\n{FILES}"), "ocpp.tls_port = 9443: is ocpp.port as well"),
        (ocpp('host = "8.8.8.8"\n'), "ocpp.host = '8.8.8.8': is a public address"),
        (ocpp('host = "2001:4860:4860::8888"\n'), "plain_text_on_public_network = true"),
        (ocpp("security_profile = 0\n"), "ocpp.security_profile = 0: "),
        (
            after("[charger]", "security_profile = 3"),
            "ocpp.tls_certificate_file: is missing, and security_profile = 3 is TLS",
        ),
        (
            ocpp(
                f"security_profile = 2\n{FILES}",
                text=after("[charger]", "security_profile = 1"),
            ),
            "charger[0].security_profile = 1: is below ocpp.security_profile = 2",
        ),
        (NO_PASSWORD, "charger[0].password_file: no password"),
        (ocpp(f"security_profile = 2\n{FILES}", text=NO_PASSWORD), "no password"),
        (
            after("[charger]", "unauthenticated_on_private_network = true"),
            "unauthenticated_on_private_network = true: the station has a password",
        ),
    ],
)
def test_what_would_leave_the_door_ajar_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, said: str
) -> None:
    path = house(tmp_path, text, monkeypatch)
    with pytest.raises(ConfigurationError) as caught:
        load_settings(path)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        ocpp(f"security_profile = 2\n{FILES}"),
        ocpp(f"security_profile = 3\n{FILES}{CA}", text=NO_PASSWORD),
        ocpp('host = "8.8.8.8"\nplain_text_on_public_network = true\n'),
        ocpp(f'host = "8.8.8.8"\nsecurity_profile = 2\n{FILES}'),
        ocpp('host = "0.0.0.0"\n'),  # each connection is judged by its own addresses
        ocpp('host = "192.168.1.5"\n'),
        ocpp('host = "v2g.home"\n'),
        after("[charger]", "unauthenticated_on_private_network = true", text=NO_PASSWORD),
    ],
)
def test_what_is_closed_or_said_in_words_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    load_settings(house(tmp_path, text, monkeypatch))


def test_the_files_lie_beside_the_configuration(tmp_path: Path) -> None:
    text = ocpp(f'{FILES}{CA}[certificates]\ndirectory = "keys"\n')
    settings = load_settings(written(tmp_path, text))
    assert settings.ocpp.tls_key_file == tmp_path / "server.key"
    assert settings.ocpp.client_ca_file == tmp_path / "ca.pem"
    assert settings.certificates.directory == tmp_path / "keys"


def test_a_station_needs_the_higher_of_its_own_and_the_houses_profile(tmp_path: Path) -> None:
    text = ocpp(f"{FILES}{CA}", text=after("[charger]", "security_profile = 3"))
    settings = load_settings(written(tmp_path, text))
    assert least_profile(settings.charger[0], settings.ocpp) == 3


@pytest.mark.parametrize(("mode", "said"), [(0o600, False), (0o640, False), (0o644, True)])
def test_a_file_with_a_password_that_everybody_may_read_is_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int, said: bool
) -> None:
    monkeypatch.delenv("V2G_PASSWORD_GARAGE")
    beside = tmp_path / "station.password"
    beside.write_text("other-word")
    beside.chmod(mode)
    path = written(tmp_path, password_env='password_file = "station.password"')
    path.chmod(0o644)  # holds no password itself
    found = exposed_secrets(path, load_settings(path))
    assert [f"chmod o-r {beside}" in one for one in found] == ([True] if said else [])
    path = written(tmp_path, password_env='password = "plain-word"')
    path.chmod(mode)
    assert bool(exposed_secrets(path, load_settings(path))) is said
