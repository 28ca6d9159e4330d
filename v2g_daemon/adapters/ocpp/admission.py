"""Who may connect: the station's id from the path, its password, and the version to speak."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import secrets
from collections.abc import Sequence
from enum import Enum
from hashlib import sha256
from urllib.parse import unquote, urlsplit

from v2g_daemon.adapters.ocpp.config import OcppVersion, StationConfig

_STATION_ID = re.compile(r"[A-Za-z0-9*_.=+|@-]{1,48}")
_NOBODY = f"{secrets.token_hex(16)}:{secrets.token_hex(16)}"


class Verdict(Enum):
    """What becomes of a handshake."""

    ADMITTED = "admitted"
    UNKNOWN_STATION = "unknown station"
    WRONG_PASSWORD = "wrong password"  # noqa: S105 - a verdict, not a password


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


def judge(config: StationConfig | None, authorization: Sequence[str]) -> Verdict:
    """Compare id and password in constant time, for an unknown station too."""
    expected = _NOBODY if config is None else f"{config.station_id}:{config.password}"
    given = _basic_credentials(authorization)
    same = hmac.compare_digest(sha256(given).digest(), sha256(expected.encode()).digest())
    if config is None:
        return Verdict.UNKNOWN_STATION
    return Verdict.ADMITTED if same else Verdict.WRONG_PASSWORD


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
    return OcppVersion.V1_6 if not named and OcppVersion.V1_6 in config.versions else None


def chosen_version(config: StationConfig, offered: Sequence[str]) -> OcppVersion | None:
    """The best version both sides speak; ours is the order of preference."""
    return next(
        (one for one in OcppVersion if one in config.versions and one.value in offered), None
    )
