"""The conformance page as Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from tests.conformance.table import FAULTS, Row, rows
from v2g_daemon.adapters.ocpp import OcppVersion

HEAD = """\
# OCPP conformance

Written by `python -m tests.conformance`; do not edit by hand.

- **handled**: what the message says changes what the house knows or does.
- **answered**: it gets the answer its schema wants, and no more; nothing in a house needs it.
- **sent**: we ask it. **not sent**: a station would take it, we never ask.

A row with a test counts because `python -m tests.conformance --prove` takes its handler away (a
handled message still gets its empty answer, where that is one; what we send is muted) and sees
exactly that test fail; `make test-system` runs the proof.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *_versions(), *_faults(), ""])


def _versions() -> Iterator[str]:
    for version in OcppVersion:
        found = [row for row in rows() if row.version is version]
        proved = sum(row.test is not None for row in found)
        yield f"## OCPP {version.number}\n"
        yield f"{len(found)} messages, {proved} of them with a test.\n"
        yield "| message | from | state | test |"
        yield "| --- | --- | --- | --- |"
        yield from (_line(row) for row in found)
        yield ""


def _line(row: Row) -> str:
    test = "–" if row.test is None else f"`{row.test.split('::')[-1].split('[')[0]}`"
    return f"| {row.action} | {'station' if row.from_station else 'us'} | {row.state} | {test} |"


def _faults() -> Iterator[str]:
    yield "## Faults from the field, and attacks\n"
    yield "| what happens | test |"
    yield "| --- | --- |"
    for fault, tests in FAULTS:
        names = ", ".join("`" + test.split("::")[-1] + "`" for test in tests)
        yield f"| {fault} | {names} |"
