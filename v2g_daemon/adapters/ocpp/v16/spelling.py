"""How a station spells its configuration keys: some in small letters, some in their own words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping


class Spelling:
    """Names of the specification to names of this station, as far as it or its dialect told."""

    def __init__(self, of_dialect: Callable[[], Mapping[str, str]]) -> None:
        self._of_dialect = of_dialect
        self._seen: dict[str, str] = {}

    def of(self, key: str) -> str:
        """How to ask for a key."""
        own = {name.casefold(): word for name, word in self._of_dialect().items()}
        word = own.get(key.casefold(), key)
        return self._seen.get(word.casefold(), word)

    def seen(self, keys: Iterable[str], *, asked: Iterable[str]) -> None:
        """The station named these so; what nobody asked for is not kept."""
        wanted = {key.strip().casefold() for key in asked}
        named = {key.strip().casefold(): key for key in keys}
        self._seen |= {folded: key for folded, key in named.items() if folded in wanted}
