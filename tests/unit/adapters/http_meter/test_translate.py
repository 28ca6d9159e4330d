"""JSON answers to readings by pointers."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from v2g_daemon.adapters.http_meter.translate import Pointers, meter_reading
from v2g_daemon.domain.errors import DeviceProtocolError
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.readings import MeterReading

NOW = Instant(utc=datetime(2024, 12, 11, 16, 30, tzinfo=UTC), monotonic_s=100.0)
ANSWER = {
    "id": "3EM-1",
    "total": {"act_power": 2500.5, "wh/in": 1_000_000, "wh~out": "5000.25"},
    "phases": [{"p": 1500.5, "u": 230.1}, {"p": 1200, "u": 231.2}, {"p": -200, "u": 229.9}],
    "hz": 49.98,
}
POINTERS = Pointers(
    power_w="/total/act_power",
    sign=1,
    phase_power_w=("/phases/0/p", "/phases/1/p", "/phases/2/p"),
    voltage_v=("/phases/0/u", "/phases/1/u", "/phases/2/u"),
    frequency_hz="/hz",
    import_wh="/total/wh~1in",
    export_wh="/total/wh~0out",
    serial="/id",
)


def read(answer: Any, pointers: Pointers = POINTERS) -> MeterReading:
    return meter_reading(json.dumps(answer).encode(), pointers=pointers, observed_at=NOW)


def test_values_are_found_by_their_pointers() -> None:
    assert read(ANSWER) == MeterReading(
        observed_at=NOW,
        power_w=2500.5,
        phase_power_w=(1500.5, 1200.0, -200.0),
        voltage_v=(230.1, 231.2, 229.9),
        frequency_hz=49.98,
        import_milliwh=1_000_000_000,
        export_milliwh=5_000_250,
        serial="3EM-1",
    )


def test_the_sign_turns_power_and_phases_and_no_counter() -> None:
    reading = read(ANSWER, Pointers(power_w="/total/act_power", sign=-1, import_wh="/total/wh~1in"))
    assert (reading.power_w, reading.import_milliwh) == (-2500.5, 1_000_000_000)


def test_what_is_not_there_is_absent() -> None:
    reading = read({"total": {"act_power": 3}, "phases": [{"p": 1}]})
    assert reading == MeterReading(observed_at=NOW, power_w=3.0)


@pytest.mark.parametrize(
    "power", [None, "much", True, [1], {"w": 1}, float("inf"), float("nan")], ids=repr
)
def test_a_power_that_is_no_number_is_no_reading(power: object) -> None:
    with pytest.raises(DeviceProtocolError, match="no number at /total/act_power"):
        read({"total": {"act_power": power}})


def test_what_is_no_json_is_no_reading() -> None:
    with pytest.raises(DeviceProtocolError, match="no JSON"):
        meter_reading(b"<html>", pointers=POINTERS, observed_at=NOW)
