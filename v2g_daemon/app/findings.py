"""What `v2g doctor` finds: one line each, with the fix."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Verdict(Enum):
    """Whether a thing works; the value is the word people read."""

    GOOD = "ok"
    BAD = "FAIL"
    UNKNOWN = "?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that a house needs; `fix` stands where it does not work or nobody could look."""

    verdict: Verdict
    what: str
    detail: str
    fix: str = ""

    @property
    def is_good(self) -> bool:
        """Whether it works."""
        return self.verdict is Verdict.GOOD

    @property
    def is_bad(self) -> bool:
        """Whether it does not."""
        return self.verdict is Verdict.BAD

    @property
    def text(self) -> str:
        """The line for people."""
        fix = f"  -> {self.fix}" if self.fix else ""
        return f"{self.verdict.value:5}{self.what}: {self.detail}{fix}"


def good(what: str, detail: str) -> Finding:
    """It works."""
    return Finding(verdict=Verdict.GOOD, what=what, detail=detail)


def bad(what: str, detail: str, fix: str) -> Finding:
    """It does not."""
    return Finding(verdict=Verdict.BAD, what=what, detail=detail, fix=fix)


def unknown(what: str, detail: str, fix: str) -> Finding:
    """It could not be tried; no failure."""
    return Finding(verdict=Verdict.UNKNOWN, what=what, detail=detail, fix=fix)
