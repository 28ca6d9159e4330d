"""Which of several is meant, as people ask for it."""

from __future__ import annotations

from collections.abc import Sequence


def chosen(asked: str | None, known: Sequence[str], *, of: str) -> str:
    """The one asked for, or the only one; raises ValueError with a text for the user."""
    if asked is None and len(known) == 1:
        return known[0]
    if asked is None or asked not in known:
        raise ValueError(f"name one of the {of}: {', '.join(known)}")
    return asked
