"""Who may connect: the station's id from the path, its password, and the version to speak."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from ipaddress import IPv6Address, ip_address
from urllib.parse import unquote, urlsplit

from v2g_daemon.adapters.ocpp.config import OcppVersion, SecurityProfile, StationConfig

_STATION_ID = re.compile(r"[A-Za-z0-9*_.=+|@-]{1,48}")
_NOBODY = f"{secrets.token_hex(16)}:{secrets.token_hex(16)}"


class Verdict(Enum):
    """What becomes of a handshake."""

    ADMITTED = "admitted"
    UNKNOWN_STATION = "unknown station"
    WRONG_PASSWORD = "wrong password"  # noqa: S105 - a verdict, not a password
    WRONG_CERTIFICATE = "wrong certificate"
    PROFILE_TOO_LOW = "security profile too low"
    PUBLIC_NETWORK = "plain text on a public network"


@dataclass(frozen=True, slots=True, kw_only=True)
class Knock:
    """How somebody comes: `certificate_names` are of a certificate that TLS has verified."""

    authorization: Sequence[str]
    encrypted: bool = False
    certificate_names: frozenset[str] | None = None
    private_network: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The verdict, and the security profile that the knock amounts to."""

    verdict: Verdict
    profile: SecurityProfile = SecurityProfile.NOTHING


def station_id(path: str) -> str | None:
    """The identity in a request path: its last segment, decoded; None if it cannot be one."""
    try:
        segments = [
            part for part in urlsplit(f"ws://host/{path.lstrip('/')}").path.split("/") if part
        ]
    except ValueError:
        return None
    name = unquote(segments[-1]) if segments else ""
    return name if _STATION_ID.fullmatch(name) else None


def judge(config: StationConfig | None, knock: Knock, *, least: SecurityProfile) -> Judgement:
    """Who may come in; id and password are compared in constant time, for a stranger too."""
    known = config is not None and config.password is not None
    expected = f"{config.station_id}:{config.password}" if config and known else _NOBODY
    given = _basic_credentials(knock.authorization)
    same = hmac.compare_digest(sha256(given).digest(), sha256(expected.encode()).digest())
    if config is None:
        return Judgement(verdict=Verdict.UNKNOWN_STATION)
    if knock.certificate_names is not None:
        if config.station_id not in knock.certificate_names:
            return Judgement(verdict=Verdict.WRONG_CERTIFICATE)
        return _enough(SecurityProfile.CERTIFICATE, least)
    if same and known:
        profile = SecurityProfile.PASSWORD_OVER_TLS if knock.encrypted else SecurityProfile.PASSWORD
        return _enough(profile, least)
    if not config.unauthenticated_on_private_network:
        return Judgement(verdict=Verdict.WRONG_PASSWORD)
    if not knock.private_network:
        return Judgement(verdict=Verdict.PUBLIC_NETWORK)
    return _enough(SecurityProfile.NOTHING, least)


def _enough(profile: SecurityProfile, least: SecurityProfile) -> Judgement:
    verdict = Verdict.ADMITTED if profile >= least else Verdict.PROFILE_TOO_LOW
    return Judgement(verdict=verdict, profile=profile)


def least_profile(
    config: StationConfig, *, of_all: SecurityProfile, seen: SecurityProfile
) -> SecurityProfile:
    """The installer's word on this station, else no less than it has ever come with."""
    if config.unauthenticated_on_private_network:
        return SecurityProfile.NOTHING
    return max(of_all, seen if config.least_profile is None else config.least_profile)


def is_private(*addresses: str) -> bool:
    """Whether every one of them belongs to a private network, or to this machine."""
    return all(_is_private(address) for address in addresses)


def _is_private(address: str) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return (found if mapped is None else mapped).is_private


def _basic_credentials(authorization: Sequence[str]) -> bytes:
    """The bytes of `user:password`; nothing for anything but one well-formed Basic header."""
    if len(authorization) != 1:
        return b""
    scheme, _, encoded = authorization[0].strip().partition(" ")
    if scheme.lower() != "basic":
        return b""
    try:
        return base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        return b""


def spoken_version(
    config: StationConfig, subprotocol: str | None, *, named: bool
) -> OcppVersion | None:
    """The version of a connection.

    A station that named none (`named`) speaks the one it is pinned to; old ones speak 1.6.
    """
    for version in config.versions:
        if version.value == subprotocol:
            return version
    if subprotocol is not None:
        return None
    if len(config.versions) == 1:
        return config.versions[0]
    if not named and config.prefers_version in config.versions:
        return config.prefers_version
    return OcppVersion.V1_6 if not named and OcppVersion.V1_6 in config.versions else None


def chosen_version(config: StationConfig, offered: Sequence[str]) -> OcppVersion | None:
    """The best version both sides speak: the one its make does best, else by our preference."""
    common = [one for one in OcppVersion if one in config.versions and one.value in offered]
    return config.prefers_version if config.prefers_version in common else next(iter(common), None)
