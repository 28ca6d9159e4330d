"""Markers by folder, and foreign peers by name."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.peers import PEERS, Peer

TESTS = Path(__file__).parent
SYSTEM_TEST_TIMEOUT_S = 900

# A busy machine is slow, not wrong; and what CI finds, it finds again.
settings.register_profile(
    "house",
    deadline=None,
    derandomize=os.environ.get("CI") == "true",
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("house")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what lies under tests/system and tests/benchmarks, and give system tests their time."""
    for item in items:
        folder = item.path.relative_to(TESTS).parts[0] if item.path.is_relative_to(TESTS) else ""
        if folder == "benchmarks":
            item.add_marker("bench")
        if folder == "system":
            item.add_marker("system")
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(SYSTEM_TEST_TIMEOUT_S))


@pytest.fixture(scope="session")
def peer() -> Callable[[str], Path]:
    """`peer(name)` is where that foreign program lies; missing, it skips the test (CI: fails)."""

    def find(name: str) -> Path:
        wanted: Peer = PEERS[name]
        found = wanted.locate()
        if found is not None:
            return found
        message = f"{name} is not installed; install it with: {wanted.install_line}"
        if os.environ.get("V2G_REQUIRE_PEERS") == "1":
            pytest.fail(message)
        pytest.skip(message)

    return find
