"""What the other EVSEs do in the same tick: one finds what those before it leave."""

from __future__ import annotations

from dataclasses import dataclass

from v2g_daemon.domain.power import load_beside, total_w
from v2g_daemon.domain.quick import quick, replace


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """The EVSEs decided on so far; `awaited_w` is what the rest is yet to charge.

    `powers_w` are all that they take and give; `seen_w`, what of each takes from a surplus, or
    leaves nobody a load to serve.
    """

    seen_w: tuple[float, ...] = ()
    powers_w: tuple[float, ...] = ()
    awaited_w: float = 0.0

    @property
    def charges(self) -> bool:
        """Whether one of them does: what is then given beyond the load would fill its pack."""
        return any(power_w > 0.0 for power_w in self.powers_w)

    def left_w(self, load_w: float) -> float:
        """What is left of the house's load to serve, or of its surplus to take."""
        for power_w in self.seen_w:
            load_w = load_beside(load_w, power_w)
        return load_w

    def import_w(self, load_w: float | None) -> float:
        """What flows in beyond the load left: others need it, and no cap has room for it twice."""
        power_w = total_w(self.powers_w)
        if load_w is None:
            return max(power_w, 0.0) + self.awaited_w
        return max(load_w + power_w - self.left_w(load_w), 0.0) + self.awaited_w

    def and_one(self, *, seen_w: float, power_w: float) -> Beside:
        """The same with one more."""
        return replace(self, seen_w=(*self.seen_w, seen_w), powers_w=(*self.powers_w, power_w))


NOBODY = Beside()
