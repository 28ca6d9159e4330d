"""The project's pages as text, fenced blocks and spans of code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Page:
    """One Markdown file; `name` is its path from the root."""

    name: str
    text: str

    @cached_property
    def prose(self) -> str:
        """The text without its fenced blocks."""
        return FENCE.sub("", self.text)

    def blocks(self, language: str) -> list[str]:
        """The fenced blocks of a language."""
        return [body for found, body in FENCE.findall(self.text) if found == language]

    def spans(self) -> list[str]:
        """The inline code, line breaks inside it not counted."""
        return SPAN.findall(self.prose)

    def links(self) -> Iterator[tuple[str, str]]:
        """Relative links as (path, anchor); either may be empty."""
        for target in LINK.findall(self.prose):
            if not re.match(r"[a-z]+:", target):
                path, _, anchor = target.partition("#")
                yield path, anchor

    def anchors(self) -> set[str]:
        """What its headings can be linked by."""
        words = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in HEADING.findall(self.text))
        return {word.strip().replace(" ", "-") for word in words}

    def commands(self, program: str) -> list[str]:
        """The arguments of each call of a program in code, comments left out."""
        lines = [line for body in self.blocks("sh") for line in body.splitlines()]
        calls = re.compile(rf"(?:^|[/ (]){program} (.+)$")
        found = (calls.search(line.split("#")[0].strip()) for line in (*lines, *self.spans()))
        return [call[1] for call in found if call is not None]


def pages() -> list[Page]:
    """README, the other pages of the root, docs, deploy and the simulators' own."""
    paths = [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "deploy").rglob("*.md"),
        *(ROOT / "simulators").rglob("*.md"),
    ]
    return [
        Page(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
        for path in sorted(paths)
    ]


def page(name: str) -> Page:
    """One page by its path from the root."""
    return Page(name, (ROOT / name).read_text(encoding="utf-8"))
