"""The conformance page says what the tables say, and names tests that exist."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.page import page
from tests.conformance.table import FAULTS, HANDLED, SENT, rows
from v2g_daemon.adapters.ocpp import OcppVersion
from v2g_daemon.adapters.ocpp.wire.schemas import known_actions

ROOT = Path(__file__).resolve().parents[3]


def test_the_page_is_what_its_script_writes() -> None:
    text = (ROOT / "docs" / "ocpp-conformance.md").read_text(encoding="utf-8")
    assert text == page(), "run: python -m tests.conformance"


@pytest.mark.parametrize("version", list(OcppVersion))
def test_every_message_of_a_version_has_a_row(version: OcppVersion) -> None:
    assert {row.action for row in rows() if row.version is version} == known_actions(version)
    assert set(HANDLED[version]) | set(SENT[version]) <= known_actions(version)


def test_every_named_test_exists() -> None:
    named = {row.test for row in rows() if row.test is not None}
    named |= {test for _, tests in FAULTS for test in tests}
    for one in named:
        file, _, name = one.partition("::")
        text = (ROOT / file).read_text(encoding="utf-8")
        assert f"def {name.split('[')[0]}(" in text, one
