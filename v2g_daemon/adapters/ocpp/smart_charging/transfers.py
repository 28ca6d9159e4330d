"""Which energy transfers a car may use: granted late, withdrawn when barred for long (Q02)."""

from __future__ import annotations

from dataclasses import dataclass

from v2g_daemon.adapters.ocpp.config import OcppVersion
from v2g_daemon.adapters.ocpp.evse import EvseState
from v2g_daemon.adapters.ocpp.wire.outcomes import is_accepted
from v2g_daemon.adapters.ocpp.wire.session import StationConversation
from v2g_daemon.adapters.ocpp.wire.translate import ONE_WAY_TRANSFERS, allowed_transfers
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.setpoint import Setpoint

WITHDRAWN_AFTER_S = 600.0
TOLD_EVERY_S = 600.0  # each time the car negotiates its service anew
MOST_TOLD = 4


@dataclass(slots=True, kw_only=True)
class _Talk:
    """What was said about one transaction."""

    transaction_id: str
    was_allowed: bool = False
    withdrawn: bool = False
    told_count: int = 0
    told_at: Instant | None = None


class Transfers:
    """Says so to the station when discharge becomes possible, or is barred for long."""

    def __init__(self, evse: EvseState) -> None:
        self._evse = evse
        self._barred_since: Instant | None = None
        self._allowed = False
        self._talk: _Talk | None = None

    def note(self, command: Setpoint) -> None:
        """The newest command says whether anybody may discharge this car at all."""
        self._allowed = not command.discharge_barred
        if self._allowed:
            self._barred_since = None
        elif self._barred_since is None:
            self._barred_since = command.issued_at

    def forget(self) -> None:
        """A new connection: what was said is with the station, and nobody has decided yet."""
        self._barred_since = None
        self._allowed = False

    async def tell(self, session: StationConversation, now: Instant) -> None:
        """NotifyAllowedEnergyTransfer, where the car's service is not what may be."""
        talk = self._talk_of_now()
        needs = self._evse.needs
        if talk is None or needs is None or session.version is not OcppVersion.V2_1:
            return
        talk.was_allowed = talk.was_allowed or self._allowed
        if talk.told_count >= MOST_TOLD or (
            talk.told_at is not None and now.seconds_since(talk.told_at) < TOLD_EVERY_S
        ):
            return
        may_come = talk.withdrawn or (needs.two_way_available and talk.told_count == 0)
        if self._allowed and not needs.bidirectional and may_come:
            await self._say(session, talk, now, withdrawn=False)
        elif self._is_barred(now) and needs.bidirectional and talk.was_allowed:
            await self._say(session, talk, now, withdrawn=True)

    async def _say(
        self, session: StationConversation, talk: _Talk, now: Instant, *, withdrawn: bool
    ) -> None:
        both = allowed_transfers((self._evse.config,))
        talk.told_count += 1
        talk.told_at = now
        outcome = await session.call(
            "NotifyAllowedEnergyTransfer",
            {
                "transactionId": talk.transaction_id,
                "allowedEnergyTransfer": list(ONE_WAY_TRANSFERS) if withdrawn else both,
            },
        )
        if is_accepted(outcome):
            talk.withdrawn = withdrawn

    def _is_barred(self, now: Instant) -> bool:
        since = self._barred_since
        return since is not None and now.seconds_since(since) >= WITHDRAWN_AFTER_S

    def _talk_of_now(self) -> _Talk | None:
        """The running transaction's talk; none where the station offers no setpoints."""
        transaction, evse = self._evse.transaction, self._evse
        if transaction is None or not evse.abilities.central_setpoint or evse.config.charge_only:
            return None
        if self._talk is None or self._talk.transaction_id != transaction.transaction_id:
            self._talk = _Talk(transaction_id=transaction.transaction_id)
        return self._talk
