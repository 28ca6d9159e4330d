"""A missing peer skips a test on a developer's machine and fails it where peers are required."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.peers import PEERS, Peer

NOWHERE = Peer(locate=lambda: None, install_line="apt-get install nowhere")


@pytest.fixture(autouse=True)
def _one_missing_peer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PEERS, "nowhere", NOWHERE)


def test_a_missing_peer_skips_with_its_install_line(
    peer: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("V2G_REQUIRE_PEERS", raising=False)
    with pytest.raises(pytest.skip.Exception, match="apt-get install nowhere"):
        peer("nowhere")


def test_a_missing_peer_fails_where_peers_are_required(
    peer: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("V2G_REQUIRE_PEERS", "1")
    with pytest.raises(pytest.fail.Exception, match="apt-get install nowhere"):
        peer("nowhere")


def test_a_present_peer_is_found(peer: Callable[[str], Path]) -> None:
    assert peer("pysunspec2").name == "__init__.py"
