"""Who may charge: the keys, the unknown ones, and transactions that no key shown later can end."""

from __future__ import annotations

from typing import Any

import pytest

from v2g_daemon.adapters.ocpp.authorization.keys import (
    OWN_ID_TOKEN,
    Admissions,
    ChargeKey,
    KeyRing,
    key_settings,
)
from v2g_daemon.adapters.ocpp.v16 import inbound
from v2g_daemon.adapters.ocpp.wire.translate import identity
from v2g_daemon.domain.readings import VehicleIdentity

Json = dict[str, Any]
BADGE = ChargeKey(name="badge", id_token="04A2B3C4")
OPEN = KeyRing(keys=(BADGE,))
CLOSED = KeyRing(keys=(BADGE,), accept_unknown=False)
STRANGER: Json = {"idToken": "DEADBEEF", "type": "ISO14443"}
KNOWN: Json = {"idToken": "04a2b3c4", "type": "ISO14443"}


def event(kind: str, token: Json | None, *, transaction_id: str = "t") -> Json:
    told: Json = {"eventType": kind, "transactionInfo": {"transactionId": transaction_id}}
    return told if token is None else {**told, "idToken": token}


@pytest.mark.parametrize(
    ("token", "open_house", "closed_house"),
    [
        (KNOWN, "Accepted", "Accepted"),
        (STRANGER, "Accepted", "Invalid"),
        ({"idToken": "1234", "type": "KeyCode"}, "Accepted", "Invalid"),
        ({"idToken": "", "type": "NoAuthorization"}, "Accepted", "Accepted"),
        (OWN_ID_TOKEN, "Accepted", "Accepted"),
        # Somebody else's back end, and a badge that only looks like us.
        ({"idToken": "EMPLOYER-1", "type": "Central"}, "Accepted", "Invalid"),
        ({"idToken": "V2G-DAEMON", "type": "ISO14443"}, "Accepted", "Invalid"),
    ],
)
def test_every_key_charges_at_home_unless_the_owner_says_otherwise(
    token: Json, open_house: str, closed_house: str
) -> None:
    assert OPEN.status(token) == open_house
    assert CLOSED.status(token) == closed_house


def test_our_own_start_over_1_6_is_known_as_ours() -> None:
    assert CLOSED.status(inbound.id_token("V2G-DAEMON")) == "Accepted"
    assert CLOSED.status(inbound.id_token("DEADBEEF")) == "Invalid"


def test_no_key_is_printed_with_its_token() -> None:
    assert "04A2B3C4" not in repr(CLOSED)


def test_a_stranger_is_refused_at_the_start_and_stays_so() -> None:
    admissions = Admissions(CLOSED)
    assert admissions.status(event("Started", STRANGER)) == "Invalid"
    assert admissions.status(event("Updated", STRANGER)) == "Invalid"


def test_a_key_shown_within_a_transaction_that_was_let_in_never_ends_it() -> None:
    admissions = Admissions(CLOSED)
    assert admissions.status(event("Started", KNOWN)) == "Accepted"
    assert admissions.status(event("Updated", STRANGER)) == "Accepted"
    assert admissions.status(event("Ended", STRANGER)) == "Accepted"


def test_a_transaction_that_began_at_plug_in_is_judged_by_the_first_key() -> None:
    admissions = Admissions(CLOSED)
    admissions.status(event("Started", None))
    assert admissions.status(event("Updated", STRANGER)) == "Invalid"
    assert admissions.status(event("Updated", KNOWN)) == "Accepted"
    assert admissions.status(event("Updated", STRANGER)) == "Accepted"


def test_our_own_remote_start_lets_a_transaction_in_for_good() -> None:
    admissions = Admissions(CLOSED)
    admissions.status(event("Started", None))
    assert admissions.status(event("Updated", OWN_ID_TOKEN)) == "Accepted"
    assert admissions.status(event("Updated", STRANGER)) == "Accepted"


def test_what_ran_before_the_daemon_did_is_not_ended_by_its_restart() -> None:
    assert Admissions(CLOSED).status(event("Updated", STRANGER)) == "Accepted"


def test_only_so_many_transactions_are_remembered() -> None:
    admissions = Admissions(CLOSED)
    for number in range(100):
        admissions.status(event("Started", STRANGER, transaction_id=str(number)))
    assert admissions.status(event("Updated", STRANGER, transaction_id="99")) == "Invalid"
    assert admissions.status(event("Updated", STRANGER, transaction_id="0")) == "Accepted"


def test_a_start_of_ours_or_by_a_button_names_no_car() -> None:
    assert identity(OWN_ID_TOKEN, known_evccids={}) == VehicleIdentity()
    button = {"idToken": "0", "type": "NoAuthorization"}
    assert identity(button, known_evccids={}) == VehicleIdentity()
    assert identity(OWN_ID_TOKEN, known_evccids={"V2G-DAEMON": "EVCC-1"}) == VehicleIdentity(
        evccid="EVCC-1"
    )


def test_a_house_with_keys_has_stations_keep_them_and_one_that_is_closed_refuses_offline() -> None:
    found = {f"{component}.{name}": values for component, name, values in key_settings(
        CLOSED, remote_start=True
    )}  # fmt: skip
    assert found == {
        "AuthCtrlr.LocalAuthorizationOffline": ("true",),
        "AuthCtrlr.OfflineTxForUnknownIdEnabled": ("false",),
        "AuthCtrlr.LocalPreAuthorize": ("true",),
        "AuthCtrlr.AuthorizeRemoteStart": ("false",),
        "LocalAuthListCtrlr.Enabled": ("true",),
        "TxCtrlr.StopTxOnInvalidId": ("false",),
    }
    without = key_settings(KeyRing(), remote_start=False)
    assert ("AuthCtrlr", "OfflineTxForUnknownIdEnabled", ("true",)) in without
    assert not any(component == "LocalAuthListCtrlr" for component, _, _ in without)
