"""What is wrong with a charger, in words that say what to do: silence, crashes, errors, others."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from v2g_daemon.adapters.modbus.chargers.profile import Condition
from v2g_daemon.adapters.modbus.chargers.registers import Difference
from v2g_daemon.adapters.modbus.chargers.translate import Seen
from v2g_daemon.adapters.modbus.wire import NoConnection
from v2g_daemon.domain.errors import DeviceError
from v2g_daemon.domain.faults import Fault, FaultCode
from v2g_daemon.domain.instant import Instant

GONE_AFTER_S = 10.0
CRASHED_AFTER_S = 60.0
STUCK_STEP_W = 500.0
FOREIGN_SHOWN_S = 600.0
POWER_CYCLE = "switch the charger off at its breaker for ten seconds, and on again"


class Health:
    """Knows since when something has been wrong; `boot_s`: errors for so long are normal.

    `is_reached`: the failure of last took place over a connection.
    """

    def __init__(self, evse_id: str, *, name: str, boot_s: float) -> None:
        self._evse_id = evse_id
        self._name = name
        self._boot_s = boot_s
        self._failing_since: Instant | None = None
        self.is_reached = False
        self._why = ""
        self._trouble: tuple[str, Instant] | None = None
        self._seen: Seen | None = None
        self._seen_at_w: float | None = None
        self._stuck_since: Instant | None = None
        self._foreign: OrderedDict[str, tuple[str, Instant]] = OrderedDict()
        self._refusing: str | None = None

    def worked(self) -> None:
        """It answered."""
        self._failing_since = None

    def failed(self, error: DeviceError, now: Instant) -> None:
        """It did not, or not with what it should."""
        self._failing_since = self._failing_since or now
        self.is_reached = not isinstance(error, NoConnection)
        self._why = str(error)

    def is_gone(self, now: Instant) -> bool:
        """Whether it has failed for so long that nothing of it is known any more."""
        since = self._failing_since
        return since is not None and now.seconds_since(since) >= GONE_AFTER_S

    def is_crashed(self, now: Instant) -> bool:
        """Whether it takes connections and answers nothing: somebody has to help it."""
        since = self._failing_since
        return self.is_reached and since is not None and now.seconds_since(since) >= CRASHED_AFTER_S

    def looked(self, seen: Seen, target_w: float | None, now: Instant) -> None:
        """Take in a look: what it says is wrong, and whether its values still move.

        Running under another target than before, with all values as they were, it is stuck.
        """
        if seen.trouble is None:
            self._trouble = None
        else:
            since = now if self._trouble is None else self._trouble[1]
            self._trouble = (seen.trouble, since)
        if target_w is None or seen != self._seen or seen.condition is not Condition.RUNNING:
            self._seen, self._seen_at_w, self._stuck_since = seen, target_w, None
            return
        if self._seen_at_w is None or abs(target_w - self._seen_at_w) < STUCK_STEP_W:
            self._stuck_since = None
        else:
            self._stuck_since = self._stuck_since or now

    def foreign(self, found: Iterable[Difference], now: Instant) -> None:
        """Somebody else wrote to it, or it let go of what we wrote."""
        for one in found:
            said = (
                f"{one.name} (register {one.address}) holds {one.found:g} where {one.written:g} "
                "was written: its own app, another program on Modbus, or a restart of it"
            )
            self._foreign[one.name] = (said, now)

    def refuses(self, why: str | None) -> None:
        """It is told nothing any more, and why."""
        self._refusing = why

    def faults(self, now: Instant) -> tuple[Fault, ...]:
        """What people should see now."""
        found = [self._fault(FaultCode.CHARGER_TROUBLE, said) for said in self._troubles(now)]
        for name, (said, at) in list(self._foreign.items()):
            if now.seconds_since(at) >= FOREIGN_SHOWN_S:
                del self._foreign[name]
            else:
                found.append(self._fault(FaultCode.FOREIGN_WRITER, said))
        return tuple(found)

    def _troubles(self, now: Instant) -> Iterable[str]:
        if self._refusing is not None:
            yield self._refusing
        if self.is_crashed(now):
            yield f"its Modbus module seems to have crashed ({self._why}): {POWER_CYCLE}"
        elif self._failing_since is not None and self.is_gone(now):
            yield f"it gives no answer: {self._why}"
        stuck = self._stuck_since
        if stuck is not None and now.seconds_since(stuck) >= CRASHED_AFTER_S:
            yield f"its values stand still while it is told another power: {POWER_CYCLE}"
        if self._trouble is not None and now.seconds_since(self._trouble[1]) >= self._boot_s:
            yield f"{self._name} says: {self._trouble[0]}"

    def _fault(self, code: FaultCode, detail: str) -> Fault:
        return Fault(code=code, detail=detail, evse_id=self._evse_id)
