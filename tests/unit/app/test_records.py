"""Records on a person's word: for the serial that is there, once durable, and no sign test."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.builders import NOW, an_evse_status
from tests.unit.step.news import played, some_news
from v2g_daemon.app.records import RecordDesk
from v2g_daemon.domain.errors import LedgerError
from v2g_daemon.domain.snapshot import CommissioningRecord, CommissioningStep, RecordingHealth
from v2g_daemon.runtime.latest_values import LatestValues

HEALTH = RecordingHealth(last_durable_at=None, queue_full=False, records_lost=0)
LETTER = "letter of the grid operator of 3 March"


class Ledger:
    """Takes rows, or does not."""

    def __init__(self, *, works: bool = True) -> None:
        self.rows: list[CommissioningRecord] = []
        self._works = works

    async def store(self, record: CommissioningRecord) -> None:
        if not self._works:
            raise LedgerError("the disk is full")
        self.rows.append(record)


def desk(ledger: Ledger, *, serial: str | None) -> tuple[RecordDesk, LatestValues]:
    """A desk that has seen one tick of a house with this charger and nothing on record."""
    latest = LatestValues(evse_ids=["carport"])
    found = RecordDesk(sink=latest, store=ledger.store)
    news = some_news(evses=(replace(an_evse_status(), serial=serial),), commissioning=())
    _, (outcome,) = played([news])
    found.see(outcome)
    return found, latest


def known_next(latest: LatestValues) -> tuple[CommissioningRecord, ...]:
    return latest.freeze(now=NOW, clock_trusted=True, recording=HEALTH).commissioning


@pytest.mark.parametrize(("serial", "simulated"), [("WB-4711", False), ("SIM-1", True)])
async def test_a_permission_is_for_the_charger_that_is_there(serial: str, simulated: bool) -> None:
    ledger = Ledger()
    found, latest = desk(ledger, serial=serial)
    told = await found.record(
        evse_id="carport", step="permission_to_operate", by="A. Fitter", evidence=LETTER
    )
    made = CommissioningRecord(
        step=CommissioningStep.PERMISSION_TO_OPERATE,
        evse_serial=serial,
        recorded_at_utc=NOW.utc,
        recorded_by="A. Fitter",
        evidence=LETTER,
        simulated=simulated,
    )
    assert ledger.rows == [made]
    assert known_next(latest) == (made,)
    assert (told["evse_serial"], told["evidence"]) == (serial, LETTER)


@pytest.mark.parametrize(
    ("evse_id", "step", "serial", "why"),
    [
        ("carport", "sign_test", "WB-4711", "v2g commission meter makes it"),
        ("yard", "test_permit", "WB-4711", "there is no EVSE 'yard'; name one of: carport"),
        ("carport", "test_permit", None, "its serial number is not known"),
    ],
)
async def test_what_cannot_be_recorded_is_refused_with_the_reason(
    evse_id: str, step: str, serial: str | None, why: str
) -> None:
    ledger = Ledger()
    found, latest = desk(ledger, serial=serial)
    with pytest.raises(ValueError, match=why):
        await found.record(evse_id=evse_id, step=step, by="A. Fitter", evidence=LETTER)
    assert ledger.rows == []
    assert known_next(latest) == ()


async def test_what_the_ledger_did_not_take_permits_nothing() -> None:
    found, latest = desk(Ledger(works=False), serial="WB-4711")
    with pytest.raises(ValueError, match="did not take it: the disk is full"):
        await found.record(evse_id="carport", step="test_permit", by="A. Fitter", evidence=LETTER)
    assert known_next(latest) == ()


def test_all_records_are_listed_oldest_first() -> None:
    latest = LatestValues(evse_ids=["carport"])
    found = RecordDesk(sink=latest, store=Ledger().store)
    _, (outcome,) = played([some_news()])
    found.see(outcome)
    stamps = [one["recorded_at"] for one in found.records()]
    assert len(stamps) == len(outcome.snapshot.commissioning)
    assert stamps == sorted(stamps)


def test_before_the_first_tick_nothing_is_known() -> None:
    latest = LatestValues(evse_ids=["carport"])
    with pytest.raises(ValueError, match="has not decided anything yet"):
        RecordDesk(sink=latest, store=Ledger().store).records()
