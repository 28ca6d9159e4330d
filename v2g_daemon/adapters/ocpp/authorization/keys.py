"""Whose charge keys are known, what an unknown one is answered, and what a station is set to; pure.

At home every key charges unless the owner says otherwise. A start by button (NoAuthorization)
shows no key at all, so there is none to refuse: whether that is possible is the station's setting.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

OWN_TOKEN = "V2G-DAEMON"  # noqa: S105 - a name, under which we start transactions ourselves
OWN_ID_TOKEN = {"idToken": OWN_TOKEN, "type": "Central"}
LONGEST_ID_TAG = 20  # of 1.6


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeKey:
    """A badge, card or other token that may charge here; `kind` in the words of OCPP 2."""

    name: str
    id_token: str = field(repr=False)
    kind: str = "ISO14443"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRing:
    """The owner's keys, and whether a key that is not among them may charge as well."""

    keys: tuple[ChargeKey, ...] = ()
    accept_unknown: bool = True

    def lists(self, id_token: Mapping[str, Any]) -> bool:
        """Whether a token stands on the ring; tokens compare without case (identifierString)."""
        told = str(id_token["idToken"]).casefold()
        return any(key.id_token.casefold() == told for key in self.keys)

    def status(self, id_token: Mapping[str, Any]) -> str:
        """The AuthorizationStatus of a token: Accepted or Invalid."""
        if self.accept_unknown or is_own(id_token) or is_no_key(id_token):
            return "Accepted"
        return "Accepted" if self.lists(id_token) else "Invalid"


ANY_KEY = KeyRing()


def is_own(id_token: Mapping[str, Any]) -> bool:
    """Whether it is the token under which we start transactions ourselves."""
    return bool(id_token["type"] == "Central" and id_token["idToken"] == OWN_TOKEN)


def is_no_key(id_token: Mapping[str, Any]) -> bool:
    """Whether nobody showed a key."""
    return bool(id_token["type"] == "NoAuthorization")


def key_settings(
    ring: KeyRing, *, remote_start: bool
) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    """Component, variable, value: what lets the car charge while the daemon is away.

    A refused key ends no transaction by itself (StopTxOnInvalidId): the station withholds energy.
    """
    unknown = "true" if ring.accept_unknown else "false"
    settings = [
        ("AuthCtrlr", "LocalAuthorizationOffline", ("true",)),
        ("AuthCtrlr", "OfflineTxForUnknownIdEnabled", (unknown,)),
        ("TxCtrlr", "StopTxOnInvalidId", ("false",)),
    ]
    if ring.keys:
        settings += [
            ("LocalAuthListCtrlr", "Enabled", ("true",)),
            ("AuthCtrlr", "LocalPreAuthorize", ("true",)),
        ]
    if remote_start:
        settings.append(("AuthCtrlr", "AuthorizeRemoteStart", ("false",)))
    return tuple(settings)


class Admissions:
    """Which transactions were let in; a key shown later can never end one of them.

    What ran before this daemon did, or was let in once, is accepted at every later event.
    """

    REMEMBERED = 32

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring
        self._let_in: dict[str, bool] = {}

    def status(self, event: Mapping[str, Any]) -> str:
        """The status that answers the idToken of a TransactionEvent."""
        kind, transaction_id = event["eventType"], event["transactionInfo"]["transactionId"]
        told = "Accepted" if "idToken" not in event else self._ring.status(event["idToken"])
        if kind == "Ended":
            return "Accepted"
        if kind == "Started":
            self._remember(transaction_id, let_in=told == "Accepted" and "idToken" in event)
            return told
        if self._let_in.get(transaction_id, True):
            return "Accepted"
        self._remember(transaction_id, let_in=told == "Accepted" and "idToken" in event)
        return told

    def _remember(self, transaction_id: str, *, let_in: bool) -> None:
        self._let_in.pop(transaction_id, None)
        self._let_in[transaction_id] = let_in
        if len(self._let_in) > self.REMEMBERED:
            del self._let_in[next(iter(self._let_in))]
