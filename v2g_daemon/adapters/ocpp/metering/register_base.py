"""Registers that begin at zero with each transaction, made to go on from the one before; pure."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterBase:
    """One register of one EVSE in milliwatt-hours: what is added to it, and what it last told.

    `begins`: a transaction has begun and the register has told nothing but 0 since.
    """

    added: int = 0
    told: int | None = None
    begins: bool = False

    def transaction_began(self) -> RegisterBase:
        """From now on a smaller value is a new count, not a fall."""
        return replace(self, begins=True)

    def after(self, told: int) -> RegisterBase:
        """The base with one more value.

        A lifetime register that says 0 at the start (seen in 1.6) is waited for: what comes next
        tells which of the two it is. A fall within a transaction stays one.
        """
        before = self.told
        if not self.begins or before is None:
            return replace(self, told=told, begins=False)
        if told == 0:
            return self
        added = self.added + before if told < before else self.added
        return RegisterBase(added=added, told=told)

    @property
    def value(self) -> int | None:
        """The register as the house counts it."""
        return None if self.told is None else self.added + self.told
