"""Who may come in with what, as a table."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest

from v2g_daemon.adapters.ocpp.config import EvseConfig, SecurityProfile, StationConfig
from v2g_daemon.adapters.ocpp.security.admission import (
    Knock,
    Verdict,
    is_private,
    judge,
    least_profile,
)
from v2g_daemon.adapters.ocpp.security.tls import certificate_names, not_after_utc

EVSE = EvseConfig(evse_id="garage", static_safe_current_a=10.0, max_charge_w=7400.0)
PASSWORD = "a-password-of-16-c"
RIGHT = (f"Basic {base64.b64encode(f'S1:{PASSWORD}'.encode()).decode()}",)
WRONG = (f"Basic {base64.b64encode(b'S1:guess').decode()}",)
NOTHING, BASIC, TLS, CERTIFICATE = SecurityProfile


def config(
    *,
    password: str | None = PASSWORD,
    unauthenticated: bool = False,
    least: SecurityProfile | None = None,
) -> StationConfig:
    return StationConfig(
        station_id="S1",
        password=password,
        evses=(EVSE,),
        unauthenticated_on_private_network=unauthenticated,
        least_profile=least,
    )


@pytest.mark.parametrize(
    ("headers", "encrypted", "names", "least", "verdict", "profile"),
    [
        (RIGHT, False, None, BASIC, Verdict.ADMITTED, BASIC),
        (RIGHT, True, None, BASIC, Verdict.ADMITTED, TLS),
        (RIGHT, True, None, CERTIFICATE, Verdict.PROFILE_TOO_LOW, TLS),
        (RIGHT, False, None, TLS, Verdict.PROFILE_TOO_LOW, BASIC),
        (WRONG, True, None, BASIC, Verdict.WRONG_PASSWORD, NOTHING),
        ((), True, None, BASIC, Verdict.WRONG_PASSWORD, NOTHING),
        ((*RIGHT, *RIGHT), False, None, BASIC, Verdict.WRONG_PASSWORD, NOTHING),
        ((), True, frozenset({"S1"}), CERTIFICATE, Verdict.ADMITTED, CERTIFICATE),
        (WRONG, True, frozenset({"S1"}), CERTIFICATE, Verdict.ADMITTED, CERTIFICATE),
        (RIGHT, True, frozenset({"S2"}), BASIC, Verdict.WRONG_CERTIFICATE, NOTHING),
        (RIGHT, True, frozenset(), BASIC, Verdict.WRONG_CERTIFICATE, NOTHING),
    ],
)
def test_a_knock_amounts_to_a_profile(
    headers: tuple[str, ...],
    encrypted: bool,
    names: frozenset[str] | None,
    least: SecurityProfile,
    verdict: Verdict,
    profile: SecurityProfile,
) -> None:
    knock = Knock(authorization=headers, encrypted=encrypted, certificate_names=names)
    found = judge(config(), knock, least=least)
    assert (found.verdict, found.profile) == (verdict, profile)


@pytest.mark.parametrize(
    ("unauthenticated", "private", "verdict"),
    [
        (True, True, Verdict.ADMITTED),
        (True, False, Verdict.PUBLIC_NETWORK),
        (False, True, Verdict.WRONG_PASSWORD),
    ],
)
def test_no_password_is_enough_only_by_permission_and_at_home(
    unauthenticated: bool, private: bool, verdict: Verdict
) -> None:
    station = config(password=None, unauthenticated=unauthenticated)
    knock = Knock(authorization=(), private_network=private)
    assert judge(station, knock, least=NOTHING).verdict is verdict


def test_a_station_without_a_password_is_opened_by_no_word() -> None:
    for guess in ("S1:None", "S1:", ":", ""):
        header = (f"Basic {base64.b64encode(guess.encode()).decode()}",)
        found = judge(config(password=None), Knock(authorization=header), least=BASIC)
        assert found.verdict is Verdict.WRONG_PASSWORD


@pytest.mark.parametrize(
    ("configured", "of_all", "seen", "least"),
    [
        (None, BASIC, BASIC, BASIC),
        (None, BASIC, CERTIFICATE, CERTIFICATE),
        (None, TLS, BASIC, TLS),
        (BASIC, BASIC, CERTIFICATE, BASIC),
        (CERTIFICATE, BASIC, BASIC, CERTIFICATE),
        (BASIC, TLS, BASIC, TLS),
    ],
)
def test_a_station_falls_below_what_it_came_with_only_by_the_installers_word(
    configured: SecurityProfile | None,
    of_all: SecurityProfile,
    seen: SecurityProfile,
    least: SecurityProfile,
) -> None:
    assert least_profile(config(least=configured), of_all=of_all, seen=seen) is least


@pytest.mark.parametrize(
    ("address", "private"),
    [
        ("192.168.1.20", True),
        ("10.0.0.1", True),
        ("172.16.9.9", True),
        ("127.0.0.1", True),
        ("169.254.7.7", True),
        ("fd00::1", True),
        ("fe80::1%eth0", True),
        ("::1", True),
        ("::ffff:192.168.1.20", True),
        ("8.8.8.8", False),
        ("100.64.0.1", False),  # behind the provider's own address translation: neighbours
        ("2001:4860:4860::8888", False),
        ("::ffff:8.8.8.8", False),
        ("unknown", False),
    ],
)
def test_what_a_private_address_is(address: str, private: bool) -> None:
    assert is_private(address) is private
    assert is_private("192.168.1.2", address) is private


def test_the_names_of_a_certificate_are_read_as_python_gives_them() -> None:
    certificate = {
        "subject": ((("organizationName", "Maker"),), (("commonName", "S1"),)),
        "subjectAltName": (("DNS", "s1.home"), ("IP Address", "10.0.0.7"), ("URI", "urn:s1")),
        "notAfter": "Jan  2 03:04:05 2031 GMT",
    }
    assert certificate_names(certificate) == {"S1", "s1.home", "urn:s1"}
    assert not_after_utc(certificate) == datetime(2031, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert certificate_names({}) == frozenset()
