"""The house that `make bench` measures is configured as the daemon wants it today."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.benchmarks.process_case import config_in, environment
from v2g_daemon.app.demo.simulators import RunningSimulators
from v2g_daemon.settings.load import load_settings


def test_the_measured_house_reads_its_simulators_at_a_real_cadence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = RunningSimulators(
        http_port=8201, meter_port=5021, charger_ports={}, anchor_monotonic_s=0.0
    )
    start_utc = datetime(2024, 12, 11, 16, 0, tzinfo=UTC)
    for name, value in environment(tmp_path, house, 9001, start_utc).items():
        monkeypatch.setenv(name, value)
    settings = load_settings(config_in(tmp_path, house))
    assert [(meter.link, meter.period_s) for meter in settings.meter] == [
        ("tcp://127.0.0.1:5021", 1.0),
        ("tcp://127.0.0.1:5021", 5.0),
    ]
    assert settings.charger[0].sample_interval_s == 5.0
    assert settings.prices.source[0].url == "http://127.0.0.1:8201/price"
    assert (settings.ocpp.port, settings.clock.start) == (9001, start_utc)
