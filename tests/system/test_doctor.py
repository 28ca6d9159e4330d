"""`v2g doctor` on a simulated house: whole, with a device away, and beside a running daemon."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.system.house import House, Setup, running_house, seconds_until

QUASAR = """
[[charger]]
id = "SIM-QUASAR"
make = "wallbox-quasar-1"
"""
OVER_MODBUS = """
[[charger]]
id = "drive"
protocol = "modbus"
max_charge_w = 7400
[charger.modbus]
link = "tcp://127.0.0.1:{port}"
profile = "wallbox-quasar-1"
"""


def lines(house: House) -> tuple[int, dict[str, str]]:
    """Its exit status, and by thing the whole line."""
    done: subprocess.CompletedProcess[str] = house.v2g("doctor", "--config", str(house.config))
    told = {line[5:].split(":", 1)[0]: line for line in done.stdout.splitlines()}
    assert done.stderr == ""
    return done.returncode, told


def test_every_connection_has_its_line_and_a_failure_its_fix(tmp_path: Path) -> None:
    setup = Setup(more_scenario=QUASAR)
    with running_house(setup, tmp_path, daemon=False) as house:
        port = house.ready["charger_ports"]["SIM-QUASAR"]
        text = house.config.read_text(encoding="utf-8")
        own = OVER_MODBUS.format(port=port)
        house.config.write_text(text.replace("[[vehicle]]", f"{own}[[vehicle]]", 1))
        status, told = lines(house)
        whole = {name: line.split()[0] for name, line in told.items() if name != "clock"}
        assert whole == {
            "configuration": "ok",
            "daemon": "?",
            "disk (trace)": whole["disk (trace)"],
            "disk (database)": whole["disk (database)"],
            "database": "ok",
            "prices energy-charts": "ok",
            "meter grid": "ok",
            "meter grid, sign": "ok",
            "meter pv": "ok",
            "charger garage": "?",
            "charger drive": "ok",
        }
        assert "serial number SIM-METER-1" in told["meter grid"]
        assert "Wallbox Quasar 1, serial number 1, state 0, no car" in told["charger drive"]

        house.order("/faults", device="meter", kind="refuses")
        house.order("/faults", device="SIM-QUASAR", kind="module_crash")
        house.order("/faults", device="prices", kind="outage")
        status, told = lines(house)
        assert status == 1
        for thing, fix in (
            ("meter grid", "v2g scan shows what answers"),
            ("charger drive", "v2g scan shows what answers"),
            ("prices energy-charts", "look at prices.source"),
        ):
            assert told[thing].startswith("FAIL")
            assert told[thing].endswith(fix) or fix in told[thing].split(" -> ")[1]


def test_beside_a_running_daemon_its_word_is_taken(tmp_path: Path) -> None:
    with running_house(Setup(), tmp_path) as house:
        seconds_until(
            lambda: house.evse().get("plugged_in") is True, within_s=60.0, what="a car", house=house
        )
        _, told = lines(house)
        assert told["daemon"].startswith("ok")
        assert "as the daemon reads it" in told["meter grid"]
        assert told["charger garage"].startswith("ok   charger garage: is connected, with a car")
