"""A small helping of `make fuzz`, and arbitrary bytes, with every run of the tests."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.__main__ import fuzz
from tests.fuzz.rig import Rig
from v2g_daemon.adapters.ocpp import OcppVersion


async def test_six_thousand_hostile_frames_do_no_harm() -> None:
    assert await fuzz(frames=6_000, seed=7) == 0


@settings(max_examples=60)
@given(
    frames=st.lists(st.binary(max_size=80) | st.text(max_size=80), max_size=8),
    version=st.sampled_from(list(OcppVersion)),
)
def test_any_bytes_and_any_text_leave_the_session_alive(
    frames: list[str | bytes], version: OcppVersion
) -> None:
    rig = Rig(version)
    asyncio.run(rig.swallow(frames))
    assert rig.handler_failures == 0
    assert rig.kinds()["answered"] >= 1


@pytest.mark.parametrize("version", list(OcppVersion))
async def test_a_handler_that_fails_would_be_noticed(
    version: OcppVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(action: str, payload: object) -> dict[str, object]:
        del payload
        raise KeyError(action)

    rig = Rig(version)
    monkeypatch.setattr(rig.handler, "answer", broken)
    await rig.swallow([])
    assert rig.handler_failures == 1
