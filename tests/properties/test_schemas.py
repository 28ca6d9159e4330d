"""The schemas as we check them say the same as the ones that were published."""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from ocpp.messages import MessageType, get_validator

from tests.fuzz.frames import Frames
from v2g_daemon.adapters.ocpp import OcppVersion
from v2g_daemon.adapters.ocpp.wire.codec import CallFrame, parse_frame
from v2g_daemon.adapters.ocpp.wire.schemas import known_actions, validator_of


def complaints(validator: Any, payload: object) -> list[tuple[str, str]]:
    """Which keyword fails where."""
    return sorted((error.validator, error.json_path) for error in validator.iter_errors(payload))


@given(version=st.sampled_from(OcppVersion), seed=st.integers(0, 2**32))
@settings(max_examples=300)
def test_a_payload_breaks_our_schema_where_it_breaks_the_published_one(
    version: OcppVersion, seed: int
) -> None:
    stream = Frames(version=version, chosen=Random(seed))
    for _ in range(10):
        frame = parse_frame(stream.next())
        if isinstance(frame, CallFrame) and frame.action in known_actions(version):
            ours = validator_of(MessageType.Call, version, frame.action)
            published = get_validator(MessageType.Call, frame.action, version.number)
            assert complaints(ours, frame.payload) == complaints(published, frame.payload)


def test_no_schema_refers_to_another_any_more() -> None:
    for version in OcppVersion:
        for action in known_actions(version):
            for kind in (MessageType.Call, MessageType.CallResult):
                assert "$ref" not in str(validator_of(kind, version, action).schema)
