"""`v2g commission meter` at a whole house: guided, interrupted, gone on with, and on record."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from tests.system.house import SERIAL, House, Setup, running_house, seconds_until
from v2g_daemon.domain.snapshot import CommissioningStep

SETUP = Setup(
    speed=3.0,
    prices_work=True,
    load_w=500.0,
    unrecorded=frozenset({CommissioningStep.SIGN_TEST}),
)
WORDS = ("--by", "A. Fitter", "--evidence", "a letter")


def commissioning(house: House) -> subprocess.Popen[str]:
    """The command of the person at the charger."""
    words = ["commission", "meter", "garage", "--by", "A. Tester", "--config", str(house.config)]
    return subprocess.Popen(
        [sys.executable, "-u", "-m", "v2g_daemon", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=house.folder,
    )


def said_until(process: subprocess.Popen[str], words: str) -> str:
    """What it says up to the line with these words."""
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if words in line:
            return said
    raise AssertionError(f"it ended without {words!r}: {said}")


def stage(house: House) -> str:
    return str(house.evse().get("stage"))


def test_a_sign_test_is_guided_resumed_and_recorded_with_the_meters_serial(tmp_path: Path) -> None:
    with running_house(SETUP, tmp_path) as house:
        seconds_until(
            lambda: house.evse().get("plugged_in") is True, within_s=60.0, what="a car", house=house
        )
        assert stage(house) == "v1g"
        first = commissioning(house)
        said_until(first, "switch on a load")
        house.order("/house", load_w=2500.0)
        said_until(first, "passed: load: a load of 2000 W shows as import on L1 and L2 and L3")
        first.kill()
        first.communicate()
        seconds_until(
            lambda: not house.status()["overrides"], within_s=60.0, what="ended", house=house
        )
        second = commissioning(house)
        said = said_until(second, "garage: ")
        assert "passed before: load" in said
        assert "switch on a load" not in said
        assert "garage: passed: load: a load of 2000 W" in said
        assert "discharge: of 1400 W the grid meter saw" in said
        second.communicate()
        assert second.returncode == 0
        seconds_until(lambda: stage(house) == "v2g", within_s=30.0, what="V2G", house=house)
        seconds_until(
            lambda: any(
                one.step is CommissioningStep.SIGN_TEST for one in house.reader().commissioning()
            ),
            within_s=30.0,
            what="a record",
        )
        (record,) = (
            one for one in house.reader().commissioning() if one.step is CommissioningStep.SIGN_TEST
        )
    assert (record.evse_serial, record.recorded_by) == (SERIAL, "A. Tester")
    assert (record.meter_serial, record.simulated) == ("SIM-METER-1", True)
    assert "charge: of 1400 W into the car the grid meter shows 1400 W" in record.evidence


def test_discharge_opens_with_the_last_record_and_not_before(tmp_path: Path) -> None:
    by_word = frozenset(CommissioningStep) - {CommissioningStep.SIGN_TEST}
    with running_house(replace(SETUP, unrecorded=by_word), tmp_path) as house:
        seconds_until(
            lambda: house.evse().get("plugged_in") is True, within_s=60.0, what="a car", house=house
        )
        config = ("--config", str(house.config))
        refused = house.v2g("commission", "record", "yard", "test_permit", *WORDS, *config)
        assert refused.returncode != 0
        assert "there is no EVSE 'yard'; name one of: garage" in refused.stderr
        for step in ("permission_to_operate", "owner_consent", "export_compensation"):
            assert stage(house) != "v2g"
            made = house.v2g("commission", "record", "garage", step, *WORDS, *config)
            assert made.returncode == 0, made.stderr
        seconds_until(lambda: stage(house) == "v2g", within_s=30.0, what="stage", house=house)
        listed = house.v2g("commission", "list", *config).stdout.splitlines()
        assert f"export_compensation for {SERIAL}, simulated, by A. Fitter: a letter" in listed[-1]
        assert len(listed) == 4
