"""One fault of the configuration file, as people read it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """One fault of the file: the key's path, its value as shown, what is wrong, and the fix."""

    key: str
    value: str | None
    problem: str
    fix: str

    def text(self, path: Path) -> str:
        """The line that people read."""
        value = "" if self.value is None else f" = {self.value}"
        return f"{path}: {self.key}{value}: {self.problem}; {self.fix}"
