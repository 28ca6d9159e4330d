"""Looked up as an object: neither what it holds nor where it is kept counts."""

from __future__ import annotations

from functools import lru_cache

from v2g_daemon.domain.same import Same


def test_it_equals_what_holds_the_very_same_object() -> None:
    rows, like = [1.0, 2.0], [1.0, 2.0]
    assert Same(rows) == Same(rows)
    assert Same(rows) != Same(like)
    assert Same(rows) != rows
    assert len({Same(rows), Same(rows), Same(like)}) == 2


def test_what_was_found_of_an_object_is_kept_under_it() -> None:
    asked: list[list[float]] = []

    @lru_cache(maxsize=2)
    def total(same: Same[list[float]]) -> float:
        asked.append(same.value)
        return sum(same.value)

    rows, like = [1.0, 2.0], [1.0, 2.0]
    assert [total(Same(rows)), total(Same(rows)), total(Same(like))] == [3.0, 3.0, 3.0]
    assert [one is rows for one in asked] == [True, False]
