"""Which car is in a transaction, and whether it is still the same plug-in."""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import replace

from v2g_daemon.adapters.ocpp.wire.codec import printable
from v2g_daemon.domain.readings import VehicleIdentity

REMEMBERED_TRANSACTIONS = 8


class Naming:
    """Identities by transaction: told once, often early, late, or in an event queued offline."""

    def __init__(self, station_id: str) -> None:
        self._station_id = station_id
        self._identities: OrderedDict[str, VehicleIdentity] = OrderedDict()
        self._partings: Counter[str] = Counter()  # cars that left within a transaction
        self._early: str | None = None

    @property
    def partings(self) -> dict[str, int]:
        """How often a car left within each transaction, to be remembered over a restart."""
        return dict(self._partings)

    def recall(self, partings: dict[str, int]) -> None:
        """What an earlier run remembered."""
        self._partings = Counter(partings)

    def recalled(self, transaction_id: str, told: VehicleIdentity | None) -> None:
        """The token that began a transaction; after a parting it is of a car that has left."""
        if self._partings[transaction_id] == 0:
            self.told(transaction_id, told)

    def told(self, transaction_id: str, told: VehicleIdentity | None) -> None:
        """The token of an event; an EVCCID that is known already stays known beside it."""
        if told is None:
            return
        known = self._identities.get(transaction_id)
        evccid = told.evccid
        if evccid is None and known is not None:
            evccid = known.evccid
        self._keep(transaction_id, replace(told, evccid=evccid))

    def named(self, transaction_id: str | None, evccid: str) -> None:
        """The EVCCID of whoever is plugged in, perhaps before the transaction begins."""
        if transaction_id is None:
            self._early = evccid
            return
        known = self._identities.get(transaction_id, VehicleIdentity())
        self._keep(transaction_id, replace(known, evccid=evccid))

    def begins(self, transaction_id: str) -> None:
        """Whoever was named before is in it."""
        if self._early is not None:
            self.named(transaction_id, self._early)
        self._early = None

    def unplugged(self) -> None:
        """A name told early was of the car that has left."""
        self._early = None

    def parted(self, transaction_id: str) -> None:
        """Whoever is plugged in next within this transaction is somebody else until named."""
        self._identities.pop(transaction_id, None)
        self._partings[transaction_id] += 1
        if len(self._partings) > REMEMBERED_TRANSACTIONS:
            del self._partings[next(iter(self._partings))]

    def of(self, transaction_id: str) -> VehicleIdentity | None:
        """Who is in a transaction, as far as told."""
        return self._identities.get(transaction_id)

    def session_id(self, transaction_id: str) -> str:
        """One name per plug-in: a later one within the same transaction is counted."""
        name = f"{self._station_id}:{printable(transaction_id)}"
        partings = self._partings[transaction_id]
        return name if partings == 0 else f"{name}:{partings + 1}"

    def _keep(self, transaction_id: str, identity: VehicleIdentity) -> None:
        self._identities[transaction_id] = identity
        if len(self._identities) > REMEMBERED_TRANSACTIONS:
            self._identities.popitem(last=False)
