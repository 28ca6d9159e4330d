"""How stations may come in, judged as a whole: passwords, TLS and the addresses listened on."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from v2g_daemon.settings.complaint import Complaint
from v2g_daemon.settings.sections import Charger, Ocpp, Settings

MAKE_CERTIFICATES = "make the files with `v2g certs init` and `v2g certs issue server`"


def access_contradictions(settings: Settings) -> Iterator[Complaint]:
    """What cannot hold together in [ocpp], and in what each charger says of its station."""
    yield from _tls_files(settings)
    yield from _ports(settings.ocpp)
    for number, charger in enumerate(settings.charger):
        if charger.protocol != "ocpp":
            continue
        key = f"charger[{number}]"
        yield from _profile(key, charger, settings.ocpp)
        yield from _password(key, charger, settings.ocpp)


def least_profile(charger: Charger, ocpp: Ocpp) -> int:
    """The lowest security profile that the configuration lets this station use."""
    return max(ocpp.security_profile, charger.security_profile or 1)


def _tls_files(settings: Settings) -> Iterator[Complaint]:
    ocpp = settings.ocpp
    certificate, key = ocpp.tls_certificate_file, ocpp.tls_key_file
    if (certificate is None) != (key is None):
        missing = "tls_certificate_file" if certificate is None else "tls_key_file"
        yield Complaint(
            key=f"ocpp.{missing}",
            value=None,
            problem="is missing beside the other of the pair",
            fix=MAKE_CERTIFICATES,
        )
    if certificate is None:
        for name, given in (
            ("client_ca_file", ocpp.client_ca_file is not None),
            ("tls_rsa_key_exchange", ocpp.tls_rsa_key_exchange),
        ):
            if given:
                yield Complaint(
                    key=f"ocpp.{name}",
                    value=None,
                    problem="says nothing without tls_certificate_file",
                    fix=f"{MAKE_CERTIFICATES}, or remove it",
                )
    yield from _needed(settings)


def _needed(settings: Settings) -> Iterator[Complaint]:
    """Files that the demanded profiles cannot do without."""
    ocpp = settings.ocpp
    wanted = max((least_profile(one, ocpp) for one in settings.stations), default=1)
    if wanted >= 2 and ocpp.tls_certificate_file is None:
        yield Complaint(
            key="ocpp.tls_certificate_file",
            value=None,
            problem=f"is missing, and security_profile = {wanted} is TLS",
            fix=MAKE_CERTIFICATES,
        )
    if wanted == 3 and ocpp.client_ca_file is None:
        yield Complaint(
            key="ocpp.client_ca_file",
            value=None,
            problem="is missing, and security_profile = 3 checks the station's certificate by it",
            fix="name the CA that signs the stations' certificates, such as ca.pem of `v2g certs`",
        )


def _ports(ocpp: Ocpp) -> Iterator[Complaint]:
    plain, encrypted = ocpp.security_profile == 1, ocpp.tls_certificate_file is not None
    if plain and encrypted and ocpp.port == ocpp.tls_port != 0:
        yield Complaint(
            key="ocpp.tls_port",
            value=str(ocpp.tls_port),
            problem="is ocpp.port as well",
            fix="give each its own, or set security_profile = 2 so that nothing plain is open",
        )
    if plain and not ocpp.plain_text_on_public_network and _public(ocpp.host):
        yield Complaint(
            key="ocpp.host",
            value=repr(ocpp.host),
            problem="is a public address, and security_profile = 1 sends passwords unencrypted",
            fix="set security_profile = 2, or plain_text_on_public_network = true",
        )


def _public(host: str) -> bool:
    """Names and wildcards are judged at each connection, by the addresses it runs between."""
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return not address.is_unspecified and not address.is_private


def _profile(key: str, charger: Charger, ocpp: Ocpp) -> Iterator[Complaint]:
    if charger.security_profile is not None and charger.security_profile < ocpp.security_profile:
        yield Complaint(
            key=f"{key}.security_profile",
            value=str(charger.security_profile),
            problem=f"is below ocpp.security_profile = {ocpp.security_profile}",
            fix="raise it, or lower that one",
        )


def _password(key: str, charger: Charger, ocpp: Ocpp) -> Iterator[Complaint]:
    given = [charger.password, charger.password_file, charger.password_env]
    count = len([one for one in given if one is not None])
    if charger.unauthenticated_on_private_network:
        if count > 0 or least_profile(charger, ocpp) > 1:
            yield Complaint(
                key=f"{key}.unauthenticated_on_private_network",
                value="true",
                problem="the station has a password or a security_profile above 1",
                fix="remove this key, or those",
            )
        return
    if count > 1 or (count == 0 and least_profile(charger, ocpp) < 3):
        yield Complaint(
            key=f"{key}.password_file",
            value=None,
            problem="no password" if count == 0 else "more than one password",
            fix="give one of password_file, password_env and password",
        )
