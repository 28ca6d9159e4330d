"""How one EVSE takes what it is told: its abilities, the rung of each layer, what it proved."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from enum import Enum

from v2g_daemon.adapters.ocpp.config import USUAL_LEASE_LEVEL, EvseConfig
from v2g_daemon.adapters.ocpp.dialects.lessons import Lessons, Make
from v2g_daemon.adapters.ocpp.provisioning.abilities import NOTHING_KNOWN, EvseAbilities, first_rung
from v2g_daemon.adapters.ocpp.smart_charging.ladder import Kind, Purpose, Rung
from v2g_daemon.adapters.ocpp.wire.translate import DischargeOffer


class DischargeWay(Enum):
    """By which words a discharge is commanded."""

    SETPOINT = "setpoint"  # 2.1
    NEGATIVE_LIMIT = "negative_limit"
    VENDOR = "vendor"


class EvseForms:
    """Outlives connections; what a station may have lost with a restart is forgotten by name.

    `booted`: the station started anew since its default was last seen. `supported`: it knows
    charging profiles at all.
    """

    def __init__(self, *, config: EvseConfig, lessons: Lessons) -> None:
        self.lessons = lessons
        self.make = Make()
        self.abilities: EvseAbilities = NOTHING_KNOWN
        self.rung = first_rung(NOTHING_KNOWN, config.dialect)
        self.net_rung = _net_rung(self.rung, Kind.ABSOLUTE)
        self.default_installed = False
        self.booted = False
        self.supported = True
        self.config = config
        self._proved = False
        self._way_refused = False

    def learned(self, abilities: EvseAbilities, make: Make) -> None:
        """What the station says it can do and is: start where this software was left last."""
        self.abilities, self.make = abilities, make
        self.supported = True
        best = first_rung(abilities, self.config.dialect)
        self.rung = _within(self.lessons.rung(make, "lease"), best, abilities)
        kept = self.lessons.rung(make, "net")
        kind = Kind(self.config.dialect.default_kind)
        self.net_rung = _net_rung(self.rung, kind) if kept is None else kept
        self._read_proof()

    def link_opened(self) -> None:
        """A new connection: whether the default is there must be seen."""
        self.default_installed = False

    def restarted(self) -> None:
        """The station has started anew."""
        self.default_installed = False
        self.booted = True
        self._way_refused = False

    def net_laid(self, rung: Rung, now_utc: datetime) -> None:
        """The default lies there; how it was taken is worth remembering."""
        if rung != self.net_rung:
            self.net_rung = rung
            self.lessons.keep_rung(self.make, "net", rung, now_utc)
        if rung.purpose is Purpose.STATION_MAX:
            self.rung = _above_a_maximum(self.rung, self.abilities.highest_stack_level)
        self.default_installed = self.supported = True
        self.booted = False

    def stepped(self, rung: Rung, now_utc: datetime) -> None:
        """A lease was taken in that form.

        That setpoints or a mode of its own were refused is not remembered: another day, or with
        other settings, they may be taken.
        """
        if rung == self.rung:
            return
        self.rung = rung
        kind = Kind.ABSOLUTE if rung.setpoint_kind is None else rung.setpoint_kind
        kept = replace(rung, setpoint_kind=kind, local=True)
        self.lessons.keep_rung(self.make, "lease", kept, now_utc)

    def probed(self, *, passed: bool, detail: str, now_utc: datetime) -> None:
        """The verdict of a guided test of the way that is tried here."""
        way = self.untried_way
        if way is not None:
            self.lessons.keep_probe(
                self.make, way.value, passed=passed, detail=detail, now_utc=now_utc
            )
        self._read_proof()

    def untestable(self) -> str | None:
        """Why no guided test can be made here, with the next step; None: it can."""
        if self.abilities.central_setpoint:
            return "this station takes setpoints (OCPP 2.1): its discharge needs no such test"
        if self.untried_way is None:
            return (
                "the configuration names no way to try here; say negative_limit = true, or"
                " vendor_power, under [charger.profiles]"
            )
        if not self.make.is_known or self.make.serial is None:
            return "the station does not say its vendor, model, firmware and serial number"
        if not self.default_installed:
            return "the station has not taken its default profile, so nothing would end the test"
        if self.rung.purpose is not Purpose.TX:
            return "this station takes no profiles for a transaction, so nothing would end the test"
        return None

    def way_refused(self) -> None:
        """The proved way was refused; until the station starts anew there is none."""
        self._way_refused = True

    def wears(self, rung: Rung) -> bool:
        """K01.FR.27 and FR.55: whether the station keeps each lease of that form in flash."""
        return rung.purpose is not Purpose.TX or self.abilities.kept_in_flash

    @property
    def untried_way(self) -> DischargeWay | None:
        """The way that the installer names for a device before 2.1; a guided test must prove it."""
        dialect = self.config.dialect
        if self.config.charge_only or self.abilities.central_setpoint:
            return None
        if dialect.vendor_power is not None:
            return DischargeWay.VENDOR
        if dialect.negative_limit and not self.abilities.operation_modes:
            return DischargeWay.NEGATIVE_LIMIT
        return None

    @property
    def way(self) -> DischargeWay | None:
        """How a discharge may be commanded now; only ever above the safety net."""
        if not self.default_installed or self.rung.purpose is not Purpose.TX:
            return None
        if self.abilities.central_setpoint and self.rung.may_discharge:
            return DischargeWay.SETPOINT
        return self.untried_way if self._proved and not self._way_refused else None

    def offer(self) -> DischargeOffer:
        """What of that the house has to know."""
        way = self.way
        testable = self.default_installed and self.rung.purpose is Purpose.TX
        return DischargeOffer(
            central_setpoint=way is DischargeWay.SETPOINT,
            proved=way in (DischargeWay.NEGATIVE_LIMIT, DischargeWay.VENDOR),
            untried=testable and way is None and self.untried_way is not None,
            profiles=self.supported,
        )

    def _read_proof(self) -> None:
        way = self.untried_way
        self._proved = way is not None and self.lessons.discharge_proved(self.make, way.value)


def _net_rung(rung: Rung, kind: Kind) -> Rung:
    """The default's own first form: at the bottom, for whatever transaction comes."""
    return replace(
        rung,
        purpose=Purpose.TX_DEFAULT,
        stack_level=0,
        setpoint_kind=None,
        limit_kind=kind,
        offline_limit=False,
    )


def _above_a_maximum(rung: Rung, highest_stack_level: int) -> Rung:
    """A maximum caps every other purpose: where the net is one, only a higher one tells more."""
    if highest_stack_level < 1:
        return rung
    return replace(
        rung,
        purpose=Purpose.STATION_MAX,
        limit_kind=Kind.ABSOLUTE,
        stack_level=min(USUAL_LEASE_LEVEL, highest_stack_level),
    )


def _within(kept: Rung | None, best: Rung, abilities: EvseAbilities) -> Rung:
    """A remembered rung, as far as the station still offers what it needs."""
    if kept is None:
        return best
    kind = kept.setpoint_kind
    if best.setpoint_kind is None or kind is Kind.DYNAMIC:
        kind = best.setpoint_kind
    return replace(
        kept,
        setpoint_kind=kind,
        stack_level=min(kept.stack_level, abilities.highest_stack_level),
        offline_limit=kept.offline_limit and best.offline_limit,
        modes_said=kept.modes_said and best.modes_said,
    )
