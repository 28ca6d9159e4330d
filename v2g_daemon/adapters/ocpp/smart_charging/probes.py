"""The stations as far as a guided test of discharge concerns them."""

from __future__ import annotations

from collections.abc import Mapping

from v2g_daemon.adapters.ocpp.smart_charging.driver import EvseDriver


class StationProbes:
    """Says where a test can be made, and keeps what it found."""

    def __init__(self, drivers: Mapping[str, tuple[EvseDriver, ...]]) -> None:
        self._drivers = {one.evse_id: one for found in drivers.values() for one in found}
        self._only = {
            station_id: found[0].evse_id for station_id, found in drivers.items() if len(found) == 1
        }

    def evse_of(self, name: str) -> str | None:
        """The EVSE of that name, or the only one of the station of that name."""
        return name if name in self._drivers else self._only.get(name)

    def untestable(self, evse_id: str) -> str | None:
        """Why a discharge cannot be tested there, with the next step; None: it can."""
        return self._drivers[evse_id].evse.forms.untestable()

    def probed(self, evse_id: str, *, passed: bool, detail: str) -> None:
        """Keep the verdict of a guided test, and offer what it proved."""
        self._drivers[evse_id].probed(passed=passed, detail=detail)
