"""`v2g certs`: a local CA from nothing to a configuration that `v2g check` accepts."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from tests.unit.cli.conftest import V2g
from tests.unit.settings.files import SMALLEST, written

METER = '[[meter]]\nrole = "grid"\nlink = "tcp://192.168.1.20"\nprofile = "sunspec"\n'


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("V2G_PASSWORD_GARAGE", "secret-word")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "ca"


def test_init_makes_a_ca_once_and_says_what_to_do_with_it(v2g: V2g, folder: Path) -> None:
    first = v2g("certs", "init", "--directory", folder)
    assert first.status == 0
    assert f"{folder}/ca.pem\n    load it into every station" in first.out
    assert "Next: v2g certs issue server --address ADDRESS" in first.out
    made = (folder / "ca.pem").read_bytes()
    again = v2g("certs", "init", "--directory", folder)
    assert (again.status, again.out) == (1, "")
    assert again.err == (
        f"v2g: {folder}/ca.pem is there already and is kept; renew it, or move it away first\n"
    )
    assert (folder / "ca.pem").read_bytes() == made


def test_what_is_issued_is_told_as_configuration_and_that_can_be_used(
    v2g: V2g, folder: Path, tmp_path: Path
) -> None:
    v2g("certs", "init", "--directory", folder, "--name", "house 7")
    issued = v2g(
        "certs", "issue", "server", "--address", "192.168.1.5", "--address", "v2g.home",
        "--directory", folder,
    )  # fmt: skip
    assert issued.status == 0
    lines = issued.out.splitlines()
    start = lines.index("  [ocpp]")
    table = "\n".join(line.strip() for line in lines[start : start + 4])
    path = written(tmp_path, f"{SMALLEST}{METER}{table}\nsecurity_profile = 3\n")
    said = v2g("check", path)
    assert (said.status, said.err) == (0, "")
    wanted = "Station STATION-1 connects to wss://127.0.0.1:9443/STATION-1, by its certificate."
    assert wanted in said.out
    assert "Warning" not in said.out
    (folder / "server.key").chmod(0o644)
    refused = v2g("check", path)
    assert refused.status == 78
    assert f"chmod 0600 {folder}/server.key" in refused.err


def test_a_station_gets_its_pair_and_a_renewal_keeps_the_key(v2g: V2g, folder: Path) -> None:
    v2g("certs", "init", "--directory", folder)
    issued = v2g("certs", "issue", "station", "S1", "--key", "rsa", "--directory", folder)
    assert "Then remove the key from here" in issued.out
    before = (folder / "station-S1.pem").read_bytes()
    assert v2g("certs", "renew", "station", "S1", "--directory", folder).status == 0
    assert (folder / "station-S1.pem").read_bytes() != before
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_cert_chain(folder / "station-S1.pem", folder / "station-S1.key")
    shown = v2g("certs", "show", "--directory", folder)
    assert "S1 (station), RSA key" in shown.out
    assert shown.out.splitlines()[0] == f"{folder}/ca.pem"


def test_what_cannot_be_is_one_clear_line(v2g: V2g, folder: Path) -> None:
    assert (
        "nothing is there; begin with `v2g certs init`"
        in v2g("certs", "show", "--directory", folder).err
    )
    nobody = v2g("certs", "issue", "station", "S1", "--directory", folder)
    assert (nobody.status, "make it with `v2g certs init`" in nobody.err) == (1, True)
    v2g("certs", "init", "--directory", folder)
    wrong = v2g("certs", "issue", "server", "--address", "not an address", "--directory", folder)
    assert "'not an address' is neither an IP address nor a host name" in wrong.err
    assert "it with `v2g certs issue`" in v2g("certs", "renew", "server", "--directory", folder).err
    assert not any(text in wrong.err for text in ("Traceback", "Error"))


def test_the_folder_is_the_configurations(v2g: V2g, tmp_path: Path) -> None:
    path = written(tmp_path, f'{SMALLEST}[certificates]\ndirectory = "keys"\n')
    assert v2g("certs", "init", "--config", path).status == 0
    assert (tmp_path / "keys" / "ca.key").is_file()


def test_a_rsa_suite_needs_an_rsa_key(v2g: V2g, folder: Path, tmp_path: Path) -> None:
    v2g("certs", "init", "--directory", folder)
    v2g("certs", "issue", "server", "--address", "10.0.0.5", "--directory", folder)
    path = written(
        tmp_path,
        f'{SMALLEST}[ocpp]\ntls_certificate_file = "ca/server.pem"\n'
        'tls_key_file = "ca/server.key"\ntls_rsa_key_exchange = true\n',
    )
    said = v2g("check", path)
    assert said.status == 78
    assert "is not RSA, so no old station gets in by it" in said.err


def test_signing_without_a_ca_is_refused_at_the_start(v2g: V2g, tmp_path: Path) -> None:
    text = f'{SMALLEST}[certificates]\ndirectory = "none"\nsign_station_requests = true\n'
    said = v2g("check", written(tmp_path, text))
    assert said.status == 78
    assert "certificates.sign_station_requests = true" in said.err
    assert "make it with `v2g certs init`" in said.err
