"""A pointer names what RFC 6901 says, and nothing where there is nothing."""

from __future__ import annotations

import pytest

from v2g_daemon.domain.json_pointer import pointed_at

DOCUMENT = {"a": {"b": [10, {"c": True}]}, "x/y": 1, "x~y": 2, "": 3, "7": 4}


@pytest.mark.parametrize(
    ("pointer", "found"),
    [
        ("", DOCUMENT),
        ("/a/b/0", 10),
        ("/a/b/1/c", True),
        ("/x~1y", 1),
        ("/x~0y", 2),
        ("/", 3),
        ("/7", 4),
        ("/a/b/2", None),
        ("/a/b/-1", None),
        ("/a/b/c", None),
        ("/a/b/0/c", None),
        ("/missing", None),
    ],
)
def test_a_pointer_names_one_place(pointer: str, found: object) -> None:
    assert pointed_at(DOCUMENT, pointer) == found
