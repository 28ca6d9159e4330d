"""What of a frame may be shown: enough to find a fault, no token, no secret, nothing to obey."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from v2g_daemon.adapters.ocpp.wire.redaction import shortened, shown, shown_text, shown_value

SECRET = "correct-horse-battery"
TOKEN = "04A2B3C4D5E680"


@pytest.mark.parametrize(
    ("token", "told"),
    [(TOKEN, "*E680"), ("TAG-12", "*-12"), ("TAG", "*G"), ("A", "*"), ("", "")],
)
def test_a_token_keeps_its_end_and_a_short_one_at_most_half(token: str, told: str) -> None:
    assert shortened(token) == told


@pytest.mark.parametrize(
    "payload",
    [
        {"idTag": TOKEN},
        {"idToken": {"idToken": TOKEN, "type": "ISO14443"}},
        {"idToken": TOKEN},
        {"additionalInfo": [{"additionalIdToken": TOKEN, "type": "EVCCID"}]},
        {"idTagInfo": {"status": "Accepted", "parentIdTag": TOKEN}},
        {"localAuthorizationList": [{"idTag": TOKEN}, {"idToken": {"idToken": TOKEN}}]},
        {"prioritizedEMAIDs": [TOKEN]},
        {"data": json.dumps({"inner": {"idTag": TOKEN}})},
        {"component": {"name": "ConnectedEV"}, "variable": {"name": "VehicleId"},
         "attributeValue": TOKEN},
        {"component": {"name": "ConnectedEV"}, "variable": {"name": "VehicleId"},
         "actualValue": TOKEN},
        {"component": {"name": "ConnectedEV"}, "variable": {"name": "VehicleId"},
         "variableAttribute": [{"value": TOKEN, "mutability": "ReadOnly"}]},
    ],
)  # fmt: skip
@pytest.mark.parametrize("cut", [0, 1], ids=["json", "broken"])
def test_tokens_and_evccids_are_shortened_wherever_they_stand(
    payload: dict[str, Any], cut: int
) -> None:
    raw = json.dumps([2, "1", "X", payload])
    text = shown(json.loads(raw)) if cut == 0 else shown_text(raw[:-cut])
    assert TOKEN not in text
    assert "*E680" in text


@pytest.mark.parametrize(
    "payload",
    [
        {"key": "AuthorizationKey", "value": SECRET},
        {"configurationKey": [{"key": "authorizationkey", "readonly": False, "value": SECRET}]},
        {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"},
         "attributeValue": SECRET},
        {"component": {"name": "X"}, "variable": {"name": "WifiPassphrase"},
         "variableAttribute": [{"value": SECRET}]},
        {"connectionData": {"basicAuthPassword": SECRET}},
        {"apn": {"apn": "internet", "apnPassword": SECRET, "apnUserName": SECRET}},
        {"vpn": {"user": SECRET, "password": SECRET, "key": SECRET}},
        {"data": json.dumps({"password": SECRET})},
        {"log": {"remoteLocation": f"ftp://user:{SECRET}@192.168.1.9/logs"}},
        {"location": f"https://host/upload?signature={SECRET}"},
        {"certificateChain": f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----"},
    ],
)  # fmt: skip
def test_no_secret_is_shown(payload: dict[str, Any]) -> None:
    assert SECRET not in shown([2, "1", "X", payload])


def test_a_url_keeps_its_host_and_path() -> None:
    told = shown({"location": "ftp://user:pw@192.168.1.9:21/logs/a.zip?x=1"})
    assert told == '{"location":"ftp://192.168.1.9:21/logs/a.zip?(hidden)"}'


def test_what_tells_no_secret_is_shown_as_it_is() -> None:
    frame = [2, "m1", "StatusNotification", {"evseId": 1, "connectorStatus": "Occupied"}]
    assert shown(frame) == '[2,"m1","StatusNotification",{"evseId":1,"connectorStatus":"Occupied"}]'


def test_a_configuration_key_is_no_secret_but_its_value_may_be() -> None:
    told = shown([{"key": "HeartbeatInterval", "value": "60"}, {"key": "WifiPwd", "value": SECRET}])
    assert told == (
        '[{"key":"HeartbeatInterval","value":"60"},{"key":"WifiPwd","value":"(hidden)"}]'
    )


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        ('[2,"1","Authorize",{"idTag":"04A2B3C4D5E680"', '"idTag\\":\\"*E680'),
        ('{"idToken" : "04A2B3C4D5E680', "*E680"),
        ('[2,"1","X",{"password":"correct-horse-battery"', "(hidden)"),
        ('[2,"1","X",{"key":"AuthorizationKey","value":"correct-horse-battery"', "(hidden)"),
    ],
)
def test_a_broken_frame_is_masked_by_the_spelling_of_its_fields(raw: str, told: str) -> None:
    text = shown_text(raw)
    assert told in text
    assert TOKEN not in text
    assert SECRET not in text


def test_a_terminal_obeys_nothing_of_a_frame() -> None:
    escape = "\x1b[2J\x07\r\nINJECTED \u202e\x9b31m"
    for text in (shown([2, "1", escape, {escape: escape}]), shown_text(escape)):
        assert text.isascii()
        assert text.isprintable()


def test_a_frame_of_bytes_is_shown_escaped() -> None:
    assert shown_text(b"\xff\x00[2]") == "\\\\xff\\u0000[2]"


def test_a_long_frame_is_cut_and_says_so() -> None:
    text = shown_text("x" * 10_000)
    assert len(text) < 4_100
    assert text.endswith("... (10000 characters)")


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("HeartbeatInterval", "60", "60"),
        ("AuthorizationKey", SECRET, "(hidden)"),
        ("BasicAuthPassword", "", ""),
        ("VehicleId", TOKEN, "*E680"),
    ],
)
def test_the_value_of_a_variable_is_shown_by_its_name(name: str, value: str, told: str) -> None:
    assert shown_value(name, value) == told


JSON_LIKE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(max_size=8)
            | st.sampled_from(["idTag", "idToken", "vpn", "value", "key", "variable", "component"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(frame=JSON_LIKE)
def test_any_json_is_shown_in_printable_ascii(frame: Any) -> None:
    text = shown(frame)
    assert text.isascii()
    assert text.isprintable()


@given(raw=st.text(max_size=200) | st.binary(max_size=200))
def test_any_text_and_any_bytes_are_shown_in_printable_ascii(raw: str | bytes) -> None:
    text = shown_text(raw)
    assert text.isascii()
    assert text.isprintable()


@given(token=st.text(alphabet="ABCDEF0123456789", min_size=10, max_size=20))
def test_no_token_of_a_call_survives_whole(token: str) -> None:
    assert token not in shown([2, "1", "Authorize", {"idToken": {"idToken": token, "type": "x"}}])


@pytest.mark.parametrize(
    "raw", ['"idTag":' + " " * 60_000, "a." * 30_000, "\\" * 60_000, '"key":"' * 8_000]
)
def test_a_frame_made_to_hold_up_a_regular_expression_does_not(raw: str) -> None:
    """Quadratic backtracking over these would take minutes."""
    assert shown_text(raw)
    assert shown({"x": "http://" + raw})
