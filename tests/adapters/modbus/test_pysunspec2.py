"""Another implementation of SunSpec as oracle: its model files, and its client on a meter."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.adapters.modbus.meters import UNIT_ID, sunspec_meter
from v2g_daemon.adapters.modbus.sunspec import METER_MODELS
from v2g_daemon.adapters.modbus.translate import (
    ENERGY_SCALE,
    FREQUENCY_SCALE,
    PHASES,
    POWER_SCALE,
    VOLTAGE_SCALE,
    offsets_of,
)

SCALES = {
    "V_SF": VOLTAGE_SCALE,
    "Hz_SF": FREQUENCY_SCALE,
    "W_SF": POWER_SCALE,
    "TotWh_SF": ENERGY_SCALE,
}


def published_offsets(package: Path, model_id: int) -> dict[str, int]:
    """Point name -> offset from the model's id, as the published model file says."""
    path = package.parent / "models" / "json" / f"model_{model_id}.json"
    offsets: dict[str, int] = {}
    offset = 0
    for point in json.loads(path.read_text())["group"]["points"]:
        offsets[point["name"]] = offset
        offset += point["size"]
    return offsets


@pytest.mark.parametrize("model_id", METER_MODELS)
def test_our_offsets_are_those_of_the_published_models(
    model_id: int, peer: Callable[[str], Path]
) -> None:
    published = published_offsets(peer("pysunspec2"), model_id)
    ours = offsets_of(model_id)
    phases = "ABC"[: PHASES[model_id]]
    assert published["W"] == ours.power
    assert published["Hz"] == ours.frequency
    assert published["TotWhExp"] == ours.exported
    assert published["TotWhImp"] == ours.imported
    for phase, voltage, power in zip(phases, ours.voltage, ours.phase_power, strict=False):
        assert published[f"PhVph{phase}"] == voltage
        assert published[f"Wph{phase}"] == power
    if model_id < 211:
        assert {name: published[name] for name in SCALES} == SCALES
    last = published["TotWh_SF"] + 1 if model_id < 211 else published["TotWhImp"] + 2
    assert ours.registers == last


async def test_its_client_reads_what_we_read(peer: Callable[[str], Path]) -> None:
    peer("pysunspec2")
    import sunspec2.modbus.client as oracle

    def scan(port: int) -> tuple[float, ...]:
        device = oracle.SunSpecModbusClientDeviceTCP(
            slave_id=UNIT_ID, ipaddr="127.0.0.1", ipport=port, timeout=2.0
        )
        try:
            device.scan()
            (model,) = device.models[203]
            return tuple(
                getattr(model, name).cvalue
                for name in ("W", "WphA", "WphB", "WphC", "PhVphA", "Hz", "TotWhImp", "TotWhExp")
            )
        finally:
            device.close()

    async with sunspec_meter() as meter:
        seen = await asyncio.to_thread(scan, meter.port)
    assert seen == pytest.approx(
        (2500.0, 1500.0, 1200.0, -200.0, 230.1, 49.98, 1_000_000.0, 5_000.0)
    )
